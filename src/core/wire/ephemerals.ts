/**
 * The items of an `ephemeral` frame, and the rule that keeps the two kinds of messages apart: what is ephemeral comes in
 * that frame and in no other, and nothing else comes in it.
 */
import { type Bytes, fromBase64url, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { isEphemeralMessage } from '../message/ephemeral.ts';
import { isEphemeral, type Message, type MessageContext, readMessage } from '../message/message.ts';
import { CborError, type CborReader, type CborWriter } from './cbor.ts';
import type { EphemeralItem } from './frame.ts';

/** The bytes that a tag, a short id or an id stands for; none for ''. */
export function tagBytes(tag: string): Bytes {
  return fromBase64url(tag) as Bytes;
}

/** The short id of a root, '' where there is none. */
export function readRoot(r: CborReader): string {
  const root = r.bytes(0, 8);
  if (root.length !== 0 && root.length !== 8) throw new CborError('root is neither empty nor 8 bytes');
  return toBase64url(root);
}

/** A message of a kind that may be stored. Throws {@link CborError}. */
export function readLasting(context: MessageContext, r: CborReader): Message {
  const message = readMessage(context, r);
  if (isEphemeral(message.kind)) throw new CborError(`kind ${message.kind} is never stored`);
  return message;
}

export function writeEphemerals(w: CborWriter, items: readonly EphemeralItem[]): CborWriter {
  w.array(items.length);
  for (const { root, message } of items) w.array(2).bytes(tagBytes(root)).raw(message.wire);
  return w;
}

/** At least one item. Throws {@link CborError}. */
export function readEphemerals(context: MessageContext, r: CborReader): EphemeralItem[] {
  const items = r.list(LIMITS.ephemeralQueueMax, (item): EphemeralItem => {
    item.tuple(2);
    const root = readRoot(item);
    const message = readMessage(context, item);
    if (!isEphemeralMessage(message)) throw new CborError('no ephemeral, or outside its bounds');
    return { root, message };
  });
  if (items.length === 0) throw new CborError('no ephemerals in their frame');
  return items;
}
