import http, { type RequestListener } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkPorts } from './port-checks.ts';
import { running, subjectOf, tempFolder } from './testing/subject.ts';

const isLinux = process.platform === 'linux';

/** A port that somebody listens on until the test ends, or until it is given back. */
async function takePort(): Promise<{ port: string; giveBack: () => Promise<void> }> {
  const server = net.createServer().listen(0, '127.0.0.1');
  const giveBack = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  onTestFinished(giveBack);
  await new Promise((resolve) => server.once('listening', resolve));
  return { port: String((server.address() as AddressInfo).port), giveBack };
}

const check = async (env: Record<string, string>) => checkPorts(await subjectOf(tempFolder(), { env }));

describe('the ports of a daemon that does not run', () => {
  it('may be any', async () => {
    expect(await check({})).toMatchObject([
      { check: 'peer-port', state: 'ok' },
      { check: 'api-port', state: 'ok' },
    ]);
  });

  it('that are set and taken fail with who has them, and are free afterwards', async () => {
    const { port, giveBack } = await takePort();
    const [peer, api] = await check({ PORT: port });
    expect(peer).toMatchObject({ state: 'fail', what: expect.stringContaining(`Port ${port}`) });
    expect(peer?.mend).toContain('Set PORT');
    if (isLinux) {
      expect(peer?.what).toContain(`process ${process.pid} (node`);
      expect(peer?.command).toBe(`kill ${process.pid}`);
    }
    expect(api?.state).toBe('ok');
    expect((await check({ PORT: '', MESH_PEER_PORT: port }))[0]?.mend).toContain('Set MESH_PEER_PORT');
    expect((await check({ MESH_API_PORT: port }))[1]).toMatchObject({ state: 'fail' });
    await giveBack();
    expect((await check({ PORT: port }))[0]).toMatchObject({
      state: 'ok',
      what: expect.stringContaining('is free'),
    });
  });

  it('that are defaults and taken warn, because the daemon moves on', async () => {
    const { port } = await takePort();
    const subject = await subjectOf(tempFolder());
    const options = { ...subject.options, peerPort: { port: Number(port), fixed: false } };
    const [peer] = await checkPorts({ ...subject, options });
    expect(peer).toMatchObject({ state: 'warn', what: expect.stringContaining('next free port') });
  });

  it('cannot be opened on an address that this machine does not have', async () => {
    const { port, giveBack } = await takePort();
    await giveBack();
    const [peer] = await check({ HOST: '203.0.113.7', PORT: port });
    expect(peer).toMatchObject({ state: 'fail', mend: expect.stringContaining('0.0.0.0') });
  });

  it('are not checked where their option cannot be used', async () => {
    expect(await check({ PORT: 'x', MESH_API_PORT: '70000' })).toMatchObject([
      { state: 'skipped' },
      { state: 'skipped' },
    ]);
  });
});

describe('the port of a daemon that runs', () => {
  async function serve(listener: RequestListener): Promise<number> {
    const server = http.createServer(listener).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    await new Promise((resolve) => server.once('listening', resolve));
    return (server.address() as AddressInfo).port;
  }
  const ask = async (peer: string, timeoutMs = 5000) => {
    const subject = await subjectOf(tempFolder(), { system: { timeoutMs } });
    return checkPorts(running(subject, { listen: { peer, api: 'http://127.0.0.1:2' } }));
  };

  it('answers at /healthz, also where the daemon listens on all addresses', async () => {
    const asked: unknown[] = [];
    const port = await serve(({ url }, response) => {
      asked.push(url);
      response.end('{"status":"ok"}');
    });
    for (const host of ['127.0.0.1', '0.0.0.0'])
      expect(await ask(`ws://${host}:${port}`)).toMatchObject([
        { state: 'ok' },
        { check: 'api-port', state: 'ok' },
      ]);
    expect(asked).toEqual(['/healthz', '/healthz']);
  });

  it('fails with what came instead', async () => {
    const broken = await serve((_request, response) => void response.writeHead(503).end());
    const hanging = await serve(() => undefined);
    expect((await ask(`ws://127.0.0.1:${broken}`))[0]).toMatchObject({
      state: 'fail',
      what: expect.stringContaining('HTTP status 503'),
    });
    expect((await ask(`ws://127.0.0.1:${hanging}`, 200))[0]?.what).toContain('nothing came within 0.2 s');
    expect((await ask('ws://127.0.0.1:1'))[0]?.what).toContain('ECONNREFUSED');
  });

  it('is not looked for where the daemon does not answer', async () => {
    const subject = running(await subjectOf(tempFolder()));
    expect(await checkPorts({ ...subject, answer: { ok: false, detail: 'x' } })).toMatchObject([
      { state: 'skipped' },
      { state: 'skipped' },
    ]);
  });
});
