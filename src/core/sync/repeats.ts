/**
 * What one link was told or asked before, in vain as it seems, for it comes up again: the other side does not hold what it
 * knows, or one of the two does not take it. It is tried again only after a wait that doubles each time.
 */
import { LIMITS } from '../limits.ts';

interface Try {
  readonly waitMs: number;
  readonly againMs: number;
}

export class Repeats {
  readonly #max: () => number;
  /** in the order of their last try */
  readonly #tried = new Map<string, Try>();

  /** @param max keys remembered at the moment; beyond it the one tried longest ago is forgotten, and may be tried at once */
  constructor(max: number | (() => number)) {
    this.#max = typeof max === 'number' ? () => max : max;
  }

  /** Whether it may be tried now; if so, it counts as tried. @param nowMs monotonic */
  mayTry(key: string, nowMs: number): boolean {
    const known = this.#tried.get(key);
    if (known && nowMs < known.againMs) return false;
    const waitMs = Math.min(known ? 2 * known.waitMs : LIMITS.retryMinMs, LIMITS.retryMaxMs);
    this.#tried.delete(key);
    const max = this.#max();
    for (const oldest of this.#tried.keys()) {
      if (this.#tried.size < max) break;
      this.#tried.delete(oldest);
    }
    this.#tried.set(key, { waitMs, againMs: nowMs + waitMs });
    return true;
  }

  forget(key: string): void {
    this.#tried.delete(key);
  }
}
