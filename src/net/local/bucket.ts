/** A token bucket: so much at once, and then so much a second. */
export interface BucketOptions {
  readonly perSecond: number;
  readonly burst: number;
  /** a clock that only grows, ms */
  readonly monotonicMs: () => number;
}

export class Bucket {
  readonly #options: BucketOptions;
  #tokens: number;
  #filledMs: number;

  constructor(options: BucketOptions) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#filledMs = options.monotonicMs();
  }

  /** Takes one token. @returns whether there was one */
  take(): boolean {
    const { perSecond, burst, monotonicMs } = this.#options;
    const now = monotonicMs();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledMs) * perSecond) / 1000);
    this.#filledMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
