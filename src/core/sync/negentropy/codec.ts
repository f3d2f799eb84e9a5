/**
 * Messages of negentropy, protocol version 1, as bytes: a version byte and ranges, each an upper bound, a mode and what
 * the mode brings. A range begins where the one before it ends, the first one at time 0; what follows the last one is
 * skipped.
 *
 *   message := 61 range*
 *   range   := bound mode (skip: nothing | fingerprint: 16 bytes | id list: count, ids of 32 bytes)
 *   bound   := 0 for infinity, or 1 + (time - time of the bound before it); length of the id prefix; prefix
 *
 * Times are hybrid clocks, 63 bits. The decoder is strict: numbers with as few digits as possible, bounds that ascend,
 * nothing after infinity, and no time at or above 2^63, which no message can have. What it refuses is a value.
 *
 * Source: negentropy protocol v1.
 */
import type { Bytes } from '../../bytes.ts';
import { LIMITS } from '../../limits.ts';
import { fromUint64, toUint64 } from '../../message/time.ts';
import type { Position } from '../../persistence.ts';
import type { Uint64 } from '../../wire/cbor.ts';
import { FINGERPRINT_BYTES } from '../fingerprint.ts';
import { compareBounds, FIRST, ID_BYTES, INFINITY, isInfinity } from './bounds.ts';
import { add, readVarint, subtract, uint64, writeVarint } from './varint.ts';

/** Version 1; version 2 would be 62. */
const VERSION = 0x61;
const MODE = { skip: 0, fingerprint: 1, idList: 2 } as const;
const ZERO = uint64(0);
const ONE = uint64(1);

/** A part of the order of (time, id), from the end of the range before it to `upper` (exclusive), and what its sender
 *  says of it. */
export type Range = { readonly upper: Position } & (
  | { /** needs no more */ readonly mode: 'skip' }
  | { readonly mode: 'fingerprint' /** 16 bytes */; readonly fingerprint: Bytes }
  | {
      readonly mode: 'idList' /** all ids that the sender has there, 32 bytes each */;
      readonly ids: readonly Bytes[];
    }
);

/** Why a message was refused. */
export type Refusal =
  /** another version: the spec lets a responder answer with the byte of the highest that it knows */
  | 'version'
  /** more bytes or ranges than the limits allow */
  | 'too large'
  /** it ends within a range */
  | 'truncated'
  /** a number with a leading zero, or above 64 bits */
  | 'number'
  /** a time at or above 2^63, or a prefix of more than 32 bytes */
  | 'bound'
  /** bounds that do not ascend */
  | 'order'
  | 'mode';

export type Decoded =
  | { readonly ok: true; readonly ranges: readonly Range[] }
  | { readonly ok: false; readonly reason: Refusal };

/** Writes a message range by range into `bytesMax` bytes. To write more is a programmer error: RangeError. */
export class MessageWriter {
  readonly #out: Uint8Array;
  #at = 1;
  #time: Uint64 = ZERO;

  /** @param bytesMax of the whole message */
  constructor(bytesMax: number) {
    this.#out = new Uint8Array(bytesMax);
    this.#out[0] = VERSION;
  }

  /** Bytes so far; 1 while there is no range. */
  get size(): number {
    return this.#at;
  }

  /** @param range that ends after the one before it */
  write(range: Range): void {
    this.#writeBound(range.upper);
    this.#number(uint64(MODE[range.mode]));
    if (range.mode === 'fingerprint') this.#bytes(range.fingerprint);
    if (range.mode !== 'idList') return;
    this.#number(uint64(range.ids.length));
    for (const id of range.ids) this.#bytes(id);
  }

