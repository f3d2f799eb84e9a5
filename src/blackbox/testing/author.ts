/** Messages as an author outside every daemon makes them: genuine, or wrong in one place. */
import { type Bytes, concat, EMPTY } from '../../core/bytes.ts';
import {
  createMessageContext,
  encodeSignedBytes,
  encodeWireItem,
  type Message,
  type MessageFields,
  messageId,
  signingInput,
} from '../../core/message/message.ts';
import { encodeFrame } from '../../core/wire/frames.ts';
import { createSigner, generatePrivateKey, type Signer, sha256 } from '../../crypto/index.ts';

export const NETWORK = 'openclaw';
export const context = createMessageContext(NETWORK, sha256);

/** A message on the wire with its parts, so that a test can put others in their place. */
export interface Crafted {
  readonly id: Bytes;
  readonly idText: string;
  readonly bytes: Bytes;
  readonly signature: Bytes;
  readonly body: string;
  readonly payload: Bytes;
  readonly wire: Bytes;
  readonly timeMs: number;
  readonly channel: string;
}

export class Author {
  readonly signer: Signer = createSigner(generatePrivateKey());

  get idText(): string {
    return Buffer.from(this.signer.publicKey).toString('base64url');
  }

  /** A genuine message, now in `lobby` if nothing else is said. */
  write(changes: Partial<MessageFields> = {}): Crafted {
    const fields: MessageFields = {
      kind: 1,
      author: this.signer.publicKey,
      channel: 'lobby',
      time: { timeMs: Date.now(), counter: 0 },
      prev: EMPTY,
      refs: [],
      expiresMs: 0,
      nonce: 0,
      body: 'hello',
      payload: EMPTY,
      ...changes,
    };
    const bytes = encodeSignedBytes(context, fields);
    const id = messageId(context, bytes);
    const signature = this.signer.sign(signingInput(context, id));
    const { body, payload, channel, time } = fields;
    const wire = encodeWireItem(bytes, signature, body, payload);
    const idText = Buffer.from(id).toString('base64url');
    return { id, idText, bytes, signature, body, payload, wire, timeMs: time.timeMs, channel };
  }
}

/** The same message under another signature. */
export function withSignature(message: Crafted, signature: Bytes): Crafted {
  return {
    ...message,
    signature,
    wire: encodeWireItem(message.bytes, signature, message.body, message.payload),
  };
}

/** `bytes` with one bit turned. */
export function flipped(bytes: Bytes, at: number, bit = 0): Bytes {
  const copy = concat(bytes);
  copy[at] = (copy[at] as number) ^ (1 << bit);
  return copy;
}

function asMessages(wires: readonly Bytes[]): readonly Message[] {
  return wires.map((wire) => ({ wire }) as Message); // frames are written from the wire form alone
}

/** A `push` of wire items, whatever is in them. */
export function pushOf(wires: readonly Bytes[], options: { keep?: boolean; root?: string } = {}): Bytes {
  const { keep = true, root = '' } = options;
  return encodeFrame({ type: 'push', root, keep, messages: asMessages(wires) });
}

/** A `fetched` of wire items, whatever is in them. */
export function fetchedOf(wires: readonly Bytes[], notHeld: readonly Bytes[] = []): Bytes {
  return encodeFrame({ type: 'fetched', messages: asMessages(wires), notHeld });
}
