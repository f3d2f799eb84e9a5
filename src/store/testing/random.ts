/** Random operations and questions over a small world of messages, for property tests. */
import fc from 'fast-check';
import { toBase64url } from '../../core/bytes.ts';
import { isTombstone } from '../../core/message/header.ts';
import { RELATION } from '../../core/message/message.ts';
import { VerifiedMessage } from '../../core/message/verified.ts';
import {
  type Holding,
  IDEMPOTENCY_MS,
  MINUTE_END,
  type PersistOp,
  type Position,
  type PositionRange,
  type Query,
  type RetentionPolicy,
  type TagUse,
} from '../../core/persistence.ts';
import { compareBounds, startOfMinute } from '../../core/sync/negentropy/bounds.ts';
import type { Store } from '../store.ts';
import {
  buried,
  carried,
  createAuthor,
  dropped,
  joined,
  left,
  PEER,
  pruned,
  published,
  putOff,
  received,
  retained,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';

const MINUTE = 60_000;
const AUTHORS = [1, 2, 3].map(createAuthor);
const FEED = `@${createAuthor(1).id}`;
const CHANNELS = ['dev', 'ops', 'ünï', FEED] as const;

/** Minutes relative to now that matter: far past, borders of hours, the newest two hours, the future. */
const OFFSETS = [
  -9000, -240, -181, -180, -125, -121, -120, -119, -61, -60, -59, -5, -1, 0, 1, 7, 59, 60, 61, 8000,
];

/** Lengths of contents by author modulo 1009, so that never two authors hold equally much: which of them is the heaviest
 *  is not promised then. */
const CONTENT_RESTS = [1, 10, 100] as const;

/** The message before, six places back: of the same author and channel. Some fork, some name a message of somebody else or
 *  one that nobody has, some begin. */
function prevOf(i: number, pool: readonly VerifiedMessage[]): Uint8Array {
  const back = i % 4 === 1 ? 12 : i % 11 === 0 ? 5 : 6;
  if (i % 13 === 0) return new Uint8Array(32).fill(i % 2);
  return pool[i - back]?.message.id ?? new Uint8Array(0);
}

/** A message of the pool after those before it. */
function poolMessage(i: number, pool: readonly VerifiedMessage[]): VerifiedMessage {
  const author = AUTHORS[i % 3] as (typeof AUTHORS)[0];
  const offset = OFFSETS[(i * 7) % OFFSETS.length] as number;
  return signedMessage(author, {
    channel: CHANNELS[(i >> 1) % 3] as string,
    prev: prevOf(i, pool),
    time: { timeMs: WALL_MS + offset * MINUTE + (i % 5 === 0 ? 0 : i * 700), counter: (i * 13) % 4 },
    expiresMs: i % 4 === 0 ? WALL_MS + ((i % 7) - 3) * 30 * MINUTE : 0,
    body: 'x'.repeat(2018 * (i % 2) + (CONTENT_RESTS[i % 3] ?? 0)),
    nonce: i,
  });
}

function createPool(size: number): VerifiedMessage[] {
  const pool: VerifiedMessage[] = [];
  while (pool.length < size) pool.push(poolMessage(pool.length, pool));
  return pool;
}

const POSTS: readonly VerifiedMessage[] = createPool(72);

/** Edits and deletes of each other's targets: of posts, of each other, of what does not exist; some by others, elsewhere or
 *  too early, which do not count. */
const AMENDING: readonly VerifiedMessage[] = Array.from({ length: 24 }, (_, i) => {
  const { message: target } = POSTS[(i * 5) % POSTS.length] as VerifiedMessage;
  const author = AUTHORS.find(({ id }) => id === toBase64url(target.author)) as (typeof AUTHORS)[0];
  const relation = i % 3 === 0 ? RELATION.edit : RELATION.delete;
  const other = POSTS[(i * 5 + 18) % POSTS.length] as VerifiedMessage;
  const isEmpty = relation === RELATION.delete && i % 7 !== 0;
  const by = i % 8 === 1 ? (AUTHORS[(AUTHORS.indexOf(author) + 1) % 3] as typeof author) : author;
  return signedMessage(by, {
    kind: i % 4 === 3 ? 9 : 1,
    channel: i % 9 === 4 ? 'dev' : target.channel,
    time: { timeMs: target.time.timeMs + (i % 5 === 0 ? -1 : i % 2) * MINUTE, counter: target.time.counter },
    expiresMs: i % 11 === 5 ? WALL_MS + 90 * MINUTE : 0,
    refs: [target, other.message].map(({ id }) => ({ relation, id })),
    body: isEmpty ? '' : 'x'.repeat(2018 + (CONTENT_RESTS[AUTHORS.indexOf(by)] ?? 0)),
    nonce: i,
  });
});
/** One that deletes deletes. */
const OF_DELETES = AUTHORS.map((author, i) =>
  signedMessage(author, {
    channel: CHANNELS[i] as string,
    time: { timeMs: WALL_MS + 9000 * MINUTE },
    refs: AMENDING.slice(8 * i, 8 * i + 8).map(({ message: { id } }) => ({ relation: RELATION.delete, id })),
    body: '',
  }),
);

/** Records of one feed: of four kinds, some of one time, some that expire, some that would amend each other elsewhere. */
const RECORDS = Array.from({ length: 24 }, (_, i) =>
  signedMessage(AUTHORS[0] as (typeof AUTHORS)[0], {
    channel: FEED,
    kind: [1, 2, 16, 40][i % 4] as number,
    time: { timeMs: WALL_MS + (OFFSETS[(i >> 1) % OFFSETS.length] as number) * MINUTE },
    expiresMs: i % 7 === 3 ? WALL_MS + 30 * MINUTE : 0,
    refs: [{ relation: RELATION.delete, id: POSTS[i]?.message.id as Uint8Array }],
    body: i % 4 === 1 ? '' : 'x'.repeat(2018 + CONTENT_RESTS[0]),
    nonce: i,
  }),
);

/** Every message that can occur: made once, since signing takes longest. */
export const POOL: readonly VerifiedMessage[] = [...POSTS, ...AMENDING, ...OF_DELETES, ...RECORDS];

const message = fc.constantFrom(...POOL);
const channel = fc.constantFrom(...CHANNELS);
const peer = fc.constantFrom(PEER, ...AUTHORS.map((author) => author.id));
const ids = fc.array(message, { maxLength: 4 }).map((list) => list.map((one) => one.message.idText));
const wallMs = fc
  .constantFrom(-300, -150, -61, -60, 0, 0, 30, 59, 60, 119, 200)
  .map((m) => WALL_MS + m * MINUTE);

const place = message.map(({ message: { time, id } }) => ({ time, id }));
/** Hours since 1970 around now, and after everything. */
const pruneHour = fc.oneof(
  fc.constantFrom(-151, -4, -3, -2, -1, 0, 1, 2).map((h) => WALL_MS / (60 * MINUTE) + h),
  fc.constant(MINUTE_END),
);
const policy: fc.Arbitrary<RetentionPolicy> = fc.record(
  { ageMs: fc.nat(9), messages: fc.nat(9), bytes: fc.nat(9), pinned: fc.boolean() },
  { requiredKeys: [] },
);

const operation: fc.Arbitrary<PersistOp> = fc.oneof(
  { weight: 8, arbitrary: message.map(received) },
  { weight: 4, arbitrary: message.map(putOff) },
  { weight: 4, arbitrary: fc.constantFrom(...AMENDING, ...OF_DELETES).map(received) },
  { weight: 3, arbitrary: fc.constantFrom(...RECORDS).map(received) },
  { weight: 4, arbitrary: message.map(buried) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(message, fc.constantFrom('', 'k1', 'k2', 'k3'), fc.constantFrom('x', 'y'))
      .map(([m, key, request]) => published(m, key, request)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        ids,
        state: fc.constantFrom('queued', 'relayed', 'stored'),
        by: fc.oneof(peer, fc.constant('')),
        alone: fc.boolean(),
      })
      .map((delivery) => ({ kind: 'delivery' as const, ...delivery })),
  },
  { weight: 2, arbitrary: wallMs.map((ms) => ({ kind: 'expire' as const, wallMs: ms })) },
  {
    weight: 1,
    arbitrary: wallMs.map((ms) => ({ kind: 'expire' as const, wallMs: ms + 2 * IDEMPOTENCY_MS })),
  },
  { weight: 1, arbitrary: channel.map(joined) },
  { weight: 1, arbitrary: channel.map(left) },
  { weight: 1, arbitrary: fc.tuple(channel, policy).map(([c, p]) => retained(c, p)) },
  {
    weight: 1,
    arbitrary: fc.tuple(channel, wallMs, fc.nat(3)).map(([c, ms, since]) => carried(c, ms, since)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(channel, fc.nat(3))
      .map(([c, hour]) => ({ kind: 'leaf-floor' as const, tag: tagOf(c), hour })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(channel, pruneHour, pruneHour, fc.oneof(fc.constant(0), pruneHour), fc.option(place))
      .map(([c, beforeHour, ownBeforeHour, floorHour, after]) =>
        pruned(c, { beforeHour, ownBeforeHour, floorHour, ...(after && { after }) }),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(channel, fc.constantFrom(0, 1500, 4200, 6100), fc.constantFrom(0, 1, 2200, 9e9))
      .map(([c, keepBytes, freeBytes]) => dropped(c, keepBytes, freeBytes)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(peer, fc.array(channel, { maxLength: 2 }), wallMs).map(([p, list, untilMs]) => ({
      ...{ kind: 'mailbox' as const, peer: p, tags: list.map(tagOf), untilMs },
      ...{ linkedMs: untilMs % 1000, group: `10.${list.length}` },
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('ws://a', 'ws://b'), peer, fc.nat(5))
      .map(([url, p, provenMs]) => ({ kind: 'address' as const, url, peer: p, provenMs })),
  },
  { weight: 1, arbitrary: fc.nat(9).map((sequence) => ({ kind: 'record-sequence' as const, sequence })) },
);

/** Calls of `transact`, each with a few effects of a few operations. */
export const transactions: fc.Arbitrary<PersistOp[][][]> = fc.array(
  fc.array(fc.array(operation, { maxLength: 6 }), { maxLength: 4 }),
  { maxLength: 12 },
);

const hour = fc
  .constantFrom(-9000, -300, -240, -180, -120, -60, 0, 60, 6000)
  .map((m) => WALL_MS / MINUTE + m);
const minute = fc.oneof(
  fc.constantFrom(...OFFSETS, -122, -58, 2).map((m) => WALL_MS / MINUTE + m),
  fc.constant(MINUTE_END),
  fc.constant(0),
);
const window = fc
  .tuple(channel, fc.oneof(hour, fc.constant(0)), minute)
  .map(([c, fromMinute, untilMinute]) => ({ tag: tagOf(c), fromMinute, untilMinute }));

export const windows = fc.array(window, { minLength: 1, maxLength: 6 });
const limit = fc.constantFrom(0, 1, 2, 5, 100);

/** Positions of messages, also shortened, and whole minutes. */
const bound: fc.Arbitrary<Position> = fc.oneof(
  fc
    .tuple(place, fc.constantFrom(0, 1, 2, 32))
    .map(([{ time, id }, length]) => ({ time, id: id.slice(0, length) })),
  minute.map(startOfMinute),
);
/** Ascending, some with gaps between them. */
export const ranges: fc.Arbitrary<PositionRange[]> = fc
  .array(bound, { minLength: 2, maxLength: 7 })
  .chain((bounds) => {
    const all = bounds.sort(compareBounds);
    const pairs = all.slice(1).map((until, i) => ({ from: all[i] as Position, until }));
    return fc.subarray(pairs, { minLength: 1 });
  });
export const pieceSize = fc.constantFrom(1, 2, 3, 5, 8, 1000, Number.MAX_SAFE_INTEGER);
const query: fc.Arbitrary<Query> = fc.oneof(
  fc.tuple(channel, ranges, pieceSize).map(([c, list, size]) => ({
    kind: 'split' as const,
    tag: tagOf(c),
    ranges: list.map((range) => ({ ...range, size })),
  })),
  fc
    .tuple(channel, ranges, fc.constantFrom(1, 2, 3, 100))
    .map(([c, list, n]) => ({ kind: 'ids' as const, tag: tagOf(c), ranges: list, limit: n })),
  windows.map((list) => ({ kind: 'sums' as const, windows: list })),
  fc
    .tuple(fc.nat(40), limit, fc.boolean())
    .map(([afterArrival, n, alone]) => ({ kind: 'outbox' as const, afterArrival, limit: n, alone })),
  fc
    .tuple(fc.nat(40), limit)
    .map(([afterArrival, n]) => ({ kind: 'wanted' as const, afterArrival, limit: n })),
  fc
    .tuple(channel, pruneHour, limit)
    .map(([c, fromHour, n]) => ({ kind: 'hours' as const, tag: tagOf(c), fromHour, limit: n })),
  fc
    .tuple(peer, fc.constantFrom('', 'k1', 'k2', 'k3'))
    .map(([identity, key]) => ({ kind: 'idempotency' as const, identity, key })),
  fc
    .tuple(peer, channel, wallMs)
    .map(([identity, c, horizonMs]) => ({ kind: 'head' as const, identity, channel: c, horizonMs })),
);

type Read = (store: Store) => unknown;

const page: fc.Arbitrary<Read> = fc
  .record(
    { channel, limit, wallMs, before: place, after: place },
    { requiredKeys: ['channel', 'limit', 'wallMs'] },
  )
  .map((asked) => (store) => store.readPage(asked as Parameters<Store['readPage']>[0]));
const arrivals: fc.Arbitrary<Read> = fc
  .record(
    { after: fc.nat(40), limit, wallMs, channels: fc.array(channel, { maxLength: 3 }) },
    { requiredKeys: ['after', 'limit', 'wallMs'] },
  )
  .map((asked) => (store) => store.readArrivals(asked as Parameters<Store['readArrivals']>[0]));

const changes: fc.Arbitrary<Read> = fc
  .record(
    { after: fc.nat(40), limit, wallMs, channels: fc.array(channel, { maxLength: 3 }) },
    { requiredKeys: ['after', 'limit', 'wallMs'] },
  )
  .map((asked) => (store) => {
    const { changes: found, next } = store.readChanges(asked as Parameters<Store['readChanges']>[0]);
    // In no order within one change.
    const inOrder = found.map(({ deleted, edited, ...rest }) => ({
      ...rest,
      deleted: [...deleted].sort(),
      edited: [...edited].sort((a, b) => a.arrival - b.arrival),
    }));
    return { next, changes: inOrder };
  });

/** Questions of every kind, as functions of a store. */
export const reads: fc.Arbitrary<Read[]> = fc.array(
  fc.oneof(
    query.map(
      (asked): Read =>
        (store) =>
          store.read(asked),
    ),
    page,
    arrivals,
    changes,
  ),
  { minLength: 1, maxLength: 12 },
);

/** What stores differ in: what an answer cost, and how exactly they say what has changed. */
const COSTS: ReadonlySet<string> = new Set(['walked', 'version', 'changed', 'sameUntil']);

/** The same answer with messages opened: a VerifiedMessage hides its content from comparisons. Without {@link COSTS}. */
export function reveal(value: unknown): unknown {
  if (value instanceof VerifiedMessage) return value.message;
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).filter(([key]) => !COSTS.has(key));
  return Object.fromEntries(entries.map(([key, item]) => [key, reveal(item)]));
}

/** What everything costs, in a fixed order. */
export function useOf(store: Store): readonly TagUse[] {
  const answer = store.read({ kind: 'usage' });
  if (answer.kind !== 'usage') throw new Error('wrong answer');
  return [...answer.tags].sort((a, b) => (a.tag < b.tag ? -1 : 1));
}

/** What is left of everything that is deleted; of several deletes either store may take another one. */
function tombstonesOf(store: Store): unknown {
  const answer = store.read({ kind: 'tombstones', ids: POOL.map(({ message: { id } }) => id) });
  if (answer.kind !== 'tombstones') throw new Error('wrong answer');
  return answer.tombstones.map((one) => one && [one.header, isTombstone(one)]);
}

/** Whether a message is known, with content or without. */
export function isKnown(holding: Holding | undefined): boolean {
  return holding !== undefined && holding !== 'unknown' && holding !== 'named';
}

/** Everything that a store knows and is asked without parameters. */
export function overview(store: Store): unknown {
  const all = POOL.map((one) => one.message);
  return reveal({
    state: store.restore(),
    channels: store.channels(),
    lastArrival: store.lastArrival(),
    has: store.read({ kind: 'has', ids: all.map((one) => one.id) }),
    wanted: store.read({ kind: 'wanted', afterArrival: 0, limit: 100 }),
    use: useOf(store),
    heads: CHANNELS.map((c) =>
      AUTHORS.map(({ id }) => store.read({ kind: 'head', identity: id, channel: c, horizonMs: WALL_MS })),
    ),
    messages: all.map((one) => store.readMessage(one.idText)),
    proofs: CHANNELS.map((c) => AUTHORS.map(({ id }) => store.equivocation(c, id))),
    tombstones: tombstonesOf(store),
    opened: store.read({ kind: 'messages', ids: all.map((one) => one.id) }),
  });
}
