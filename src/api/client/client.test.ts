import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { ERROR_CODES, ERRORS, MeshError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';
import { type Client, connectDaemon } from './client.ts';
import { isLoopbackUrl } from './find.ts';
import { fromProblem, PublishedError, toProblem } from './problem.ts';
import { ItemQueue } from './queue.ts';
import { Stream } from './stream.ts';

let api: TestApi;
let client: Client;
beforeEach(async () => {
  api = await startTestApi();
  client = await connectDaemon(api.folder);
});
afterEach(async () => {
  client.close();
  await api.stop();
});

describe('the client', () => {
  it('finds its daemon by the folder and speaks to each route', async () => {
    const { id, state } = await client.publish({ channel: '#dev', body: 'x' }, { idempotencyKey: 'k' });
    expect(state).toBe('queued');
    expect((await client.message(id)).body).toBe('x');
    expect(await client.messages({ channel: '#dev', limit: 5 })).toHaveLength(1);
    expect(await client.join('a b')).toEqual({ channel: 'a b', isNew: true });
    expect((await client.channels()).map(({ channel }) => channel)).toEqual(['a b', '#dev']);
    expect(await client.status()).toEqual(api.gate.status());
    expect((await client.peers()).addresses).toHaveLength(1);
  });

  it('throws what the daemon says, and no_daemon for what is no daemon', async () => {
    await expect(client.message('x')).rejects.toMatchObject({ code: 'not_found' });
    const other = http.createServer((_request, response) => response.end('<html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { Client } = await import('./client.ts');
    const stranger = new Client({ ...client.daemon, url });
    await expect(stranger.status()).rejects.toMatchObject({ code: 'no_daemon' });
    await expect(Stream.open({ ...client.daemon, url })).rejects.toMatchObject({ code: 'no_daemon' });
    stranger.close();
    await new Promise((resolve) => other.close(resolve));
    await expect(stranger.status()).rejects.toMatchObject({ code: 'no_daemon' });
  });

  it('sends its token to loopback only', () => {
    for (const url of ['http://127.0.0.1:1', 'http://localhost:5001', 'http://[::1]:65535']) {
      expect(isLoopbackUrl(url)).toBe(true);
    }
    for (const url of [
      'https://127.0.0.1:1',
      'http://127.0.0.1@evil:1',
      'http://10.0.0.1:1',
      'http://localhost',
    ]) {
      expect(isLoopbackUrl(url)).toBe(false);
    }
  });
});

describe('a stream', () => {
  it('publishes, follows, and lets go of what nobody follows any more', async () => {
    const stream = await Stream.open(client.daemon);
    const feed = stream.subscribe({ after: 0 });
    await stream.publish({ channel: 'dev', body: 'x' });
    const items: string[] = [];
    for await (const item of feed) {
      items.push(item.kind);
      if (items.length === 2) break;
    }
    expect(items.sort()).toEqual(['caught-up', 'message']);
    await expect(stream.publish({ channel: 'dm:x', body: '' })).rejects.toMatchObject({
      code: 'bad_channel',
    });
    await stream.close();
    await expect(stream.publish({ channel: 'dev', body: '' })).rejects.toMatchObject({ code: 'no_daemon' });
    await expect(stream.subscribe().next()).rejects.toMatchObject({ code: 'no_daemon' });
  });

  it('stops the socket while nobody reads its feed, and loses nothing', async () => {
    for (let i = 0; i < 5000; i++) api.gate.add('dev', 'x'.repeat(5000));
    const stream = await Stream.open(client.daemon);
    const feed = stream.subscribe({ after: 0 });
    for (let i = 0; i < 20; i++) await client.status();
    expect(api.gate.pulled).toBeLessThan(5000);
    let arrival = 0;
    for await (const item of feed) {
      if (item.kind === 'caught-up') break;
      expect(item).toMatchObject({ kind: 'message', message: { arrival: arrival + 1 } });
      arrival += 1;
    }
    expect(arrival).toBe(5000);
    await stream.close();
  });

  it('ends everything that is open when the daemon goes', async () => {
    api.gate.isHolding = true;
    const stream = await Stream.open(client.daemon);
    const open = stream.publish({ channel: 'dev', body: 'x' });
    const feed = stream.subscribe();
    expect((await feed.next()).value).toEqual({ kind: 'caught-up', arrival: 0 });
    const next = feed.next();
    await api.api.close();
    await expect(open).rejects.toMatchObject({ code: 'no_daemon' });
    await expect(next).rejects.toMatchObject({ code: 'no_daemon' });
    await stream.close();
    api.gate.release();
  });

  it('is refused with the reason of the daemon', async () => {
    const all = await Promise.all(
      Array.from({ length: LIMITS.apiStreamsMax }, () => Stream.open(client.daemon)),
    );
    await expect(Stream.open(client.daemon)).rejects.toMatchObject({ code: 'too_many_requests' });
    await Promise.all(all.map((stream) => stream.close()));
  });

  it('survives a server that sends garbage', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.on('connection', (socket) => socket.send('{'));
    await new Promise<void>((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const stream = await Stream.open({ ...client.daemon, url });
    await expect(stream.subscribe().next()).rejects.toMatchObject({ code: 'no_daemon' });
    await stream.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('problems', () => {
  it.each(ERROR_CODES)('carry %s there and back', (code) => {
    const problem = toProblem(new MeshError(code, 'why'));
    expect(problem).toMatchObject({ type: `errors#${code}`, status: ERRORS[code].http, code, detail: 'why' });
    expect(fromProblem(JSON.parse(JSON.stringify(problem)))).toMatchObject({ code, detail: 'why' });
  });

  it('carry the message that was published all the same', () => {
    const error = new PublishedError(new MeshError('wait_timeout'), { id: 'x', state: 'relayed' });
    expect(fromProblem(toProblem(error))).toMatchObject({ code: 'wait_timeout', id: 'x', state: 'relayed' });
  });

  it('of a newer daemon or of none at all become internal', () => {
    expect(fromProblem({ code: 'brand_new', detail: 'why' })).toMatchObject({ code: 'internal' });
    expect(fromProblem({ code: '__proto__' })).toMatchObject({ code: 'internal' });
    for (const value of [null, 5, 'x', undefined])
      expect(fromProblem(value)).toMatchObject({ code: 'internal' });
    expect(toProblem(new TypeError('secret'))).toMatchObject({ code: 'internal', detail: '' });
  });
});

describe('the queue of a feed', () => {
  it('says when it is too full and when it has room, and gives what it has before its end', async () => {
    const told: (boolean | 'return')[] = [];
    const options = {
      itemsMax: 4,
      onFull: (full: boolean) => told.push(full),
      onReturn: () => told.push('return'),
    };
    const queue = new ItemQueue<number>(options);
    for (let i = 0; i < 6; i++) queue.push(i);
    queue.end(new Error('over'));
    queue.push(99);
    const got: number[] = [];
    for (let i = 0; i < 6; i++) got.push((await queue.next()).value);
    expect(got).toEqual([0, 1, 2, 3, 4, 5]);
    expect(told).toEqual([true, false]);
    await expect(queue.next()).rejects.toThrow('over');
    await queue.return();
    expect(told).toEqual([true, false]);
  });
});
