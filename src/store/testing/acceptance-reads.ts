/** Reading: pages of a channel, everything by arrival number, positions, heads and lookups by id. */
import { expect, it } from 'vitest';
import { compare, toBase64url } from '../../core/bytes.ts';
import { TIME_END, TIME_ZERO } from '../../core/message/time.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import type { Position } from '../../core/persistence.ts';
import type { Store, StoredMessage } from '../store.ts';
import {
  costOf,
  createAuthor,
  joined,
  published,
  received,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';
import type { OpenSubject } from './subject.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];

/** In the order of display: different times, equal times, counters at their end, the first and the last time. */
function edgeMessages(): VerifiedMessage[] {
  const times = [
    { timeMs: 0, counter: 0 },
    { timeMs: 0, counter: 65535 },
    ...Array.from({ length: 6 }, (_, i) => ({ timeMs: WALL_MS + (i >> 1), counter: 65535 })),
    ...Array.from({ length: 5 }, () => ({ timeMs: WALL_MS + 7, counter: 256 })),
    { timeMs: Date.UTC(6000, 0), counter: 1 },
    TIME_END,
    TIME_END,
  ];
  return inOrder(times.map((time, i) => signedMessage(i % 2 ? ann : bob, { time, body: `${i}` })));
}

function inOrder(messages: VerifiedMessage[]): VerifiedMessage[] {
  return messages.sort(({ message: a }, { message: b }) => {
    return a.time.timeMs - b.time.timeMs || a.time.counter - b.time.counter || compare(a.id, b.id);
  });
}

function ids(list: readonly (StoredMessage | VerifiedMessage | undefined)[]): (string | undefined)[] {
  return list.map((item) => (item && 'arrival' in item ? item.message : item)?.message.idText);
}

function positionOf(message: VerifiedMessage | undefined): Position {
  if (message === undefined) throw new Error('no message');
  return { time: message.message.time, id: message.message.id };
}

/** Stores in an order that is not the order of display. */
function fill(store: Store, messages: readonly VerifiedMessage[]): void {
  const shuffled = messages.map((_, i) => messages[(i * 5 + 3) % messages.length] as VerifiedMessage);
  store.transact([shuffled.map((message) => received(message))]);
}

export function describeReads(open: OpenSubject): void {
  it.each([1, 2, 3, 16, 17])('pages %i at a time in both directions without gap or repeat', (limit) => {
    const { store } = open();
    const messages = edgeMessages();
    expect(messages).toHaveLength(16);
    fill(store, [...messages]);
    const forward: StoredMessage[] = [];
    for (let after: Position | undefined = { time: TIME_ZERO, id: new Uint8Array(0) }; after; ) {
      const page = store.readPage({ channel: 'dev', limit, wallMs: WALL_MS, after });
      forward.push(...page);
      after = page.length < limit ? undefined : positionOf(page.at(-1)?.message);
    }
    expect(ids(forward)).toEqual(ids(messages));
    const backward: StoredMessage[] = [];
    for (let before: Position | undefined, more = true; more; ) {
      const page = store.readPage({ channel: 'dev', limit, wallMs: WALL_MS, ...(before && { before }) });
      backward.unshift(...page);
      more = page.length === limit;
      if (more) before = positionOf(page[0]?.message);
    }
    expect(ids(backward)).toEqual(ids(messages));
  });

  it('reads between two positions, oldest first', () => {
    const { store } = open();
    const messages = edgeMessages();
    fill(store, [...messages]);
    const [after, before] = [positionOf(messages[2]), positionOf(messages[12])];
    const page = store.readPage({ channel: 'dev', limit: 5, wallMs: WALL_MS, after, before });
    expect(ids(page)).toEqual(ids(messages.slice(3, 8)));
    const query = { channel: 'dev', limit: 50, wallMs: WALL_MS, after, before };
    const rest = store.readPage(query);
    expect(ids(rest)).toEqual(ids(messages.slice(3, 12)));
    // The core asks for the same.
    const answer = store.read({ kind: 'page', ...query });
    expect(answer.kind === 'page' && ids(answer.messages)).toEqual(ids(rest));
    const newest = store.read({ kind: 'page', channel: 'dev', limit: 3, wallMs: WALL_MS });
    expect(newest.kind === 'page' && ids(newest.messages)).toEqual(ids(messages.slice(-3)));
    expect(() => store.read({ kind: 'page', channel: 'dev', limit: -1, wallMs: WALL_MS })).toThrow(
      RangeError,
    );
  });

  it('fills pages past expired messages', () => {
    const { store } = open();
    const messages = inOrder(
      Array.from({ length: 9 }, (_, i) =>
        signedMessage(ann, { time: { timeMs: WALL_MS + i }, expiresMs: i % 3 === 0 ? 0 : WALL_MS + i }),
      ),
    );
    store.transact([messages.map((message) => published(message))]);
    const alive = messages.filter((_, i) => i % 3 === 0 || i > 4);
    const query = { channel: 'dev', wallMs: WALL_MS + 4 };
    expect(ids(store.readPage({ ...query, limit: 5 }))).toEqual(ids(alive.slice(-5)));
    expect(ids(store.readPage({ ...query, limit: 3, after: positionOf(messages[0]) }))).toEqual(
      ids(alive.slice(1, 4)),
    );
    expect(ids(store.readArrivals({ after: 0, limit: 4, wallMs: WALL_MS + 4 }))).toEqual(
      ids(alive.slice(0, 4)),
    );
  });

  it('knows nothing of channels it never saw', () => {
    const { store } = open();
    const query = { channel: 'nowhere', limit: 5, wallMs: WALL_MS };
    expect(store.readPage(query)).toEqual([]);
    expect(store.readArrivals({ after: 0, limit: 5, wallMs: WALL_MS, channels: ['nowhere'] })).toEqual([]);
    expect(store.readMessage('nothing')).toBeUndefined();
    expect(store.readMessage(ann.id)).toBeUndefined();
    expect(store.channels()).toEqual([]);
    expect(store.lastArrival()).toBe(0);
  });

  it('reads by arrival the joined channels and own messages, or the channels that are named', () => {
    const { store } = open();
    const names = ['a', 'b', 'c'] as const;
    const messages = Array.from({ length: 300 }, (_, i) =>
      signedMessage(ann, { channel: names[i % 3] ?? 'a', body: `${i}` }),
    );
    const ops = messages.map((message, i) => (i % 50 === 2 ? published(message) : received(message)));
    store.transact([[joined('a'), joined('b'), joined('empty')], ops]);
    const wanted = messages.filter((_, i) => i % 3 < 2 || i % 50 === 2);
    expect(wanted.length).toBeGreaterThan(200);
    const walk = (limit: number, channels?: readonly string[]): StoredMessage[] => {
      const found: StoredMessage[] = [];
      for (let more = true; more; ) {
        const after = found.at(-1)?.arrival ?? 0;
        const page = store.readArrivals({ after, limit, wallMs: WALL_MS, ...(channels && { channels }) });
        found.push(...page);
        more = page.length === limit;
      }
      return found;
    };
    for (const limit of [1, 64, 129, 1000]) expect(ids(walk(limit))).toEqual(ids(wanted));
    expect(ids(walk(10, ['c', 'c', 'nowhere']))).toEqual(ids(messages.filter((_, i) => i % 3 === 2)));
    expect(ids(walk(70, ['c', 'a', 'b']))).toEqual(ids(messages));
    expect(walk(5, [])).toEqual([]);
    expect(store.readArrivals({ after: 0, limit: 0, wallMs: WALL_MS })).toEqual([]);
    expect(store.readArrivals({ after: 300, limit: 9, wallMs: WALL_MS })).toEqual([]);
  });

  it('lists the channels that were joined or have messages', () => {
    const { store } = open();
    const [a, b] = [signedMessage(ann, { channel: 'a' }), signedMessage(ann, { channel: 'b', expiresMs: 5 })];
    store.transact([[received(b), received(a), joined('joined'), joined('a'), joined('a')]]);
    const costs = new Map([a, b].map((one) => [one.message.channel, costOf(one)]));
    const rowOf = (channel: string, joinedIt: boolean, messages: number, lastArrival: number) => {
      const cost = costs.get(channel) ?? { header: 0, content: 0 };
      const bytes = messages * (cost.header + cost.content);
      return { channel, tag: tagOf(channel), joined: joinedIt, policy: {}, messages, bytes, lastArrival };
    };
    const later = [rowOf('a', true, 1, 2), rowOf('joined', true, 0, 0)];
    expect(store.channels()).toEqual([later[0], rowOf('b', false, 1, 1), later[1]]);
    store.transact([[{ kind: 'expire', wallMs: 5 }]]);
    expect(store.channels()).toEqual(later);
  });

  it('answers by id, in the order asked', () => {
    const { store } = open();
    const [a, b, c] = ['a', 'b', 'c'].map((body) => signedMessage(ann, { body }));
    store.transact([[received(a as VerifiedMessage), received(b as VerifiedMessage)]]);
    const asked = [b, c, a, a].map((message) => (message as VerifiedMessage).message.id);
    const has = store.read({ kind: 'has', ids: [...asked, new Uint8Array(0), new Uint8Array(33)] });
    const holdings = ['held', 'unknown', 'held', 'held', 'unknown', 'unknown'];
    expect(has).toEqual({ kind: 'has', holdings });
    const answer = store.read({ kind: 'messages', ids: [...asked, new Uint8Array(7)] });
    expect(answer.kind === 'messages' && ids(answer.messages)).toEqual([
      ...ids([b, undefined, a, a]),
      undefined,
    ]);
  });

  it('tells where the clock of an identity in a channel stands', () => {
    const { store } = open();
    const head = (identity: string, channel: string, horizonMs: number) =>
      store.read({ kind: 'head', identity, channel, horizonMs });
    const none = { kind: 'head', own: undefined, seen: TIME_ZERO };
    expect(head(ann.id, 'dev', WALL_MS)).toEqual(none);
    const twins = inOrder([1, 2].map((n) => signedMessage(ann, { time: { counter: 5 }, body: `${n}` })));
    const others = [
      signedMessage(ann, { time: { counter: 4 } }),
      signedMessage(bob, { time: { timeMs: WALL_MS + 50, counter: 65535 } }),
      signedMessage(bob, { time: TIME_END }),
      signedMessage(ann, { time: { timeMs: WALL_MS + 9 }, channel: 'other' }),
    ];
    store.transact([[...twins, ...others].map((message) => received(message))]);
    expect(head(ann.id, 'dev', WALL_MS + 50)).toEqual({
      kind: 'head',
      own: positionOf(twins[1]),
      seen: { timeMs: WALL_MS + 50, counter: 65535 },
    });
    expect(head(ann.id, 'dev', WALL_MS + 49)).toMatchObject({ seen: { timeMs: WALL_MS, counter: 5 } });
    expect(head(ann.id, 'dev', WALL_MS - 1)).toMatchObject({ own: positionOf(twins[1]), seen: TIME_ZERO });
    expect(head(bob.id, 'dev', Number.MAX_SAFE_INTEGER)).toMatchObject({ seen: TIME_END });
    expect(head(createAuthor(3).id, 'dev', 0)).toEqual(none);
    expect(head(ann.id, 'nowhere', WALL_MS)).toEqual(none);
  });

  it('tells the message that was published last, though an earlier one has a later time', () => {
    const { store } = open();
    const own = () => store.read({ kind: 'head', identity: ann.id, channel: 'dev', horizonMs: WALL_MS });
    const [first, ahead, last] = [0, 9_000_000, 5].map((ms, nonce) =>
      signedMessage(ann, { time: { timeMs: WALL_MS + ms }, nonce }),
    ) as [VerifiedMessage, VerifiedMessage, VerifiedMessage];
    store.transact([[first, ahead, last].map((message) => published(message))]);
    store.transact([[published(signedMessage(ann, { time: { timeMs: WALL_MS + 7 }, channel: 'other' }))]]);
    store.transact([[received(signedMessage(bob, { time: { timeMs: WALL_MS + 8 } }))]]);
    expect(own()).toMatchObject({ own: positionOf(last) });
    // Older ones that come back from others are no news.
    store.transact([[received(signedMessage(ann, { time: { timeMs: WALL_MS + 4 } }))]]);
    expect(own()).toMatchObject({ own: positionOf(last) });
    // But what was published after a backup was made comes back from others only.
    const later = [7, 6].map((ms) => signedMessage(ann, { time: { timeMs: WALL_MS + ms } }));
    store.transact([later.map((message) => received(message))]);
    expect(own()).toMatchObject({ own: positionOf(later[0]) });
    const next = signedMessage(ann, { time: { timeMs: WALL_MS + 3 }, body: 'the clock was set back again' });
    store.transact([[published(next)]]);
    expect(own()).toMatchObject({ own: positionOf(next) });
  });

  it('shows clients only posts, and keeps other kinds for the mesh', () => {
    const { store } = open();
    const kinds = [9, 1, 0, 1, 9];
    const all = kinds.map((kind, i) => signedMessage(bob, { kind, time: { timeMs: WALL_MS + i } }));
    store.transact([[joined('dev'), ...all.map((message) => received(message))]]);
    store.transact([[published(signedMessage(ann, { kind: 9, channel: 'other' }))]]);
    const posts = ids([all[1], all[3]]);
    const page = { channel: 'dev', limit: 9, wallMs: WALL_MS };
    expect(ids(store.readPage(page))).toEqual(posts);
    expect(ids(store.readPage({ ...page, after: positionOf(all[0]) }))).toEqual(posts);
    expect(ids(store.readArrivals({ after: 0, limit: 9, wallMs: WALL_MS }))).toEqual(posts);
    expect(
      ids(store.readArrivals({ after: 0, limit: 9, wallMs: WALL_MS, channels: ['dev', 'other'] })),
    ).toEqual(posts);
    expect(store.channels()).toMatchObject([
      { channel: 'dev', messages: 5, lastArrival: 4 },
      { channel: 'other', messages: 1, lastArrival: 0 },
    ]);
    const has = { kind: 'has' as const, ids: all.map(({ message }) => message.id) };
    expect(store.read(has)).toEqual({ kind: 'has', holdings: kinds.map(() => 'held') });
    expect(store.readMessage(all[0]?.message.idText ?? '')).toMatchObject({ arrival: 1 });
  });

  it('refuses queries that break the contract', () => {
    const { store } = open();
    const tag = tagOf('dev');
    const window = { tag, fromMinute: 0, untilMinute: 60 };
    const after = { time: TIME_ZERO, id: new Uint8Array(0) };
    const bad = [
      () => store.read({ kind: 'sums', windows: [{ ...window, fromMinute: 30 }] }),
      () => store.read({ kind: 'sums', windows: [{ ...window, untilMinute: -1 }] }),
      () => store.read({ kind: 'sums', windows: [{ ...window, tag: toBase64url(new Uint8Array(7)) }] }),
      () => store.read({ kind: 'split', tag, ranges: [{ from: after, until: after, size: 0 }] }),
      () => store.read({ kind: 'split', tag: 'short', ranges: [] }),
      () => store.read({ kind: 'ids', tag, ranges: [], limit: 0 }),
      () =>
        store.read({
          kind: 'ids',
          tag,
          ranges: [{ from: after, until: { ...after, time: { timeMs: -1, counter: 0 } } }],
          limit: 1,
        }),
      () => store.read({ kind: 'outbox', afterArrival: 0, limit: -1 }),
      () => store.read({ kind: 'wanted', afterArrival: -1, limit: 1 }),
      () => store.read({ kind: 'hours', tag: 'short', fromHour: 0, limit: 1 }),
      () => store.read({ kind: 'hours', tag, fromHour: 0.5, limit: 1 }),
      () => store.read({ kind: 'idempotency', identity: 'me', key: 'k' }),
      () => store.read({ kind: 'head', identity: 'me', channel: 'dev', horizonMs: 0 }),
      () => store.read({ kind: 'sing' } as unknown as Parameters<Store['read']>[0]),
      () => store.readPage({ channel: 'dev', limit: -1, wallMs: 0 }),
      () => store.readArrivals({ after: -1, limit: 1, wallMs: 0 }),
      () => store.readArrivals({ after: 0, limit: 1, wallMs: Number.NaN }),
    ];
    for (const [at, call] of bad.entries()) expect(call, `query ${at}`).toThrow(RangeError);
  });
}
