/** Links through a reverse proxy that ends TLS, as on any hosting platform. */
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startNet } from './testing/net.fixture.ts';
import { startTlsProxy, type TlsProxy, type TlsProxyOptions } from './testing/tls-proxy.ts';

async function startProxy(options: TlsProxyOptions): Promise<TlsProxy> {
  const proxy = await startTlsProxy(options);
  onTestFinished(() => proxy.stop());
  return proxy;
}

/** From here on TLS connections of this test trust this certificate as well, as if the system did. */
function trust(cert: string): void {
  const before = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...before, cert]);
  onTestFinished(() => tls.setDefaultCACertificates(before));
}

describe('a wss dial', () => {
  it('links through a proxy whose certificate is trusted, and the other side sees who it was', async () => {
    const hub = await startNet({}, { trustProxy: 1 });
    const proxy = await startProxy({ target: hub.port, seenIp: '8.8.8.8' });
    trust(proxy.certificate.cert);
    const dialler = await startNet();
    const url = `wss://localhost:${proxy.port}/`;
    dialler.net.dial(url, 'loopback');
    expect(await dialler.log.next('link-opened')).toMatchObject({ url, role: 'dialler', scope: 'loopback' });
    expect(await hub.log.next('link-opened')).toMatchObject({ url: '', role: 'responder', scope: 'public' });
    dialler.net.sendText(1, 'hello');
    expect((await hub.log.next('text-received')).text).toBe('hello');
    hub.net.send([1], new Uint8Array(70_000).fill(7), { droppable: false, notify: 0 });
    expect((await dialler.log.next('frame-received')).bytes).toEqual(new Uint8Array(70_000).fill(7));
    hub.net.close(1, 'stopping', '');
    expect((await dialler.log.next('link-closed')).reason).toBe('remote stopping');
  });

  it('to a certificate that nobody vouches for, or that is for another host, fails and says why', async () => {
    const hub = await startNet();
    const proxy = await startProxy({ target: hub.port });
    const { net: dialler, log } = await startNet(
      {},
      { resolve: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
    );
    dialler.dial(`wss://localhost:${proxy.port}/`, 'loopback');
    expect((await log.next('dial-failed')).reason).toMatch(/^DEPTH_ZERO_SELF_SIGNED_CERT /);
    trust(proxy.certificate.cert);
    dialler.dial(`wss://elsewhere.example:${proxy.port}/`, 'loopback');
    expect((await log.next('dial-failed', 2)).reason).toMatch(/^ERR_TLS_CERT_ALTNAME_INVALID /);
    expect(hub.log.events).toEqual([]);
  });

  it('to a port that does not speak TLS, or says nothing, fails in its time', async () => {
    const hub = await startNet();
    const silent = net.createServer((socket) => socket.on('error', () => socket.destroy()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { net: dialler, log } = await startNet({ handshakeMs: 300 });
    dialler.dial(`wss://127.0.0.1:${hub.port}/`, 'loopback');
    expect((await log.next('dial-failed')).reason).toMatch(/^(?:ERR_SSL|EPROTO|ECONNRESET)/);
    dialler.dial(`wss://127.0.0.1:${(silent.address() as net.AddressInfo).port}/`, 'loopback');
    expect((await log.next('dial-failed', 2)).reason).toMatch(/^handshake_timeout/);
  });
});
