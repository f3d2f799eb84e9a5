/**
 * Sealed records: what goes over a link that is neither TLS nor loopback, from `auth` on.
 *
 *   record    = ChaCha20-Poly1305(key of the direction, nonce = 4 zero bytes, counter (8 bytes, big-endian),
 *               frames one after the other, each behind its length (4 bytes, big-endian)), tag (16 bytes) at the end
 *
 * Invariants:
 * 1. A nonce is used once: the counter begins at 0 for each key, and each key belongs to one direction of one link.
 * 2. A record opens only in its place. One that was changed, repeated, left out, or moved ends the link, because the
 *    counters of both ends must agree; nothing after it is opened.
 *
 * Source: RFC 8439; the counter as a nonce as in RFC 8446, 5.3.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Bytes } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';

const CIPHER = 'chacha20-poly1305';
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;
const OPTIONS = { authTagLength: TAG_BYTES } as const;

/** Makes a record of frames. */
export type Sealer = (frames: readonly Bytes[]) => Buffer;
/** The frames of a record, or `undefined` if it is not the next one that was sealed; then the link must end. */
export type Opener = (record: Bytes) => readonly Bytes[] | undefined;

/** What sealing adds to a record, and to each frame in it. */
export const RECORD_OVERHEAD = { record: TAG_BYTES, frame: LENGTH_BYTES } as const;

/** The nonces of one direction, in order. */
class Nonces {
  readonly #bytes = Buffer.alloc(12);
  #counter = 0n;

  next(): Buffer {
    this.#bytes.writeBigUInt64BE(this.#counter, 4);
    this.#counter += 1n;
    return this.#bytes;
  }
}

/** Seals what one side sends. @param key 32 bytes */
export function createSealer(key: Bytes): Sealer {
  const nonces = new Nonces();
  return (frames) => {
    const bytes = frames.reduce((sum, frame) => sum + LENGTH_BYTES + frame.length, 0);
    const plain = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const frame of frames) {
      at = plain.writeUInt32BE(frame.length, at);
      plain.set(frame, at);
      at += frame.length;
    }
    const cipher = createCipheriv(CIPHER, key, nonces.next(), OPTIONS);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
}

/** The frames of a record, each a copy of its own; `undefined` if they are not well formed. */
function split(plain: Buffer): Bytes[] | undefined {
  const frames: Bytes[] = [];
  for (let at = 0; at < plain.length; ) {
    if (plain.length - at < LENGTH_BYTES) return undefined;
    const begin = at + LENGTH_BYTES;
    const end = begin + plain.readUInt32BE(at);
    if (end > plain.length || end - begin > LIMITS.frameBytesMax) return undefined;
    frames.push(new Uint8Array(plain.subarray(begin, end)));
    at = end;
  }
  return frames;
}

/** Opens what the other side sends, in order. @param key 32 bytes */
export function createOpener(key: Bytes): Opener {
  const nonces = new Nonces();
  return (record) => {
    if (record.length < TAG_BYTES) return undefined;
    const body = record.subarray(0, record.length - TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonces.next(), OPTIONS);
    decipher.setAuthTag(record.subarray(body.length));
    try {
      const plain = Buffer.concat([decipher.update(body), decipher.final()]);
      return split(plain);
    } catch {
      return undefined; // the only exception here: the tag does not fit
    }
  };
}
