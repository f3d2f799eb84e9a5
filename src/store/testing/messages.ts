/** Real signed messages and the operations around them, for tests and benchmarks of the store. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type Bytes, EMPTY, toBase64url, utf8 } from '../../core/bytes.ts';
import { channelTag } from '../../core/channel/channel.ts';
import { readSignedHeader, VerifiedHeader } from '../../core/message/header.ts';
import { encodeMesh1Header, mesh1Text } from '../../core/message/mesh1-record.ts';
import {
  buildMessage,
  createMessageContext,
  encodeSignedBytes,
  MESSAGE_KIND,
  type Message,
  type MessageFields,
  messageId,
  signingInput,
} from '../../core/message/message.ts';
import { TIME_ZERO, type Time } from '../../core/message/time.ts';
import {
  StoreReceipt,
  signatureCheck,
  VerifiedMessage,
  verifySignature,
} from '../../core/message/verified.ts';
import {
  MINUTE_END,
  type PersistOp,
  type PersistResult,
  type RetentionPolicy,
  ROW_BYTES,
} from '../../core/persistence.ts';

export const NETWORK = 'test';
/** 2025-10-09, a whole hour: what the tests call now. */
export const WALL_MS = 489_000 * 3_600_000;

/** A Uint8Array of its own, like the daemon's: not a Buffer. */
export function sha256(bytes: Bytes): Bytes {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

const context = createMessageContext(NETWORK, sha256);

export interface Author {
  /** id text */
  readonly id: string;
  readonly publicKey: Bytes;
  readonly privateKey: KeyObject;
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** The same author for the same number, in every process. */
export function createAuthor(number: number): Author {
  const seed = createHash('sha256').update(`author ${number}`).digest();
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(SPKI_ED25519.length));
  return { id: toBase64url(publicKey), publicKey, privateKey };
}

export const nodeVerify = (signature: Bytes, data: Bytes, publicKey: Bytes): boolean => {
  const key = createPublicKey({
    key: Buffer.concat([SPKI_ED25519, publicKey]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, data, key, signature);
};

export type Draft = Partial<Omit<MessageFields, 'author' | 'time'>> & { readonly time?: Partial<Time> };

function fieldsOf(author: Author, draft: Draft): MessageFields {
  const { time, ...rest } = draft;
  return {
    kind: MESSAGE_KIND.post,
    author: author.publicKey,
    channel: 'dev',
    prev: EMPTY,
    refs: [],
    expiresMs: 0,
    nonce: 0,
    body: 'hello',
    payload: EMPTY,
    ...rest,
    time: { timeMs: WALL_MS, counter: 0, ...time },
  };
}

/** Signs and verifies a message; what the draft leaves out has a default. */
export function signedMessage(author: Author, draft: Draft = {}): VerifiedMessage {
  const fields = fieldsOf(author, draft);
  const bytes = encodeSignedBytes(context, fields);
  const signature = new Uint8Array(
    sign(null, signingInput(context, messageId(context, bytes)), author.privateKey),
  );
  return verified(buildMessage(context, { bytes, signature, body: fields.body, payload: fields.payload }));
}

/** A message that began at a mesh/1 peer. */
export function mesh1Message(author: Author, body: string, payload: Bytes = EMPTY): VerifiedMessage {
  const header = {
    channel: 'dev',
    messageId: `message-${body.length}`,
    sender: author.id,
    timestamp: new Date(WALL_MS).toISOString(),
  };
  const bytes = encodeMesh1Header(header);
  const text = mesh1Text(header, body, payload) as Bytes;
  const signature = new Uint8Array(sign(null, text, author.privateKey));
  return verified(buildMessage(context, { bytes, signature, body, payload }));
}

function verified(message: Message): VerifiedMessage {
  const proof = verifySignature(nodeVerify, signatureCheck(context, message));
  const result = proof && VerifiedMessage.fromVerification(context, message, proof);
  if (result === undefined) throw new Error('the test signed a message that does not verify');
  return result;
}

/** For benchmarks: a message with junk for a signature, since signing would take longer than storing. */
export function unsignedMessage(author: Author, draft: Draft): VerifiedMessage {
  const fields = fieldsOf(author, draft);
  const bytes = encodeSignedBytes(context, fields);
  const signature = new Uint8Array(64).fill(7);
  const message = buildMessage(context, { bytes, signature, body: fields.body, payload: fields.payload });
  return VerifiedMessage.fromStore(message, StoreReceipt.issue(message.id)) as VerifiedMessage;
}

export function tagOf(channel: string): string {
  return toBase64url(channelTag(sha256, NETWORK, channel));
}

/** id text of a peer. */
export const PEER = createAuthor(99).id;

/** The operation that stores a message of somebody else. */
export function received(message: VerifiedMessage): PersistOp {
  return { kind: 'message', message, tag: tagOf(message.message.channel) };
}

/** The operation that stores only the header of a message. */
export function putOff(message: VerifiedMessage): PersistOp {
  return { kind: 'put-off', message, tag: tagOf(message.message.channel) };
}

/** The header of a message as it is left of a deleted one. */
export function headerOf({ message }: VerifiedMessage): VerifiedHeader {
  const header = readSignedHeader(context, message.bytes, message.signature);
  return VerifiedHeader.fromStore(header, StoreReceipt.issue(header.id)) as VerifiedHeader;
}

/** The operation that stores what is left of a deleted message. */
export function buried(message: VerifiedMessage): PersistOp {
  return { kind: 'tombstone', header: headerOf(message), tag: tagOf(message.message.channel) };
}

/** The operation that stores an own message. @param request what the client asked for, '' like '' */
export function published(message: VerifiedMessage, idempotencyKey = '', request = ''): PersistOp {
  const tag = tagOf(message.message.channel);
  return { kind: 'own-message', message, tag, idempotencyKey, fingerprint: sha256(utf8(request)) };
}

export function joined(channel: string): PersistOp {
  return { kind: 'join', channel, tag: tagOf(channel) };
}

export function left(channel: string): PersistOp {
  return { kind: 'leave', channel, tag: tagOf(channel) };
}

export function retained(channel: string, policy: RetentionPolicy): PersistOp {
  return { kind: 'retention', channel, tag: tagOf(channel), policy };
}

/** Carries a channel. @param untilMs wall ms, @param sinceHour hours since 1970 */
export function carried(channel: string, untilMs: number, sinceHour = 0): PersistOp {
  return { kind: 'carry', tag: tagOf(channel), untilMs, sinceHour };
}

/** Prunes a channel from its beginning; what is left out has a default: everything, without a floor. */
export function pruned(
  channel: string,
  how: Partial<Omit<Extract<PersistOp, { kind: 'prune' }>, 'kind' | 'tag'>> = {},
): PersistOp {
  const after = { time: TIME_ZERO, id: EMPTY };
  const all = { beforeHour: MINUTE_END, ownBeforeHour: MINUTE_END, floorHour: 0, after };
  return { kind: 'prune', tag: tagOf(channel), ...all, ...how };
}

/** Drops content of the heaviest author of a channel. */
export function dropped(
  channel: string,
  keepBytes: number,
  freeBytes: number = Number.MAX_SAFE_INTEGER,
): PersistOp {
  return { kind: 'drop', tag: tagOf(channel), keepBytes, freeBytes };
}

/** What a message costs: fact 4 of `core/persistence.ts`. */
export function costOf({ message }: VerifiedMessage): { header: number; content: number } {
  const header = message.bytes.length + message.signature.length + ROW_BYTES;
  return { header, content: utf8(message.body).length + message.payload.length };
}

/** The arrival number in a message result. */
export function arrivalOf(result: PersistResult | undefined): number {
  if (result?.kind !== 'message') throw new Error(`expected a message result, got ${result?.kind}`);
  return result.arrival;
}
