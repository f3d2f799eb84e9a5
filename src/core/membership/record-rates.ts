/**
 * How fast records come in. What is known of a relay changes at the pace that own records keep to, whoever brings it, so
 * that one that flaps costs others no more than one that does not. Relays that were not known before are counted for the
 * link that brings them: one link may bring the whole map, and then a few each second. What is over the rate is no
 * offence; it is asked for later.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';

interface Bucket {
  tokens: number;
  filledMs: number;
}

interface Rate {
  readonly burst: number;
  readonly perMs: number;
}

const OF_RELAY: Rate = { burst: LIMITS.recordBurst, perMs: 1 / LIMITS.recordEveryMs };
const OF_LINK: Rate = { burst: LIMITS.newRelaysBurst, perMs: LIMITS.newRelaysPerSecond / 1000 };

/** Buckets by name; the one that was used longest ago is forgotten first. */
class Buckets {
  readonly #ctx: Context;
  readonly #rate: Rate;
  readonly #max: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(ctx: Context, rate: Rate, max: number) {
    this.#ctx = ctx;
    this.#rate = rate;
    this.#max = max;
  }

  #tokens(name: string): number {
    const bucket = this.#buckets.get(name);
    const { burst, perMs } = this.#rate;
    if (!bucket) return burst;
    return Math.min(burst, bucket.tokens + (this.#ctx.now.monotonicMs - bucket.filledMs) * perMs);
  }

  has(name: string): boolean {
    return this.#tokens(name) >= 1;
  }

  /** @returns whether there was one */
  take(name: string): boolean {
    const tokens = this.#tokens(name);
    this.#buckets.delete(name);
    this.#buckets.set(name, {
      tokens: tokens < 1 ? tokens : tokens - 1,
      filledMs: this.#ctx.now.monotonicMs,
    });
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#max) break;
      this.#buckets.delete(oldest);
    }
    return tokens >= 1;
  }
}

export class RecordRates {
  /** by kind and relay */
  readonly known: Buckets;
  /** by the peer at the other end of a link: a new link with it begins no new count */
  readonly fresh: Buckets;

  constructor(ctx: Context) {
    this.known = new Buckets(ctx, OF_RELAY, 2 * LIMITS.relaysMax);
    this.fresh = new Buckets(ctx, OF_LINK, LIMITS.newRelaysPeersMax);
  }
}
