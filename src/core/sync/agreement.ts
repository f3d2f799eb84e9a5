/**
 * Which relays hold what we hold, as far as fingerprints were compared. One that differs for minutes, while others that
 * hold the same channels agree with us, keeps something back or cannot keep it: nobody relies on it any more.
 *
 * That is not provable, and a full disk looks the same: nobody is punished for it. A liar that shows us our own fingerprints
 * is not found here; what it does not pass on comes from others (`live-watch.ts`).
 */
import type { Interest } from '../interest/interest.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { AgreementState } from '../peer-types.ts';

interface Standing {
  state: Exclude<AgreementState, 'unknown'>;
  /** monotonic ms: since when that is so, and when it was seen last */
  sinceMs: number;
  seenMs: number;
  isTold: boolean;
}

export class Agreement {
  readonly #interest: Interest;
  readonly #links = new Map<Link, Standing>();

  constructor(interest: Interest) {
    this.#interest = interest;
  }

  /** What the channels shared with a neighbour were found to be. */
  note(link: Link, isEqual: boolean, nowMs: number): void {
    const state = isEqual ? 'equal' : 'differs';
    const known = this.#links.get(link);
    if (known?.state === state) known.seenMs = nowMs;
    else this.#links.set(link, { state, sinceMs: nowMs, seenMs: nowMs, isTold: false });
  }

  down(link: Link): void {
    this.#links.delete(link);
  }

  of(link: Link): { readonly state: AgreementState; readonly sinceMs: number } {
    return this.#links.get(link) ?? { state: 'unknown', sinceMs: 0 };
  }

  #isEqual(link: Link, nowMs: number): boolean {
    const standing = this.#links.get(link);
    return (
      link.remoteRelay && standing?.state === 'equal' && nowMs - standing.seenMs <= LIMITS.agreementFreshMs
    );
  }

  /** Two others agree with us, and every channel of this link is among what they hold. */
  #isAlone(link: Link, nowMs: number): boolean {
    const others = [...this.#links.keys()].filter((other) => other !== link && this.#isEqual(other, nowMs));
    return (
      others.length >= LIMITS.agreementWitnesses &&
      this.#interest
        .sharedWith(link)
        .every(({ tag }) => others.some((other) => this.#interest.isShared(other, tag)))
    );
  }

  /** Neighbours that are found to keep something back: each once, until it agrees again. */
  withholders(nowMs: number): Link[] {
    const found: Link[] = [];
    for (const [link, standing] of this.#links) {
      const { state, sinceMs, seenMs, isTold } = standing;
      // What a leaf keeps is its own affair.
      const isLasting = link.remoteRelay && seenMs - sinceMs >= LIMITS.disagreementMs;
      if (state === 'equal' || isTold || !isLasting || !this.#isAlone(link, nowMs)) continue;
      standing.isTold = true;
      found.push(link);
    }
    return found;
  }
}
