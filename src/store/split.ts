/**
 * Cuts a range into pieces as the query `split` says. Both stores share it, so that they cut alike; each brings the sums of
 * whole hours and a walk over messages.
 */
import { MINUTE } from '../core/limits.ts';
import {
  HOUR_SIZES,
  type Piece,
  type Position,
  type PositionRange,
  type QueryAnswer,
  type SplitRange,
  type Sum,
} from '../core/persistence.ts';
import { boundBetween, compareBounds, startOfMinute } from '../core/sync/negentropy/bounds.ts';
import { HOUR_MINUTES, minuteOf, RunningSum } from './buckets.ts';

/** Messages that were walked over. */
export interface Taken {
  readonly sum: Sum;
  /** the last one; `undefined` if `next` is of a later time anyhow */
  readonly last: Position | undefined;
  /** the first one in the range that was not taken */
  readonly next: Position | undefined;
  /** fewer were taken than asked for, because it was too much work */
  readonly isTired: boolean;
}

/** One tag of a store. */
export interface SplitSource {
  /** non-empty hours that begin in [fromMinute, untilMinute), ascending; `start` is a minute */
  hours(fromMinute: number, untilMinute: number): readonly (Sum & { readonly start: number })[];
  /** the first `most` (1 or more) messages of a range that touches two hours at most */
  take(range: PositionRange, most: number): Taken;
  /** whether no more messages may be walked over */
  isTired(): boolean;
  /** messages walked over so far */
  readonly walked: number;
}

/** The first whole minute that begins at or after a position, since 1970. */
export function minuteFrom({ time, id }: Position): number {
  const minute = Math.floor(time.timeMs / MINUTE);
  const isStart = time.timeMs % MINUTE === 0 && time.counter === 0 && id.every((byte) => byte === 0);
  return isStart ? minute : minute + 1;
}

class Cutter {
  readonly pieces: Piece[] = [];
  readonly #source: SplitSource;
  readonly #size: number;
  readonly #hourMax: number;
  #open = new RunningSum();

  /** @param hourMax messages of an hour that stays whole */
  constructor(source: SplitSource, { size, hourMax }: { size: number; hourMax: number }) {
    this.#source = source;
    this.#size = size;
    this.#hourMax = hourMax;
  }

  #close(end: Position): void {
    if (this.#open.count === 0) return;
    const { count, sum } = this.#open;
    this.pieces.push({ end, count, sum });
    this.#open = new RunningSum();
  }

  /** A place where cuts cost nothing. */
  #pass(end: Position): void {
    if (this.#open.count >= 0.75 * this.#size) this.#close(end);
  }

  /** Cuts a range that touches two hours at most. @returns whether it came to the end */
  walk({ from, until }: PositionRange): boolean {
    for (let at = from; compareBounds(at, until) < 0; ) {
      const taken = this.#source.take({ from: at, until }, this.#size - this.#open.count);
      this.#open.add(taken.sum);
      if (taken.next === undefined) break;
      if (taken.isTired) {
        this.#close(taken.next);
        return false;
      }
      at = boundBetween(taken.last, taken.next);
      this.#close(at);
    }
    this.#pass(until);
    return true;
  }

  /** @returns whether it came to the end */
  addHour(hour: Sum & { readonly start: number }): boolean {
    const until = startOfMinute(hour.start + HOUR_MINUTES);
    if (hour.count > this.#hourMax) return this.walk({ from: startOfMinute(hour.start), until });
    this.#open.add(hour);
    this.#pass(until);
    return true;
  }

  finish(until: Position): void {
    const last = this.pieces.at(-1);
    if (last && this.#open.count === 0) this.pieces[this.pieces.length - 1] = { ...last, end: until };
    else this.pieces.push({ end: until, count: this.#open.count, sum: this.#open.sum });
  }
}

function cut(source: SplitSource, { from, until, size }: SplitRange, hourMax: number): Piece[] {
  const cutter = new Cutter(source, { size, hourMax });
  const firstHour = Math.ceil(minuteFrom(from) / HOUR_MINUTES) * HOUR_MINUTES;
  const lastHour = Math.floor(minuteOf(until.time) / HOUR_MINUTES) * HOUR_MINUTES;
  const isDone =
    firstHour >= lastHour
      ? cutter.walk({ from, until })
      : cutter.walk({ from, until: startOfMinute(firstHour) }) &&
        source.hours(firstHour, lastHour).every((hour) => cutter.addHour(hour)) &&
        cutter.walk({ from: startOfMinute(lastHour), until });
  if (isDone) cutter.finish(until);
  return cutter.pieces;
}

function splitRange(source: SplitSource, range: SplitRange): Piece[] {
  const pieces = cut(source, range, HOUR_SIZES * range.size);
  const [only, ...others] = pieces;
  // A range that is told as it was asked would come back for ever.
  const isUncut = only && others.length === 0 && compareBounds(only.end, range.until) === 0;
  return isUncut && only.count > range.size ? cut(source, range, 0) : pieces;
}

/** Answers the query `split`. @param source `undefined` for a tag that was never seen */
export function split(
  source: SplitSource | undefined,
  ranges: readonly SplitRange[],
): Extract<QueryAnswer, { kind: 'split' }> {
  const out: Piece[][] = [];
  for (const range of ranges) {
    if (out.length > 0 && source?.isTired()) break;
    const isEmpty = source === undefined || compareBounds(range.from, range.until) >= 0;
    out.push(isEmpty ? [{ end: range.until, count: 0, sum: new Uint8Array(32) }] : splitRange(source, range));
  }
  return { kind: 'split', pieces: out, walked: source?.walked ?? 0 };
}
