/**
 * Whether a stored row still proves itself: the signed bytes by the id, the content by the hash in them, the signature by
 * the key of the author. Nothing that was read is believed to have the type of its column: a damaged page says what it
 * likes.
 */
import { crc32 } from 'node:zlib';
import { type Bytes, equal } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { headerCheck, readSignedHeader, type SignedHeader } from '../core/message/header.ts';
import { isMesh1Header, readMesh1Header } from '../core/message/mesh1-record.ts';
import {
  buildMessage,
  MESSAGE_KIND,
  type Message,
  type MessageContext,
  type MessageFields,
} from '../core/message/message.ts';
import { toTimeBytes } from '../core/message/time.ts';
import {
  type Ed25519Verify,
  signatureCheck,
  VerifiedMessage,
  verifySignature,
} from '../core/message/verified.ts';
import { CborError } from '../core/wire/cbor.ts';
import { plain } from './sqlite-rows.ts';

export interface Prover {
  readonly context: MessageContext;
  readonly verify: Ed25519Verify;
}

/** What a row has to prove itself with; any value may stand anywhere. */
export interface Evidence {
  readonly bytes: unknown;
  readonly signature: unknown;
  readonly crc: unknown;
  readonly body: unknown;
  readonly payload: unknown;
}

/** What the columns of a row repeat of its signed bytes. */
export type Repeated = Pick<MessageFields, 'kind' | 'author' | 'channel' | 'time' | 'expiresMs'>;

export function isBlob(value: unknown): value is Bytes {
  return value instanceof Uint8Array;
}

function isIntact(signature: unknown, crc: unknown): signature is Bytes {
  return isBlob(signature) && signature.length === 64 && crc32(signature) === crc;
}

/** The message of a row that claims to hold all of it, if it proves itself. */
export function proveMessage({ context, verify }: Prover, row: Evidence): VerifiedMessage | undefined {
  const { bytes, signature, crc, body, payload } = row;
  if (!isBlob(bytes) || !isBlob(payload) || typeof body !== 'string' || !isIntact(signature, crc))
    return undefined;
  let message: Message;
  try {
    const parts = { bytes: plain(bytes), signature: plain(signature), body, payload: plain(payload) };
    message = buildMessage(context, parts);
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
  const proof = verifySignature(verify, signatureCheck(context, message));
  return proof && VerifiedMessage.fromVerification(context, message, proof);
}

/** The header of a row, if it proves itself without content; that of a message that began at a mesh/1 peer cannot. */
export function proveHeader({ context, verify }: Prover, row: Evidence): SignedHeader | undefined {
  const { bytes, signature, crc } = row;
  if (!isBlob(bytes) || !isIntact(signature, crc)) return undefined;
  try {
    const header = readSignedHeader(context, plain(bytes), plain(signature));
    return verifySignature(verify, headerCheck(context, header)) && header;
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
}

/** What a header without content says, if it is as it was stored as far as that can be seen. */
export function repeatedOf(prover: Prover, row: Evidence, id: Bytes): Repeated | undefined {
  const { bytes, signature, crc } = row;
  if (!isBlob(bytes) || !isMesh1Header(bytes)) {
    const header = proveHeader(prover, row);
    return header && equal(header.id, id) ? header : undefined;
  }
  const header = isIntact(signature, crc) ? readMesh1Header(plain(bytes)) : undefined;
  if (header === undefined) return undefined;
  const { author, channel, timeMs } = header;
  return { kind: MESSAGE_KIND.post, author, channel, time: { timeMs, counter: 0 }, expiresMs: 0 };
}

/** The columns of a row that repeat what is signed, with the names that it refers to. */
export interface Columns {
  readonly channel: unknown;
  readonly author: unknown;
  readonly tag: unknown;
  readonly kind: unknown;
  readonly time: unknown;
  readonly expires: unknown;
}

function isSame(value: unknown, bytes: Bytes): boolean {
  return isBlob(value) && equal(value, bytes);
}

/** Whether the columns say the same as what is signed. */
export function agrees({ context }: Prover, columns: Columns, said: Repeated): boolean {
  return (
    columns.channel === said.channel &&
    columns.kind === said.kind &&
    columns.expires === said.expiresMs &&
    isSame(columns.author, said.author) &&
    isSame(columns.time, toTimeBytes(said.time)) &&
    isSame(columns.tag, channelTag(context.sha256, context.network, said.channel))
  );
}
