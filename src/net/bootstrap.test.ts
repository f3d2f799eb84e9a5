import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fetchBootstrap } from './bootstrap.ts';
import type { Resolve } from './guard.ts';

const DOCUMENT = JSON.stringify({
  version: 1,
  peers: [
    { peer_id: 'a', ws_url: 'ws://127.0.0.1:5000' },
    { peer_id: 'b', ws_url: 'ws://10.0.0.1:5000' },
    { peer_id: 'c', ws_url: 'ws://8.8.8.8:5000' },
  ],
});
const [LOOPBACK, PRIVATE, PUBLIC] = ['127.0.0.1', '10.0.0.1', '8.8.8.8'].map((ip) => ({
  url: `ws://${ip}:5000/`,
  peer: '',
}));

/** An HTTP server on 127.0.0.1 for one test; gives its port. */
async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<number> {
  const server = createServer(listener).listen(0, host);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

const json =
  (body: string, type = 'application/json'): RequestListener =>
  (_request, response) =>
    void response.setHeader('Content-Type', type).end(body);

function tempFile(name: string, content: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bootstrap-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

const resolveTo =
  (...addresses: string[]): Resolve =>
  (_host, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: net.isIP(address) })),
    );

describe('a bootstrap source on the web', () => {
  it('that the operator gave by address may lead to loopback, and may then name any address', async () => {
    const port = await serve(json(DOCUMENT, 'application/json; charset=utf-8'));
    expect(await fetchBootstrap(`http://127.0.0.1:${port}/bootstrap.json`)).toEqual({
      ok: true,
      scope: 'loopback',
      addresses: [LOOPBACK, PRIVATE, PUBLIC],
      dropped: 0,
    });
    const named = await fetchBootstrap(`HTTP://LocalHost:${port}/`, { resolve: resolveTo('127.0.0.1') });
    expect(named).toMatchObject({ ok: true, scope: 'loopback' });
  });

  it.each(['127.0.0.1', '10.0.0.1', '::1', '169.254.169.254', '::ffff:127.0.0.1'])(
    'whose name leads to %s is refused',
    async (ip) => {
      let asked = 0;
      const port = await serve(() => asked++);
      const result = await fetchBootstrap(`http://list.example:${port}/`, { resolve: resolveTo(ip) });
      expect(result).toMatchObject({ ok: false, code: 'address_refused' });
      expect(result).toMatchObject({ detail: expect.stringContaining('list.example') });
      expect(asked).toBe(0);
    },
  );

  it('whose name leads to loopback at the second question is refused then', async () => {
    const questions: string[] = [];
    const rebinding: Resolve = (host, options, done) => {
      questions.push(host);
      const ip = questions.length === 1 ? '127.0.0.1' : '127.0.0.2';
      resolveTo(ip)(host, options, done);
    };
    const port = await serve(json(DOCUMENT));
    const url = `http://list.example:${port}/`;
    expect(await fetchBootstrap(url, { resolve: rebinding })).toMatchObject({ code: 'address_refused' });
    expect(await fetchBootstrap(url, { resolve: rebinding })).toMatchObject({ code: 'address_refused' });
    expect(questions).toHaveLength(2);
  });

  it('whose name leads to loopback is read if private addresses are allowed', async () => {
    const port = await serve(json(DOCUMENT));
    const result = await fetchBootstrap(`http://list.example:${port}/`, {
      resolve: resolveTo('127.0.0.1'),
      allowPrivate: true,
    });
    expect(result).toMatchObject({ ok: true, scope: 'loopback', dropped: 0 });
  });

  it('may redirect three times within its host and port', async () => {
    const port = await serve((request, response) => {
      const step = Number(request.url?.slice(1));
      if (step === 3) json(DOCUMENT)(request, response);
      else response.writeHead(302, { Location: `/${step + 1}` }).end('moved');
    });
    expect(await fetchBootstrap(`http://127.0.0.1:${port}/0`)).toMatchObject({ ok: true });
    const further = await fetchBootstrap(`http://127.0.0.1:${port}/-1`);
    expect(further).toEqual({ ok: false, code: 'bootstrap_unreachable', detail: 'more than 3 redirects' });
  });

  it('may not redirect to another host, port or scheme, or to nonsense', async () => {
    let reached = 0;
    const other = await serve(() => reached++, '127.0.0.2');
    const targets = [
      `http://127.0.0.2:${other}/`,
      `//127.0.0.2:${other}/`,
      'http://127.0.0.1:1/',
      'https://127.0.0.1/',
      'file:///etc/passwd',
      'http://',
    ];
    for (const target of targets) {
      const port = await serve(
        (_request, response) => void response.writeHead(307, { Location: target }).end(),
      );
      const result = await fetchBootstrap(`http://127.0.0.1:${port}/`);
      expect(result).toMatchObject({
        code: 'bootstrap_unreachable',
        detail: expect.stringMatching(/^redirects to/),
      });
    }
    expect(reached).toBe(0);
  });

  it('that hangs at any point is given up at the deadline', async () => {
    const silent = net.createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    onTestFinished(() => void silent.close());
    const dripping = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
    });
    for (const port of [(silent.address() as AddressInfo).port, dripping]) {
      const result = await fetchBootstrap(`http://127.0.0.1:${port}/`, { timeoutMs: 200 });
      expect(result).toEqual({ ok: false, code: 'bootstrap_unreachable', detail: 'no answer within 200 ms' });
    }
    const unanswered: Resolve = () => undefined;
    const begun = performance.now();
    const late = await fetchBootstrap('http://list.example/', { timeoutMs: 50, resolve: unanswered });
    expect(late).toMatchObject({ detail: 'no answer within 50 ms' });
    expect(performance.now() - begun).toBeLessThan(5000); // undici alone would wait for 10 s
  });

  it('with too large a body is cut, declared or not', async () => {
    let sent = 0;
    const endless = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(10_000))) sent += 10_000;
      };
      response.on('drain', more);
      more();
    });
    const declared = await serve(json(' '.repeat(300_000)));
    for (const port of [endless, declared]) {
      const result = await fetchBootstrap(`http://127.0.0.1:${port}/`);
      expect(result).toEqual({ ok: false, code: 'bootstrap_invalid', detail: 'larger than 262144 bytes' });
    }
    expect(sent).toBeLessThan(50_000_000);
  });

  it.each([
    ['a web page', json('<html>', 'text/html'), 'bootstrap_invalid'],
    [
      'an answer of no type',
      ((_q, r) => void r.end(DOCUMENT)) satisfies RequestListener,
      'bootstrap_invalid',
    ],
    ['broken JSON', json('{"version":1,'), 'bootstrap_invalid'],
    ['another schema', json('{"version":1,"peers":{}}'), 'bootstrap_invalid'],
    [
      'compressed bytes',
      ((_q, r) =>
        void r
          .setHeader('Content-Encoding', 'gzip')
          .setHeader('Content-Type', 'application/json')
          .end('x')) satisfies RequestListener,
      'bootstrap_invalid',
    ],
    [
      'status 404',
      ((_q, r) => void r.writeHead(404).end()) satisfies RequestListener,
      'bootstrap_unreachable',
    ],
    [
      'status 304',
      ((_q, r) => void r.writeHead(304).end()) satisfies RequestListener,
      'bootstrap_unreachable',
    ],
    [
      'a broken connection',
      ((q) => void q.socket.destroy()) satisfies RequestListener,
      'bootstrap_unreachable',
    ],
    [
      'huge headers',
      ((_q, r) => void r.setHeader('X', 'x'.repeat(10_000)).end()) satisfies RequestListener,
      'bootstrap_unreachable',
    ],
  ] as const)('that answers with %s fails', async (_name, listener, code) => {
    const port = await serve(listener);
    expect(await fetchBootstrap(`http://127.0.0.1:${port}/`)).toMatchObject({ ok: false, code });
  });

  it('that is not there, not a URL or holds credentials fails without telling them', async () => {
    expect(await fetchBootstrap('http://127.0.0.1:1/')).toMatchObject({ code: 'bootstrap_unreachable' });
    expect(await fetchBootstrap('http://')).toMatchObject({ code: 'bootstrap_invalid' });
    expect(await fetchBootstrap('ftp://list.example/')).toMatchObject({ code: 'bootstrap_invalid' });
    const secret = await fetchBootstrap('http://me:secret@127.0.0.1:1/');
    expect(secret).toMatchObject({ code: 'bootstrap_invalid' });
    expect(JSON.stringify(secret)).not.toContain('secret');
  });

  it('is given up at once when the daemon stops', async () => {
    const stop = new AbortController();
    const port = await serve(() => stop.abort());
    const result = await fetchBootstrap(`http://127.0.0.1:${port}/`, { signal: stop.signal });
    expect(result).toMatchObject({ ok: false, code: 'bootstrap_unreachable' });
  });
});

