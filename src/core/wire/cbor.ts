/**
 * Deterministic CBOR (RFC 8949 section 4.2.1), the subset that mesh/2 needs: unsigned integers, byte strings, text
 * strings, arrays and the two booleans, all of definite length and in their shortest form.
 *
 * The reader is strict: every accepted item has exactly one spelling, so `encode(decode(bytes))` gives the same bytes.
 * Invariants:
 * 1. Nothing is allocated by a length that the input merely claims: a length is compared with the bytes left first.
 * 2. A reader never reads past its end and never recurses: callers say which item they expect.
 * 3. Malformed input throws {@link CborError} and nothing else; only `decode…` functions at the edge catch it.
 */
import { type Bytes, textOf, utf8 } from '../bytes.ts';

/** Malformed or non-canonical CBOR, or a shape that the caller did not expect. Never leaves the decoders. */
export class CborError extends Error {
  override name = 'CborError';
}

/** Unsigned 64-bit integer as two halves, because one JavaScript number cannot hold it. */
export interface Uint64 {
  /** upper 32 bits */
  readonly hi: number;
  /** lower 32 bits */
  readonly lo: number;
}

const MAJOR_UINT = 0;
const MAJOR_BYTES = 2;
const MAJOR_TEXT = 3;
const MAJOR_ARRAY = 4;
const FALSE = 0xf4;
const TRUE = 0xf5;

/** Bytes that a finished item may keep for nothing. */
const WASTE_MAX = 64;

