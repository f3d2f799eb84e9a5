/**
 * What a reconciliation asks of the store. The core reads by effects, so a reconciliation is a generator: it gives a query
 * and is continued with the answer. Answers may end early; these helpers ask on.
 */
import { addSum } from '../../bytes.ts';
import type {
  Piece,
  Position,
  PositionRange,
  Query,
  QueryAnswer,
  SplitRange,
  Sum,
} from '../../persistence.ts';
import { compareBounds } from './bounds.ts';

export type ReconcileQuery = Extract<Query, { kind: 'split' | 'ids' }>;
type Answer<K extends ReconcileQuery['kind']> = Extract<QueryAnswer, { kind: K }>;

/** Work that needs answers of the store and ends in a T. To stop in the middle it is enough to forget it. */
export type Steps<T> = Generator<ReconcileQuery, T, QueryAnswer>;

/** Goes through `steps`. @param read asks the store once and hands the answer back, now or later, or never */
export function play<T>(
  steps: Steps<T>,
  read: (query: ReconcileQuery, then: (answer: QueryAnswer) => void) => void,
  done: (result: T) => void,
): void {
  const go = (step: IteratorResult<ReconcileQuery, T>): void => {
    if (step.done) done(step.value);
    else read(step.value, (answer) => go(steps.next(answer)));
  };
  go(steps.next());
}

function* ask<K extends ReconcileQuery['kind']>(
  query: Extract<ReconcileQuery, { kind: K }>,
): Steps<Answer<K>> {
  const answer = yield query;
  if (answer.kind !== query.kind) throw new TypeError(`asked for ${query.kind}, got ${answer.kind}`);
  return answer as Answer<K>;
}

/** How many more answers may end early. */
export interface Patience {
  left: number;
}

/** The pieces of ascending ranges. @param patience without it all of them; with it perhaps only the first ones, but one */
export function* piecesOf(tag: string, ranges: readonly SplitRange[], patience?: Patience): Steps<Piece[][]> {
  const out: Piece[][] = [];
  let rest = ranges;
  let begun: Piece[] = [];
  while (rest.length > 0 && (out.length === 0 || patience === undefined || patience.left > 0)) {
    const { pieces } = yield* ask({ kind: 'split', tag, ranges: rest });
    if (pieces.length === 0) throw new RangeError('an answer without pieces');
    let complete = 0;
    for (const list of pieces) {
      begun.push(...list);
      const { end } = list.at(-1) as Piece;
      if (compareBounds(end, (rest[complete] as SplitRange).until) < 0) break;
      out.push(begun);
      begun = [];
      complete++;
    }
    rest = rest.slice(complete);
    const [next, ...others] = rest;
    const last = begun.at(-1);
    if (next && last) rest = [{ ...next, from: last.end }, ...others];
    if (patience && rest.length > 0) patience.left--;
  }
  return out;
}

/** Number and sum of the messages in ascending ranges. @param patience see {@link piecesOf} */
export function* sumsOf(tag: string, ranges: readonly PositionRange[], patience?: Patience): Steps<Sum[]> {
  const whole = ranges.map((range) => ({ ...range, size: Number.MAX_SAFE_INTEGER }));
  const all = yield* piecesOf(tag, whole, patience);
  return all.map((pieces) => {
    const sum = new Uint8Array(32);
    for (const piece of pieces) addSum(sum, piece.sum);
    return { count: pieces.reduce((count, piece) => count + piece.count, 0), sum };
  });
}

/** Own positions in ascending ranges. @param limit of all together, 0 or more */
export function* idsOf(
  tag: string,
  ranges: readonly PositionRange[],
  limit: number,
): Steps<{ lists: readonly (readonly Position[])[]; next: Position | undefined }> {
  if (ranges.length === 0 || limit < 1) return { lists: [], next: undefined };
  const { positions, next } = yield* ask({ kind: 'ids', tag, ranges, limit });
  return { lists: positions, next };
}
