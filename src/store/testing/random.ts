/** Random operations and questions over a small world of messages, for property tests. */
import fc from 'fast-check';
import { VerifiedMessage } from '../../core/message/verified.ts';
import {
  IDEMPOTENCY_MS,
  MINUTE_END,
  type PersistOp,
  type Query,
  type RetentionPolicy,
  type TagUse,
} from '../../core/persistence.ts';
import type { Store } from '../store.ts';
import {
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
const CHANNELS = ['dev', 'ops', 'ünï'] as const;
const AUTHORS = [1, 2, 3].map(createAuthor);

/** Minutes relative to now that matter: far past, borders of hours, the newest two hours, the future. */
const OFFSETS = [
  -9000, -240, -181, -180, -125, -121, -120, -119, -61, -60, -59, -5, -1, 0, 1, 7, 59, 60, 61, 8000,
];

/** Lengths of contents by author modulo 1009, so that never two authors hold equally much: which of them is the heaviest
 *  is not promised then. */
const CONTENT_RESTS = [1, 10, 100] as const;

/** Every message that can occur: made once, since signing takes longest. */
export const POOL: readonly VerifiedMessage[] = Array.from({ length: 72 }, (_, i) => {
  const author = AUTHORS[i % 3] as (typeof AUTHORS)[0];
  const offset = OFFSETS[(i * 7) % OFFSETS.length] as number;
  return signedMessage(author, {
    channel: CHANNELS[(i >> 1) % 3] as string,
    time: { timeMs: WALL_MS + offset * MINUTE + (i % 5 === 0 ? 0 : i * 700), counter: (i * 13) % 4 },
    expiresMs: i % 4 === 0 ? WALL_MS + ((i % 7) - 3) * 30 * MINUTE : 0,
    body: 'x'.repeat(2018 * (i % 2) + (CONTENT_RESTS[i % 3] ?? 0)),
    nonce: i,
  });
});

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
    arbitrary: fc
      .tuple(peer, fc.array(channel, { maxLength: 2 }), wallMs)
      .map(([p, list, untilMs]) => ({ kind: 'mailbox' as const, peer: p, tags: list.map(tagOf), untilMs })),
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
export const bucketQuery = fc.tuple(window, minute).map(([w, minutesFromMinute]) => ({
  kind: 'buckets' as const,
  window: w,
  minutesFromMinute,
}));

const limit = fc.constantFrom(0, 1, 2, 5, 100);
const query: fc.Arbitrary<Query> = fc.oneof(
  windows.map((list) => ({ kind: 'sums' as const, windows: list })),
  bucketQuery,
  fc.tuple(channel, place, minute, limit).map(([c, after, untilMinute, n]) => ({
    kind: 'positions' as const,
    tag: tagOf(c),
    after,
    untilMinute,
    limit: n,
  })),
  fc
    .tuple(fc.nat(40), limit)
    .map(([afterArrival, n]) => ({ kind: 'outbox' as const, afterArrival, limit: n })),
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
  ),
  { minLength: 1, maxLength: 12 },
);

/** The same answer with messages opened: a VerifiedMessage hides its content from comparisons. */
export function reveal(value: unknown): unknown {
  if (value instanceof VerifiedMessage) return value.message;
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item)]));
}

/** What everything costs, in a fixed order. */
export function useOf(store: Store): readonly TagUse[] {
  const answer = store.read({ kind: 'usage' });
  if (answer.kind !== 'usage') throw new Error('wrong answer');
  return [...answer.tags].sort((a, b) => (a.tag < b.tag ? -1 : 1));
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
    opened: store.read({ kind: 'messages', ids: all.map((one) => one.id) }),
  });
}
