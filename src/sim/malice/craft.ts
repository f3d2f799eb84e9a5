/** Messages and records as they should not be, and valid ones by keys that a malicious peer holds. */
import { type Bytes, concat, EMPTY, utf8 } from '../../core/bytes.ts';
import type { PeerRecord, SignedContent } from '../../core/membership/records.ts';
import { encodeRecord, recordPurpose, toSet } from '../../core/membership/records.ts';
import {
  buildMessage,
  encodeSignedBytes,
  encodeWireItem,
  MESSAGE_KIND,
  type Message,
  type MessageContext,
  type MessageFields,
  NO_PREV,
  signingInput,
} from '../../core/message/message.ts';
import { CborWriter } from '../../core/wire/cbor.ts';
import type { SimKey } from '../keys.ts';

/** What differs from a plain post. */
export interface Draft {
  readonly channel: string;
  readonly body: string;
  readonly timeMs: number;
  readonly counter?: number;
  /** in whose name, the signer's without it */
  readonly author?: Bytes;
  readonly expiresMs?: number;
  /** id of the message before it, none without it */
  readonly prev?: Bytes;
}

/** A message in the name of `draft.author`, signed by `key`: valid if the two belong together. */
export function write(context: MessageContext, key: SimKey, draft: Draft): Message {
  const { channel, body, timeMs, counter = 0, author = key.publicKey } = draft;
  const { expiresMs = 0, prev = NO_PREV } = draft;
  const fields = { kind: MESSAGE_KIND.post, author, channel, prev, refs: [], expiresMs, nonce: 0 };
  const content = { body, payload: EMPTY, time: { timeMs: Math.floor(timeMs), counter } };
  return signed(context, key, { ...fields, ...content });
}

/** The message with these fields, signed by `key`. */
export function signed(context: MessageContext, key: SimKey, fields: MessageFields): Message {
  const { body, payload } = fields;
  const bytes = encodeSignedBytes(context, fields);
  const unsigned = buildMessage(context, { bytes, signature: new Uint8Array(64), body, payload });
  return withSignature(context, unsigned, key.sign(signingInput(context, unsigned.id)));
}

/** The same message under another signature. */
export function withSignature(context: MessageContext, message: Message, signature: Bytes): Message {
  const { bytes, body, payload } = message;
  return buildMessage(context, { bytes, signature, body, payload });
}

/** Other fields under the old signature: well-formed, with an id of its own. */
export function withFields(
  context: MessageContext,
  message: Message,
  fields: Partial<MessageFields>,
): Message {
  const changed = { ...message, ...fields };
  const { body, payload } = changed;
  const bytes = encodeSignedBytes(context, changed);
  return buildMessage(context, { bytes, signature: message.signature, body, payload });
}

/** A `push` whose only message has another body than its signed bytes say: no frame at all. */
export function pushOfOtherBody({ bytes, signature, payload }: Message, body: string): Bytes {
  const w = new CborWriter(256).array(4).uint(7).bytes(EMPTY).boolean(false).array(1);
  return w.raw(encodeWireItem(bytes, signature, body, payload)).finish();
}

export interface Signed {
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

/** A record about `content.peer`, signed by `key`. */
export function signRecord(context: MessageContext, key: SimKey, content: SignedContent): Signed {
  const bytes = encodeRecord(content);
  const purpose = utf8(`mesh/2 ${recordPurpose(content.kind)}\0${context.network}\0`);
  return { bytes, signature: key.sign(concat(purpose, bytes)) };
}

/** A peer record of any relay, with what differs. */
export function peerRecord(peer: string, sequence: number, more: Partial<PeerRecord>): PeerRecord {
  const { urls = [], expiresMs = sequence + 3_600_000 } = more;
  const links = toSet(more.links ?? []);
  // Without others' word every link is the cheapest.
  return {
    kind: 1,
    peer,
    sequence,
    urls,
    links,
    costs: links.map((_, i) => more.costs?.[i] ?? 0),
    expiresMs,
  };
}
