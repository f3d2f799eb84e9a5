/**
 * HalfSipHash-1-3 of one or two words: a hash that nobody can aim without the key, for hash tables whose entries others
 * choose (Aumasson and Bernstein, SipHash, 2012; Linux has it as `hsiphash`). It is no signature of anything.
 */

/** Two secret numbers of 32 bits. */
export type HashKey = readonly [number, number];

/**
 * @param words one word or two, of 32 bits: sets of one and of two words have nothing in common
 * @returns 32 bits, signed
 */
export function halfSipHash([k0, k1]: HashKey, first: number, second?: number): number {
  const count = second === undefined ? 1 : 2;
  let [v0, v1, v2, v3] = [k0 | 0, k1 | 0, 0x6c796765 ^ k0, 0x74656462 ^ k1];
  // The words, then the length in bytes, then three rounds more.
  for (let round = 0; round < count + 4; round++) {
    let word = 0;
    if (round === 0) word = first;
    else if (round === count) word = count << 26;
    else if (round === 1) word = second as number;
    else if (round === count + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
