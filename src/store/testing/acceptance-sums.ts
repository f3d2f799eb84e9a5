/** Fact 4 of `core/persistence.ts`: sums equal the sums over the stored messages, whatever was done before. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addSum, type Bytes } from '../../core/bytes.ts';
import { type Bucket, MINUTE_END, type Sum, type Window } from '../../core/persistence.ts';
import type { Store } from '../store.ts';
import { createAuthor, pruned, received, signedMessage, tagOf, WALL_MS } from './messages.ts';
import { bucketQuery, POOL, transactions, windows } from './random.ts';
import type { OpenSubject } from './subject.ts';

const ann = createAuthor(1);
const MINUTE = 60_000;
const NOW = WALL_MS / MINUTE;

interface Stored {
  readonly tag: string;
  readonly minute: number;
  readonly id: Bytes;
}

/** What is stored of the pool, by asking id by id. */
function storedPool(store: Store): Stored[] {
  const answer = store.read({ kind: 'has', ids: POOL.map(({ message }) => message.id) });
  if (answer.kind !== 'has') throw new Error('wrong answer');
  return POOL.filter((_, i) => answer.holdings[i] !== 'unknown').map(({ message }) => ({
    tag: tagOf(message.channel),
    minute: Math.floor(message.time.timeMs / MINUTE),
    id: message.id,
  }));
}

function bruteSum(stored: readonly Stored[], { tag, fromMinute, untilMinute }: Window): Sum {
  const inside = stored.filter((m) => m.tag === tag && m.minute >= fromMinute && m.minute < untilMinute);
  const sum = new Uint8Array(32);
  for (const { id } of inside) addSum(sum, id);
  return { count: inside.length, sum };
}

function sumsOf(store: Store, list: readonly Window[]): readonly Sum[] {
  const answer = store.read({ kind: 'sums', windows: list });
  if (answer.kind !== 'sums') throw new Error('wrong answer');
  return answer.sums.map(({ count, sum }) => ({ count, sum: new Uint8Array(sum) }));
}

function bucketsOf(store: Store, window: Window, minutesFromMinute: number): readonly Bucket[] {
  const answer = store.read({ kind: 'buckets', window, minutesFromMinute });
  if (answer.kind !== 'buckets') throw new Error('wrong answer');
  return answer.buckets;
}

/** That buckets are what the contract says: ascending, non-empty, within the window, each equal to its messages. */
function assertBuckets(stored: readonly Stored[], window: Window, from: number, buckets: readonly Bucket[]) {
  let last = -1;
  let count = 0;
  for (const bucket of buckets) {
    const until = bucket.startMinute + bucket.minutes;
    expect(bucket.startMinute).toBeGreaterThanOrEqual(Math.max(last, window.fromMinute));
    expect(until).toBeLessThanOrEqual(window.untilMinute);
    expect(bucket.count).toBeGreaterThan(0);
    const isHour = bucket.startMinute < from - (from % 60) && until <= window.untilMinute;
    if (bucket.minutes !== 1) expect([bucket.minutes, isHour]).toEqual([60, true]);
    const slice = { tag: window.tag, fromMinute: bucket.startMinute, untilMinute: until };
    expect({ count: bucket.count, sum: new Uint8Array(bucket.sum) }).toEqual(bruteSum(stored, slice));
    last = until;
    count += bucket.count;
  }
  expect(count).toBe(bruteSum(stored, window).count);
}

