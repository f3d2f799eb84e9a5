/**
 * How far catch-up over each link has come: how many ids comparisons have found to be missing here, and how many of them are
 * missing no more. An id counts for the link over which it was found first, whoever brings it.
 */
import type { Link } from '../link/link.ts';

/** After so long without anything missing the next id is the first of another catch-up, ms (guess). */
const OVER_MS = 10_000;

export interface FoundCount {
  /** ids that were missing here */
  readonly found: number;
  /** those of them that have come, or are known to be of no use here */
  readonly fetched: number;
}

interface Count {
  found: number;
  fetched: number;
  changedMs: number;
}

const NOTHING: FoundCount = { found: 0, fetched: 0 };

export class Found {
  readonly #counts = new Map<Link, Count>();

  of(link: Link): FoundCount {
    return this.#counts.get(link) ?? NOTHING;
  }

  /** @param nowMs monotonic, as below */
  found(link: Link, nowMs: number): void {
    let count = this.#counts.get(link);
    if (!count || (count.found === count.fetched && nowMs - count.changedMs > OVER_MS)) {
      count = { found: 0, fetched: 0, changedMs: nowMs };
      this.#counts.set(link, count);
    }
    count.found++;
    count.changedMs = nowMs;
  }

  fetched(link: Link, nowMs: number): void {
    const count = this.#counts.get(link);
    if (!count) return;
    count.fetched++;
    count.changedMs = nowMs;
  }

  /** Nobody is left who might have it: it is found anew, if at all. */
  lost(link: Link): void {
    const count = this.#counts.get(link);
    if (count) count.found--;
  }

  down(link: Link): void {
    this.#counts.delete(link);
  }
}
