/**
 * Bounds of ranges: places between messages in the order of (time, id). A bound is a position whose id may be shortened to
 * a prefix, of which the missing bytes count as zero: what lies at or after it belongs to the next range.
 */
import { type Bytes, EMPTY } from '../../bytes.ts';
import { MINUTE } from '../../limits.ts';
import { compareTime, TIME_END, TIME_ZERO } from '../../message/time.ts';
import type { Position, PositionRange, Window } from '../../persistence.ts';

export const ID_BYTES = 32;

/** Before every message. */
export const FIRST: Position = { time: TIME_ZERO, id: EMPTY };
/** After every message, those of the last time with an id of 32 bytes FF too. */
export const INFINITY: Position = { time: TIME_END, id: new Uint8Array(ID_BYTES + 1).fill(255) };

export function isInfinity(bound: Position): boolean {
  return bound.id.length > ID_BYTES;
}

/** Order of bounds and positions: negative, zero or positive. Bytes that a prefix lacks are zero. */
export function compareBounds(a: Position, b: Position): number {
  const times = compareTime(a.time, b.time);
  if (times !== 0) return times;
  const length = Math.max(a.id.length, b.id.length);
  for (let i = 0; i < length; i++) {
    const difference = (a.id[i] ?? 0) - (b.id[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function sharedBytes(a: Bytes, b: Bytes): number {
  let shared = 0;
  while (shared < ID_BYTES && a[shared] === b[shared]) shared++;
  return shared;
}

/**
 * The shortest bound between two messages that follow each other: the time of the second one, and as much of its id as it
 * takes to tell it from the first where both have the same time.
 * @param last `undefined` for a message of an earlier time
 */
export function boundBetween(last: Position | undefined, next: Position): Position {
  if (last === undefined || compareTime(last.time, next.time) !== 0) return { time: next.time, id: EMPTY };
  return { time: next.time, id: next.id.slice(0, sharedBytes(last.id, next.id) + 1) };
}

/** The place before every message of a minute. @param minute since 1970; {@link INFINITY} above the last time there is */
export function startOfMinute(minute: number): Position {
  const timeMs = minute * MINUTE;
  return timeMs > TIME_END.timeMs ? INFINITY : { time: { timeMs, counter: 0 }, id: EMPTY };
}

/** The part of [from, until) that lies in a window. Where there is none it begins at or after its end. */
export function clip(window: Window, { from, until }: PositionRange): PositionRange {
  const start = startOfMinute(window.fromMinute);
  const end = startOfMinute(window.untilMinute);
  return {
    from: compareBounds(from, start) < 0 ? start : from,
    until: compareBounds(until, end) > 0 ? end : until,
  };
}
