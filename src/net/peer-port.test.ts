import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import type { Scope } from '../core/contract.ts';
import { connectRaw, startNet, upgradeRequest } from './testing/net.fixture.ts';

describe('the peer port over HTTP', () => {
  it('says that it is healthy', async () => {
    const { port } = await startNet();
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}/healthz?x=1`);
    expect([statusCode, headers['content-type'], await body.json()]).toEqual([
      200,
      'application/json',
      { status: 'ok' },
    ]);
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers.server).toBeUndefined();
    expect(headers['x-powered-by']).toBeUndefined();
  });

  it('gives the list of peers to everybody, made once a second at most', async () => {
    let made = 0;
    const document = { version: 1, peers: [{ peer_id: 'a', ws_url: 'ws://relay.example/' }] };
    const { port } = await startNet({}, { bootstrapDocument: () => ({ ...document, made: ++made }) });
    const answers = await Promise.all(
      [1, 2, 3].map(async () => {
        const { headers, body } = await request(`http://127.0.0.1:${port}/bootstrap.json`);
        expect(headers['access-control-allow-origin']).toBe('*');
        return body.json();
      }),
    );
    expect(answers[0]).toMatchObject(document);
    expect(made).toBeLessThan(3);
  });

  it('tells who asks how close he is, and takes nobody for close who may speak for somebody else', async () => {
    const { port } = await startNet({}, { bootstrapDocument: (asker) => ({ asker }) });
    const ask = async (headers: Record<string, string> = {}) => {
      const answer = await request(`http://127.0.0.1:${port}/bootstrap.json`, { headers });
      return [((await answer.body.json()) as { asker: string }).asker, answer.headers['cache-control']];
    };
    expect(await ask()).toEqual(['loopback', 'no-store']);
    for (const name of ['Origin', 'Forwarded', 'X-Forwarded-For', 'X-Real-IP', 'Via'])
      expect(await ask({ [name]: 'x' }), name).toEqual(['public', 'public, max-age=60']);
    expect(await ask()).toEqual(['loopback', 'no-store']);
  });

  it('behind a trusted proxy tells who asks by the address that the proxy saw, and otherwise believes no such header', async () => {
    const bootstrapDocument = (asker: Scope) => ({ asker });
    const [behind, open] = [
      await startNet({}, { bootstrapDocument, trustProxy: 1 }),
      await startNet({}, { bootstrapDocument }),
    ];
    const ask = async (port: number, headers: Record<string, string>) => {
      const { body } = await request(`http://127.0.0.1:${port}/bootstrap.json`, { headers });
      return ((await body.json()) as { asker: string }).asker;
    };
    const private_ = { 'X-Forwarded-For': '192.168.0.9' };
    expect([await ask(behind.port, private_), await ask(open.port, private_)]).toEqual(['private', 'public']);
    expect(await ask(behind.port, { 'X-Forwarded-For': '127.0.0.1, 8.8.8.8' })).toBe('public');
    expect(await ask(behind.port, {})).toBe('loopback');
  });

  it('answers HEAD without a body', async () => {
    const { port } = await startNet();
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}/bootstrap.json`, {
      method: 'HEAD',
    });
    expect([statusCode, headers['content-length'], await body.text()]).toEqual([200, '24', '']);
  });

  it.each([
    ['GET', '/', 404, 'not_found'],
    ['GET', '/v1/status', 404, 'not_found'],
    ['GET', '/healthz/', 404, 'not_found'],
    ['GET', '/%2e%2e/etc/passwd', 404, 'not_found'],
    ['POST', '/nowhere', 404, 'not_found'],
    ['POST', '/healthz', 405, 'method_not_allowed'],
    ['DELETE', '/bootstrap.json', 405, 'method_not_allowed'],
    ['OPTIONS', '/bootstrap.json', 405, 'method_not_allowed'],
  ] as const)('answers %s %s with a problem document, %i', async (method, path, status, code) => {
    const { port } = await startNet();
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}${path}`, { method });
    expect([statusCode, headers['content-type']]).toEqual([status, 'application/problem+json']);
    expect(await body.json()).toMatchObject({ type: 'about:blank', status, code });
    expect(headers.allow).toBe(status === 405 ? 'GET, HEAD' : undefined);
  });

  it('hides why the list could not be made', async () => {
    const { port } = await startNet(
      {},
      {
        bootstrapDocument: () => {
          throw new Error('secret');
        },
      },
    );
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/bootstrap.json`);
    const text = await body.text();
    expect(statusCode).toBe(500);
    expect(text).not.toContain('secret');
  });

  it('takes an offer of HTTP/2 as an ordinary request', async () => {
    const { port } = await startNet();
    const raw = await connectRaw(port);
    raw.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    await raw.closed;
    expect(raw.text()).toMatch(/^HTTP\/1.1 200 OK.*\{"status":"ok"\}$/s);
  });

  it.each([
    ['/elsewhere', [], /^HTTP\/1.1 404 .*"not_found"/s],
    ['/', ['Origin: https://evil.example'], /^HTTP\/1.1 403 .*"forbidden_origin"/s],
  ] as const)('refuses an upgrade at %s with %j', async (path, headers, answer) => {
    const { port, log } = await startNet();
    const raw = await connectRaw(port);
    raw.socket.write(upgradeRequest(path, headers));
    await raw.closed;
    expect(raw.text()).toMatch(answer);
    expect(log.events).toEqual([]);
  });
});
