import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fetchBootstrap } from '../net/index.ts';
import { type BootstrapServerOptions, startBootstrapServer } from './server.ts';

const LIST = '{"version":1,"peers":[{"peer_id":"a","ws_url":"ws://127.0.0.1:5000"}],"note":"kept"}';

async function start(content: string | undefined, more: Partial<BootstrapServerOptions> = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bootstrap-'));
  const file = path.join(folder, 'bootstrap.json');
  if (content !== undefined) writeFileSync(file, content);
  const logs: [string, string, Readonly<Record<string, string | number | boolean>>][] = [];
  const server = await startBootstrapServer({
    file,
    host: '127.0.0.1',
    port: 0,
    fixedPort: true,
    log: (...line) => logs.push(line),
    ...more,
  });
  onTestFinished(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  const get = async (target = '/bootstrap.json') => {
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${server.port}${target}`);
    return { status: statusCode, headers, text: await body.text() };
  };
  return { file, server, logs, get };
}

describe('the bootstrap server', () => {
  it('serves the file as it is, at both paths, to web pages too', async () => {
    const { get, server, logs, file } = await start(LIST);
    for (const target of ['/bootstrap.json', '/', '/?x']) {
      const { status, headers, text } = await get(target);
      expect([status, headers['content-type'], text]).toEqual([200, 'application/json', LIST]);
      expect(headers['access-control-allow-origin']).toBe('*');
    }
    expect(logs).toEqual([['info', 'bootstrap list read', { file, peers: 1, dropped: 0 }]]);
    const fetched = await fetchBootstrap(`http://127.0.0.1:${server.port}/`);
    expect(fetched).toMatchObject({ ok: true, addresses: [{ url: 'ws://127.0.0.1:5000/' }] });
  });

  it('has nothing else', async () => {
    const { get, server } = await start(LIST);
    expect(await get('/etc/passwd')).toMatchObject({ status: 404 });
    const posted = await request(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'x' });
    expect([posted.statusCode, posted.headers.allow]).toEqual([405, 'GET, HEAD']);
    await posted.body.dump();
  });

  it('reads the file again when it changed', async () => {
    const { get, file, logs } = await start(LIST);
    await get();
    writeFileSync(`${file}.new`, '{"version":1,"peers":[]}');
    renameSync(`${file}.new`, file);
    expect((await get()).text).toBe('{"version":1,"peers":[]}');
    expect(logs).toHaveLength(2);
  });

  it('keeps the last good list while the file is broken or gone, and says so once', async () => {
    const { get, file, logs } = await start(LIST);
    writeFileSync(file, '{"version":1,');
    expect((await get()).text).toBe(LIST);
    expect((await get()).text).toBe(LIST);
    rmSync(file);
    expect((await get()).text).toBe(LIST);
    mkdirSync(file);
    expect((await get()).text).toBe(LIST);
    rmSync(file, { recursive: true });
    writeFileSync(file, LIST);
    expect((await get()).text).toBe(LIST);
    expect(logs.map(([level, , data]) => [level, String(data.detail).slice(0, 20)])).toEqual([
      ['info', 'undefined'],
      ['warn', 'the document is not '],
      ['warn', 'it cannot be read (E'],
      ['warn', 'it is not a file'],
      ['info', 'undefined'],
    ]);
  });

  it.each([
    ['a file that is not there', undefined, 'ENOENT'],
    ['a file that is not JSON', 'peers: []', 'not JSON'],
    ['a file with another schema', '{"version":1,"peers":{}}', '"peers"'],
    ['a file that is too large', ' '.repeat(300_000), 'larger than'],
  ])('answers 503 and what is wrong for %s, until it is mended', async (_name, content, detail) => {
    const { get, file } = await start(content);
    const { status, headers, text } = await get();
    expect([status, headers['content-type']]).toEqual([503, 'application/problem+json']);
    expect(JSON.parse(text)).toMatchObject({ status: 503, code: 'bootstrap_invalid' });
    expect(JSON.parse(text).detail).toContain(detail);
    expect(text).not.toContain(os.tmpdir());
    writeFileSync(file, LIST);
    expect((await get()).text).toBe(LIST);
  });

  it('cuts slow requests and refuses more connections than it may have', async () => {
    const { server, get } = await start(LIST, { deadlineMs: 250, socketsMax: 2 });
    const connect = (): Promise<unknown> => {
      const socket = net.connect(server.port, '127.0.0.1').on('error', () => socket.destroy());
      socket.write('GET / HTTP/1.1\r\n');
      socket.resume();
      return new Promise((resolve) => socket.once('close', resolve));
    };
    await Promise.all([connect(), connect(), connect(), connect()]);
    expect(await get()).toMatchObject({ status: 200 });
  });

  it('treats an upgrade as a plain request', async () => {
    const { server } = await start(LIST);
    const socket = net.connect(server.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1.1 200 OK/);
  });

  it('refuses a set port that is taken', async () => {
    const { server, file } = await start(LIST);
    const again = startBootstrapServer({ ...server, file, fixedPort: true, log: () => undefined });
    await expect(again).rejects.toMatchObject({ code: 'port_in_use' });
  });
});
