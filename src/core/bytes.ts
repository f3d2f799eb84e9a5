/**
 * Small pure helpers for byte strings: comparison, concatenation, base64url and the eight-byte big-endian numbers
 * that times and sums are kept in. No other module of the core writes such loops.
 */

/** An immutable run of bytes by convention: nobody in the core writes into one it did not create. */
export type Bytes = Uint8Array;

export const EMPTY: Bytes = new Uint8Array(0);

const encoder = new TextEncoder();
/** `ignoreBOM` keeps a leading U+FEFF as content: without it two different byte strings would read the same. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD: refuse such text before (`isWellFormed`). */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Text of well-formed UTF-8, or `undefined`. */
export function textOf(bytes: Bytes): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // TextDecoder's only failure with `fatal` is malformed UTF-8
  }
}

export function concat(...parts: readonly Bytes[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function equal(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lexicographic order of bytes: negative, zero or positive. */
export function compare(a: Bytes, b: Bytes): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = (a[i] as number) - (b[i] as number);
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const CODE = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const VALUE = new Int16Array(128).fill(-1);
for (let i = 0; i < 64; i++) VALUE[ALPHABET.charCodeAt(i)] = i;
/** Bytes turned into text by one call: more would be too many arguments. */
const CHUNK_BYTES = 3072;

/** RFC 4648 section 5, without padding. 32 bytes give 43 characters. */
export function toBase64url(bytes: Bytes): string {
  let out = '';
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES)
    out += base64urlOf(bytes, from, Math.min(bytes.length, from + CHUNK_BYTES));
  return out;
}

/** One flat string at once: pieces would be joined and copied again where the text becomes the key of a map. */
function base64urlOf(bytes: Bytes, from: number, to: number): string {
  const codes: number[] = [];
  let i = from;
  for (; i + 2 < to; i += 3) {
    const n = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    codes.push(codeOf(n >> 18), codeOf(n >> 12), codeOf(n >> 6), codeOf(n));
  }
  if (to - i === 1) {
    const n = bytes[i] as number;
    codes.push(codeOf(n >> 2), codeOf(n << 4));
  } else if (to - i === 2) {
    const n = ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
    codes.push(codeOf(n >> 10), codeOf(n >> 4), codeOf(n << 2));
  }
  return String.fromCharCode(...codes);
}

function codeOf(n: number): number {
  return CODE[n & 63] as number;
}

/** The bytes of canonical base64url text, or `undefined`: one byte string has exactly one accepted spelling. */
export function fromBase64url(text: string): Bytes | undefined {
  if (text.length % 4 === 1) return undefined;
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUE[text.charCodeAt(i)] ?? -1;
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (held >> bits) & 255;
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) return undefined; // spare bits set: a second spelling of the same bytes
  return out;
}

/** The 32 bytes of an id text (43 characters), or `undefined`. */
export function idFromText(text: string): Bytes | undefined {
  if (text.length !== 43) return undefined;
  return fromBase64url(text);
}

/** Lower-case hexadecimal, for logs and vectors. */
export function toHex(bytes: Bytes): string {
  let out = '';
  for (const b of bytes) out += (b < 16 ? '0' : '') + b.toString(16);
  return out;
}

/** Adds 256-bit little-endian numbers modulo 2^256, into `into` (32 bytes): the commutative sum that fingerprints use. */
export function addSum(into: Uint8Array, id: Bytes): void {
  let carry = 0;
  for (let i = 0; i < 32; i++) {
    const n = (into[i] as number) + (id[i] as number) + carry;
    into[i] = n & 255;
    carry = n >> 8;
  }
}

/** Subtracts modulo 2^256: the inverse of {@link addSum}. */
export function subtractSum(from: Uint8Array, id: Bytes): void {
  let borrow = 0;
  for (let i = 0; i < 32; i++) {
    const n = (from[i] as number) - (id[i] as number) - borrow;
    from[i] = n & 255;
    borrow = n < 0 ? 1 : 0;
  }
}
