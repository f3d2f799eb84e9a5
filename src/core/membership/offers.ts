/**
 * Records that were announced and are not here yet: each is asked of one neighbour only, and of the next one if it does
 * not come. Who announced one is not told of it again. One neighbour is asked for a few at a time: what many records take
 * is more than the queue of a link.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { RecordHead } from '../wire/frame.ts';
import { HeadMap } from './head-map.ts';

interface Offer {
  readonly head: RecordHead;
  /** sequence that each neighbour announced */
  readonly from: Map<Link, number>;
  readonly asked: Set<Link>;
  /** who is to send it now */
  askedOf: Link | undefined;
  askedMs: number;
}

export interface OfferRules {
  /** whether a neighbour may be asked for a record now; what may not be is asked for later */
  readonly may: (link: Link, head: RecordHead) => boolean;
  /** it is asked for one */
  readonly asking: (link: Link, head: RecordHead) => void;
}

export class Offers {
  readonly #ctx: Context;
  readonly #rules: OfferRules;
  readonly #offers = new HeadMap<Offer>();
  /** how many records each neighbour is to send now */
  readonly #asking = new Map<Link, number>();

  constructor(ctx: Context, rules: OfferRules) {
    this.#ctx = ctx;
    this.#rules = rules;
  }

  get size(): number {
    return this.#offers.size;
  }

  /**
   * Notes that a neighbour announced something newer than what is here.
   * @returns whether it is to be asked for it now
   */
  add(link: Link, head: RecordHead): boolean {
    let offer = this.#offers.get(head);
    if (!offer) {
      if (this.#offers.size >= LIMITS.recordOffersMax) return this.#askOnly(link, head);
      const askedMs = Number.NEGATIVE_INFINITY;
      offer = { head, from: new Map(), asked: new Set(), askedOf: undefined, askedMs };
      this.#offers.set(head, offer);
    }
    const before = offer.from.get(link);
    if (offer.from.size < LIMITS.overlayMax || before !== undefined) offer.from.set(link, head.sequence);
    // It has something that it had not when it was asked.
    if (before !== undefined && head.sequence > before) offer.asked.delete(link);
    // Whoever is asked sends its newest: a newer one is asked for only where none is on its way.
    if (this.#isAsked(offer) || offer.asked.has(link) || !this.#isNext(link, head)) return false;
    this.#asks(offer, link);
    return true;
  }

  /** Without a note of it. */
  #askOnly(link: Link, head: RecordHead): boolean {
    if (!this.#rules.may(link, head)) return false;
    this.#rules.asking(link, head);
    return true;
  }

  /** Whether this neighbour was asked for such a record and has not sent it. */
  isAsked(link: Link, head: RecordHead): boolean {
    return this.#offers.get(head)?.asked.has(link) ?? false;
  }

  has(head: RecordHead): boolean {
    return this.#offers.has(head);
  }

  #isAsked(offer: Offer): boolean {
    return this.#ctx.now.monotonicMs - offer.askedMs < LIMITS.recordAskMs;
  }

  /** What one neighbour sends at once has a bound. */
  #isNext(link: Link, head: RecordHead): boolean {
    return (this.#asking.get(link) ?? 0) < LIMITS.recordsAskedMax && this.#rules.may(link, head);
  }

  #release(offer: Offer): void {
    if (!offer.askedOf) return;
    const left = (this.#asking.get(offer.askedOf) ?? 0) - 1;
    if (left > 0) this.#asking.set(offer.askedOf, left);
    else this.#asking.delete(offer.askedOf);
    offer.askedOf = undefined;
  }

  #asks(offer: Offer, link: Link): void {
    this.#release(offer);
    offer.askedOf = link;
    this.#asking.set(link, (this.#asking.get(link) ?? 0) + 1);
    offer.asked.add(link);
    offer.askedMs = this.#ctx.now.monotonicMs;
    this.#rules.asking(link, offer.head);
  }

  /** A record is here now. @returns the neighbours that have it already */
  came(head: RecordHead): Link[] {
    const offer = this.#offers.get(head);
    if (!offer) return [];
    this.#release(offer);
    const have: Link[] = [];
    for (const [link, sequence] of offer.from) {
      if (sequence > head.sequence) continue;
      have.push(link);
      offer.from.delete(link);
    }
    if (offer.from.size === 0) this.#offers.delete(head);
    // What is left is newer, and nobody is on the way with it.
    offer.asked.clear();
    offer.askedMs = Number.NEGATIVE_INFINITY;
    return have;
  }

  /** A record came and was over the rate: it is asked for once more when there is room. */
  refused(link: Link, head: RecordHead): void {
    const offer = this.#offers.get(head);
    if (!offer) return;
    this.#release(offer);
    offer.asked.delete(link);
    offer.askedMs = Number.NEGATIVE_INFINITY;
  }

  /** What did not come or had to wait, and whom to ask next. What nobody else has is forgotten. */
  overdue(): Map<Link, RecordHead[]> {
    const due = new Map<Link, RecordHead[]>();
    if (this.#offers.size === 0) return due;
    for (const offer of this.#offers.values()) {
      if (this.#isAsked(offer)) continue;
      this.#release(offer);
      let [isLeft, next]: [boolean, Link | undefined] = [false, undefined];
      for (const link of offer.from.keys()) {
        if (link.phase !== 'up' || offer.asked.has(link)) continue;
        isLeft = true;
        if (!this.#isNext(link, offer.head)) continue;
        next = link;
        break;
      }
      if (!isLeft) this.#offers.delete(offer.head);
      if (!next) continue;
      this.#asks(offer, next);
      const head = { ...offer.head, sequence: offer.from.get(next) as number };
      const heads = due.get(next);
      if (heads) heads.push(head);
      else due.set(next, [head]);
    }
    return due;
  }
}
