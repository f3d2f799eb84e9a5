import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageJson, ProblemJson } from '../client/types.ts';
import { fakeId, IDENTITY } from '../testing/fake-gate.ts';
import { type Ask, startTestApi, type TestApi } from '../testing/harness.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

const publish = (json: unknown, query = '', headers: Ask['headers'] = {}) =>
  api.ask(`/v1/messages${query}`, { json, headers });

describe('POST /v1/messages', () => {
  it('publishes and says where the message is', async () => {
    const answer = await publish({ channel: 'dev', body: 'hello' });
    const [message] = api.gate.list;
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({ id: message?.id, state: 'queued' });
    expect(answer.headers.location).toBe(`/v1/messages/${message?.id}`);
    expect(api.gate.requests).toEqual([{ channel: 'dev', body: 'hello' }]);
  });

  it('hands each field to the gate: reply and thread become refs, names become NFC', async () => {
    const [reply, thread, edit] = [fakeId('r'), fakeId('t'), fakeId('e')];
    const expires = '2099-01-01T00:00:00+01:00';
    const refs = [{ relation: 'edit', id: edit }];
    const fields = {
      channel: 'cafe\u0301',
      body: '',
      payload: null,
      reply,
      thread,
      refs,
      expires,
      identity: IDENTITY,
    };
    expect((await publish(fields, '', { 'idempotency-key': 'k1' })).status).toBe(201);
    expect(api.gate.requests[0]).toEqual({
      channel: 'caf\u00e9',
      body: '',
      payload: null,
      refs: [
        { relation: 'reply', id: reply },
        { relation: 'thread', id: thread },
        { relation: 'edit', id: edit },
      ],
      expiresMs: Date.parse(expires),
      identity: IDENTITY,
      idempotencyKey: 'k1',
    });
  });

  it('answers a repeated key with the first message, and a changed one with a conflict', async () => {
    const key = { 'idempotency-key': 'once' };
    const first = await publish({ channel: 'dev', body: 'a' }, '', key);
    const second = await publish({ channel: 'dev', body: 'a' }, '', key);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.json).toEqual(first.json);
    const third = await publish({ channel: 'dev', body: 'b' }, '', key);
    expect(third.json).toMatchObject({ code: 'idempotency_conflict', status: 409 });
    expect(api.gate.list).toHaveLength(1);
  });

  it('refuses keys that are no keys', async () => {
    for (const key of ['', 'a b', 'k'.repeat(129), 'ä']) {
      const { json } = await publish({ channel: 'dev', body: 'a' }, '', { 'idempotency-key': key });
      expect(json).toMatchObject({
        code: 'bad_request',
        detail: expect.stringMatching(/^Idempotency-Key: /),
      });
    }
  });

  it('waits for a state when asked to', async () => {
    const answer = publish({ channel: 'dev', body: 'x' }, '?wait=relayed&timeout=600');
    await api.gate.until(() => api.gate.list.length === 1);
    api.gate.setState(api.gate.list[0]?.id ?? '', 'stored');
    expect((await answer).json).toMatchObject({ state: 'stored' });
  });

  it('names the message that did not reach the state in time', async () => {
    const answer = await publish({ channel: 'dev', body: 'x' }, '?wait=stored&timeout=0.01');
    expect(answer.status).toBe(504);
    expect(answer.json).toMatchObject({ code: 'wait_timeout', id: api.gate.list[0]?.id, state: 'queued' });
  });

  it('stops waiting when the client is gone', async () => {
    const socket = await import('node:net').then((net) => net.connect(api.port, '127.0.0.1'));
    const body = JSON.stringify({ channel: 'dev', body: 'x' });
    const headers = api.headers({
      'content-type': 'application/json',
      'content-length': String(body.length),
    });
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST /v1/messages?wait=stored&timeout=3600 HTTP/1.1\r\n${head.join('')}\r\n${body}`);
    await api.gate.until(() => api.gate.list.length === 1);
    const ended = new Promise<unknown>((resolve) => {
      const waitFor = api.gate.waitFor.bind(api.gate);
      api.gate.waitFor = (...rest) => waitFor(...rest).finally(() => resolve('ended'));
    });
    // A second one, because the first began to wait before we looked.
    const second = await import('node:net').then((net) => net.connect(api.port, '127.0.0.1'));
    second.write(`POST /v1/messages?wait=stored&timeout=3600 HTTP/1.1\r\n${head.join('')}\r\n${body}`);
    await api.gate.until(() => api.gate.list.length === 2);
    second.destroy();
    socket.destroy();
    expect(await ended).toBe('ended');
  });

  it('refuses what no one can publish', async () => {
    const code = async (json: unknown, query = '') => ((await publish(json, query)).json as ProblemJson).code;
    for (const channel of ['', ' dev', 'a\u0000b', 'dm:x', '@x', 'x'.repeat(129)]) {
      expect(await code({ channel, body: '' })).toBe('bad_channel');
    }
    expect(await code({ channel: 'dev', body: 'x'.repeat(70_000) })).toBe('message_too_large');
    for (const query of [
      '?wait=read',
      '?timeout=x',
      '?wait=stored&timeout=1e3',
      '?wait=stored&wait=stored',
      '?now=1',
    ]) {
      expect(await code({ channel: 'dev', body: '' }, query)).toBe('bad_request');
    }
  });
});

describe('GET /v1/messages', () => {
  const page = async (query: string) => {
    const { json } = await api.ask(`/v1/messages?${query}`);
    return (json as { messages: MessageJson[] }).messages.map((message) => message.body);
  };

  it('gives the newest 50, and pages in both directions', async () => {
    const ids = Array.from({ length: 120 }, (_, i) => api.gate.add('dev', String(i)).id);
    expect(await page('channel=dev')).toEqual(Array.from({ length: 50 }, (_, i) => String(70 + i)));
    expect(await page(`channel=dev&limit=2&before=${ids[10]}`)).toEqual(['8', '9']);
    expect(await page(`channel=dev&limit=2&after=${ids[10]}`)).toEqual(['11', '12']);
    expect(await page('channel=%23empty')).toEqual([]);
  });

  it('gives the shape that the types promise', async () => {
    const view = api.gate.add('dev', 'x', { payload: { a: 1 }, refs: [{ relation: 99, id: fakeId('y') }] });
    expect((await api.ask('/v1/messages?channel=dev')).json).toEqual({ messages: [view] });
    expect((await api.ask(`/v1/messages/${view.id}`)).json).toEqual(view);
  });

  it('refuses queries that do not fit, by name', async () => {
    const detail = async (query: string) =>
      ((await api.ask(`/v1/messages?${query}`)).json as ProblemJson).detail;
    expect(await detail('limit=5')).toMatch(/^channel: /);
    for (const limit of ['0', '1001', '-1', '1.5', 'x', '']) {
      expect(await detail(`channel=dev&limit=${limit}`)).toMatch(/^limit: /);
    }
    expect(await detail('channel=dev&before=x')).toMatch(/^before: /);
    const id = fakeId('x');
    expect(await detail(`channel=dev&before=${id}&after=${id}`)).toMatch(/^after: /);
    expect(await detail('channel=dev&__proto__=1')).toContain('__proto__');
    expect(await detail('channel=%ff')).toMatch(/percent-encoded/);
    expect(await api.codeOf(`/v1/messages?channel=dev&before=${id}`)).toBe('not_found');
    expect(await api.codeOf('/v1/messages?channel=dm:x')).toBe('bad_channel');
  });

  it('finds no message under what is no id', async () => {
    for (const id of ['x', fakeId('unknown'), `${fakeId('a')}/`, '__proto__']) {
      expect(await api.codeOf(`/v1/messages/${id}`)).toBe('not_found');
    }
  });

  it('shows a payload from the mesh that is nested too deeply as null, and the page all the same', async () => {
    const payload = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000));
    api.gate.add('dev', 'poison', { payload });
    api.gate.add('dev', 'next');
    expect(await page('channel=dev')).toEqual(['poison', 'next']);
  });
});

describe('the other routes', () => {
  it('join channels and list them', async () => {
    const join = (channel: string) => api.ask('/v1/channels', { json: { channel } });
    const [first, again] = [await join('#dev'), await join('#dev')];
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(first.json).toEqual({ channel: '#dev', isNew: true });
    const channels = [{ channel: '#dev', joined: true, messages: 0 }];
    expect((await api.ask('/v1/channels')).json).toMatchObject({ channels });
    expect(await api.codeOf('/v1/channels', { json: { channel: 'dm:x' } })).toBe('bad_channel');
    expect(await api.codeOf('/v1/channels', { json: {} })).toBe('bad_request');
  });

  it('give status and peers', async () => {
    expect((await api.ask('/v1/status')).json).toEqual(api.gate.status());
    expect((await api.ask('/v1/peers')).json).toEqual({ links: [], addresses: api.gate.addresses() });
    expect(await api.codeOf('/v1/status?x=1')).toBe('bad_request');
  });
});
