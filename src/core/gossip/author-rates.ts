/**
 * How much content of unknown authors is taken in open channels. A message passes if its author's own bucket has room, or
 * else the common one: so one busy author is served while the daemon is idle, and a crowd gets its few a second each.
 * What does not pass is put off, never punished: see `wanted.ts`.
 */
import { type Bytes, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { type BucketRate, TokenBuckets } from '../token-buckets.ts';

/** the one key of the common bucket */
const COMMON = 'common';

export class AuthorRates {
  readonly #ctx: Context;
  readonly #authors = new TokenBuckets<string>(LIMITS.authorBucketsMax);
  readonly #common = new TokenBuckets<typeof COMMON>(1);
  readonly #known = new Set<string>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Authors whose content always passes: local identities. @param identities id texts */
  know(identities: readonly string[]): void {
    for (const identity of identities) this.#known.add(identity);
  }

  /** @param author 32 bytes */
  isKnown(author: Bytes): boolean {
    return this.#known.has(toBase64url(author));
  }

  /**
   * Takes a place for one message.
   * @param author 32 bytes
   * @param isAsked half of the common bucket is left to what comes by itself
   * @returns false if there is none
   */
  take(author: Bytes, { isAsked = false } = {}): boolean {
    const { authorPerSecond, commonPerSecond, commonBurst } = this.#ctx.config.rates;
    if (authorPerSecond === 0 || commonPerSecond === 0) return true;
    const key = toBase64url(author);
    if (this.#known.has(key)) return true;
    const now = this.#ctx.now.monotonicMs;
    if (this.#authors.take(key, this.#authorRate, now) > 0) return true;
    const common: BucketRate = { perSecond: commonPerSecond, burst: commonBurst };
    if (this.#common.left(COMMON, common, now) < 1 + (isAsked ? commonBurst / 2 : 0)) return false;
    return this.#common.take(COMMON, common, now) > 0;
  }

  get #authorRate(): BucketRate {
    const { authorPerSecond, authorBurst } = this.#ctx.config.rates;
    return { perSecond: authorPerSecond, burst: authorBurst };
  }

  /** Once a second: a bucket that has filled up again says nothing. */
  tick(): void {
    this.#authors.tick(this.#authorRate, this.#ctx.now.monotonicMs);
  }

  get size(): number {
    return this.#authors.size;
  }
}
