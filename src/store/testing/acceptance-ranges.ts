/** The queries of set reconciliation: `split` and `ids`, over the known messages of a tag. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addSum } from '../../core/bytes.ts';
import { TIME_END } from '../../core/message/time.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import {
  HOUR_SIZES,
  type Piece,
  type Position,
  type PositionRange,
  type SplitRange,
} from '../../core/persistence.ts';
import { compareBounds, FIRST, INFINITY, startOfMinute } from '../../core/sync/negentropy/bounds.ts';
import type { Store } from '../store.ts';
import { createAuthor, putOff, received, signedMessage, tagOf, WALL_MS } from './messages.ts';
import { isKnown, POOL, pieceSize, ranges, transactions } from './random.ts';
import type { OpenSubject } from './subject.ts';

const ann = createAuthor(1);
const MINUTE = 60_000;
const NOW = WALL_MS / MINUTE;
const ALL: PositionRange = { from: FIRST, until: INFINITY };

/** The pieces of ranges of a channel. */
export function splitOf(
  store: Store,
  channel: string,
  asked: readonly SplitRange[],
): readonly (readonly Piece[])[] {
  const answer = store.read({ kind: 'split', tag: tagOf(channel), ranges: asked });
  if (answer.kind !== 'split') throw new Error('wrong answer');
  return answer.pieces;
}

function idsOf(store: Store, channel: string, asked: readonly PositionRange[], limit: number) {
  const answer = store.read({ kind: 'ids', tag: tagOf(channel), ranges: asked, limit });
  if (answer.kind !== 'ids') throw new Error('wrong answer');
  return answer;
}

const positionOf = ({ message: { time, id } }: VerifiedMessage): Position => ({ time, id });

/** Ascending positions of what a channel knows, by asking id by id. */
function knownIn(store: Store, channel: string): Position[] {
  const pool = POOL.filter(({ message }) => message.channel === channel);
  const answer = store.read({ kind: 'has', ids: pool.map(({ message }) => message.id) });
  if (answer.kind !== 'has') throw new Error('wrong answer');
  return pool
    .filter((_, i) => isKnown(answer.holdings[i]))
    .map(positionOf)
    .sort(compareBounds);
}

function inRange(known: readonly Position[], { from, until }: PositionRange): Position[] {
  return known.filter((one) => compareBounds(one, from) >= 0 && compareBounds(one, until) < 0);
}

function isHour({ time, id }: Position): boolean {
  return time.timeMs % (60 * MINUTE) === 0 && time.counter === 0 && id.length === 0;
}

/** That pieces are what the contract says. */
function assertPieces(known: readonly Position[], asked: SplitRange, pieces: readonly Piece[]): void {
  expect(pieces.at(-1)?.end).toEqual(asked.until);
  if (inRange(known, asked).length > asked.size) expect(pieces.length).toBeGreaterThan(1);
  let from = asked.from;
  for (const [i, { end, count, sum }] of pieces.entries()) {
    expect(compareBounds(from, end)).toBeLessThanOrEqual(0);
    const inside = inRange(known, { from, until: end });
    const expected = new Uint8Array(32);
    for (const { id } of inside) addSum(expected, id);
    expect({ count, sum: new Uint8Array(sum) }).toEqual({ count: inside.length, sum: expected });
    if (pieces.length > 1) expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual((0.75 + HOUR_SIZES) * asked.size);
    if (i < pieces.length - 1 && count !== asked.size) {
      expect(isHour(end)).toBe(true);
      expect(count).toBeGreaterThanOrEqual(0.75 * asked.size);
    }
    from = end;
  }
}

