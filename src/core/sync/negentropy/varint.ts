/**
 * Varints of negentropy: unsigned integers below 2^64 as digits to the base 128, the most significant first, bit 7 set in
 * all but the last, as few digits as possible. Values are pairs of 32 bits: times need 63 bits, and bigint costs several
 * times as much.
 *
 * Source: negentropy protocol v1, "Varint".
 */
import type { Bytes } from '../../bytes.ts';
import type { Uint64 } from '../../wire/cbor.ts';

/** Digits of 2^64 - 1. */
export const VARINT_BYTES_MAX = 10;
const TWO_32 = 2 ** 32;

/** @param value an integer from 0 to 2^53 - 1 */
export function uint64(value: number): Uint64 {
  return { hi: Math.floor(value / TWO_32), lo: value % TWO_32 };
}

/** a + b, or `undefined` at 2^64 and above. */
export function add(a: Uint64, b: Uint64): Uint64 | undefined {
  const lo = a.lo + b.lo;
  const hi = a.hi + b.hi + (lo >= TWO_32 ? 1 : 0);
  return hi < TWO_32 ? { hi, lo: lo % TWO_32 } : undefined;
}

/** a - b. @param b at most `a` */
export function subtract(a: Uint64, b: Uint64): Uint64 {
  const lo = a.lo - b.lo;
  return { hi: a.hi - b.hi - (lo < 0 ? 1 : 0), lo: lo < 0 ? lo + TWO_32 : lo };
}

function digitsOf({ hi, lo }: Uint64): number {
  let digits = 1;
  for (let low = lo, high = hi; high > 0 || low > 127; digits++) {
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  return digits;
}

/** Writes `value` at `at`. @returns where it ends */
export function writeVarint(into: Uint8Array, at: number, value: Uint64): number {
  const end = at + digitsOf(value);
  let { hi, lo } = value;
  for (let i = end - 1; i >= at; i--) {
    into[i] = (lo & 127) | (i === end - 1 ? 0 : 128);
    lo = ((lo >>> 7) | (hi << 25)) >>> 0;
    hi >>>= 7;
  }
  return end;
}

/** A varint as bytes of its own. @param value an integer from 0 to 2^53 - 1 */
export function varint(value: number): Bytes {
  const out = new Uint8Array(VARINT_BYTES_MAX);
  return out.slice(0, writeVarint(out, 0, uint64(value)));
}

/** The varint at `at` and where it ends; `undefined` if it is cut off, has a digit too many or does not fit 64 bits. */
export function readVarint(bytes: Bytes, at: number): { value: Uint64; end: number } | undefined {
  if (bytes[at] === 128) return undefined; // a leading zero: a second spelling
  let hi = 0;
  let lo = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (hi >= 2 ** 25) return undefined; // the next shift would leave 64 bits
    hi = ((hi << 7) | (lo >>> 25)) >>> 0;
    lo = ((lo << 7) | (byte & 127)) >>> 0;
    if (byte < 128) return { value: { hi, lo }, end: i + 1 };
  }
  return undefined;
}
