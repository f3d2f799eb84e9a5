/**
 * Removes what has expired, at the same moment everywhere: what runs out within a minute leaves the set of known messages
 * when `until`, the end of what neighbours compare, has passed that minute. Where each peer removes it in a round of its
 * own, neighbours count different sets for up to a minute, reconcile, and send each other what has expired. Readers are
 * shown nothing of it from the millisecond on.
 *
 * Invariants:
 * 1. Before sums up to a minute are read, everything that runs out before its end is gone.
 * 2. What is gone already where a neighbour, whose clock is a little behind, still counts it is no difference to look into:
 *    see {@link Expiry.isAhead}.
 */
import type { Context } from '../context.ts';
import { LIMITS, MINUTE, SECOND } from '../limits.ts';
import { MINUTE_END } from '../persistence.ts';
import { settledMinute } from '../sync/settled.ts';
import type { ClockCheck } from './clock-check.ts';

/** So much later may a neighbour with a good clock say that a minute is over: 2 s, and what its frame takes (guess). */
const LATE_MS = 10 * SECOND;
/** Further back it is not the clock of a neighbour that was ahead (guess). */
const CLOCK_BACK_MINUTES = 2;
/** Who waits for one removal: each link twice (guess). */
const WAITING_MAX = 2 * LIMITS.linksMax;

export class Expiry {
  readonly #ctx: Context;
  readonly #clock: ClockCheck;
  /** up to which minute everything is removed that runs out before it */
  #doneMinute = 0;
  /** the last minute at which anything was removed, and when, monotonic ms */
  #removed = { minute: 0, ms: Number.NEGATIVE_INFINITY };
  #isBusy = false;
  #waiting: { readonly minute: number; readonly then: () => void }[] = [];

  constructor(ctx: Context, clock: ClockCheck) {
    this.#ctx = ctx;
    this.#clock = clock;
  }

  /**
   * Removes what runs out before the end of a window, not later than now. `then` is called in any case, and at once where too
   * many wait already: what a doubtful clock, or a disk that fails or is slow, leaves in place is compared like all else.
   */
  settle(untilMinute: number, then: () => void): void {
    const now = settledMinute(this.#ctx.now.wallMs);
    const minute = untilMinute === MINUTE_END ? now : untilMinute;
    // The clock was set back: what is noted of it is not to be later than it is.
    if (now < this.#doneMinute - CLOCK_BACK_MINUTES) this.#doneMinute = 0;
    if (minute <= this.#doneMinute || !this.#clock.isTrusted()) return then();
    if (this.#waiting.length >= WAITING_MAX) return then();
    this.#waiting.push({ minute, then });
    if (!this.#isBusy) this.#remove(minute);
  }

  #remove(minute: number): void {
    this.#isBusy = true;
    const end = (): void => {
      this.#isBusy = false;
      const waiting = this.#waiting;
      this.#waiting = waiting.filter((one) => one.minute > minute);
      for (const one of waiting) if (one.minute <= minute) one.then();
      const [next] = this.#waiting;
      if (next && !this.#isBusy) this.#remove(next.minute);
    };
    this.#ctx.persist(
      [{ kind: 'expire', wallMs: minute * MINUTE }],
      ([result]) => {
        if (result?.kind !== 'expired') return end();
        if (result.removed > 0) this.#removed = { minute, ms: this.#ctx.now.monotonicMs };
        if (result.more) return this.#remove(minute);
        this.#doneMinute = Math.max(this.#doneMinute, minute);
        end();
      },
      end,
    );
  }

  /** Whether something is gone here that a neighbour with a good clock may still count in a window with this end. */
  isAhead(untilMinute: number): boolean {
    const { minute, ms } = this.#removed;
    return untilMinute < minute && this.#ctx.now.monotonicMs - ms < LATE_MS;
  }
}
