/**
 * The newest ephemeral of each run that passed here, for a short time. It answers both questions about one that comes: was
 * it here before, and is it still of use.
 *
 * Invariant: a run gets an entry only for a message whose signature and write rule have passed.
 */
import { type Bytes, compare } from '../bytes.ts';
import { compareTime, type Time } from '../message/time.ts';

interface Entry {
  readonly time: Time;
  /** 32 bytes */
  readonly id: Bytes;
  readonly atMs: number;
}

export class NewestOfRuns {
  readonly max: number;
  readonly #lifeMs: number;
  /** in the order of the last change */
  readonly #runs = new Map<string, Entry>();

  constructor(max: number, lifeMs: number) {
    this.max = max;
    this.#lifeMs = lifeMs;
  }

  /** Whether nothing as new is known of the run. Of two with one time, the larger id counts as the newer one. */
  isNew(key: string, time: Time, id: Bytes): boolean {
    const known = this.#runs.get(key);
    if (!known) return true;
    const order = compareTime(time, known.time);
    return order > 0 || (order === 0 && compare(id, known.id) > 0);
  }

  set(key: string, time: Time, id: Bytes, atMs: number): void {
    this.#runs.delete(key);
    this.#runs.set(key, { time, id, atMs });
    if (this.#runs.size > this.max) this.#forgetUntil(Number.NEGATIVE_INFINITY);
  }

  /** Forgets those of before `ms`, or the oldest one where there is none. */
  #forgetUntil(ms: number): void {
    for (const [key, { atMs }] of this.#runs) {
      if (atMs >= ms && this.#runs.size <= this.max) return;
      this.#runs.delete(key);
    }
  }

  tick(nowMs: number): void {
    this.#forgetUntil(nowMs - this.#lifeMs);
  }

  get size(): number {
    return this.#runs.size;
  }
}
