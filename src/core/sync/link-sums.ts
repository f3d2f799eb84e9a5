/**
 * Sums that are remembered, and those of one link as its heartbeats want them: fingerprints in the order of tags, of which
 * only those are looked at again that may have changed.
 *
 * Invariants:
 * 1. A remembered sum is right for each end of a window from `untilMinute` to `sameUntil`: no message is known between them.
 *    Whatever changes before the second of the two brings it nearer; where it comes to lie before the first, nothing is known.
 * 2. Each change of it, to another value or another range, makes its place doubtful in every link that uses it.
 * 3. At a place of a link that is not doubtful stands the fingerprint for every end from `cleanFrom` on.
 */
import { type Bytes, EMPTY } from '../bytes.ts';
import type { Shared } from '../interest/link-interest.ts';
import type { Sha256 } from '../message/message.ts';
import { MINUTE_END, type Window } from '../persistence.ts';
import type { ChannelSum } from '../wire/frame.ts';
import { Combined } from './fingerprint.ts';

/** Minutes before which no window ends and after which none does: what is known for none. */
const NEVER = { untilMinute: Number.POSITIVE_INFINITY, sameUntil: -1 };

export function windowOf({ tag, floorHour }: Shared, untilMinute: number): Window {
  return { tag, fromMinute: floorHour * 60, untilMinute };
}

/** The sum of the windows of a channel that begin at one minute. */
export class RememberedSum {
  readonly tag: string;
  readonly fromMinute: number;
  #untilMinute = NEVER.untilMinute;
  #sameUntil = NEVER.sameUntil;
  #fingerprint = EMPTY;
  /** links that use it, and its place in each; there may be very many sums with one user, so this is as small as can be */
  #users: readonly { readonly user: LinkSums; readonly place: number }[] = [];

  constructor({ tag, floorHour }: Shared) {
    this.tag = tag;
    this.fromMinute = floorHour * 60;
  }

  get isUsed(): boolean {
    return this.#users.length > 0;
  }

  /** As it was read last. */
  get fingerprint(): Bytes {
    return this.#fingerprint;
  }

  use(user: LinkSums, place: number): void {
    this.#users = [...this.#users.filter((one) => one.user !== user), { user, place }];
  }

  release(user: LinkSums): void {
    this.#users = this.#users.filter((one) => one.user !== user);
  }

  /** Whether it is known for windows that end there. */
  holds(untilMinute: number): boolean {
    return this.#untilMinute <= untilMinute && untilMinute <= this.#sameUntil;
  }

  /** From where on it is known for every end; infinite if for none. */
  get alwaysFrom(): number {
    return this.#sameUntil === MINUTE_END ? this.#untilMinute : NEVER.untilMinute;
  }

  window(untilMinute: number): Window {
    return { tag: this.tag, fromMinute: this.fromMinute, untilMinute };
  }

  /** It was read. */
  know(fingerprint: Bytes, untilMinute: number, sameUntil: number): void {
    this.#fingerprint = fingerprint;
    this.#limit(untilMinute, sameUntil);
  }

  /** Nothing is known of it any more. */
  forget(): void {
    this.#limit(NEVER.untilMinute, NEVER.sameUntil);
  }

  /** Messages have come or gone in these minutes. */
  changed({ fromMinute, untilMinute }: Window): void {
    if (untilMinute <= this.fromMinute || fromMinute >= this.#sameUntil) return;
    this.#limit(this.#untilMinute, fromMinute);
  }

  #limit(untilMinute: number, sameUntil: number): void {
    this.#untilMinute = untilMinute;
    this.#sameUntil = sameUntil;
    for (const { user, place } of this.#users) user.doubt(place);
  }
}

/** What the heartbeats of one link compare. */
export class LinkSums {
  readonly #sha256: Sha256;
  #shared: readonly Shared[] = [];
  #sums: readonly RememberedSum[] = [];
  #combined: Combined;
  readonly #doubtful = new Set<number>();
  #cleanFrom = 0;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
    this.#combined = new Combined(sha256, []);
  }

  get shared(): readonly Shared[] {
    return this.#shared;
  }

  get fingerprint(): Bytes {
    return this.#combined.fingerprint;
  }

  get size(): number {
    return this.#shared.length;
  }

  channels(): ChannelSum[] {
    return this.#shared.map((one, i) => ({ ...one, fingerprint: this.#sums[i]?.fingerprint ?? EMPTY }));
  }

  /**
   * Other channels are compared from now on.
   * @param take finds the sum of a channel, or begins one
   * @returns sums that this link no longer uses
   */
  adopt(shared: readonly Shared[], take: (one: Shared) => RememberedSum): readonly RememberedSum[] {
    const before = this.#sums;
    this.#shared = shared;
    this.#sums = shared.map(take);
    const used = new Set(this.#sums);
    const dropped = before.filter((sum) => !used.has(sum));
    for (const sum of dropped) sum.release(this);
    this.#sums.forEach((sum, place) => {
      sum.use(this, place);
    });
    const tags = shared.map(({ tag }) => tag);
    this.#combined = new Combined(this.#sha256, tags);
    this.#doubtAll();
    return dropped;
  }

  doubt(place: number): void {
    this.#doubtful.add(place);
  }

  #doubtAll(): void {
    this.#cleanFrom = 0;
    this.#doubtful.clear();
    for (let place = 0; place < this.#sums.length; place++) this.#doubtful.add(place);
  }

  /** What is to be read before {@link LinkSums.fill}. */
  missing(untilMinute: number): RememberedSum[] {
    if (untilMinute < this.#cleanFrom) this.#doubtAll();
    const doubtful = [...this.#doubtful].map((place) => this.#sums[place] as RememberedSum);
    return doubtful.filter((sum) => !sum.holds(untilMinute));
  }

  /** Brings the fingerprint to the windows that end there. Only while nothing is missing for it. */
  fill(): void {
    for (const place of this.#doubtful) {
      const sum = this.#sums[place] as RememberedSum;
      this.#combined.set(place, sum.fingerprint);
      if (sum.alwaysFrom === NEVER.untilMinute) continue;
      this.#cleanFrom = Math.max(this.#cleanFrom, sum.alwaysFrom);
      this.#doubtful.delete(place);
    }
  }
}
