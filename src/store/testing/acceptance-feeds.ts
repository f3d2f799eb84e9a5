/** Fact 12 of `core/persistence.ts`: what survives in a feed, in whatever order the records come. */
import { expect, it } from 'vitest';
import { HOUR } from '../../core/limits.ts';
import { MESSAGE_KIND, RELATION } from '../../core/message/message.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import { MINUTE_END, type PersistOp, type Query, type QueryAnswer } from '../../core/persistence.ts';
import { FIRST, INFINITY } from '../../core/sync/negentropy/bounds.ts';
import type { Store } from '../store.ts';
import {
  costOf,
  createAuthor,
  type Draft,
  joined,
  pruned,
  published,
  putOff,
  received,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';
import type { OpenSubject } from './subject.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];
const FEED = `@${ann.id}`;
const TAG = tagOf(FEED);
const PROFILE = 20;

function record(minutes: number, draft: Draft = {}): VerifiedMessage {
  const time = { timeMs: WALL_MS + minutes * 60_000 };
  return signedMessage(ann, { channel: FEED, kind: PROFILE, time, body: `${minutes}`, ...draft });
}

function read<K extends Query['kind']>(store: Store, query: Extract<Query, { kind: K }>) {
  return store.read(query) as Extract<QueryAnswer, { kind: K }>;
}

function holdings(store: Store, records: readonly VerifiedMessage[]): readonly string[] {
  return read(store, { kind: 'has', ids: records.map(({ message }) => message.id) }).holdings;
}

/** Everything that says which records are known, and what they cost. */
function known(store: Store): unknown {
  const windows = [{ tag: TAG, fromMinute: 0, untilMinute: MINUTE_END }];
  const ranges = [{ from: FIRST, until: INFINITY }];
  const [use] = read(store, { kind: 'usage' }).tags;
  return {
    sums: read(store, { kind: 'sums', windows }).sums.map(({ count, sum }) => [count, new Uint8Array(sum)]),
    ids: read(store, { kind: 'ids', tag: TAG, ranges, limit: 99 }).positions.flat(),
    use: use && [use.messages, use.bytes + use.ownBytes],
    hours: read(store, { kind: 'hours', tag: TAG, fromHour: 0, limit: 9 }).hours.length,
    page: store
      .readPage({ channel: FEED, limit: 9, wallMs: WALL_MS })
      .map(({ message }) => message.message.idText),
    channels: store.channels().map(({ channel, messages, bytes }) => [channel, messages, bytes]),
  };
}

/** A store that was given these operations, one transaction each or all in one, and opened again. */
function storeOf(open: OpenSubject, ops: readonly PersistOp[], isOneBatch = false): Store {
  const subject = open();
  subject.store.transact([[joined(FEED)]]);
  if (isOneBatch) subject.store.transact([ops]);
  else for (const op of ops) subject.store.transact([[op]]);
  return subject.reopen();
}

/** All orders of a few things. */
function orders<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, i) => orders(list.filter((_, j) => j !== i)).map((rest) => [one, ...rest]));
}

