/**
 * Fingerprints of sets of message ids: 16 bytes of SHA-256 over the sum of the ids (mod 2^256, little-endian) and their
 * count, as in negentropy version 1, so that set reconciliation can take over on the same sums.
 */
import { type Bytes, concat, fromBase64url } from '../bytes.ts';
import type { Sha256 } from '../message/message.ts';
import type { Sum } from '../persistence.ts';
import { varint } from './negentropy/varint.ts';

export const FINGERPRINT_BYTES = 16;
const TAG_BYTES = 8;
const PLACE_BYTES = TAG_BYTES + FINGERPRINT_BYTES;

export function fingerprint(sha256: Sha256, sum: Sum): Bytes {
  return sha256(concat(sum.sum, varint(sum.count))).slice(0, FINGERPRINT_BYTES);
}

/** One fingerprint over many channels: over their tags and fingerprints in ascending order of tags, kept as one piece of memory
 *  so that a change costs its 16 bytes and one hash. */
export class Combined {
  readonly #sha256: Sha256;
  readonly #bytes: Uint8Array;
  #fingerprint: Bytes | undefined;

  /** @param tags ascending by their bytes */
  constructor(sha256: Sha256, tags: readonly string[]) {
    this.#sha256 = sha256;
    this.#bytes = new Uint8Array(tags.length * PLACE_BYTES);
    tags.forEach((tag, place) => {
      this.#bytes.set(fromBase64url(tag) as Bytes, place * PLACE_BYTES);
    });
  }

  /** @param place of the channel, from 0 */
  set(place: number, print: Bytes): void {
    const start = place * PLACE_BYTES + TAG_BYTES;
    if (print.every((byte, i) => byte === this.#bytes[start + i])) return;
    this.#bytes.set(print, start);
    this.#fingerprint = undefined;
  }

  get fingerprint(): Bytes {
    this.#fingerprint ??= this.#sha256(this.#bytes).slice(0, FINGERPRINT_BYTES);
    return this.#fingerprint;
  }
}

export function combine(
  sha256: Sha256,
  parts: readonly { readonly tag: string; readonly fingerprint: Bytes }[],
): Bytes {
  const combined = new Combined(
    sha256,
    parts.map(({ tag }) => tag),
  );
  parts.forEach(({ fingerprint: print }, place) => {
    combined.set(place, print);
  });
  return combined.fingerprint;
}
