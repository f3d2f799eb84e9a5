/**
 * Seeded randomness for the core: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * 2021). It spreads choices and jitter and never makes a key or a nonce; those come from outside with the events.
 */
import type { Bytes } from './bytes.ts';

export class Random {
  readonly #s: Uint32Array;

  /** @param seed at least 16 bytes, not all zero */
  constructor(seed: Bytes) {
    if (seed.length < 16) throw new RangeError(`seed of ${seed.length} bytes, at least 16 are needed`);
    const view = new DataView(seed.buffer, seed.byteOffset, seed.byteLength);
    this.#s = Uint32Array.from([0, 4, 8, 12].map((at) => view.getUint32(at)));
    if (this.#s.every((word) => word === 0)) this.#s[0] = 1;
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const s = this.#s;
    const [a, b, c, d] = [s[0] as number, s[1] as number, s[2] as number, s[3] as number];
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const c1 = c ^ a;
    const d1 = d ^ b;
    s[1] = b ^ c1;
    s[0] = a ^ d1;
    s[2] = c1 ^ (b << 9);
    s[3] = (d1 << 11) | (d1 >>> 21);
    return result;
  }

  /** A number from 0 up to and without 1. */
  unit(): number {
    return this.uint32() / 0x100000000;
  }

  /** An integer from 0 to `below - 1`. */
  below(below: number): number {
    return Math.floor(this.unit() * below);
  }

  /** `value` changed by up to plus or minus `share` of it. */
  jitter(value: number, share: number): number {
    return value * (1 + (this.unit() * 2 - 1) * share);
  }

  /** The same items in a random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}
