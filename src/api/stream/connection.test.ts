import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { LIMITS } from '../../core/limits.ts';
import { API_LIMITS } from '../limits.ts';
import { fakeId } from '../testing/fake-gate.ts';
import { startTestApi, type TestApi, type TestStream } from '../testing/harness.ts';

const WRITER = {
  token: `mesh_${'w'.repeat(42)}A`,
  grant: { id: 'writer', scopes: ['messages:write'], identity: null },
} as const;

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi([WRITER]);
});
afterEach(() => api.stop());

/** What the daemon answers to an upgrade with these headers: the code of the problem. */
function refusal(headers: Record<string, string | undefined>, path = '/v1/stream'): Promise<string> {
  const all = api.headers({ host: undefined, ...headers });
  const socket = new WebSocket(`ws://127.0.0.1:${api.port}${path}`, { headers: all });
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('it opened')));
    socket.on('error', () => undefined); // the answer tells
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(JSON.parse(text).code));
    });
  });
}

describe('the upgrade', () => {
  it('is guarded like a request', async () => {
    expect(await refusal({ authorization: undefined })).toBe('unauthenticated');
    expect(await refusal({ origin: 'null' })).toBe('forbidden_origin');
    expect(await refusal({ origin: `http://127.0.0.1:${api.port}` })).toBe('forbidden_origin');
    expect(await refusal({ host: 'evil.example' })).toBe('forbidden_origin');
    expect(await refusal({}, '/v1/other')).toBe('not_found');
    expect(await refusal({}, '/v1/status')).toBe('bad_request');
    expect(await refusal({}, '/v1/stream?token=x')).toBe('bad_request');
  });

  it('is refused beyond the number of streams, and possible again after one has gone', async () => {
    const streams = await Promise.all(Array.from({ length: LIMITS.apiStreamsMax }, () => api.stream()));
    expect(await refusal({})).toBe('too_many_requests');
    await streams[0]?.close();
    await (await api.stream()).close();
  });

  it('with a key that is none gets a problem document', async () => {
    const head = Object.entries(api.headers({ upgrade: 'websocket', connection: 'upgrade' }));
    const socket = net.connect(api.port, '127.0.0.1');
    socket.write(
      `GET /v1/stream HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    );
    const text = await new Promise<string>((resolve) => socket.on('data', (data) => resolve(String(data))));
    expect(text).toContain('"code":"bad_request"');
    socket.destroy();
  });
});

describe('a subscription', () => {
  it('goes backfill, caught up, live', async () => {
    const stored = api.gate.add('dev', 'old');
    api.gate.add('other', 'not asked for');
    const stream = await api.stream();
    stream.send({ op: 'subscribe', ref: 's', channels: ['dev'], after: 0 });
    expect(await stream.next()).toEqual({ op: 'message', ref: 's', message: stored });
    expect(await stream.next()).toEqual({ op: 'caught-up', ref: 's', arrival: 2 });
    const live = api.gate.add('dev', 'new');
    expect(await stream.next()).toEqual({ op: 'message', ref: 's', message: live });
    await stream.close();
  });

  it('brings changes only where they are asked for', async () => {
    const stream = await api.stream();
    stream.send({ op: 'subscribe', ref: 'plain' });
    expect(await stream.next()).toMatchObject({ op: 'caught-up', ref: 'plain' });
    stream.send({ op: 'subscribe', ref: 'both', changes: true });
    expect(await stream.next()).toMatchObject({ op: 'caught-up', ref: 'both' });
    const message = api.gate.add('dev', 'to be changed');
    const refs = [await stream.next(), await stream.next()].map(({ op, ref }) => `${op} ${ref}`);
    expect(refs.sort()).toEqual(['message both', 'message plain']);
    const change = api.gate.change({ edited: [{ ...message, body: 'better' }], deleted: [message.id] });
    expect(await stream.next()).toEqual({ op: 'change', ref: 'both', change });
    await stream.close();
  });

  it('brings ephemerals only where they are asked for', async () => {
    const stream = await api.stream();
    stream.send({ op: 'subscribe', ref: 'plain' });
    expect(await stream.next()).toMatchObject({ op: 'caught-up', ref: 'plain' });
    stream.send({ op: 'subscribe', ref: 'both', ephemerals: true });
    expect(await stream.next()).toMatchObject({ op: 'caught-up', ref: 'both' });
    const ephemeral = api.gate.tell();
    expect(await stream.next()).toEqual({ op: 'ephemeral', ref: 'both', ephemeral });
    api.gate.add('dev', 'the answer');
    const refs = [await stream.next(), await stream.next()].map(({ op, ref }) => `${op} ${ref}`);
    expect(refs.sort()).toEqual(['message both', 'message plain']);
    await stream.close();
  });

  it('without a cursor is live only, and ends when asked', async () => {
    api.gate.add('dev', 'old');
    const stream = await api.stream();
    stream.send({ op: 'subscribe', ref: 'a' });
    expect(await stream.next()).toEqual({ op: 'caught-up', ref: 'a', arrival: 1 });
    stream.send({ op: 'unsubscribe', ref: 'a' });
    expect(await stream.next()).toEqual({ op: 'unsubscribed', ref: 'a' });
    api.gate.add('dev', 'new');
    stream.send({ op: 'unsubscribe', ref: 'a' });
    expect(await stream.next()).toMatchObject({ op: 'error', ref: 'a', problem: { code: 'not_found' } });
    await stream.close();
  });

  it('ends with an error that its feed throws, and its ref is free again', async () => {
    const stream = await api.stream();
    stream.send({ op: 'subscribe', ref: 'a', after: 9 });
    expect(await stream.next()).toMatchObject({ op: 'error', ref: 'a', problem: { code: 'bad_request' } });
    stream.send({ op: 'subscribe', ref: 'a' });
    expect(await stream.next()).toMatchObject({ op: 'caught-up' });
    await stream.close();
  });

  it('is refused twice under one ref, beyond the limit, and without the scope', async () => {
    const stream = await api.stream();
    for (let i = 0; i <= API_LIMITS.subscriptionsMax; i++) stream.send({ op: 'subscribe', ref: String(i) });
    stream.send({ op: 'subscribe', ref: '0' });
    await stream.until(() => stream.frames.length === API_LIMITS.subscriptionsMax + 2);
    const errors = stream.frames.filter((frame) => frame.op === 'error');
    expect(errors.map((frame) => frame.problem.code).sort()).toEqual(['bad_request', 'too_many_requests']);
    await stream.close();
    const writer = await api.stream({ headers: { authorization: `Bearer ${WRITER.token}` } });
    writer.send({ op: 'subscribe', ref: 'a' });
    expect(await writer.next()).toMatchObject({ op: 'error', ref: 'a', problem: { code: 'forbidden' } });
    await writer.close();
  });

  it('is pulled no further than its reader reads, and gets everything once it reads on', async () => {
    for (let i = 0; i < 3000; i++) api.gate.add('dev', 'x'.repeat(10_000));
    const stream = await api.stream();
    stream.send({ op: 'subscribe', ref: 's', after: 0 });
    await stream.next();
    stream.socket.pause();
    for (let i = 0; i < 20; i++) await api.ask('/v1/status');
    const pulled = api.gate.pulled;
    for (let i = 0; i < 20; i++) await api.ask('/v1/status');
    expect(api.gate.pulled).toBe(pulled);
    expect(pulled).toBeLessThan(3000);
    stream.socket.resume();
    await stream.until(() => stream.frames.at(-1)?.op === 'caught-up');
    expect(stream.frames).toHaveLength(3000); // one was taken before, the mark came after
    await stream.close();
  });
});

describe('publishing', () => {
  const send = (stream: TestStream, ref: string, more = {}) =>
    stream.send({ op: 'publish', ref, channel: 'dev', body: ref, ...more });

  it('answers each when it is durable and reaches the gate in order', async () => {
    api.gate.isHolding = true;
    const stream = await api.stream();
    for (const ref of ['1', '2', '3']) send(stream, ref);
    await api.gate.until(() => api.gate.held.length === 3);
    expect(stream.frames).toEqual([]);
    api.gate.held.reverse();
    api.gate.release(3);
    const refs = [await stream.next(), await stream.next(), await stream.next()].map((frame) => frame.ref);
    expect(refs).toEqual(['3', '2', '1']);
    expect(api.gate.requests.map((request) => request.body)).toEqual(['1', '2', '3']);
    await stream.close();
  });

  it('tells the state that was waited for, and the timeout with the id', async () => {
    const stream = await api.stream();
    send(stream, 'a', { wait: 'relayed', idempotencyKey: 'k', payload: { x: 1 }, reply: fakeId('r') });
    const published = await stream.next();
    const id = api.gate.list[0]?.id ?? '';
    expect(published).toEqual({ op: 'published', ref: 'a', id, state: 'queued' });
    api.gate.setState(id, 'stored');
    expect(await stream.next()).toEqual({ op: 'state', ref: 'a', id, state: 'stored' });
    send(stream, 'b', { wait: 'stored', timeout: 0.01 });
    expect(await stream.next()).toMatchObject({ op: 'published', ref: 'b' });
    const problem = { code: 'wait_timeout', id: api.gate.list[1]?.id, state: 'queued' };
    expect(await stream.next()).toMatchObject({ op: 'error', ref: 'b', problem });
    expect(api.gate.requests[0]).toMatchObject({ idempotencyKey: 'k', refs: [{ relation: 'reply' }] });
    await stream.close();
  });

  it('stops reading while too much is not durable, loses nothing and keeps the order', async () => {
    api.gate.isHolding = true;
    const stream = await api.stream();
    const count = 5 * API_LIMITS.publishingMax;
    for (let i = 0; i < count; i++) send(stream, String(i), { body: String(i).padEnd(1000) });
    await api.gate.until(() => api.gate.held.length === API_LIMITS.publishingMax);
    for (let i = 0; i < 20; i++) await api.ask('/v1/status');
    expect(api.gate.held).toHaveLength(API_LIMITS.publishingMax);
    api.gate.isHolding = false;
    api.gate.release(API_LIMITS.publishingMax);
    await stream.until(() => stream.frames.length === count);
    expect(api.gate.inProgressMost).toBe(API_LIMITS.publishingMax);
    expect(api.gate.requests.map((request) => Number(request.body))).toEqual(
      Array.from({ length: count }, (_, i) => i),
    );
    await stream.close();
  });

  it('shares what may be in progress among all streams', async () => {
    api.gate.isHolding = true;
    const streams = await Promise.all(Array.from({ length: 10 }, () => api.stream()));
    for (const stream of streams) for (let i = 0; i < API_LIMITS.publishingMax; i++) send(stream, String(i));
    await api.gate.until(() => api.gate.held.length === API_LIMITS.publishingTotalMax);
    for (let i = 0; i < 20; i++) await api.ask('/v1/status');
    expect(api.gate.held).toHaveLength(API_LIMITS.publishingTotalMax);
    api.gate.isHolding = false;
    api.gate.release(API_LIMITS.publishingTotalMax);
    for (const stream of streams) await stream.until(() => stream.frames.length === API_LIMITS.publishingMax);
    await Promise.all(streams.map((stream) => stream.close()));
  });

  it('answers what the gate refuses and goes on', async () => {
    const stream = await api.stream();
    send(stream, 'a', { channel: '@' });
    send(stream, 'b', { body: 'x'.repeat(70_000) });
    send(stream, 'c', { body: '\ud800' });
    send(stream, 'd');
    await stream.until(() => stream.frames.length === 4);
    const codes = stream.frames.map(
      (frame) => `${frame.ref} ${frame.op === 'error' ? frame.problem.code : frame.op}`,
    );
    expect(codes.sort()).toEqual(['a bad_channel', 'b message_too_large', 'c bad_text', 'd published']);
    await stream.close();
  });
});

describe('frames that are wrong', () => {
  it.each([
    ['', null, 'bad_request'],
    ['{', null, 'bad_request'],
    ['[]', null, 'bad_request'],
    ['null', null, 'bad_request'],
    ['{"op":"dance","ref":"x"}', 'x', 'bad_request'],
    ['{"op":"subscribe"}', null, 'bad_request'],
    ['{"op":"subscribe","ref":7}', null, 'bad_request'],
    ['{"op":"subscribe","ref":""}', '', 'bad_request'],
    ['{"op":"subscribe","ref":"x","after":-1}', 'x', 'bad_request'],
    ['{"op":"subscribe","ref":"x","after":1e400}', 'x', 'bad_request'],
    ['{"op":"subscribe","ref":"x","channels":[]}', 'x', 'bad_request'],
    ['{"op":"subscribe","ref":"x","channels":["dm:x"]}', 'x', 'bad_channel'],
    ['{"op":"subscribe","ref":"x","__proto__":{}}', 'x', 'bad_request'],
    ['{"op":"publish","ref":"x","channel":"dev","body":"\\ud800"}', 'x', 'bad_text'],
    ['{"op":"publish","ref":"x","channel":"dev","body":"","payload":-1e999}', 'x', 'bad_payload'],
    ['{"op":"publish","ref":"x","channel":"dev","body":"","idempotencyKey":"a b"}', 'x', 'bad_request'],
  ])('get an error and stop nothing: %s', async (text, ref, code) => {
    const stream = await api.stream();
    stream.send(text);
    expect(await stream.next()).toMatchObject({ op: 'error', ref, problem: { code } });
    stream.send({ op: 'subscribe', ref: 'y' });
    expect(await stream.next()).toMatchObject({ op: 'caught-up' });
    await stream.close();
  });

  it('end the stream if they are bytes, too large or no frames at all, and only that stream', async () => {
    const other = await api.stream();
    const [binary, large, broken] = [await api.stream(), await api.stream(), await api.stream()];
    binary.send(Buffer.from('{}'));
    large.send('x'.repeat(LIMITS.apiBodyBytesMax + 1));
    (broken.socket as unknown as { _socket: net.Socket })._socket.write(
      Buffer.from('fffffffffffffffffffff', 'latin1'),
    );
    for (const [stream, code] of [
      [binary, 1003],
      [large, 1009],
      [broken, 1002],
    ] as const) {
      await stream.until(() => stream.closeCode !== undefined);
      expect(stream.closeCode).toBe(code);
    }
    other.send({ op: 'subscribe', ref: 'y' });
    expect(await other.next()).toMatchObject({ op: 'caught-up' });
    await other.close();
  });

  it('do not pile up when their sender reads no errors', async () => {
    for (let i = 0; i < 1500; i++) api.gate.add('dev', 'x'.repeat(10_000));
    const stream = await api.stream();
    stream.send({ op: 'subscribe', ref: 's', after: 0 });
    await stream.next();
    stream.socket.pause(); // the feed fills the way to us, the errors do the rest
    for (let i = 0; i < 5000; i++) stream.send('{}');
    for (let i = 0; i < 20; i++) stream.send(JSON.stringify('x'.repeat(900_000)));
    for (let i = 0; i < 20; i++) await api.ask('/v1/status');
    expect(stream.socket.bufferedAmount).toBeGreaterThan(0); // the daemon has stopped reading
    stream.socket.resume();
    await stream.until(() => stream.frames.length === 1500 + 5020);
    await stream.close();
  });
});

describe('the stop of the daemon', () => {
  it('answers what it took, refuses the rest with stopping, and then closes with 1001', async () => {
    api.gate.isHolding = true;
    const stream = await api.stream();
    const send = (ref: string) => stream.send({ op: 'publish', ref, channel: 'dev', body: ref });
    for (const ref of ['1', '2', '3']) send(ref);
    await api.gate.until(() => api.gate.held.length === 3);
    const order: string[] = [];
    const drained = api.api.drain().then(() => order.push('drained'));
    send('4');
    expect(await stream.next()).toMatchObject({ op: 'error', ref: '4', problem: { code: 'stopping' } });
    expect(await api.codeOf('/v1/messages', { json: { channel: 'dev', body: 'x' } })).toBe('stopping');
    order.push('released');
    api.gate.release(3);
    await drained;
    await api.api.close();
    await stream.until(() => stream.closeCode !== undefined);
    expect(order).toEqual(['released', 'drained']);
    expect(stream.frames.map(({ op, ref }) => `${op} ${ref}`)).toEqual([
      'published 1',
      'published 2',
      'published 3',
    ]);
    expect(stream.closeCode).toBe(1001);
    expect(api.gate.requests).toHaveLength(3);
  });

  it('closes with 1011 where an answer is missing', async () => {
    api.gate.isHolding = true;
    const stream = await api.stream();
    stream.send({ op: 'publish', ref: '1', channel: 'dev', body: '1' });
    await api.gate.until(() => api.gate.held.length === 1);
    await api.api.close();
    await stream.until(() => stream.closeCode !== undefined);
    expect(stream.closeCode).toBe(1011);
  });

  it('closes streams with 1001', async () => {
    const stream = await api.stream();
    stream.send({ op: 'subscribe', ref: 'y' });
    await stream.next();
    await api.api.close();
    await stream.until(() => stream.closeCode !== undefined);
    expect(stream.closeCode).toBe(1001);
  });
});
