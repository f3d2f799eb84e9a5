/** Deletes at a peer: what it keeps, what it gives to others, and that peers with and without the content agree. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import { NO_RATES } from '../../core/defaults.ts';
import { createMesh, junk, push, pushed } from '../../core/gossip/mesh.fixture.ts';
import { LIMITS, MINUTE } from '../../core/limits.ts';
import { idOf } from '../../core/membership/records.fixture.ts';
import { readSignedHeader, type Tombstone } from '../../core/message/header.ts';
import { authorOf, openclaw } from '../../core/message/message.fixture.ts';
import type { Message, MessageFields } from '../../core/message/message.ts';
import type { Bench } from '../../core/peer.fixture.ts';
import type { Rates } from '../../core/peer-types.ts';
import type { Store } from '../../store/store.ts';
import { bodies, createPair, createStore, fill, series, WAYS } from './holder.fixture.ts';

function deletion(
  bench: Bench,
  target: Message,
  fields: Partial<MessageFields> = {},
  by = 'somebody',
): Message {
  const refs = [{ relation: 4, id: target.id }];
  const { channel } = target;
  return bench.message('', { channel, kind: 2, refs, time: later(target), ...fields }, authorOf(by));
}

const later = ({ time }: Message) => ({ timeMs: time.timeMs + 1, counter: 0 });

function tombstoneOf({ bytes, signature }: Message, by: Message): Tombstone {
  return { header: readSignedHeader(openclaw, bytes, signature), deletion: by };
}

function holdings(store: Store, ...messages: readonly Message[]) {
  const answer = store.read({ kind: 'has', ids: messages.map(({ id }) => id) });
  return answer.kind === 'has' && answer.holdings;
}

function meshOf(options: { readonly joined?: readonly string[]; readonly rates?: Rates } = {}) {
  const store = createStore();
  const { joined = ['dev'], rates = NO_RATES } = options;
  const mesh = createMesh({ store, state: { joined }, config: { rates } });
  const root = { root: idOf(mesh.far) };
  return { ...mesh, store, send: (message: Message) => push(mesh.a, [message], root) };
}

/** What `b` gets for an id that it asks for. */
function asked({ bench, b }: ReturnType<typeof meshOf>, { id }: Message) {
  b.clear();
  b.send({ type: 'fetch', ids: [id] });
  bench.run(1000);
  const [answer] = b.got('fetched');
  return {
    messages: answer?.messages.length,
    notHeld: answer?.notHeld.length,
    tombstones: answer?.tombstones,
  };
}

