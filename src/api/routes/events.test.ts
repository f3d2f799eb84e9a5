import http from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

interface Events {
  readonly response: http.IncomingMessage;
  /** the events so far, once there are at least as many */
  atLeast(count: number): Promise<string[]>;
}

function open(query: string, headers = {}): Promise<Events> {
  const path = `/v1/events${query}`;
  const options = {
    port: api.port,
    host: '127.0.0.1',
    path,
    agent: false as const,
    headers: api.headers(headers),
  };
  return new Promise((resolve, reject) => {
    const request = http.get(options, (response) => {
      let text = '';
      let tell: () => void = () => undefined;
      response.on('data', (chunk) => {
        text += chunk;
        tell();
      });
      response.on('error', () => undefined); // the test breaks it off
      const atLeast = async (count: number) => {
        for (;;) {
          const events = text.split('\n\n').slice(0, -1);
          if (events.length >= count) return events;
          await new Promise<void>((more) => {
            tell = more;
          });
        }
      };
      resolve({ response, atLeast });
    });
    request.on('error', reject);
  });
}

describe('GET /v1/events', () => {
  it('brings changes under the number of the edit or delete, and only to who asks for them', async () => {
    const message = api.gate.add('dev', 'to be changed');
    const [asking, other] = [await open('?changes=true'), await open('?changes=false')];
    await Promise.all([asking.atLeast(1), other.atLeast(1)]);
    const change = api.gate.change({ arrival: 7, deleted: [message.id] });
    const told = `event: change\nid: 7\ndata: ${JSON.stringify(change)}`;
    expect((await asking.atLeast(2)).slice(1)).toEqual([told]);
    const next = api.gate.add('dev', 'next');
    const end = `event: message\nid: ${next.arrival}\ndata: ${JSON.stringify(next)}`;
    expect((await other.atLeast(2)).slice(1)).toEqual([end]);
    expect(await api.codeOf('/v1/events?changes=yes')).toBe('bad_request');
  });

  it('brings ephemerals without a number, and only to who asks for them', async () => {
    const [asking, other] = [await open('?ephemerals=true'), await open('')];
    await Promise.all([asking.atLeast(1), other.atLeast(1)]);
    const told = api.gate.tell();
    await asking.atLeast(2);
    const message = api.gate.add('dev', 'the answer');
    const end = `event: message\nid: 1\ndata: ${JSON.stringify(message)}`;
    expect((await asking.atLeast(3)).slice(1)).toEqual([
      `event: ephemeral\ndata: ${JSON.stringify(told)}`,
      end,
    ]);
    expect((await other.atLeast(2)).slice(1)).toEqual([end]);
    expect(await api.codeOf('/v1/events?ephemerals=yes')).toBe('bad_request');
  });

  it('gives the backfill, the mark and what comes then, each with its arrival number', async () => {
    const stored = api.gate.add('dev', 'a\nb');
    const { response, atLeast } = await open('?after=0');
    expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
    await atLeast(2);
    const live = api.gate.add('dev', 'live');
    expect(await atLeast(3)).toEqual([
      `event: message\nid: 1\ndata: ${JSON.stringify(stored)}`,
      'event: caught-up\nid: 1\ndata: {"arrival":1}',
      `event: message\nid: 2\ndata: ${JSON.stringify(live)}`,
    ]);
    response.destroy();
  });

  it('goes on behind the last event id and keeps to the channels', async () => {
    for (const body of ['1', '2', '3']) api.gate.add('dev', body);
    api.gate.add('other', '4');
    api.gate.add('#x y', '5');
    const { response, atLeast } = await open('?channel=dev&channel=%23x+y&after=0', { 'last-event-id': '2' });
    const ids = (await atLeast(3)).map((event) => event.split('\n')[1]);
    expect(ids).toEqual(['id: 3', 'id: 5', 'id: 5']);
    response.destroy();
  });

  it('ends with the daemon and leaves its place when it ends', async () => {
    const all = await Promise.all(Array.from({ length: LIMITS.apiStreamsMax }, () => open('')));
    expect(await api.codeOf('/v1/events')).toBe('too_many_requests');
    const ended = all.map(({ response }) => new Promise((resolve) => response.once('end', resolve)));
    await api.api.close();
    await Promise.all(ended);
  });

  it('refuses cursors that are none', async () => {
    for (const query of ['?after=-1', '?after=x', '?after=1&after=2', '?channels=dev']) {
      expect(await api.codeOf(`/v1/events${query}`)).toBe('bad_request');
    }
    expect(await api.codeOf('/v1/events', { headers: { 'last-event-id': 'x' } })).toBe('bad_request');
    expect(await api.codeOf('/v1/events?after=9')).toBe('bad_request');
    expect(await api.codeOf('/v1/events?channel=dm:x')).toBe('bad_channel');
  });

  it('pulls no further than a reader reads', async () => {
    for (let i = 0; i < 3000; i++) api.gate.add('dev', 'x'.repeat(10_000));
    const { response } = await open('?after=0');
    response.pause();
    // Other requests are served meanwhile, and the feed comes to a stand far from its end.
    for (let pulled = -1; pulled !== api.gate.pulled; ) {
      pulled = api.gate.pulled;
      for (let i = 0; i < 20; i++) await api.ask('/v1/status');
    }
    expect(api.gate.pulled).toBeLessThan(3000);
    response.destroy();
  });
});
