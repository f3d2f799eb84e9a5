/**
 * Whether the live relay of a leaf brings what others bring. A second after a message came, the live relay has pushed or
 * announced it where it does its work; where it has not done so with most of what came lately, it drops what it should pass
 * on, and another home relay takes its place.
 */
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';

export class LiveWatch {
  #live: Link | undefined;
  #sinceMs = 0;
  #brought = 0;
  #lacked = 0;

  /**
   * A message is a second old.
   * @param hasIt the live relay has brought or announced it
   * @returns whether the live relay is to be replaced
   */
  judge(live: Link | undefined, hasIt: boolean, nowMs: number): boolean {
    if (live !== this.#live || nowMs - this.#sinceMs > LIMITS.liveWatchMs) {
      this.#live = live;
      this.#sinceMs = nowMs;
      this.#brought = 0;
      this.#lacked = 0;
    }
    if (!live || nowMs - live.upMs < LIMITS.settleMs) return false;
    if (hasIt) this.#brought++;
    else this.#lacked++;
    return this.#lacked >= LIMITS.liveLackedMin && this.#lacked > this.#brought;
  }
}
