/** Counts of values in bounded memory: two decimals up to 100, three digits above. */

/** Shares of all values: half of them, nine tenths, 99 of 100 and all are at most so large. 0 without any. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

function rounded(value: number): number {
  if (!Number.isFinite(value)) return value;
  return Math.abs(value) < 100 ? Math.round(100 * value) / 100 : Number(value.toPrecision(3));
}

export class Tally {
  readonly #counts = new Map<number, number>();
  #count = 0;

  add(value: number): void {
    const key = rounded(value);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** 0 without any value. */
  get mean(): number {
    let sum = 0;
    for (const [value, count] of this.#counts) sum += value * count;
    return rounded(sum / Math.max(1, this.#count));
  }

  copy(): Tally {
    const copy = new Tally();
    for (const [key, count] of this.#counts) copy.#counts.set(key, count);
    copy.#count = this.#count;
    return copy;
  }

  spread(): Spread {
    const sorted = [...this.#counts].sort(([a], [b]) => a - b);
    const at = (share: number): number => {
      let left = Math.max(1, Math.ceil(this.#count * share));
      for (const [value, count] of sorted) {
        left -= count;
        if (left <= 0) return value;
      }
      return 0;
    };
    return { count: this.#count, mean: this.mean, median: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
  }
}
