/** Signed mesh/2 messages of 400 bytes, and the way back from frames to their numbers without decoding everything. */
import { type Bytes, EMPTY, utf8 } from '../../src/core/bytes.ts';
import {
  createMessageContext,
  encodeSignedBytes,
  encodeWireItem,
  MESSAGE_KIND,
  type Message,
  messageId,
  signingInput,
} from '../../src/core/message/message.ts';
import { encodeFrame } from '../../src/core/wire/frames.ts';
import { type Signer, sha256 } from '../../src/crypto/index.ts';
import { bodyOf, seqOf } from './system.ts';

export const NETWORK = 'openclaw';
/** Bytes of a wire item: signed bytes, signature, body and payload. */
export const MESSAGE_BYTES = 400;
export const context = createMessageContext(NETWORK, sha256);

/** What a wire item needs besides its body, for channel names of 5 bytes. */
const OVERHEAD_BYTES = 161;

export interface Draft {
  readonly channel: string;
  readonly timeMs: number;
  /** the author's message before this one */
  readonly prev?: Bytes;
}

export interface Made {
  readonly id: Bytes;
  readonly wire: Bytes;
}

/** A genuine message with its number at the beginning of the body. */
export function makeMessage(signer: Signer, seq: number, { channel, timeMs, prev = EMPTY }: Draft): Made {
  const bodyBytes = MESSAGE_BYTES - OVERHEAD_BYTES - utf8(channel).length + 5 - prev.length;
  const body = bodyOf(seq, bodyBytes);
  const bytes = encodeSignedBytes(context, {
    kind: MESSAGE_KIND.post,
    author: signer.publicKey,
    channel,
    time: { timeMs, counter: seq & 0xffff },
    prev,
    refs: [],
    expiresMs: 0,
    nonce: 0,
    body,
    payload: EMPTY,
  });
  const id = messageId(context, bytes);
  const wire = encodeWireItem(bytes, signer.sign(signingInput(context, id)), body, EMPTY);
  return { id, wire };
}

/** A `push` as a leaf's outbox makes it: to be kept and confirmed. */
export function pushFrame(wires: readonly Bytes[]): Bytes {
  const messages = wires.map((wire) => ({ wire }) as Message); // frames are written from the wire form alone
  return encodeFrame({ type: 'push', root: '', keep: true, messages });
}

/** Walks over CBOR items that are known to be well-formed: the daemon's own output. */
class Walker {
  readonly #data: Uint8Array;
  at: number;

  constructor(data: Uint8Array, at: number) {
    this.#data = data;
    this.at = at;
  }

  /** The argument of the next head: a length, a count or a number. */
  head(): number {
    const info = (this.#data[this.at++] as number) & 31;
    if (info < 24) return info;
    let value = 0;
    for (let i = 1 << (info - 24); i > 0; i--) value = value * 256 + (this.#data[this.at++] as number);
    return value;
  }

  skip(): void {
    const length = this.head();
    this.at += length;
  }
}

/** Calls `onMessage` with the number of each message of a `push` frame. */
export function readPush(frame: Uint8Array, onMessage: (seq: number) => void): void {
  const walker = new Walker(frame, 2); // array head, number of the frame
  walker.skip(); // root
  walker.at += 1; // keep
  for (let count = walker.head(); count > 0; count--) {
    walker.at += 1; // array of four
    walker.skip(); // signed bytes
    walker.skip(); // signature
    const length = walker.head();
    onMessage(seqOf(frame.subarray(walker.at, walker.at + length)));
    walker.at += length;
    walker.skip(); // payload
  }
}

/** How many ids a `stored` frame lists. */
export function countIds(frame: Uint8Array): number {
  return new Walker(frame, 2).head();
}