export function describeRanges(open: OpenSubject): void {
  it('has nothing of a channel that was never seen', () => {
    const { store } = open();
    const empty = [{ end: INFINITY, count: 0, sum: new Uint8Array(32) }];
    expect(splitOf(store, 'dev', [{ ...ALL, size: 1 }])).toEqual([empty]);
    expect(splitOf(store, 'dev', [])).toEqual([]);
    expect(idsOf(store, 'dev', [ALL], 1)).toEqual({ kind: 'ids', positions: [[]], next: undefined });
  });

  it('leaves hours whole unless they are long, and cuts between two messages', () => {
    const { store } = open();
    // four hours with 3, 4, 9 and 2 messages, the hour of the nine at one time
    const offsets = [0, 1, 2, 60, 61, 62, 63, ...Array.from({ length: 9 }, () => 130), 180, 239];
    const messages = offsets.map((minute, nonce) =>
      signedMessage(ann, { time: { timeMs: WALL_MS + minute * MINUTE }, nonce }),
    );
    store.transact([messages.map((message, i) => (i % 2 ? putOff(message) : received(message)))]);
    const known = messages.map(positionOf).sort(compareBounds);
    const shapes = (size: number, range = ALL) => {
      const [pieces = []] = splitOf(store, 'dev', [{ ...range, size }]);
      assertPieces(known, { ...range, size }, pieces);
      return pieces.map(({ end, count }) => [
        count,
        isHour(end) ? end.time.timeMs / MINUTE - NOW : 'between',
      ]);
    };
    expect(shapes(15)).toEqual([
      [16, 180],
      [2, 'between'],
    ]);
    expect(shapes(30)).toEqual([[18, 'between']]);
    expect(shapes(7)).toEqual([
      [7, 120],
      [9, 180],
      [2, 'between'],
    ]);
    expect(shapes(2)).toEqual([
      [3, 60],
      [4, 120],
      [2, 'between'],
      [2, 'between'],
      [2, 'between'],
      [2, 'between'],
      [3, 'between'],
    ]);
    // The range decides what is whole: two of the first hour's, and the nine without their hour's end.
    expect(shapes(4, { from: startOfMinute(NOW + 1), until: startOfMinute(NOW + 150) })).toEqual([
      [6, 120],
      [4, 'between'],
      [4, 'between'],
      [1, 'between'],
    ]);
    // an hour that is all there is
    expect(shapes(2, { from: startOfMinute(NOW), until: startOfMinute(NOW + 60) })).toEqual([
      [2, 'between'],
      [1, 60],
    ]);
    const cut = splitOf(store, 'dev', [{ ...ALL, size: 2 }])[0]?.[3]?.end as Position;
    expect(cut.time).toEqual(known[11]?.time);
    expect(cut.id.length).toBeLessThan(4);
    expect(known[11]?.id.slice(0, cut.id.length)).toEqual(cut.id);
  });

  it('covers the first and the last time there is', () => {
    const { store } = open();
    const times = [{ timeMs: 0 }, { timeMs: 0, counter: 1 }, TIME_END, TIME_END];
    const messages = times.map((time, nonce) => signedMessage(ann, { time, nonce }));
    store.transact([messages.map((message) => received(message))]);
    const known = messages.map(positionOf).sort(compareBounds);
    for (const size of [1, 2, 3, 4]) {
      const [pieces = []] = splitOf(store, 'dev', [{ ...ALL, size }]);
      assertPieces(known, { ...ALL, size }, pieces);
      expect(pieces.reduce((count, piece) => count + piece.count, 0)).toBe(4);
    }
    expect(idsOf(store, 'dev', [ALL], 9).positions).toEqual([known]);
  });

  it('lists ids of ranges in order, up to a limit', () => {
    const { store } = open();
    const messages = [0, 1, 2, 3, 4].map((i) =>
      signedMessage(ann, { time: { timeMs: WALL_MS + i * MINUTE } }),
    );
    store.transact([messages.map((message) => received(message))]);
    const known = messages.map(positionOf);
    const [a, b] = [
      { from: known[0] as Position, until: known[2] as Position },
      { from: known[3] as Position, until: INFINITY },
    ];
    const ask = (limit: number, ...asked: PositionRange[]) => {
      const { positions, next } = idsOf(store, 'dev', asked, limit);
      return [
        positions.map((list) => list.map((one) => known.findIndex((k) => compareBounds(k, one) === 0))),
        next,
      ];
    };
    expect(ask(9, a, b)).toEqual([
      [
        [0, 1],
        [3, 4],
      ],
      undefined,
    ]);
    expect(ask(4, a, b)).toEqual([
      [
        [0, 1],
        [3, 4],
      ],
      undefined,
    ]);
    expect(ask(3, a, b)).toEqual([[[0, 1], [3]], known[4]]);
    expect(ask(2, a, b)).toEqual([[[0, 1]], undefined]);
    expect(ask(1, a, b)).toEqual([[[0]], known[1]]);
    expect(ask(1, { from: INFINITY, until: FIRST }, b)).toEqual([[[], [3]], known[4]]);
  });

  it('equals what is stored after any operations', () => {
    const property = fc.property(
      transactions,
      ranges,
      pieceSize,
      fc.constantFrom(1, 4, 100),
      (calls, list, size, limit) => {
        const { store } = open();
        for (const effects of calls) store.transact(effects);
        const known = knownIn(store, 'dev');
        const asked = list.map((range) => ({ ...range, size }));
        const pieces = splitOf(store, 'dev', asked);
        expect(pieces).toHaveLength(asked.length);
        for (const [i, range] of asked.entries()) assertPieces(known, range, pieces[i] as readonly Piece[]);
        const { positions, next } = idsOf(store, 'dev', list, limit);
        const all = list.map((range) => inRange(known, range));
        expect(positions.flat()).toEqual(all.flat().slice(0, limit));
        for (const [i, found] of positions.entries())
          if (i < positions.length - 1) expect(found).toEqual(all[i]);
        const last = positions.length - 1;
        expect(next).toEqual(all[last]?.[positions[last]?.length ?? 0]);
        store.close();
      },
    );
    fc.assert(property, { numRuns: 80 });
  });
}
