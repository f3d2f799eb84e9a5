import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ERRORS } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { ProblemJson } from './client/types.ts';
import { createApi } from './server.ts';
import { FakeGate, fakeId, IDENTITY, STRANGER } from './testing/fake-gate.ts';
import { startTestApi, type TestApi } from './testing/harness.ts';

const READER = {
  token: `mesh_${'r'.repeat(42)}A`,
  grant: { id: 'reader', scopes: ['messages:read'], identity: null },
} as const;
const BOUND = {
  token: `mesh_${'b'.repeat(42)}A`,
  grant: { id: 'bound', scopes: 'all', identity: STRANGER },
} as const;

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi([READER, BOUND]);
});
afterEach(() => api.stop());

/** Sends bytes as they are and gives everything that comes back. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(api.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('callers', () => {
  it('need the token', async () => {
    expect(await api.codeOf('/v1/status', { headers: { authorization: undefined } })).toBe('unauthenticated');
    for (const authorization of [
      'Bearer nonsense',
      'Basic eDp5',
      `Bearer ${api.owner.token}x`,
      `${api.owner.token}`,
    ]) {
      expect(await api.codeOf('/v1/status', { headers: { authorization } })).toBe('unauthenticated');
    }
    const answer = await api.ask('/nowhere', { headers: { authorization: undefined } });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  it('must name this machine and port in the Host header', async () => {
    for (const host of [`localhost:${api.port}`, `LOCALHOST:${api.port}`, `[::1]:${api.port}`]) {
      expect((await api.ask('/v1/status', { headers: { host } })).status).toBe(200);
    }
    const wrong = [
      '127.0.0.1',
      'localhost',
      `evil.example:${api.port}`,
      `localhost.evil.example:${api.port}`,
    ];
    for (const host of [
      ...wrong,
      `127.0.0.1:${api.port + 1}`,
      `localhost.:${api.port}`,
      `a@127.0.0.1:${api.port}`,
    ]) {
      expect(await api.codeOf('/v1/status', { headers: { host } })).toBe('forbidden_origin');
    }
    expect(await api.codeOf('/v1/status', { headers: { host: undefined } })).toBe('forbidden_origin');
    const host = `Host: 127.0.0.1:${api.port}\r\n`;
    const twice = await raw(`GET /v1/status HTTP/1.1\r\n${host}${host}Connection: close\r\n\r\n`);
    expect(twice).toContain('forbidden_origin');
  });

  it('are no web pages, whatever their origin', async () => {
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${api.port}`, '']) {
      expect(await api.codeOf('/v1/status', { headers: { origin } })).toBe('forbidden_origin');
    }
    expect(await api.codeOf('/v1/status', { headers: { 'sec-fetch-site': 'cross-site' } })).toBe(
      'forbidden_origin',
    );
    expect(await api.codeOf('/v1/messages', { method: 'OPTIONS' })).toBe('method_not_allowed');
  });

  it('can do what their grant says and nothing else', async () => {
    const headers = { authorization: `Bearer ${READER.token}` };
    expect((await api.ask('/v1/messages?channel=dev', { headers })).status).toBe(200);
    expect(await api.codeOf('/v1/status', { headers })).toBe('forbidden');
    expect(await api.codeOf('/v1/messages', { headers, json: { channel: 'dev', body: 'x' } })).toBe(
      'forbidden',
    );
    expect(api.gate.requests).toEqual([]);
  });

  it('write as the identity that their grant is bound to', async () => {
    const headers = { authorization: `Bearer ${BOUND.token}` };
    await api.ask('/v1/messages', { headers, json: { channel: 'dev', body: 'x' } });
    expect(api.gate.requests[0]?.identity).toBe(STRANGER);
    const json = { channel: 'dev', body: 'x', identity: IDENTITY };
    expect(await api.codeOf('/v1/messages', { headers, json })).toBe('forbidden');
  });
});

describe('problem documents', () => {
  it('have the members of RFC 9457 and what to do', async () => {
    const answer = await api.ask('/v1/nothing');
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toEqual({
      type: 'errors#not_found',
      title: ERRORS.not_found.title,
      status: 404,
      detail: 'There is no such path.',
      code: 'not_found',
      do: ERRORS.not_found.do,
    });
  });

  it('say which methods a path takes', async () => {
    const answer = await api.ask('/v1/messages', { method: 'DELETE' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, GET');
    expect(await api.codeOf('/v1/stream', { method: 'POST', json: {} })).toBe('method_not_allowed');
    expect(await api.codeOf('/v1/stream')).toBe('bad_request');
  });

  it('keep the words of a mistake to the log', async () => {
    api.gate.failure = new Error('secret path');
    const answer = await api.ask('/v1/status');
    expect(answer.status).toBe(500);
    expect((answer.json as ProblemJson).code).toBe('internal');
    expect(answer.text).not.toContain('secret');
    expect(api.logged).toEqual(['error request failed']);
  });

  it('answer what is no HTTP, too long or absolute', async () => {
    expect(await raw('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400[\s\S]*"code":"bad_request"/);
    const long = 'x'.repeat(40_000);
    expect(await raw(`GET /v1/status HTTP/1.1\r\nX: ${long}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431[\s\S]*bad_request/,
    );
    expect(await api.codeOf(`http://127.0.0.1:${api.port}/v1/status`)).toBe('not_found');
    expect(await api.codeOf('/v1/../v1/status')).toBe('not_found');
  });
});

describe('bodies', () => {
  const post = (body: string | Buffer, headers = {}) => api.codeOf('/v1/messages', { body, headers });

  it('must be JSON and say so', async () => {
    expect(await post('{}', { 'content-type': 'text/plain' })).toBe('unsupported_media_type');
    expect(await post('{}', { 'content-type': undefined })).toBe('unsupported_media_type');
    expect(await post('{}', { 'content-encoding': 'gzip' })).toBe('unsupported_media_type');
    expect(await post('{}', { 'content-type': 'application/json; charset=utf-8' })).toBe('bad_request');
    for (const body of ['', '{', '[]', '"x"', 'null', '\ufeff{}', '{"channel":"dev"}']) {
      expect(await post(body)).toBe('bad_request');
    }
  });

  it('are refused when they are too large, with and without a length', async () => {
    const large = Buffer.alloc(4 * LIMITS.apiBodyBytesMax, 0x20);
    expect(await post(large)).toBe('body_too_large');
    expect(await post(large, { 'transfer-encoding': 'chunked' })).toBe('body_too_large');
    expect((await api.ask('/v1/status')).status).toBe(200);
  });

  it('name the field that is wrong', async () => {
    const detail = async (json: unknown) =>
      ((await api.ask('/v1/messages', { json })).json as ProblemJson).detail;
    expect(await detail({ channel: 'dev', body: 5 })).toMatch(/^body: /);
    expect(await detail({ channel: 'dev', body: '', colour: 1 })).toMatch(/"colour"/);
    expect(await detail({ channel: 'dev', body: '', reply: 'x' })).toMatch(/^reply: is not an id/);
    expect(
      await detail({ channel: 'dev', body: '', refs: [{ relation: 'likes', id: fakeId('a') }] }),
    ).toMatch(/^refs\.0\.relation: /);
    expect(await detail({ channel: 'dev', body: '', expires: 'soon' })).toMatch(/^expires: /);
  });

  it('hold no JSON traps', async () => {
    expect(await post('{"channel":"dev","body":"x","__proto__":{"a":1}}')).toBe('bad_request');
    expect(await post('{"channel":"dev","body":"\\ud800"}')).toBe('bad_text');
    expect(await post('{"channel":"\\udc00","body":""}')).toBe('bad_text');
    expect(await post('{"channel":"dev","body":"","payload":{"\\ud800":1}}')).toBe('bad_text');
    expect(await post(Buffer.from('7b2263ff7d', 'hex'))).toBe('bad_text');
    expect(await post('{"channel":"dev","body":"","payload":1e400}')).toBe('bad_payload');
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(await post(`{"channel":"dev","body":"","payload":${deep}}`)).toBe('bad_payload');
    expect(await post(deep)).toBe('bad_request');
    expect(api.gate.requests).toEqual([]);
  });

  it('keep __proto__ in a payload as an ordinary key, and the last of duplicate keys', async () => {
    const body = '{"channel":"no","channel":"dev","body":"x","payload":{"__proto__":{"a":1},"b":1,"b":2}}';
    const answer = await api.ask('/v1/messages', { body });
    expect(answer.status).toBe(201);
    expect(api.gate.requests[0]?.channel).toBe('dev');
    expect(JSON.stringify(api.gate.requests[0]?.payload)).toBe('{"__proto__":{"a":1},"b":2}');
    expect(Object.prototype).not.toHaveProperty('a');
  });
});

describe('listening and stopping', () => {
  const options = () => ({
    gate: new FakeGate(),
    grants: { find: () => undefined },
    version: '0',
    log: console,
  });

  it('moves on from a default port that is taken and refuses for one that was set', async () => {
    const other = createApi(options());
    await expect(other.listen('127.0.0.1', api.port, true)).rejects.toMatchObject({ code: 'port_in_use' });
    const { port, moved } = await other.listen('127.0.0.1', api.port, false);
    expect(moved).toBe(true);
    expect(port).toBeGreaterThan(api.port);
    await other.close();
  });

  it('listens on loopback only', async () => {
    await expect(createApi(options()).listen('0.0.0.0', 0, false)).rejects.toMatchObject({
      code: 'bad_option',
    });
  });

  it('ends waits with stopping and the id of what was published', async () => {
    const asked = api.ask('/v1/messages?wait=stored&timeout=600', { json: { channel: 'dev', body: 'x' } });
    await api.gate.until(() => api.gate.list.length === 1);
    await api.api.close();
    const answer = await asked;
    expect(answer.status).toBe(503);
    expect(answer.json).toMatchObject({ code: 'stopping', id: api.gate.list[0]?.id, state: 'queued' });
  });

  it('answers stopping on a connection that is still open', async () => {
    api.gate.isHolding = true;
    const held = api.ask('/v1/messages', { json: { channel: 'dev', body: 'x' } });
    await api.gate.until(() => api.gate.held.length === 1);
    const socket = net.connect(api.port, '127.0.0.1');
    // The head is on its way before the stop, its end comes after: the server has to answer it.
    const head = `GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nAuthorization: Bearer ${api.owner.token}\r\n`;
    await new Promise<void>((resolve) => socket.write(`${head}X-A: b\r\n`, () => resolve()));
    await api.ask('/v1/status'); // the server has read at least as far
    const closing = api.api.close();
    const text = new Promise<string>((resolve) => socket.on('data', (chunk) => resolve(String(chunk))));
    socket.write('\r\n');
    expect(await text).toContain('"code":"stopping"');
    socket.destroy();
    api.gate.release();
    expect((await held).status).toBe(201);
    await closing;
  });

  it('leaves no token that others can read', () => {
    expect(fs.statSync(path.join(api.folder, 'token')).mode & 0o777).toBe(0o600);
  });
});