export function describeFeeds(open: OpenSubject): void {
  it.each([
    ['a kind that nobody knows', PROFILE, [false, false, true]],
    ['posts', MESSAGE_KIND.post, [false, false, true]],
    ['recovery certificates', MESSAGE_KIND.recoveryCertificate, [true, true, false]],
  ])('keeps the same records in whatever order they come: %s', (_, kind, isKept) => {
    // Two of one time: the higher id is the later one.
    const twins = [0, 1].map((nonce) => record(5, { kind, nonce }));
    const records = [record(1, { kind }), ...twins].sort(
      ({ message: a }, { message: b }) =>
        a.time.timeMs - b.time.timeMs || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
    );
    const other = record(0, { kind: PROFILE + 1 });
    const expected = known(
      storeOf(open, [other, ...records.filter((_, i) => isKept[i])].map(received), true),
    );
    for (const order of orders([...records, other]))
      for (const isOneBatch of [true, false]) {
        const store = storeOf(open, [...order, ...order].map(received), isOneBatch);
        expect(known(store)).toEqual(expected);
        expect(holdings(store, records)).toEqual(isKept.map((is) => (is ? 'held' : 'unknown')));
        expect(holdings(store, [other])).toEqual(['held']);
      }
  });

  it('says that a superseded record was not stored, and gives it no number', () => {
    const { store } = open();
    const [old, now, next] = [record(1), record(2), record(3)];
    store.transact([[received(now)]]);
    for (const op of [received(old), published(old, 'key'), putOff(old)])
      expect(store.transact([[op]])[0]).toEqual([{ kind: op.kind === 'put-off' ? 'done' : 'superseded' }]);
    expect(store.lastArrival()).toBe(1);
    expect(read(store, { kind: 'wanted', afterArrival: 0, limit: 9 }).rows).toEqual([]);
    expect(read(store, { kind: 'idempotency', identity: ann.id, key: 'key' }).found).toBeUndefined();
    expect(store.transact([[received(next)]])[0]).toMatchObject([
      { kind: 'message', inserted: true, arrival: 2 },
    ]);
    expect(store.readMessage(now.message.idText)).toBeUndefined();
    expect(store.known({ from: now.message.id, until: now.message.id }, 9)).toEqual([]);
  });

  it('lets a record of which only the header is here supersede, and be superseded', () => {
    const [old, wanted, now] = [record(1), record(2), record(3)];
    const store = storeOf(open, [received(old), putOff(wanted)]);
    expect(holdings(store, [old, wanted])).toEqual(['unknown', 'wanted']);
    store.transact([[received(wanted)]]);
    expect(holdings(store, [old, wanted])).toEqual(['unknown', 'held']);
    expect(known(store)).toEqual(known(storeOf(open, [received(wanted)])));
    const late = storeOf(open, [putOff(wanted), received(now), received(wanted)]);
    expect(known(late)).toEqual(known(storeOf(open, [received(now)])));
    expect(read(late, { kind: 'wanted', afterArrival: 0, limit: 9 }).rows).toEqual([]);
  });

  it('takes a superseded own record out of the outbox, and remembers its request and where the chain ends', () => {
    const { store } = open();
    const [old, now] = [record(1), record(2)];
    store.transact([[published(old, 'old'), published(now, 'now')]]);
    expect(store.outboxSize(9)).toBe(1);
    expect(holdings(store, [old, now])).toEqual(['unknown', 'held']);
    store.transact([[{ kind: 'delivery', ids: [old.message.idText], state: 'stored', by: '' }]]);
    expect(store.transact([[published(old, 'old')]])[0]).toEqual([
      { kind: 'repeated', id: old.message.idText, same: true },
    ]);
    const head = { kind: 'head' as const, identity: ann.id, channel: FEED, horizonMs: WALL_MS };
    expect(read(store, head).own?.id).toEqual(now.message.id);
    expect(read(store, { kind: 'usage' }).tags).toMatchObject([
      { messages: 0, bytes: 0, ownBytes: costOf(now).header + costOf(now).content },
    ]);
    // One that came from elsewhere supersedes an own one that nobody has confirmed.
    store.transact([[received(record(3))]]);
    expect(store.outboxSize(9)).toBe(0);
  });

  it('keeps nothing that expires: what it superseded would come back', () => {
    const expiring = record(2, { expiresMs: WALL_MS + HOUR });
    for (const order of orders([record(1), expiring])) {
      const store = storeOf(open, order.map(received));
      expect(holdings(store, order)).toEqual(order.map((one) => (one === expiring ? 'unknown' : 'held')));
    }
    expect(known(storeOf(open, [received(expiring)]))).toEqual(known(storeOf(open, [])));
  });

  it('lets nothing be edited or deleted, and shows what says so as what it is', () => {
    const now = record(1);
    const amending = [RELATION.edit, RELATION.delete].map((relation, i) =>
      record(2 + i, {
        kind: i === 0 ? MESSAGE_KIND.post : MESSAGE_KIND.deletion,
        body: '',
        refs: [{ relation, id: now.message.id }],
      }),
    );
    for (const order of orders([now, ...amending])) {
      const store = storeOf(open, order.map(received));
      expect(holdings(store, order)).toEqual(['held', 'held', 'held']);
      const page = store.readPage({ channel: FEED, limit: 9, wallMs: WALL_MS });
      expect(page.map(({ message }) => message.message.idText)).toEqual([amending[0]?.message.idText]);
    }
  });

  it('lets a record come back after retention has removed what superseded it, and not before', () => {
    const [old, now] = [record(1), record(2)];
    const store = storeOf(open, [received(now)]);
    store.transact([[pruned(FEED)], [received(old)]]);
    expect(holdings(store, [old, now])).toEqual(['held', 'unknown']);
    store.transact([[received(now)]]);
    expect(known(store)).toEqual(known(storeOf(open, [received(now)])));
  });

  it('supersedes nothing elsewhere: in other feeds, and in open channels', () => {
    const { store } = open();
    const elsewhere = [`@${bob.id}`, 'dev'].flatMap((channel) =>
      [1, 2].map((minutes) => record(minutes, { channel })),
    );
    store.transact([elsewhere.map(received), [received(record(3))]]);
    expect(holdings(store, elsewhere)).toEqual(['unknown', 'held', 'held', 'held']);
  });

  it('asks for nothing that a record names as the one before it', () => {
    const { store } = open();
    const prev = new Uint8Array(32).fill(7);
    const results = store.transact([[received(record(1, { prev })), received(record(1, { prev, kind: 9 }))]]);
    expect(results[0]).toEqual([1, 2].map((arrival) => ({ kind: 'message', inserted: true, arrival })));
    expect(store.equivocation(FEED, ann.id)).toBeUndefined();
  });
}
