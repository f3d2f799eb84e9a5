/**
 * How fast records come in. What is known of a relay changes at the pace that own records keep to, whoever brings it, so
 * that one that flaps costs others no more than one that does not. Relays that were not known before are counted for the
 * link that brings them: one link may bring the whole map, and then a few each second. What is over the rate is no
 * offence; it is asked for later.
 */
import type { Context } from '../context.ts';
import { LIMITS, SECOND } from '../limits.ts';
import { type BucketRate, TokenBuckets } from '../token-buckets.ts';
import type { RecordKind } from '../wire/frame.ts';

const OF_RELAY: BucketRate = { burst: LIMITS.recordBurst, perSecond: SECOND / LIMITS.recordEveryMs };
const OF_LINK: BucketRate = { burst: LIMITS.newRelaysBurst, perSecond: LIMITS.newRelaysPerSecond };

/** Buckets of one rate, by name. */
class Rated {
  readonly #ctx: Context;
  readonly #rate: BucketRate;
  readonly #buckets: TokenBuckets<string>;

  constructor(ctx: Context, rate: BucketRate, max: number) {
    this.#ctx = ctx;
    this.#rate = rate;
    this.#buckets = new TokenBuckets(max);
  }

  has(name: string): boolean {
    return this.#buckets.left(name, this.#rate, this.#ctx.now.monotonicMs) > 0;
  }

  /** @returns whether there was one */
  take(name: string): boolean {
    return this.#buckets.take(name, this.#rate, this.#ctx.now.monotonicMs) > 0;
  }
}

export class RecordRates {
  /** by relay, for each kind */
  readonly #known: Readonly<Record<RecordKind, Rated>>;
  /** by the peer at the other end of a link: a new link with it begins no new count */
  readonly fresh: Rated;

  constructor(ctx: Context) {
    const known = (): Rated => new Rated(ctx, OF_RELAY, LIMITS.relaysMax);
    this.#known = { 1: known(), 2: known() };
    this.fresh = new Rated(ctx, OF_LINK, LIMITS.newRelaysPeersMax);
  }

  /** what is known of relays, records of this kind */
  known(kind: RecordKind): Rated {
    return this.#known[kind];
  }
}
