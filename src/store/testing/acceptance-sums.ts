/** Fact 4 of `core/persistence.ts`: sums equal the sums over the stored messages, whatever was done before. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addSum, type Bytes } from '../../core/bytes.ts';
import { MINUTE_END, type Sum, type Window } from '../../core/persistence.ts';
import { FIRST, INFINITY, startOfMinute } from '../../core/sync/negentropy/bounds.ts';
import type { Store } from '../store.ts';
import { splitOf } from './acceptance-ranges.ts';
import { createAuthor, joined, pruned, received, signedMessage, tagOf, WALL_MS } from './messages.ts';
import { isKnown, POOL, transactions, windows } from './random.ts';
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
  return POOL.filter((_, i) => isKnown(answer.holdings[i])).map(({ message }) => ({
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

function ask(store: Store, list: readonly Window[], since: number) {
  const answer = store.read({ kind: 'sums', windows: list, since });
  if (answer.kind !== 'sums') throw new Error('wrong answer');
  return answer;
}

/** Each message that has come or gone since lies where something is told to have changed. */
function expectTold(
  store: Store,
  before: { readonly version: number; readonly stored: readonly Stored[] },
  stored: readonly Stored[],
): void {
  const { changed } = ask(store, [], before.version);
  if (changed === undefined) return;
  const without = (some: readonly Stored[], others: readonly Stored[]): Stored[] =>
    some.filter(({ id }) => !others.some((other) => other.id === id));
  const moved = [...without(stored, before.stored), ...without(before.stored, stored)];
  const isTold = ({ tag, minute }: Stored): boolean =>
    changed.some((one) => one.tag === tag && one.fromMinute <= minute && minute < one.untilMinute);
  expect(moved.filter((one) => !isTold(one))).toEqual([]);
}

function sumsOf(store: Store, list: readonly Window[]): readonly Sum[] {
  const answer = store.read({ kind: 'sums', windows: list });
  if (answer.kind !== 'sums') throw new Error('wrong answer');
  return answer.sums.map(({ count, sum }) => ({ count, sum: new Uint8Array(sum) }));
}

export function describeSums(open: OpenSubject): void {
  it('sums nothing for a channel that was never seen', () => {
    const { store } = open();
    const window = { tag: tagOf('dev'), fromMinute: 0, untilMinute: MINUTE_END };
    expect(sumsOf(store, [window, window])).toEqual([bruteSum([], window), bruteSum([], window)]);
    expect(store.read({ kind: 'sums', windows: [], since: 0 })).toEqual({
      ...{ kind: 'sums', sums: [], version: 0, changed: [] },
    });
  });

  it('counts on after an hour was emptied and after the clock went forth and back', () => {
    const { store } = open();
    const at = (nonce: number) =>
      received(signedMessage(ann, { time: { timeMs: WALL_MS - MINUTE + nonce }, nonce }));
    const cut = { tag: tagOf('dev'), fromMinute: 0, untilMinute: NOW };
    const size = 99;
    const counts = () => [
      sumsOf(store, [cut])[0]?.count,
      splitOf(store, 'dev', [{ from: FIRST, until: INFINITY, size }])[0]?.map(({ count }) => count),
      splitOf(store, 'dev', [{ from: startOfMinute(NOW - 1), until: INFINITY, size }])[0]?.map(
        ({ count }) => count,
      ),
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
  });

  it('tells all that has changed since each version, and until when a sum stays as it is', () => {
    const property = fc.property(transactions, windows, (calls, list) => {
      const { store } = open();
      const seen: { readonly version: number; readonly stored: readonly Stored[] }[] = [];
      for (const effects of calls) {
        store.transact(effects);
        const stored = storedPool(store);
        for (const before of seen.slice(-3)) expectTold(store, before, stored);
        const { version, sums } = ask(store, list, seen.at(-1)?.version ?? 0);
        sums.forEach(({ sameUntil }, i) => {
          const { tag, untilMinute } = list[i] as Window;
          const rest = { tag, fromMinute: untilMinute, untilMinute: sameUntil };
          expect(bruteSum(stored, rest).count).toBe(0);
        });
        seen.push({ version, stored });
      }
      store.close();
    });
    fc.assert(property, { numRuns: 30 });
  });

  it('does not tell what changed no set, and knows nothing of versions that it did not tell', () => {
    const { store } = open();
    const [first, second] = [1, 2].map((nonce) => received(signedMessage(ann, { nonce })));
    if (!first || !second) throw new Error('no messages');
    store.transact([[first]]);
    const { version } = ask(store, [], 0);
    store.transact([[first, joined('dev'), { kind: 'expire', wallMs: WALL_MS }]]);
    expect(ask(store, [], version)).toMatchObject({ version, changed: [] });
    store.transact([[second]]);
    expect(ask(store, [], version).changed).toEqual([
      { tag: tagOf('dev'), fromMinute: NOW, untilMinute: NOW + 1 },
    ]);
    expect(ask(store, [], version + 2).changed).toBeUndefined();
    expect(() => ask(store, [], -1)).toThrow(RangeError);
  });

  it('equals a sum over the stored messages after any operations', () => {
    const property = fc.property(transactions, windows, (calls, list) => {
      const { store } = open();
      for (const effects of calls) {
        store.transact(effects);
        const stored = storedPool(store);
        expect(sumsOf(store, list)).toEqual(list.map((one) => bruteSum(stored, one)));
      }
      store.close();
    });
    fc.assert(property, { numRuns: 60 });
  });
}
