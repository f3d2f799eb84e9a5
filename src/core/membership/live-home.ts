/**
 * Which home relay of a leaf is its live one: the first that is there, then the nearest by round trip. Who did not do its
 * work, or is gone, is followed by the one that was heard last: others may have fallen silent without a word.
 */
import { MINUTE, SECOND } from '../limits.ts';
import type { Link } from '../link/link.ts';

/** Clearly nearer is at most this share of the round trip, and so much less (guess). */
const NEARER_SHARE = 0.8;
const NEARER_MS = 5;
/** how long the links must have stood, and how long after the last move (guess) */
const SETTLE_MS = 5 * SECOND;
const MOVE_MS = 1 * MINUTE;

export class LiveHome {
  #link: Link | undefined;
  #movedMs = Number.NEGATIVE_INFINITY;
  /** those that did not do their work: near or not, they are not preferred */
  readonly #distrusted = new WeakSet<Link>();

  get link(): Link | undefined {
    return this.#link;
  }

  set(link: Link | undefined): void {
    this.#link = link;
  }

  /** The live one is gone. */
  lost(others: readonly Link[]): void {
    this.#link = this.#best(others) ?? others[0];
  }

  /**
   * A home relay does not do its work. If it is the live one, another takes its place.
   * @param others the other home relays
   * @returns false where there is nobody else
   */
  distrust(link: Link, others: readonly Link[]): boolean {
    const next = this.#best(others);
    if (!next) return false;
    this.#distrusted.add(link);
    if (link === this.#link) this.#link = next;
    return true;
  }

  /** Whoever did its work comes before those that did not. */
  #best(others: readonly Link[]): Link | undefined {
    return heardLast(others.filter((link) => !this.#distrusted.has(link))) ?? heardLast(others);
  }

  /**
   * Moves to a home relay that is clearly nearer, once the links have stood for a while, and rarely: a move costs two
   * frames, and what is pushed at that moment is announced instead.
   * @returns whether it moved
   */
  prefer(homes: readonly Link[], nowMs: number): boolean {
    const { distanceMs } = this.#link ?? {};
    if (distanceMs === undefined || nowMs - this.#movedMs < MOVE_MS) return false;
    if (homes.some(({ upMs }) => nowMs - upMs < SETTLE_MS)) return false;
    const near = homes.filter((link) => link.remoteRelay && !this.#distrusted.has(link));
    const nearest = near.reduce(
      (a: Link | undefined, b) => (a && distanceOf(a) <= distanceOf(b) ? a : b),
      undefined,
    );
    if (!nearest || distanceOf(nearest) > distanceMs * NEARER_SHARE) return false;
    if (distanceMs - distanceOf(nearest) < NEARER_MS) return false;
    this.#link = nearest;
    this.#movedMs = nowMs;
    return true;
  }
}

const distanceOf = (link: Link): number => link.distanceMs ?? Number.POSITIVE_INFINITY;

function heardLast(links: readonly Link[]): Link | undefined {
  const relays = links.filter((link) => link.remoteRelay);
  return relays.reduce((a: Link | undefined, b) => (a && a.heardMs >= b.heardMs ? a : b), undefined);
}
