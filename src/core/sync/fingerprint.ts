/**
 * Fingerprints of sets of message ids: 16 bytes of SHA-256 over the sum of the ids (mod 2^256, little-endian) and their
 * count, as in negentropy version 1, so that set reconciliation can take over on the same sums.
 */
import { type Bytes, concat } from '../bytes.ts';
import type { Sha256 } from '../message/message.ts';
import type { Sum } from '../persistence.ts';
import { varint } from './negentropy/varint.ts';

export const FINGERPRINT_BYTES = 16;

export function fingerprint(sha256: Sha256, sum: Sum): Bytes {
  return sha256(concat(sum.sum, varint(sum.count))).slice(0, FINGERPRINT_BYTES);
}

/** One fingerprint over many channels: over their tags and fingerprints in ascending order of tags. */
export function combine(
  sha256: Sha256,
  parts: readonly { readonly tag: Bytes; readonly fingerprint: Bytes }[],
): Bytes {
  return sha256(concat(...parts.flatMap((part) => [part.tag, part.fingerprint]))).slice(0, FINGERPRINT_BYTES);
}
