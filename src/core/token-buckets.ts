/** Token buckets by key: so many a second, so many at once. A bucket that is full again is forgotten. */
interface Bucket {
  tokens: number;
  filledMs: number;
}

export interface BucketRate {
  readonly perSecond: number;
  readonly burst: number;
}

export class TokenBuckets<K> {
  readonly max: number;
  /** in the order of last use */
  readonly #buckets = new Map<K, Bucket>();

  /** @param max keys remembered; beyond it the one used longest ago is forgotten, which fills its bucket */
  constructor(max: number) {
    this.max = max;
  }

  /** Whole tokens that are there now. @param nowMs monotonic */
  left(key: K, { perSecond, burst }: BucketRate, nowMs: number): number {
    const bucket = this.#buckets.get(key);
    if (!bucket) return burst;
    return Math.floor(filled(bucket, perSecond, burst, nowMs));
  }

  /** Takes up to `wanted` tokens. @returns how many there were */
  take(key: K, rate: BucketRate, nowMs: number, wanted = 1): number {
    const { perSecond, burst } = rate;
    const bucket = this.#buckets.get(key);
    const tokens = bucket ? filled(bucket, perSecond, burst, nowMs) : burst;
    const taken = Math.min(wanted, Math.floor(tokens));
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens - taken, filledMs: nowMs });
    if (this.#buckets.size > this.max) this.#forgetOldest();
    return taken;
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }

  forget(key: K): void {
    this.#buckets.delete(key);
  }

  /** Once a second: forgets what has filled up. */
  tick({ perSecond, burst }: BucketRate, nowMs: number): void {
    for (const [key, { filledMs }] of this.#buckets) {
      if ((nowMs - filledMs) * perSecond < burst * 1000) return;
      this.#buckets.delete(key);
    }
  }

  get size(): number {
    return this.#buckets.size;
  }
}

/** One bucket that may go into debt, for what is known to cost how much only when it has been done. Its rate may change. */
export class Credit {
  readonly #bucket: Bucket;

  /** @param nowMs monotonic, as all below; it is full then */
  constructor({ burst }: BucketRate, nowMs: number) {
    this.#bucket = { tokens: burst, filledMs: nowMs };
  }

  /** Tokens that are there now, below 0 in debt. */
  left({ perSecond, burst }: BucketRate, nowMs: number): number {
    this.#bucket.tokens = filled(this.#bucket, perSecond, burst, nowMs);
    this.#bucket.filledMs = nowMs;
    return this.#bucket.tokens;
  }

  /** @returns what is left */
  charge(rate: BucketRate, nowMs: number, tokens: number): number {
    this.#bucket.tokens = this.left(rate, nowMs) - tokens;
    return this.#bucket.tokens;
  }
}

function filled({ tokens, filledMs }: Bucket, perSecond: number, burst: number, nowMs: number): number {
  return Math.min(burst, tokens + ((nowMs - filledMs) * perSecond) / 1000);
}
