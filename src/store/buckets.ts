/**
 * Arithmetic that both stores share: minutes and hours since 1970, sums over ids, and the bounds of time ranges.
 *
 * A bucket is named by its first minute. Hours are whole hours since 1970, so a minute lies in exactly one of them.
 */

import { addSum, type Bytes, subtractSum } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import { HOUR, LIMITS, MINUTE } from '../core/limits.ts';
import { TIME_END, type Time, toTimeBytes } from '../core/message/time.ts';
import type { Sum } from '../core/persistence.ts';

export const HOUR_MINUTES = 60;

/** An author with less content than this in a channel is never its heaviest: the index that finds the heaviest is spared
 *  most authors, which saves a tenth of an insert. Part of schema 2. */
export const HEAVY_BYTES = 4096;

/** Sorts after the 8 bytes of every time. */
const AFTER_ALL_TIMES: Bytes = new Uint8Array(8).fill(0xff);

/** The minute since 1970 that a message time falls into. */
export function minuteOf(time: Time): number {
  return Math.floor(time.timeMs / MINUTE);
}

/** The first minute of the hour of `minute`. */
export function hourOf(minute: number): number {
  return minute - (minute % HOUR_MINUTES);
}

/** The first minute of which minute sums are kept at `wallMs`: two whole hours before the current one, never negative. */
export function minuteFloorAt(wallMs: number): number {
  return Math.max(0, Math.floor(wallMs / HOUR) - LIMITS.minuteSumHours) * HOUR_MINUTES;
}

/** The least time bytes that a message of `minute` or later can have. */
export function timeBound(minute: number): Bytes {
  const timeMs = minute * MINUTE;
  return timeMs > TIME_END.timeMs ? AFTER_ALL_TIMES : toTimeBytes({ timeMs, counter: 0 });
}

/** A damaged page may hold anything in the place of a sum. */
function assertSum({ count, sum }: { readonly count: unknown; readonly sum: unknown }): void {
  if (!(sum instanceof Uint8Array) || sum.length !== 32 || !Number.isSafeInteger(count))
    throw new MeshError('store_damaged', 'A row holds something else where an id or a sum should be.');
}

/** A sum that grows and shrinks. `count` may be negative while it stands for a change. */
export class RunningSum implements Sum {
  count = 0;
  readonly sum = new Uint8Array(32);

  /** @param id 32 bytes */
  addId(id: Bytes): this {
    assertSum({ count: 1, sum: id });
    this.count++;
    addSum(this.sum, id);
    return this;
  }

  removeId(id: Bytes): this {
    assertSum({ count: 1, sum: id });
    this.count--;
    subtractSum(this.sum, id);
    return this;
  }

  add(other: Sum): this {
    assertSum(other);
    this.count += other.count;
    addSum(this.sum, other.sum);
    return this;
  }

  subtract(other: Sum): this {
    assertSum(other);
    this.count -= other.count;
    subtractSum(this.sum, other.sum);
    return this;
  }
}
