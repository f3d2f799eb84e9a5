/**
 * Windows whose comparison finds much that is found again the next time: ids that one side knows without holding them, or
 * that the other does not take. Each message that is new there makes their fingerprints another pair, and to find the same
 * thousands each time costs more than all that is new. So such a window waits, longer each time.
 */
import { LIMITS } from '../limits.ts';

interface Found {
  readonly ids: number;
  readonly waitMs: number;
  readonly againMs: number;
}

export class Vain {
  readonly #max: number;
  /** in the order of their last comparison */
  readonly #found = new Map<string, Found>();

  /** @param max windows remembered; beyond it the one compared longest ago is forgotten */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether a window may be compared. @param nowMs monotonic */
  mayCompare(window: string, nowMs: number): boolean {
    return nowMs >= (this.#found.get(window)?.againMs ?? 0);
  }

  /** A window was compared to the end. @param ids how many were found that one side lacks */
  compared(window: string, ids: number, nowMs: number): void {
    const last = this.#found.get(window);
    this.#found.delete(window);
    if (ids <= LIMITS.reconcileVainMin) return;
    const isInVain = last !== undefined && 2 * ids > last.ids;
    const waitMs = isInVain ? Math.min(2 * last.waitMs, LIMITS.retryMaxMs) : LIMITS.retryMinMs;
    for (const oldest of this.#found.keys()) {
      if (this.#found.size < this.#max) break;
      this.#found.delete(oldest);
    }
    this.#found.set(window, { ids, waitMs, againMs: nowMs + waitMs });
  }
}
