/**
 * Records that were announced and are not here yet: each is asked of one neighbour only, and of the next one if it does
 * not come. Who announced one is not told of it again.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { RecordHead } from '../wire/frame.ts';

interface Offer {
  readonly head: RecordHead;
  /** sequence that each neighbour announced */
  readonly from: Map<Link, number>;
  readonly asked: Set<Link>;
  askedMs: number;
}

export const keyOf = (head: RecordHead): string => `${head.kind}:${head.peer}`;

export class Offers {
  readonly #ctx: Context;
  readonly #offers = new Map<string, Offer>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  get size(): number {
    return this.#offers.size;
  }

  /**
   * Notes that a neighbour announced something newer than what is here.
   * @returns whether it is to be asked for it now
   */
  add(link: Link, head: RecordHead): boolean {
    const key = keyOf(head);
    let offer = this.#offers.get(key);
    if (!offer) {
      if (this.#offers.size >= LIMITS.recordOffersMax) return true;
      offer = { head, from: new Map(), asked: new Set(), askedMs: Number.NEGATIVE_INFINITY };
      this.#offers.set(key, offer);
    }
    if (offer.from.size < LIMITS.overlayMax || offer.from.has(link)) offer.from.set(link, head.sequence);
    // Whoever is asked sends its newest: a newer one is asked for only where none is on its way.
    if (this.#ctx.now.monotonicMs - offer.askedMs < LIMITS.recordAskMs) return false;
    this.#asks(offer, link);
    return true;
  }

  #asks(offer: Offer, link: Link): void {
    offer.asked.add(link);
    offer.askedMs = this.#ctx.now.monotonicMs;
  }

  /** A record is here now. @returns the neighbours that have it already */
  came(head: RecordHead): Link[] {
    const offer = this.#offers.get(keyOf(head));
    if (!offer) return [];
    const have: Link[] = [];
    for (const [link, sequence] of offer.from) {
      if (sequence > head.sequence) continue;
      have.push(link);
      offer.from.delete(link);
    }
    if (offer.from.size === 0) this.#offers.delete(keyOf(head));
    return have;
  }

  /** Once a second: what did not come, and whom to ask next. What nobody else has is forgotten. */
  overdue(): Map<Link, RecordHead[]> {
    const due = new Map<Link, RecordHead[]>();
    for (const [key, offer] of this.#offers) {
      if (this.#ctx.now.monotonicMs - offer.askedMs < LIMITS.recordAskMs) continue;
      const next = [...offer.from.keys()].find((link) => link.phase === 'up' && !offer.asked.has(link));
      if (!next) {
        this.#offers.delete(key);
        continue;
      }
      this.#asks(offer, next);
      const head = { ...offer.head, sequence: offer.from.get(next) as number };
      const heads = due.get(next);
      if (heads) heads.push(head);
      else due.set(next, [head]);
    }
    return due;
  }
}
