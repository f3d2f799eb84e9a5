/**
 * Whether the wall clock can be trusted with deleting. A clock that is wrong by years (an empty battery, a bad time server)
 * would otherwise remove a whole history in a minute. A jump ahead by more than a day, since the last look of this or an
 * earlier run, is believed when a neighbour's clock agrees with ours, or after a week of running with it.
 */
import type { Context } from '../context.ts';
import { DAY, LIMITS } from '../limits.ts';

export class ClockCheck {
  readonly #ctx: Context;
  #wallMs = 0;
  #monotonicMs = 0;
  /** monotonic time at which a jump was noticed */
  #suspectMs: number | undefined;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** @param clockMs the latest time at which an earlier run looked, 0 if there was none */
  restore(clockMs: number): void {
    const { wallMs, monotonicMs } = this.#ctx.now;
    this.#wallMs = clockMs === 0 ? wallMs : Math.min(clockMs, wallMs);
    this.#monotonicMs = monotonicMs;
  }

  /** Whether something may be removed because of its age now. */
  isTrusted(): boolean {
    const { wallMs, monotonicMs } = this.#ctx.now;
    const jumpMs = wallMs - this.#wallMs - (monotonicMs - this.#monotonicMs);
    if (jumpMs <= DAY || monotonicMs - (this.#suspectMs ?? monotonicMs) >= LIMITS.clockDoubtMs)
      this.#accept();
    else if (this.#suspectMs === undefined) {
      this.#suspectMs = monotonicMs;
      const days = Math.round(jumpMs / DAY);
      this.#ctx.report('warn', 'the clock is days ahead of the last run: nothing is removed by age yet', {
        days,
      });
    }
    return this.#suspectMs === undefined;
  }

  /** The clock of a neighbour agrees with ours. */
  confirmed(): void {
    if (this.#suspectMs !== undefined) this.#accept();
  }

  #accept(): void {
    const { wallMs, monotonicMs } = this.#ctx.now;
    this.#suspectMs = undefined;
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
  }
}
