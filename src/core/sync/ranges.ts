/**
 * Ranges of a channel that are to be listed, and the pages that answer: pure helpers of catch-up.
 */
import { compare } from '../bytes.ts';
import { MINUTE } from '../limits.ts';
import { compareTime, TIME_ZERO } from '../message/time.ts';
import type { Position } from '../persistence.ts';

/** A range of a channel that the other side has differently. */
export interface Range {
  readonly tag: string;
  after: Position;
  readonly untilMinute: number;
}

const ID_ZERO = new Uint8Array(32);

/** The place just before every message of a minute. */
export function positionBefore(minute: number): Position {
  if (minute === 0) return { time: TIME_ZERO, id: ID_ZERO };
  return { time: { timeMs: minute * MINUTE - 1, counter: 0xffff }, id: new Uint8Array(32).fill(255) };
}

/** Joins ranges of one channel that touch, the newest last (they are taken from the end). */
export function mergeRanges(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) =>
    a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : compareTime(a.after.time, b.after.time),
  );
  const merged: Range[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    const touches =
      last &&
      last.tag === range.tag &&
      compareTime(range.after.time, positionBefore(last.untilMinute).time) <= 0;
    if (last && touches)
      merged[merged.length - 1] = { ...last, untilMinute: Math.max(last.untilMinute, range.untilMinute) };
    else merged.push(range);
  }
  return merged;
}

/** Positions in strict order, after the range's start and before its end. */
export function isPage(range: Range, positions: readonly Position[]): boolean {
  let last = range.after;
  for (const position of positions) {
    const order = compareTime(last.time, position.time) || compare(last.id, position.id);
    if (order >= 0 || position.time.timeMs >= range.untilMinute * MINUTE) return false;
    last = position;
  }
  return true;
}
