/**
 * How much content of unknown authors is taken in open channels. A message passes if its author's own bucket has room, or
 * else the common one: so one busy author is served while the daemon is idle, and a crowd gets its few a second each.
 * What does not pass is put off, never punished: see `wanted.ts`.
 */
import { type Bytes, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';

interface Bucket {
  tokens: number;
  filledMs: number;
}

export class AuthorRates {
  readonly #ctx: Context;
  /** in the order of last use */
  readonly #authors = new Map<string, Bucket>();
  readonly #known = new Set<string>();
  readonly #common: Bucket = { tokens: LIMITS.commonBurst, filledMs: 0 };

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Authors whose content always passes: local identities. @param identities id texts */
  know(identities: readonly string[]): void {
    for (const identity of identities) this.#known.add(identity);
  }

  /**
   * Takes a place for one message.
   * @param author 32 bytes
   * @param spared tokens that must stay in the common bucket, for what comes by itself
   * @returns false if there is none
   */
  take(author: Bytes, spared = 0): boolean {
    const { authorPerSecond, commonPerSecond } = this.#ctx.config.rates;
    if (authorPerSecond === 0 || commonPerSecond === 0) return true;
    const key = toBase64url(author);
    if (this.#known.has(key)) return true;
    const bucket = this.#authors.get(key) ?? {
      tokens: LIMITS.authorBurst,
      filledMs: this.#ctx.now.monotonicMs,
    };
    this.#authors.delete(key);
    if (this.#authors.size >= LIMITS.authorBucketsMax) this.#forgetOldest();
    this.#authors.set(key, bucket);
    this.#fill(bucket, authorPerSecond, LIMITS.authorBurst);
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return true;
    }
    this.#fill(this.#common, commonPerSecond, LIMITS.commonBurst);
    if (this.#common.tokens < 1 + spared) return false;
    this.#common.tokens--;
    return true;
  }

  #fill(bucket: Bucket, perSecond: number, burst: number): void {
    const now = this.#ctx.now.monotonicMs;
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledMs) * perSecond) / 1000);
    bucket.filledMs = now;
  }

  #forgetOldest(): void {
    for (const key of this.#authors.keys()) {
      this.#authors.delete(key);
      return;
    }
  }

  /** Once a second: a bucket that has filled up again says nothing. */
  tick(): void {
    const { authorPerSecond } = this.#ctx.config.rates;
    const fullMs = (LIMITS.authorBurst * 1000) / Math.max(1, authorPerSecond);
    for (const [key, { filledMs }] of this.#authors) {
      if (this.#ctx.now.monotonicMs - filledMs < fullMs) return;
      this.#authors.delete(key);
    }
  }

  get size(): number {
    return this.#authors.size;
  }
}
