/** Catch-up with mesh/1 peers: complete towards them, and as much as can be verified from them. */
import { describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../../core/bytes.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Message } from '../../core/message/message.ts';
import { Bench } from '../../core/peer.fixture.ts';
import { Mesh1Node, type Mesh1Options, type Mesh1Post } from '../mesh1/node.ts';
import { bodies, createStore, fill, restored, series } from './holder.fixture.ts';
import { carrying, type Hello, type Json, OldPeer, original } from './mesh1.fixture.ts';

function setUp(hello: Hello = {}) {
  const store = createStore();
  const bench = new Bench({ store, state: { ...restored(store), joined: ['dev'] } });
  const connect = (): OldPeer => new OldPeer(bench, 'old', hello);
  return { bench, store, connect };
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i} `);

/** The answer to a request of a mesh/1 peer: what mesh/1 calls its messages, and their bodies. */
function ask(old: OldPeer, fields: Json = {}) {
  old.heard();
  old.say({ type: 'sync_request', channel_id: 'dev', after_message_id: null, limit: 100, ...fields });
  const [answer] = old.heard('sync_response');
  const messages = (answer?.messages ?? []) as Mesh1Post[];
  return { ids: messages.map(({ message_id }) => message_id), texts: messages.map(({ body }) => body) };
}

describe('a mesh/1 peer that asks', () => {
  it('gets the newest without a cursor, and from a cursor on every message in one order', () => {
    const { bench, store, connect } = setUp();
    // Equal times among them: their order is that of their ids, here as everywhere.
    fill(store, series(bench, 250, { everyMs: 60_000 }));
    fill(store, series(bench, 30, { everyMs: 0, endMs: 1000, body: 'equal' }));
    const old = connect();
    const all = bodies(store);
    expect(ask(old).texts).toEqual(all.slice(-100));
    expect(ask(old, { limit: 900 }).texts).toEqual(all);
    const first = store.readPage({ channel: 'dev', limit: 280, wallMs: 0 })[0]?.message.message.idText;
    const walked: string[] = [];
    for (let after = first; after !== undefined; ) {
      const page = ask(old, { limit: 20, after_message_id: after });
      walked.push(...page.texts);
      after = page.ids.at(-1);
    }
    expect(walked).toEqual(all.slice(1));
    expect(ask(old, { after_message_id: 'nobody knows' }).texts).toEqual(all.slice(-100));
    expect(ask(old, { channel_id: 'empty' }).texts).toEqual([]);
  });

  it('gets what began at a mesh/1 peer as it was said, and goes on behind it', () => {
    const { bench, connect } = setUp();
    const old = connect();
    const posts = Array.from({ length: 5 }, (_, i) => {
      bench.run(10);
      const post = original(bench, { id: `uuid-${i}`, body: `${i}`, payload: { i } });
      old.say({ type: 'message', ...post });
      return post;
    });
    bench.run(10);
    const other = connect();
    other.heard();
    other.say({ type: 'sync_request', channel_id: 'dev', after_message_id: null, limit: 3 });
    const [answer] = other.heard('sync_response');
    expect(answer?.messages).toEqual(posts.slice(2));
    expect(ask(other, { limit: 2, after_message_id: 'uuid-2' }).ids).toEqual(['uuid-3', 'uuid-4']);
  });

  it('gets the rest of what it subscribed to unasked, oldest first, as fast as it reads', () => {
    const { bench, store, connect } = setUp();
    fill(store, series(bench, 300));
    const old = connect();
    old.say({ type: 'subscribe', channel_id: 'dev' });
    expect(ask(old).texts).toEqual(range(200, 300));
    bench.run(10);
    expect(old.bodies()).toEqual(range(0, 200));
    expect(ask(old).texts).toEqual(range(200, 300));
    bench.run(10);
    expect(old.bodies()).toEqual([]);
    // It subscribes anew: so it may have missed something, and only what it surely has is left out.
    old.say({ type: 'unsubscribe', channel_id: 'dev' });
    fill(store, series(bench, 150, { endMs: 1000, everyMs: 1, author: 'late', body: 'late' }));
    old.say({ type: 'subscribe', channel_id: 'dev' });
    expect(ask(old).texts).toHaveLength(100);
    bench.run(10);
    expect(old.bodies()).toHaveLength(50);
  });

  it('is sent one answer or page at a time, and the next when that has left', () => {
    const { bench, store, connect } = setUp();
    fill(store, series(bench, 300));
    const old = connect();
    old.remote.isReadingSlowly = true;
    old.say({ type: 'subscribe', channel_id: 'dev' });
    for (let i = 0; i < 3; i++) ask(old);
    bench.run(10_000);
    expect([old.heard('sync_response').length, old.bodies().length]).toEqual([0, 0]);
    const flush = () => {
      bench.flushed(old.remote.link);
      bench.run(10);
      return [old.heard('sync_response').length, old.bodies().length];
    };
    expect([flush(), flush(), flush(), flush()]).toEqual([
      [1, 0],
      [1, 0],
      [0, 32],
      [0, 32],
    ]);
  });

  it('is never sent more at once than its queue holds, however large the messages', () => {
    const { bench, store, connect } = setUp();
    const large = (i: number) =>
      bench.message(`${i} ${'x'.repeat(40_000)}`, {
        time: { timeMs: bench.now.wallMs - 1000 + i, counter: 0 },
      });
    fill(
      store,
      Array.from({ length: 60 }, (_, i) => large(i)),
    );
    const old = connect();
    old.remote.isReadingSlowly = true;
    old.say({ type: 'subscribe', channel_id: 'dev' });
    for (let i = 0; i < 5; i++)
      old.say({ type: 'sync_request', channel_id: 'dev', after_message_id: null, limit: 500 });
    const numbers = new Set<number>();
    for (let step = 0; step < 40; step++) {
      const frames = old.heard();
      const bytes = frames.reduce((sum, frame) => sum + JSON.stringify(frame).length, 0);
      expect(bytes).toBeLessThan(LIMITS.linkQueueBytesMax);
      for (const frame of frames)
        for (const one of frame.type === 'message' ? [frame] : ((frame.messages as Json[] | undefined) ?? []))
          numbers.add(Number.parseInt(String(one.body), 10));
      bench.flushed(old.remote.link);
      bench.run(10);
    }
    expect(numbers.size).toBe(60);
  });

  it('costs its rate when it has the same looked through again and again', () => {
    const { bench, store, connect } = setUp();
    fill(store, series(bench, 300));
    const old = connect();
    const reads = () => bench.of('read').filter(({ query }) => query.kind === 'page').length;
    old.say({ type: 'subscribe', channel_id: 'dev' });
    ask(old);
    bench.run(10);
    const before = reads();
    for (let i = 0; i < 10; i++) {
      old.say({ type: 'subscribe', channel_id: 'dev' });
      ask(old, { limit: 1 });
    }
    bench.run(10);
    // A repeated subscription is none: only what was asked for is read.
    expect(reads() - before).toBe(10);
  });

  it('is answered by as many as fit an answer, the newest of them', () => {
    const { bench, store, connect } = setUp();
    const old = connect();
    const large: Message[] = Array.from({ length: 12 }, (_, i) =>
      bench.message(`${i}${'x'.repeat(60_000)}`, { time: { timeMs: bench.now.wallMs + i, counter: 1 } }),
    );
    fill(store, large);
    const { ids } = ask(old, { limit: 500 });
    expect(ids.length).toBeLessThan(12);
    expect(ids.at(-1)).toBe(large.at(-1)?.idText);
  });
});

describe('a mesh/1 relay', () => {
  it('gets the history of a channel that we want once we have seen what it has', () => {
    const { bench, store, connect } = setUp({ relay: true, store: true });
    const messages = series(bench, 60);
    fill(store, messages);
    const old = connect();
    const request = { type: 'sync_request', channel_id: 'dev', after_message_id: null, limit: 20 };
    expect(old.heard('sync_request')).toEqual([request]);
    expect(old.bodies()).toEqual([]);
    old.say({ type: 'sync_response', channel_id: 'dev', messages: messages.slice(0, 5).map(carrying) });
    old.say({ type: 'sync_response', channel_id: 'dev', messages: [] });
    bench.run(10);
    expect(old.bodies()).toEqual(range(5, 60));
  });

  it('gets what it missed while we had left the channel', () => {
    const { bench, store, connect } = setUp({ relay: true });
    fill(store, series(bench, 5));
    const old = connect();
    bench.run(10);
    expect(old.bodies()).toHaveLength(5);
    bench.event({ kind: 'leave', request: 9, channel: 'dev' });
    bench.run(1100);
    fill(store, series(bench, 3, { endMs: 0, everyMs: 1, author: 'meanwhile', body: 'meanwhile' }));
    bench.join('dev');
    bench.run(1100);
    expect(old.bodies()).toHaveLength(3);
  });

  it('gets it at once where it keeps nothing itself', () => {
    const { bench, store, connect } = setUp({ relay: true });
    fill(store, series(bench, 40));
    const old = connect();
    bench.run(10);
    expect(old.bodies()).toEqual(range(0, 40));
  });
});

/** A mesh/1 peer of its own making at the other end of a link. */
function connectNode(bench: Bench, options: Partial<Mesh1Options>, kept: readonly Mesh1Post[]): void {
  const remote = bench.open('node');
  const said: string[] = [];
  const node = new Mesh1Node(
    { ...{ peerId: 'peer-node', relay: false, store: true, withoutCursor: 'oldest' }, ...options },
    (_, text) => said.push(text),
  );
  node.restore(kept);
  node.opened(1, true);
  let heard = 0;
  for (let quiet = false; !quiet; ) {
    quiet = true;
    for (const text of said.splice(0)) {
      remote.text(text);
      bench.run(1);
      quiet = false;
    }
    for (const text of remote.texts.slice(heard)) {
      heard++;
      node.received(1, text);
      quiet = false;
    }
  }
}

describe('catch-up from a mesh/1 peer', () => {
  it.each(['oldest', 'newest'] as const)(
    'brings all that carries a mesh/2 message where it gives the %s first',
    (withoutCursor) => {
      const { bench, store } = setUp();
      const messages = series(bench, 250);
      connectNode(
        bench,
        { withoutCursor },
        messages.map((message) => carrying(message) as unknown as Mesh1Post),
      );
      bench.run(100);
      expect(bodies(store)).toEqual(messages.map(({ body }) => body));
    },
  );

  it('counts what nobody can verify, once, and not what came with its signature before', () => {
    const { bench, store, connect } = setUp({ store: true });
    const old = connect();
    const known = original(bench, { id: 'known' });
    old.say({ type: 'message', ...known });
    bench.run(10);
    const { signature: _, ...stripped } = known;
    const unsigned = Array.from({ length: 3 }, (_, i) => {
      const { signature: none, ...post } = original(bench, { id: `unsigned-${i}` });
      return none === '' ? undefined : post;
    });
    const labelled = { ...stripped, message_id: 'labelled', sender_id: 'peer-1' };
    const messages = [stripped, ...unsigned, labelled];
    old.say({ type: 'sync_response', channel_id: 'dev', messages });
    old.say({ type: 'sync_response', channel_id: 'dev', messages });
    bench.run(10);
    expect(bodies(store)).toEqual(['hello']);
    expect(bench.peer.snapshot(bench.now).links).toMatchObject([{ unverified: 4 }]);
  });

  it('takes nothing that was not asked for, and smaller texts once it has been answered', () => {
    const { bench, store, connect } = setUp({ store: true });
    const old = connect();
    const messages = [carrying(bench.message('unasked', { channel: 'ops' }))];
    old.heard();
    old.say({ type: 'sync_response', channel_id: 'ops', messages });
    expect(old.heard('error')).toMatchObject([{ code: 'invalid_message' }]);
    expect(bench.of('mesh1')).toHaveLength(1);
    old.say({ type: 'sync_response', channel_id: 'dev', messages });
    expect(bench.of('mesh1')).toMatchObject([{}, { textBytesMax: LIMITS.mesh1BytesMax }]);
    old.say({ type: 'sync_response', channel_id: 'dev', messages: [] });
    old.say({ type: 'sync_response', channel_id: 'dev', messages: [] });
    expect(old.heard('error')).toMatchObject([{ code: 'invalid_message' }]);
    bench.run(10);
    expect(store.channels().map(({ channel }) => channel)).toEqual([]);
  });

  it('goes on to the next channel where there is no answer, and asks for no more than fits a text', () => {
    const { bench, store, connect } = setUp({ store: true });
    bench.join('ops');
    const old = connect();
    const asked = () =>
      old.heard('sync_request').map(({ channel_id, limit }) => `${String(channel_id)} ${String(limit)}`);
    expect(asked()).toEqual(['dev 20']);
    bench.run(LIMITS.requestMs + 1000);
    expect(asked()).toEqual(['ops 20']);
    const large = Array.from({ length: 20 }, (_, i) =>
      carrying(bench.message(`${i}${'x'.repeat(20_000)}`, { channel: 'ops' })),
    );
    old.say({ type: 'sync_response', channel_id: 'ops', messages: large });
    expect(asked()).toEqual(['ops 20']);
    old.say({ type: 'sync_response', channel_id: 'ops', messages: [] });
    // What was not answered gets another turn, and an answer that comes late is welcome.
    expect(asked()).toEqual(['dev 20']);
    bench.run(LIMITS.requestMs + 1000);
    const late = bench.message('late', { channel: 'dev' });
    old.say({ type: 'sync_response', channel_id: 'dev', messages: [carrying(late)] });
    bench.run(10);
    expect(old.heard('error')).toEqual([]);
    expect(bodies(store)).toEqual(['late']);
  });

  it('ends with a peer that has no end', () => {
    const { bench, connect } = setUp({ store: true });
    const old = connect();
    let n = 0;
    for (let page = 0; page < LIMITS.mesh1PullPagesMax + 5; page++) {
      if (old.heard('sync_request').length === 0) break;
      const messages = Array.from({ length: 1 }, () => ({
        ...{ message_id: `m${n++}`, channel_id: 'dev', sender_id: 'x', body: '', timestamp: '' },
      }));
      old.say({ type: 'sync_response', channel_id: 'dev', messages });
    }
    expect(n).toBe(LIMITS.mesh1PullPagesMax);
    expect(bench.peer.footprint().mesh1Links).toMatchObject({ size: 1 });
  });
});

it('keeps the bytes of what passes a mesh/1 peer', () => {
  const { bench, store } = setUp();
  const payload = '{"b":1.0,"a":12345678901234567890,"2":1,"1":"\\u0041","b":2}';
  const message = bench.message('exact', { payload: utf8(payload) });
  const old = new OldPeer(bench, 'old');
  // It parses and writes the payload anew: numbers and keys of integers change beside what is carried.
  const rewritten = JSON.parse(`{"$m2":"${toBase64url(message.wire)}",${payload.slice(1)}`) as Json;
  old.carry(message, { payload: rewritten });
  bench.run(10);
  const [stored] = store.readPage({ channel: 'dev', limit: 1, wallMs: 0 });
  expect(stored?.message.message.wire).toEqual(message.wire);
});