export function describeSums(open: OpenSubject): void {
  it('sums nothing for a channel that was never seen', () => {
    const { store } = open();
    const window = { tag: tagOf('dev'), fromMinute: 0, untilMinute: MINUTE_END };
    expect(sumsOf(store, [window, window])).toEqual([bruteSum([], window), bruteSum([], window)]);
    expect(bucketsOf(store, window, 0)).toEqual([]);
    expect(store.read({ kind: 'sums', windows: [] })).toEqual({ kind: 'sums', sums: [] });
  });

  it('tells hours before the border and minutes after it', () => {
    const { store } = open();
    const offsets = [-181, -180, -179, -121, -1, 0, 0, 61];
    const messages = offsets.map((minute, i) =>
      signedMessage(ann, { time: { timeMs: WALL_MS + minute * MINUTE }, body: `${i}` }),
    );
    store.transact([messages.map((message) => received(message)), [{ kind: 'expire', wallMs: WALL_MS }]]);
    const ask = (fromMinute: number, untilMinute: number, minutesFrom: number) =>
      bucketsOf(store, { tag: tagOf('dev'), fromMinute, untilMinute }, minutesFrom).map((bucket) => [
        bucket.startMinute - NOW,
        bucket.minutes,
        bucket.count,
      ]);
    expect(ask(0, MINUTE_END, NOW)).toEqual([
      [-240, 60, 1],
      [-180, 60, 3],
      [-60, 60, 1],
      [0, 1, 2],
      [61, 1, 1],
    ]);
    expect(ask(NOW - 180, NOW, NOW - 120)).toEqual([
      [-180, 60, 3],
      [-1, 1, 1],
    ]);
    expect(ask(NOW - 240, NOW - 179, NOW - 60)).toEqual([
      [-240, 60, 1],
      [-180, 1, 1],
    ]);
    expect(ask(NOW, NOW - 60, 0)).toEqual([]);
  });

  it('counts on after an hour was emptied and after the clock went forth and back', () => {
    const { store } = open();
    const at = (nonce: number) =>
      received(signedMessage(ann, { time: { timeMs: WALL_MS - MINUTE + nonce }, nonce }));
    const cut = { tag: tagOf('dev'), fromMinute: 0, untilMinute: NOW };
    const counts = () => [
      sumsOf(store, [cut])[0]?.count,
      bucketsOf(store, { ...cut, untilMinute: NOW + 60 }, NOW).map(({ count }) => count),
      bucketsOf(store, { ...cut, untilMinute: NOW + 60 }, 0).map(({ count }) => count),
    ];
    store.transact([[at(1)], [pruned('dev')], [at(2)]]);
    expect(counts()).toEqual([1, [1], [1]]);
    store.transact([[pruned('dev')]]);
    store.transact([[at(3)]]);
    expect(counts()).toEqual([1, [1], [1]]);
    store.transact([[{ kind: 'expire', wallMs: WALL_MS + 600 * MINUTE }], [at(4)]]);
    store.transact([[{ kind: 'expire', wallMs: WALL_MS }]]);
    store.transact([[at(5)]]);
    expect(counts()).toEqual([3, [3], [3]]);
  });

  it('covers the first and the last time there is', () => {
    const { store } = open();
    const times = [{ timeMs: 0 }, { timeMs: Date.UTC(6000, 0) }, { timeMs: 2 ** 47 - 1, counter: 65535 }];
    store.transact([times.map((time) => received(signedMessage(ann, { time })))]);
    const window = { tag: tagOf('dev'), fromMinute: 0, untilMinute: MINUTE_END };
    const cut = { ...window, untilMinute: Math.floor((2 ** 47 - 1) / MINUTE) };
    expect(sumsOf(store, [window, cut]).map((sum) => sum.count)).toEqual([3, 2]);
    expect(bucketsOf(store, window, MINUTE_END).map((bucket) => bucket.minutes)).toEqual([60, 60, 60]);
  });

  it('equals a sum over the stored messages after any operations', () => {
    const property = fc.property(
      transactions,
      windows,
      bucketQuery,
      (calls, list, { window, minutesFromMinute }) => {
        const { store } = open();
        for (const effects of calls) {
          store.transact(effects);
          const stored = storedPool(store);
          expect(sumsOf(store, list)).toEqual(list.map((one) => bruteSum(stored, one)));
          assertBuckets(stored, window, minutesFromMinute, bucketsOf(store, window, minutesFromMinute));
        }
        store.close();
      },
    );
    fc.assert(property, { numRuns: 60 });
  });
}