  #writeBound(bound: Position): void {
    const time = toUint64(bound.time);
    if (isInfinity(bound)) this.#number(ZERO);
    else this.#number(add(subtract(time, this.#time), ONE) ?? ZERO);
    this.#time = time;
    const prefix = isInfinity(bound) ? 0 : bound.id.length;
    this.#number(uint64(prefix));
    this.#bytes(bound.id.subarray(0, prefix));
  }

  #number(value: Uint64): void {
    this.#at = writeVarint(this.#out, this.#at, value);
  }

  #bytes(bytes: Bytes): void {
    this.#out.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  finish(): Bytes {
    if (this.#at > this.#out.length) throw new RangeError(`a message of ${this.#at} bytes`);
    return this.#out.slice(0, this.#at);
  }
}

/** Where the decoder stands. Ids, prefixes and fingerprints are views of the message. */
class Reader {
  readonly #bytes: Bytes;
  #at = 1;
  #time: Uint64 = ZERO;
  /** set once something was refused */
  refusal: Refusal | undefined;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  #refuse(reason: Refusal): undefined {
    this.refusal ??= reason;
  }

  number(): Uint64 | undefined {
    const found = readVarint(this.#bytes, this.#at);
    if (found === undefined) {
      const isCutOff = this.#bytes.subarray(this.#at).every((byte) => byte > 127);
      return this.#refuse(isCutOff ? 'truncated' : 'number');
    }
    this.#at = found.end;
    return found.value;
  }

  bytes(length: number): Bytes | undefined {
    if (this.#at + length > this.#bytes.length) return this.#refuse('truncated');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  bound(): Position | undefined {
    const encoded = this.number();
    const length = encoded && this.number();
    if (encoded === undefined || length === undefined) return undefined;
    if (length.hi > 0 || length.lo > ID_BYTES) return this.#refuse('bound');
    const isEnd = encoded.hi === 0 && encoded.lo === 0;
    if (isEnd) return length.lo === 0 ? INFINITY : this.#refuse('bound');
    const id = this.bytes(length.lo);
    if (id === undefined) return undefined;
    const sum = add(this.#time, subtract(encoded, ONE));
    const time = sum && fromUint64(sum);
    if (sum === undefined || time === undefined) return this.#refuse('bound');
    this.#time = sum;
    return { time, id };
  }

  range(): Range | undefined {
    const upper = this.bound();
    const mode = upper && this.number();
    if (upper === undefined || mode === undefined) return undefined;
    switch (mode.hi === 0 ? mode.lo : -1) {
      case MODE.skip:
        return { upper, mode: 'skip' };
      case MODE.fingerprint: {
        const fingerprint = this.bytes(FINGERPRINT_BYTES);
        return fingerprint && { upper, mode: 'fingerprint', fingerprint };
      }
      case MODE.idList: {
        const ids = this.#ids();
        return ids && { upper, mode: 'idList', ids };
      }
      default:
        return this.#refuse('mode');
    }
  }

  #ids(): Bytes[] | undefined {
    const count = this.number();
    if (count === undefined) return undefined;
    const all = this.bytes((count.hi * 2 ** 32 + count.lo) * ID_BYTES);
    return all && Array.from({ length: count.lo }, (_, i) => all.subarray(i * ID_BYTES, (i + 1) * ID_BYTES));
  }
}

/** Reads a message of at most `LIMITS.reconcileBytesMax` bytes and `LIMITS.reconcileRangesMax` ranges. */
export function decodeMessage(bytes: Bytes): Decoded {
  if (bytes.length === 0) return { ok: false, reason: 'truncated' };
  if (bytes[0] !== VERSION) return { ok: false, reason: 'version' };
  if (bytes.length > LIMITS.reconcileBytesMax) return { ok: false, reason: 'too large' };
  const reader = new Reader(bytes);
  const ranges: Range[] = [];
  let last = FIRST;
  while (!reader.isDone) {
    if (ranges.length === LIMITS.reconcileRangesMax) return { ok: false, reason: 'too large' };
    const range = reader.range();
    if (range === undefined) return { ok: false, reason: reader.refusal ?? 'truncated' };
    if (compareBounds(last, range.upper) >= 0) return { ok: false, reason: 'order' };
    ranges.push(range);
    last = range.upper;
  }
  return { ok: true, ranges };
}