describe('a bootstrap file', () => {
  it('of the operator may name any address, as a path and as a URL', async () => {
    const file = tempFile('list ü.json', DOCUMENT);
    for (const source of [file, path.relative('.', file), pathToFileURL(file).href]) {
      expect(await fetchBootstrap(source)).toMatchObject({ ok: true, scope: 'loopback', dropped: 0 });
    }
  });

  it('that ships counts as public, and as private if private addresses are allowed', async () => {
    const file = tempFile('bootstrap.json', DOCUMENT);
    const shippedFiles = [path.relative('.', file)];
    expect(await fetchBootstrap(file, { shippedFiles })).toEqual({
      ok: true,
      scope: 'public',
      addresses: [PUBLIC],
      dropped: 2,
    });
    const allowed = await fetchBootstrap(file, { shippedFiles, allowPrivate: true });
    expect(allowed).toEqual({ ok: true, scope: 'private', addresses: [PRIVATE, PUBLIC], dropped: 1 });
  });

  it('that is missing, a folder, a device, too large or broken fails', async () => {
    const folder = path.dirname(tempFile('x', ''));
    expect(await fetchBootstrap(path.join(folder, 'missing.json'))).toMatchObject({
      code: 'bootstrap_unreachable',
    });
    expect(await fetchBootstrap(folder)).toMatchObject({ code: 'bootstrap_unreachable' });
    expect(await fetchBootstrap('/dev/zero')).toMatchObject({ code: 'bootstrap_unreachable' });
    expect(await fetchBootstrap('file://other-host/list.json')).toMatchObject({ ok: false });
    const large = tempFile('large.json', ' '.repeat(300_000));
    expect(await fetchBootstrap(large)).toMatchObject({
      code: 'bootstrap_invalid',
      detail: expect.stringContaining('larger'),
    });
    expect(await fetchBootstrap(tempFile('b.json', '{'))).toMatchObject({ code: 'bootstrap_invalid' });
  });
});
