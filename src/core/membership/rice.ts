/**
 * Golomb-Rice coding of a set of 32-bit numbers (Golomb, "Run-length encodings", 1966; Rice, 1979), the code of filters.
 * Numbers in ascending order are written as gaps: the first number, then how many numbers lie between each two. A gap is
 * its quotient by 2^r as so many one-bits and a zero-bit, then its remainder in r bits, upper bits first. r is the number
 * of leading zero bits of `count` as a 32-bit number, which is about the best there is for hashes. Zero bits fill the
 * last byte.
 *
 * Invariants:
 * 1. A set has one spelling, and decoding gives strictly ascending numbers below 2^32.
 * 2. `count` numbers take at most count (r + 1) + 2^(32 - r) bits, whichever they are.
 */
import type { Bytes } from '../bytes.ts';

/** @param numbers ascending, each once, below 2^32 */
export function encodeRice(numbers: Uint32Array): Bytes {
  const r = Math.clz32(numbers.length);
  const out = new Uint8Array(Math.ceil((numbers.length * (r + 1) + 2 ** (32 - r)) / 8));
  let at = 0;
  const put = (bit: number): void => {
    if (bit !== 0) out[at >>> 3] = (out[at >>> 3] as number) | (0x80 >>> (at & 7));
    at++;
  };
  let before = -1;
  for (const n of numbers) {
    const gap = n - before - 1;
    for (let q = Math.floor(gap / 2 ** r); q > 0; q--) put(1);
    put(0);
    for (let i = r - 1; i >= 0; i--) put((gap >>> i) & 1);
    before = n;
  }
  return out.slice(0, Math.ceil(at / 8));
}

/** @returns `count` ascending numbers, or `undefined` if the bytes are not exactly the code of such */
export function decodeRice(bytes: Bytes, count: number): Uint32Array | undefined {
  const r = Math.clz32(count);
  const end = bytes.length * 8;
  if (count * (r + 1) > end) return undefined; // before anything is allocated by what was claimed
  const numbers = new Uint32Array(count);
  const bitAt = (i: number): number => ((bytes[i >>> 3] as number) >>> (7 - (i & 7))) & 1;
  let at = 0;
  let before = -1;
  for (let k = 0; k < count; k++) {
    let gap = 0;
    while (at < end && bitAt(at) === 1) {
      gap++;
      at++;
    }
    if (++at + r > end) return undefined;
    for (let left = r; left > 0; ) {
      const take = Math.min(left, 8 - (at & 7));
      const rest = 8 - (at & 7) - take;
      gap = gap * 2 ** take + (((bytes[at >>> 3] as number) >>> rest) & (2 ** take - 1));
      at += take;
      left -= take;
    }
    before += gap + 1;
    if (before >= 2 ** 32) return undefined;
    numbers[k] = before;
  }
  if (bytes.length !== Math.ceil(at / 8)) return undefined;
  for (; at < end; at++) if (bitAt(at) === 1) return undefined;
  return numbers;
}