describe('a delete', () => {
  it('is passed on, and what it deletes is shown, served and passed on no more', () => {
    const mesh = meshOf();
    const { bench, b, store, send } = mesh;
    const post = bench.message('regretted');
    const del = deletion(bench, post);
    send(post);
    bench.run(100);
    expect(asked(mesh, post).messages).toBe(1);
    send(del);
    bench.run(1000);
    expect(pushed(b).length).toBe(1);
    expect([holdings(store, post, del), bodies(store)]).toEqual([['deleted', 'held'], []]);
    const answer = asked(mesh, post);
    expect([answer.messages, answer.notHeld]).toEqual([0, 0]);
    expect(answer.tombstones?.map(({ header }) => header.idText)).toEqual([post.idText]);
    b.clear();
    send(post);
    bench.run(1000);
    expect([pushed(b), holdings(store, post)]).toEqual([[], ['deleted']]);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('that comes first lets nobody have a copy of what it deletes', () => {
    const mesh = meshOf();
    const { bench, b, store, send } = mesh;
    const post = bench.message('regretted');
    send(deletion(bench, post));
    bench.run(1000);
    b.clear();
    send(post);
    bench.run(1000);
    expect([pushed(b), b.got('announce'), holdings(store, post)]).toEqual([[], [], ['deleted']]);
    expect(asked(mesh, post)).toMatchObject({ messages: 0, notHeld: 0 });
    expect(bench.ops('message')).toHaveLength(2);
  });

  it('of somebody else holds a message up until it is on the disk, and no longer', () => {
    const { bench, b, store, send } = meshOf();
    const post = bench.message('fine');
    send(deletion(bench, post, {}, 'eve'));
    bench.run(1000);
    expect(holdings(store, post)).toEqual(['named']);
    b.clear();
    bench.hold('persist');
    send(post);
    expect(pushed(b)).toEqual([]);
    bench.release('persist');
    bench.run(1000);
    expect([pushed(b), bodies(store)]).toEqual([['fine'], ['fine']]);
  });

  it('makes a relay that only passes both on forget the content', () => {
    const mesh = meshOf({ joined: [] });
    const { bench, send, store } = mesh;
    const [post, other] = [bench.message('regretted'), bench.message('not by its author')];
    send(post);
    send(other);
    bench.run(100);
    expect(asked(mesh, post).messages).toBe(1);
    send(deletion(bench, post));
    send(deletion(bench, other, {}, 'eve'));
    bench.run(100);
    expect(asked(mesh, post)).toEqual({ messages: 0, notHeld: 1, tombstones: undefined });
    expect(asked(mesh, other).messages).toBe(1);
    expect(store.lastArrival()).toBe(0);
  });

  it('makes content that was put off no longer wanted', () => {
    const { bench, a, store, send } = meshOf({
      rates: { ...NO_RATES, authorPerSecond: 1, commonPerSecond: 1 },
    });
    const posts = Array.from({ length: LIMITS.authorBurst + LIMITS.commonBurst + 2 }, (_, i) =>
      bench.message(`${i}`),
    );
    for (let at = 0; at < posts.length; at += 200) push(a, posts.slice(at, at + 200));
    const found = holdings(store, ...posts) || [];
    const post = posts[found.lastIndexOf('wanted')] as Message;
    expect(found).toContain('wanted');
    const del = deletion(bench, post);
    send(del);
    bench.run(100);
    // The delete is over the rate of its author itself: its header is enough.
    expect(holdings(store, post, del)).toEqual(['deleted', 'wanted']);
    const wanted = store.read({ kind: 'wanted', afterArrival: 0, limit: 9 });
    const ids = wanted.kind === 'wanted' ? wanted.rows.map(({ id }) => toBase64url(id)) : [];
    expect([ids.includes(post.idText), ids.includes(del.idText)]).toEqual([false, true]);
  });
});

describe('a tombstone', () => {
  function asking() {
    const mesh = meshOf();
    const { bench, a } = mesh;
    const post = bench.message('regretted');
    a.send({ type: 'announce', ids: [post.id] });
    bench.run(500);
    expect(a.got('fetch')).toHaveLength(1);
    const answer = (tombstone: Tombstone) => {
      a.send({ type: 'fetched', messages: [], notHeld: [], tombstones: [tombstone] });
      bench.run(1000);
    };
    return { ...mesh, post, answer };
  }

  it('is stored with its delete, which is new here and is offered onwards', () => {
    const { bench, b, store, post, answer } = asking();
    const del = deletion(bench, post);
    answer(tombstoneOf(post, del));
    expect(holdings(store, post, del)).toEqual(['deleted', 'held']);
    expect(b.got('announce').flatMap(({ ids }) => ids)).toEqual([del.id]);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('that was not asked for is an offence', () => {
    const { bench, store, answer } = asking();
    const other = bench.message('other');
    answer(tombstoneOf(other, deletion(bench, other)));
    expect(bench.reports('offence')).toMatchObject([{ code: 'unsolicited' }]);
    expect(store.lastArrival()).toBe(0);
  });

  it.each<[string, (post: Message, del: Message) => Tombstone]>([
    ['header', (post, del) => tombstoneOf(junk(post), del)],
    ['delete', (post, del) => tombstoneOf(post, junk(del))],
  ])(
    'with a wrong signature of its %s is an offence, and the genuine message is still to be had',
    (_, of) => {
      const { bench, a, b, store, post, answer } = asking();
      b.send({ type: 'announce', ids: [post.id] });
      answer(of(post, deletion(bench, post)));
      expect(bench.reports('offence')).toMatchObject([{ code: 'invalid_signature', data: { peer: a.id } }]);
      expect(store.lastArrival()).toBe(0);
      push(a, [post]);
      bench.run(500);
      expect(bodies(store)).toEqual(['regretted']);
    },
  );

  it('from the future, or of what has expired, is forgotten without offence', () => {
    for (const isFuture of [true, false]) {
      const { bench, a, store } = asking();
      const { wallMs } = bench.now;
      const ahead = { timeMs: wallMs + LIMITS.futureMs + MINUTE, counter: 0 };
      const post = bench.message('x', isFuture ? {} : { expiresMs: wallMs - 1 });
      a.send({ type: 'announce', ids: [post.id] });
      bench.run(500);
      const del = deletion(bench, post, isFuture ? { time: ahead } : {});
      const tombstones = [tombstoneOf(post, del)];
      a.send({ type: 'fetched', messages: [], notHeld: [], tombstones });
      bench.run(1000);
      expect(store.lastArrival()).toBe(0);
      expect(bench.reports('offence')).toEqual([]);
    }
  });
});

describe.each(WAYS)('catch-up with %s', (_, way) => {
  it('ends where one side has the headers of deleted messages, and the other nothing, or the deletes, or the content', () => {
    const pair = createPair(way);
    const { bench, store, holder, remote, floorHour } = pair;
    const posts = series(bench, 12, { endMs: 10 * MINUTE });
    const deletes = posts.slice(0, 9).map((post) => deletion(bench, post));
    // Three it lacks altogether, of three it has the delete, of three the content.
    fill(holder.store, [...posts, ...deletes]);
    fill(store, [...deletes.slice(3, 6), ...posts.slice(6, 9)]);
    holder.tell(floorHour, 'dev');
    bench.run(0);
    if (remote.role === 'responder') holder.sums(floorHour);
    holder.serve();
    const all = [...posts, ...deletes];
    const expected = [...Array(9).fill('deleted'), ...Array(12).fill('held')];
    expect([holdings(store, ...all), holdings(holder.store, ...all)]).toEqual([expected, expected]);
    remote.clear();
    for (let i = 0; i < 30; i++) {
      holder.compare(floorHour);
      bench.run(5000);
      holder.answer();
    }
    expect(['reconcile', 'offer', 'fetch'].flatMap((type) => remote.got(type as 'fetch'))).toEqual([]);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('gives the other side what is left of what was deleted here', () => {
    const { bench, store, holder, remote, floorHour } = createPair(way);
    const posts = series(bench, 4, { endMs: 10 * MINUTE });
    const deletes = posts.slice(0, 3).map((post) => deletion(bench, post));
    fill(store, [...posts, ...deletes]);
    holder.tell(floorHour, 'dev');
    bench.run(0);
    if (remote.role === 'responder') holder.sums(floorHour);
    holder.serve();
    expect(holdings(holder.store, ...posts)).toEqual(['deleted', 'deleted', 'deleted', 'held']);
  });
});
