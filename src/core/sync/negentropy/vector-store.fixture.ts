/**
 * A store for tests of reconciliation: sorted positions, cut like negentropy's reference implementation cuts its vector,
 * into a given number of pieces whose sizes differ by one at most. It can get tired after any message.
 */
import { addSum, type Bytes } from '../../bytes.ts';
import type {
  Piece,
  Position,
  PositionRange,
  Query,
  QueryAnswer,
  SplitRange,
  Window,
} from '../../persistence.ts';
import { MINUTE_END } from '../../persistence.ts';
import type { Random } from '../../random.ts';
import { boundBetween, compareBounds } from './bounds.ts';
import { play, type Steps } from './store-steps.ts';

export const TAG = 'AAAAAAAAAAA';
export const EVERYTHING: Window = { tag: TAG, fromMinute: 0, untilMinute: MINUTE_END };

function pieceOf(items: readonly Position[], end: Position): Piece {
  const sum = new Uint8Array(32);
  for (const { id } of items) addSum(sum, id);
  return { end, count: items.length, sum };
}

export class VectorStore {
  readonly #items: readonly Position[];
  readonly #pieces: number;
  readonly #tiring: Random | undefined;
  queries = 0;

  /** @param tiring if given, answers to `split` end early now and then */
  constructor(items: readonly Position[], options: { pieces: number; tiring?: Random }) {
    this.#items = [...items].sort(compareBounds);
    this.#pieces = options.pieces;
    this.#tiring = options.tiring;
  }

  #in({ from, until }: PositionRange): Position[] {
    return this.#items.filter((item) => compareBounds(item, from) >= 0 && compareBounds(item, until) < 0);
  }

  read(query: Query): QueryAnswer {
    this.queries++;
    if (query.kind === 'split') return { kind: 'split', pieces: this.#split(query.ranges), walked: 0 };
    if (query.kind !== 'ids') throw new Error(`not for a reconciliation: ${query.kind}`);
    const positions: Position[][] = [];
    let left = query.limit;
    for (const range of query.ranges) {
      if (left === 0) break;
      const items = this.#in(range);
      positions.push(items.slice(0, left));
      if (items.length > left) return { kind: 'ids', positions, next: items[left] };
      left -= items.length;
    }
    return { kind: 'ids', positions, next: undefined };
  }

  #split(ranges: readonly SplitRange[]): Piece[][] {
    let left = this.#tiring ? 1 + this.#tiring.below(50) : Number.POSITIVE_INFINITY;
    const out: Piece[][] = [];
    for (const range of ranges) {
      if (left === 0) break;
      const items = this.#in(range);
      const seen = items.slice(0, left);
      left -= seen.length;
      out.push(this.#cut(range, seen, items[seen.length]));
      if (seen.length < items.length) break;
    }
    return out;
  }

  /** @param next what comes after `items` in the range, if it was not looked at */
  #cut({ until, size }: SplitRange, items: readonly Position[], next: Position | undefined): Piece[] {
    const end = next ?? until;
    const count = items.length > size ? this.#pieces : 1;
    const pieces: Piece[] = [];
    for (let i = 0, at = 0; i < count; i++) {
      const length = Math.floor(items.length / count) + (i < items.length % count ? 1 : 0);
      const after = items[at + length];
      const bound = after ? boundBetween(items[at + length - 1], after) : end;
      if (length > 0 || items.length === 0) pieces.push(pieceOf(items.slice(at, at + length), bound));
      at += length;
    }
    return pieces;
  }
}

/** Goes through `steps` at once. */
export function run<T>(steps: Steps<T>, store: VectorStore): T {
  const results: T[] = [];
  play(
    steps,
    (query, then) => then(store.read(query)),
    (result) => results.push(result),
  );
  return results[0] as T;
}

/** A position at so many units of 2^-16 ms, or of what the test likes. */
export function positionAt(unit: number, id: Bytes): Position {
  return { time: { timeMs: Math.floor(unit / 0x10000), counter: unit % 0x10000 }, id };
}