/** Appends items to a growing buffer. Programmer errors (negative or fractional numbers) throw RangeError. */
export class CborWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(sizeHint = 256) {
    this.#buffer = new Uint8Array(sizeHint);
  }

  #room(more: number): void {
    const need = this.#length + more;
    if (need <= this.#buffer.length) return;
    const next = new Uint8Array(Math.max(need, this.#buffer.length * 2));
    next.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = next;
  }

  #head(major: number, value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer: ${value}`);
    this.#room(9);
    const b = this.#buffer;
    const m = major << 5;
    if (value < 24) {
      b[this.#length++] = m | value;
    } else if (value < 0x100) {
      b[this.#length++] = m | 24;
      b[this.#length++] = value;
    } else if (value < 0x10000) {
      b[this.#length++] = m | 25;
      b[this.#length++] = value >>> 8;
      b[this.#length++] = value & 255;
    } else if (value < 0x100000000) {
      b[this.#length++] = m | 26;
      this.#four(value);
    } else {
      b[this.#length++] = m | 27;
      this.#four(Math.floor(value / 0x100000000));
      this.#four(value >>> 0);
    }
  }

  #four(value: number): void {
    const b = this.#buffer;
    b[this.#length++] = (value >>> 24) & 255;
    b[this.#length++] = (value >>> 16) & 255;
    b[this.#length++] = (value >>> 8) & 255;
    b[this.#length++] = value & 255;
  }

  uint(value: number): this {
    this.#head(MAJOR_UINT, value);
    return this;
  }

  uint64(value: Uint64): this {
    if (value.hi < 0x200000) return this.uint(value.hi * 0x100000000 + value.lo);
    this.#room(9);
    this.#buffer[this.#length++] = (MAJOR_UINT << 5) | 27;
    this.#four(value.hi);
    this.#four(value.lo);
    return this;
  }

  bytes(value: Bytes): this {
    this.#head(MAJOR_BYTES, value.length);
    return this.raw(value);
  }

  text(value: string): this {
    const bytes = utf8(value);
    this.#head(MAJOR_TEXT, bytes.length);
    return this.raw(bytes);
  }

  /** Header of an array of `count` items; the caller writes the items. */
  array(count: number): this {
    this.#head(MAJOR_ARRAY, count);
    return this;
  }

  boolean(value: boolean): this {
    this.#room(1);
    this.#buffer[this.#length++] = value ? TRUE : FALSE;
    return this;
  }

  /** Appends items that are encoded already. */
  raw(encoded: Bytes): this {
    this.#room(encoded.length);
    this.#buffer.set(encoded, this.#length);
    this.#length += encoded.length;
    return this;
  }

  /** What was written. Nothing may be written after it. */
  finish(): Bytes {
    // Where the size was told nearly right, a copy saves no memory.
    const isTight = this.#buffer.length - this.#length <= WASTE_MAX;
    return isTight ? this.#buffer.subarray(0, this.#length) : this.#buffer.slice(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }
}

/** Reads items in order out of `bytes`; byte strings come back as views, not copies. */
export class CborReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /** Offset of the next item in the input. */
  get offset(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The input between two offsets, as a view. */
  slice(from: number, to: number): Bytes {
    return this.#bytes.subarray(from, to);
  }

  #byte(): number {
    const b = this.#bytes[this.#at];
    if (b === undefined) throw new CborError('input ends inside an item');
    this.#at++;
    return b;
  }

  #four(): number {
    return ((this.#byte() << 24) | (this.#byte() << 16) | (this.#byte() << 8) | this.#byte()) >>> 0;
  }

  #head(major: number, what: string): Uint64 {
    const first = this.#byte();
    if (first >> 5 !== major) throw new CborError(`expected ${what}, got initial byte ${first}`);
    const info = first & 31;
    if (info < 24) return { hi: 0, lo: info };
    let hi = 0;
    let lo: number;
    let shortest: boolean;
    if (info === 24) {
      lo = this.#byte();
      shortest = lo >= 24;
    } else if (info === 25) {
      lo = (this.#byte() << 8) | this.#byte();
      shortest = lo >= 0x100;
    } else if (info === 26) {
      lo = this.#four();
      shortest = lo >= 0x10000;
    } else if (info === 27) {
      hi = this.#four();
      lo = this.#four();
      shortest = hi > 0;
    } else {
      throw new CborError(`additional information ${info} is not allowed`);
    }
    if (!shortest) throw new CborError('integer is not in its shortest form');
    return { hi, lo };
  }

  #length(major: number, what: string): number {
    const { hi, lo } = this.#head(major, what);
    if (hi !== 0 || lo > this.#bytes.length - this.#at)
      throw new CborError(`${what} is longer than the input`);
    return lo;
  }

  /** An unsigned integer up to `max` (default 2^53 - 1). */
  uint(max = Number.MAX_SAFE_INTEGER): number {
    const { hi, lo } = this.#head(MAJOR_UINT, 'an unsigned integer');
    const value = hi * 0x100000000 + lo;
    if (value > max) throw new CborError(`integer above ${max}`);
    return value;
  }

  uint64(): Uint64 {
    return this.#head(MAJOR_UINT, 'an unsigned integer');
  }

  /** A byte string of `min` to `max` bytes, as a view into the input. */
  bytes(min: number, max: number): Bytes {
    const length = this.#length(MAJOR_BYTES, 'a byte string');
    if (length < min || length > max)
      throw new CborError(`byte string of ${length}, expected ${min} to ${max}`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A text string of at most `max` bytes of well-formed UTF-8. */
  text(max: number): string {
    const length = this.#length(MAJOR_TEXT, 'a text string');
    if (length > max) throw new CborError(`text of ${length} bytes, at most ${max}`);
    this.#at += length;
    const text = textOf(this.#bytes.subarray(this.#at - length, this.#at));
    if (text === undefined) throw new CborError('text is not well-formed UTF-8');
    return text;
  }

  /** Header of an array of at most `max` items. Every item takes a byte, so the count is bounded by the input too. */
  array(max: number): number {
    const count = this.#length(MAJOR_ARRAY, 'an array');
    if (count > max) throw new CborError(`array of ${count}, at most ${max}`);
    return count;
  }

  /** Header of an array of exactly `count` items. */
  tuple(count: number): void {
    const got = this.array(count);
    if (got !== count) throw new CborError(`array of ${got}, expected ${count}`);
  }

  boolean(): boolean {
    const b = this.#byte();
    if (b === TRUE) return true;
    if (b === FALSE) return false;
    throw new CborError('expected a boolean');
  }

  /** Reads an array of at most `max` items with `item`. */
  list<T>(max: number, item: (reader: CborReader) => T): T[] {
    const count = this.array(max);
    const out: T[] = [];
    for (let i = 0; i < count; i++) out.push(item(this));
    return out;
  }

  end(): void {
    if (!this.done) throw new CborError('bytes after the last item');
  }
}
