/** What strangers may do to the peer port. After each attack the port has to serve the next honest peer. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import {
  clientFrame,
  connectClient,
  connectRaw,
  connectUpgraded,
  type RawSocket,
  startNet,
  type TestNet,
  upgradeRequest,
} from './testing/net.fixture.ts';

/** Proves that an honest peer still gets a link and can use it. */
async function expectAlive(hub: TestNet): Promise<void> {
  const opened = hub.log.all('link-opened').length;
  const client = await connectClient(hub.url);
  await hub.log.next('link-opened', opened + 1);
  const texts = hub.log.all('text-received').length;
  client.send('hello');
  await hub.log.next('text-received', texts + 1);
  client.terminate();
}

/** Writes until everything is taken or the other side closed. */
async function flood(raw: RawSocket, chunk: Buffer, times: number): Promise<number> {
  let written = 0;
  for (; written < times && !raw.socket.destroyed; written++) {
    if (raw.socket.write(chunk)) continue;
    await Promise.race([new Promise((resolve) => raw.socket.once('drain', resolve)), raw.closed]);
  }
  return written;
}

describe('raw TCP garbage', () => {
  it.each([
    ['zeros', Buffer.alloc(4096)],
    ['random bytes', randomBytes(4096)],
    ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex')],
    ['an SSH banner', Buffer.from('SSH-2.0-OpenSSH_9.9\r\n')],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['a CONNECT request', Buffer.from('CONNECT internal.example:22 HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['two lengths', Buffer.from('POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc')],
    ['a WebSocket frame without an upgrade', clientFrame(1, Buffer.from('hi'))],
    ['an upgrade without a key', Buffer.from(upgradeRequest().replace(/Sec-WebSocket-Key.*\r\n/, ''))],
    ['an old upgrade', Buffer.from(upgradeRequest().replace('Version: 13', 'Version: 7'))],
  ])('%s ends its own connection only', async (_name, bytes) => {
    const hub = await startNet({ handshakeMs: 60_000 }); // whoever is cut here is not cut by the deadline
    const raw = await connectRaw(hub.port);
    raw.socket.write(bytes);
    await raw.closed;
    expect(hub.log.events).toEqual([]);
    expect(raw.text()).not.toMatch(/server:|node|ws\/|express/i);
    await expectAlive(hub);
  });

  it('with 100,000 headers or one endless header is cut at a few kilobytes', async () => {
    const hub = await startNet({ handshakeMs: 60_000 }); // whoever is cut here is not cut by the deadline
    for (const chunk of [Buffer.from('X-A: b\r\n'.repeat(100)), Buffer.from('x'.repeat(800))]) {
      const raw = await connectRaw(hub.port);
      raw.socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-First: ');
      await flood(raw, chunk, 1000);
      await raw.closed;
      expect(hub.net.stats().accepted).toBe(0);
    }
    expect(hub.log.events).toEqual([]);
    await expectAlive(hub);
  });
});

describe('broken WebSocket frames', () => {
  it.each([
    ['a frame of 60 MB', clientFrame(2, Buffer.alloc(1000), 60 * 1024 * 1024)],
    ['a frame of 2^62 bytes', clientFrame(2, Buffer.alloc(0), 2 ** 52)],
    [
      'a frame one byte longer than the longest record',
      clientFrame(2, Buffer.alloc(LIMITS.recordBytesMax + 1)),
    ],
    ['text over the handshake limit', clientFrame(1, Buffer.alloc(8 * 1024 + 1, 'x'))],
    ['text that is not UTF-8', clientFrame(1, Buffer.from([0xff, 0xfe]))],
    ['a frame without mask', Buffer.from([0x82, 0x01, 0x00])],
    ['a reserved opcode', clientFrame(3, Buffer.alloc(1))],
    ['a compressed frame', Buffer.from([0xc2, 0x80, 0, 0, 0, 0])],
    ['a continuation of nothing', clientFrame(0, Buffer.alloc(1))],
    ['a long ping', clientFrame(9, Buffer.alloc(126))],
    ['a close frame of one byte', clientFrame(8, Buffer.alloc(1))],
    ['a close code that must not be sent', clientFrame(8, Buffer.from([0x03, 0xee]))],
  ])('such as %s close that link as invalid', async (_name, bytes) => {
    const hub = await startNet();
    const raw = await connectUpgraded(hub.port);
    raw.socket.write(bytes);
    const { reason } = await hub.log.next('link-closed');
    expect(reason).toMatch(/^invalid_message: /);
    expect(hub.log.events.map((event) => event.kind)).toEqual(['link-opened', 'link-closed']);
    await raw.closed;
    await expectAlive(hub);
  });

  it('that really are 60 MB long are cut long before their end', async () => {
    const hub = await startNet();
    const raw = await connectUpgraded(hub.port);
    raw.socket.write(clientFrame(2, Buffer.alloc(0), 60 * 1024 * 1024));
    expect(await flood(raw, Buffer.alloc(64 * 1024), 960)).toBeLessThan(960);
    await hub.log.next('link-closed');
    await expectAlive(hub);
  });

  it('in thousands of parts are cut', async () => {
    const hub = await startNet();
    const raw = await connectUpgraded(hub.port);
    const first = clientFrame(2, Buffer.alloc(1));
    first[0] = 2;
    const part = clientFrame(0, Buffer.alloc(0));
    part[0] = 0;
    raw.socket.write(Buffer.concat([first, ...new Array<Buffer>(5000).fill(part)]));
    expect((await hub.log.next('link-closed')).reason).toMatch(/^invalid_message: /);
    await expectAlive(hub);
  });

  it('may be pings without end from somebody who reads no answers: memory stays flat', async () => {
    const hub = await startNet({ linkQueueBytesClose: 64 * 1024 });
    const raw = await connectUpgraded(hub.port);
    raw.socket.pause();
    hub.net.markUp(1);
    const pings = Buffer.concat(new Array<Buffer>(500).fill(clientFrame(9, Buffer.alloc(125))));
    await flood(raw, pings, 400);
    expect(hub.net.stats().queuedBytes).toBeLessThan(64 * 1024);
    raw.socket.destroy();
    await hub.log.next('link-closed');
    await expectAlive(hub);
  });

  it('do not keep a half-closed connection alive whose other side reads nothing', async () => {
    const hub = await startNet();
    const raw = await connectUpgraded(hub.port);
    hub.net.markUp(1);
    raw.socket.pause();
    while (hub.net.stats().queuedBytes === 0) {
      hub.net.send([1], new Uint8Array(64 * 1024), { droppable: false, notify: 0 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    raw.socket.end();
    expect((await hub.log.next('link-closed')).reason).toBe('lost');
    expect(hub.net.stats()).toMatchObject({ inbound: 0, accepted: 0 });
  });
});

describe('slow and many sockets', () => {
  it('that say nothing, half a request, or a request and then nothing are cut after the handshake time', async () => {
    const hub = await startNet({ handshakeMs: 250 });
    const silent = await connectRaw(hub.port);
    const half = await connectRaw(hub.port);
    half.socket.write('GET / HTTP/1.1\r\nHost: ');
    const body = await connectRaw(hub.port);
    body.socket.write('POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n');
    await Promise.all([silent.closed, half.closed, body.closed]);
    expect(hub.log.events).toEqual([]);
    await vi.waitFor(() => expect(hub.net.stats().accepted).toBe(0));
    await expectAlive(hub);
  });

  it('that drip one byte now and then are cut all the same', async () => {
    const hub = await startNet({ handshakeMs: 250 });
    const raw = await connectRaw(hub.port);
    raw.socket.write('GET / HTTP/1.1\r\nX: ');
    const drip = setInterval(() => raw.socket.write('a'), 20);
    await raw.closed;
    clearInterval(drip);
    await expectAlive(hub);
  });

  it('that upgraded and then fall silent are closed, unless they were marked as up', async () => {
    const hub = await startNet({ handshakeMs: 150 });
    await connectUpgraded(hub.port);
    hub.net.markUp(1);
    const silent = await connectUpgraded(hub.port);
    const closed = await hub.log.next('link-closed');
    expect(closed).toMatchObject({ link: 2, reason: 'handshake_timeout: not finished' });
    await silent.closed;
    expect(hub.net.stats()).toMatchObject({ inbound: 1, up: 1 });
  });

  it('are refused beyond the places for handshakes, and each link that is up frees one', async () => {
    const hub = await startNet({ handshakesMax: 3, linksMax: 11, outboundReserved: 6 });
    for (let up = 1; up <= 5; up++) {
      await connectUpgraded(hub.port);
      hub.net.markUp(up);
    }
    const idle = await connectRaw(hub.port);
    await idle.closed; // 5 of 11 - 6 places are up: none is left
    expect(hub.net.stats()).toMatchObject({ up: 5, accepted: 5, refused: 1 });
    const other = await startNet({ handshakesMax: 3 });
    for (let i = 0; i < 3; i++) await connectUpgraded(other.port);
    await (await connectRaw(other.port)).closed;
    other.net.markUp(1);
    await connectUpgraded(other.port);
    expect(other.net.stats()).toMatchObject({ inbound: 4, up: 1, refused: 1 });
  });

  it('from one address are refused beyond its share while others get in', async () => {
    const hub = await startNet({ handshakesPerAddressMax: 2 }, { countedScopes: ['public', 'loopback'] });
    for (let i = 0; i < 2; i++) await connectRaw(hub.port, '127.0.0.1', '127.0.0.9');
    await (await connectRaw(hub.port, '127.0.0.1', '127.0.0.9')).closed;
    await expectAlive(hub);
    expect(hub.net.stats().refused).toBe(1);
  });

  it('from one address behind a trusted proxy are refused beyond its share, and others behind it get in', async () => {
    const hub = await startNet(
      { handshakesPerAddressMax: 2 },
      { trustProxy: 1, countedScopes: ['public', 'loopback'] },
    );
    const knock = async (header: string): Promise<RawSocket> => {
      const raw = await connectRaw(hub.port);
      const answered = new Promise((resolve) => raw.socket.once('data', resolve));
      raw.socket.write(upgradeRequest('/', header === '' ? [] : [`X-Forwarded-For: ${header}`]));
      await answered;
      return raw;
    };
    const said = async (header: string) => (await knock(header)).text().slice(9, 12);
    // What the client wrote itself, further left, changes nothing.
    expect([await said('8.8.8.8'), await said('1.1.1.1, 8.8.8.8')]).toEqual(['101', '101']);
    const refused = await knock('8.8.8.8');
    await refused.closed;
    expect(refused.text()).toMatch(/^HTTP\/1.1 503 .*"too_many_links"/s);
    expect([await said('8.8.4.4'), await said('8.8.4.4'), await said('8.8.4.4')]).toEqual([
      '101',
      '101',
      '503',
    ]);
    // Whoever goes around the proxy counts under its own address.
    expect([await said(''), await said('x'), await said('')]).toEqual(['101', '101', '503']);
    hub.net.markUp(1);
    expect(await said('8.8.8.8')).toBe('101');
    expect(hub.net.stats().refused).toBe(3);
  });

  it('in a flood of 10,000 are refused at the limit, and memory stays flat', async () => {
    const hub = await startNet({ handshakesMax: 10, handshakeMs: 60_000 });
    const holders = await Promise.all(Array.from({ length: 10 }, () => connectRaw(hub.port)));
    await vi.waitFor(() => expect(hub.net.stats().accepted).toBe(10));
    const refused = (): Promise<unknown> => {
      const socket = connect({ port: hub.port, host: '127.0.0.1' }).on('error', () => socket.destroy());
      socket.resume(); // otherwise the end is not seen
      return new Promise((resolve) => socket.once('close', resolve));
    };
    const batch = async (): Promise<void> => {
      await Promise.all(Array.from({ length: 100 }, refused));
      expect(hub.net.stats().accepted).toBe(10);
    };
    for (let i = 0; i < 10; i++) await batch();
    const before = process.memoryUsage().rss;
    for (let i = 10; i < 100; i++) await batch();
    expect(hub.net.stats().refused).toBe(10_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    for (const { socket } of holders) socket.destroy();
    await vi.waitFor(() => expect(hub.net.stats().accepted).toBe(0));
    await expectAlive(hub);
  });
});
