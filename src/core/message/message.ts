/**
 * The message record: one signed array of deterministic CBOR, its id, and the form in which it travels.
 *
 *   signed bytes = [kind, author, channel, time, prev, content, refs, expires, nonce]
 *   content      = SHA-256([body, payload])
 *   id           = SHA-256("mesh/2 message\0" network "\0" signed bytes)
 *   wire item    = [signed bytes, signature, body, payload]
 *
 * A message that began at a mesh/1 peer has another header in the place of the signed bytes, and another id; see
 * `mesh1-record.ts`. What is made of it is a {@link Message} like any other.
 *
 * Invariants:
 * 1. A {@link Message} exists only for bytes that are canonical, within limits and whose content hash matches.
 *    It says nothing about the signature: that is what VerifiedMessage is for.
 * 2. The signature is no part of the id: two copies with different signatures have one id.
 * 3. Validity looks at bytes only; the payload is never parsed.
 */
import { type Bytes, concat, EMPTY, equal, toBase64url, utf8 } from '../bytes.ts';
import { isChannelText } from '../channel/channel.ts';
import { LIMITS } from '../limits.ts';
import { CborError, CborReader, CborWriter } from '../wire/cbor.ts';
import { isMesh1Header, mesh1Text, readMesh1Header } from './mesh1-record.ts';
import { fromUint64, type Time, toUint64 } from './time.ts';

/** SHA-256, given from outside so that the core stays free of imports. */
export type Sha256 = (bytes: Bytes) => Bytes;

/** Message kinds. Others are stored and relayed, and not shown, but for those that {@link isEphemeral} names. A delete may be
 *  of any kind; ours are of their own, so that nobody shows them as empty posts. Of recovery certificates only the rule of
 *  feeds (`channel/feed.ts`) knows so far. */
export const MESSAGE_KIND = {
  post: 1,
  deletion: 2,
  recoveryCertificate: 16,
  draft: 256,
  activity: 257,
} as const;

/** Kinds that are passed on and never stored: 256 to 511, also those that nobody knows yet. */
export function isEphemeral(kind: number): boolean {
  return kind >= 256 && kind <= 511;
}

/** Relations of a message to another, with their numbers on the wire. Others are stored and relayed, not shown. */
export const RELATION = { reply: 1, thread: 2, edit: 3, delete: 4, react: 5, cause: 6, run: 7 } as const;
export type RelationName = keyof typeof RELATION;

export interface Ref {
  /** number from {@link RELATION}, 0 to 65535; unknown ones are kept */
  readonly relation: number;
  /** id of the message referred to, 32 bytes */
  readonly id: Bytes;
}

/** What an author decides; everything else follows from it. */
export interface MessageFields {
  readonly kind: number;
  /** Ed25519 public key, 32 bytes */
  readonly author: Bytes;
  readonly channel: string;
  readonly time: Time;
  /** id of the author's previous message in this channel, 32 bytes, or empty */
  readonly prev: Bytes;
  readonly refs: readonly Ref[];
  /** milliseconds since 1970 after which the message is gone, 0 for never */
  readonly expiresMs: number;
  /** 0 except for proof of work */
  readonly nonce: number;
  readonly body: string;
  /** bytes as they travel: UTF-8 JSON in open channels, or empty */
  readonly payload: Bytes;
}

const build = Symbol('only this module builds messages');

/** What follows from the fields and the signature. */
interface Derived {
  readonly id: Bytes;
  readonly bytes: Bytes;
  /** what the signature is over, where that is not made of the id */
  readonly text: Bytes | undefined;
  readonly signature: Bytes;
  readonly wire: Bytes;
}

/**
 * An instance with a private brand, so that neither the compiler nor VerifiedMessage takes a changed copy (a spread, a
 * clone, a literal) for a message whose fields agree with its bytes.
 */
export class Message implements MessageFields {
  readonly #built = true;
  readonly #text: Bytes | undefined;
  readonly kind: number;
  readonly author: Bytes;
  readonly channel: string;
  readonly time: Time;
  readonly prev: Bytes;
  readonly refs: readonly Ref[];
  readonly expiresMs: number;
  readonly nonce: number;
  readonly body: string;
  readonly payload: Bytes;
  /** 32 bytes */
  readonly id: Bytes;
  /** `id` as base64url text, 43 characters: the key of every map */
  readonly idText: string;
  /** the signed bytes, or the header of a message that began at a mesh/1 peer */
  readonly bytes: Bytes;
  /** 64 bytes, not yet checked */
  readonly signature: Bytes;
  /** the wire item: CBOR of [signed bytes, signature, body, payload] */
  readonly wire: Bytes;

  /** @internal use {@link buildMessage} */
  constructor(key: typeof build, fields: MessageFields, derived: Derived) {
    if (key !== build) throw new TypeError('a Message is made by buildMessage only');
    this.kind = fields.kind;
    this.author = fields.author;
    this.channel = fields.channel;
    this.time = fields.time;
    this.prev = fields.prev;
    this.refs = fields.refs;
    this.expiresMs = fields.expiresMs;
    this.nonce = fields.nonce;
    this.body = fields.body;
    this.payload = fields.payload;
    this.id = derived.id;
    this.idText = toBase64url(derived.id);
    this.bytes = derived.bytes;
    this.#text = derived.text;
    this.signature = derived.signature;
    this.wire = derived.wire;
  }

  /** Whether it began at a mesh/1 peer. */
  get isMesh1(): boolean {
    return this.#text !== undefined;
  }

  /** What Ed25519 signs for it. */
  signingInput(context: MessageContext): Bytes {
    return this.#text ?? signingInput(context, this.id);
  }

  /** Whether `value` came from {@link buildMessage}: its fields agree with its bytes. */
  static isBuilt(value: Message): boolean {
    return #built in value && value.#built;
  }
}

/** Inputs that are hashed in place; longer ones are joined with their prefix each time (four fifths are shorter: guess). */
const HASH_BUFFER_BYTES = 2048;

/** The hash of a fixed prefix and bytes behind it, which are copied into one buffer for all calls. */
export class PrefixedHash {
  readonly #sha256: Sha256;
  readonly #buffer: Bytes;
  readonly #prefixBytes: number;

  constructor(sha256: Sha256, prefix: Bytes) {
    this.#sha256 = sha256;
    this.#buffer = new Uint8Array(prefix.length + HASH_BUFFER_BYTES);
    this.#buffer.set(prefix);
    this.#prefixBytes = prefix.length;
  }

  /** @returns 32 bytes */
  of(bytes: Bytes): Bytes {
    if (bytes.length > HASH_BUFFER_BYTES)
      return this.#sha256(concat(this.#buffer.subarray(0, this.#prefixBytes), bytes));
    this.#buffer.set(bytes, this.#prefixBytes);
    return this.#sha256(this.#buffer.subarray(0, this.#prefixBytes + bytes.length));
  }
}

/** Network-bound prefixes and the hash, made once. */
export interface MessageContext {
  readonly network: string;
  readonly sha256: Sha256;
  readonly idHash: PrefixedHash;
  readonly mesh1Hash: PrefixedHash;
  readonly contentHash: PrefixedHash;
  readonly signaturePrefix: Bytes;
}

/** CBOR head of an array of two: content is hashed as [body, payload], which follow each other in a wire item too. */
const PAIR = Uint8Array.of(0x82);

export function createMessageContext(network: string, sha256: Sha256): MessageContext {
  return {
    network,
    sha256,
    idHash: new PrefixedHash(sha256, utf8(`mesh/2 message\0${network}\0`)),
    mesh1Hash: new PrefixedHash(sha256, utf8(`mesh/2 mesh1\0${network}\0`)),
    contentHash: new PrefixedHash(sha256, PAIR),
    signaturePrefix: utf8(`mesh/2 signature\0${network}\0`),
  };
}

export function messageId(context: MessageContext, bytes: Bytes): Bytes {
  return context.idHash.of(bytes);
}

/** What Ed25519 signs for a message id. */
export function signingInput(context: MessageContext, id: Bytes): Bytes {
  return concat(context.signaturePrefix, id);
}

/** @returns 32 bytes */
export function contentHash(context: MessageContext, body: string, payload: Bytes): Bytes {
  const content = new CborWriter(payload.length + body.length + 16).text(body).bytes(payload);
  return context.contentHash.of(content.finish());
}

/** The signed bytes of `fields`. The caller has checked names and lengths; decoding the result checks them again. */
export function encodeSignedBytes(context: MessageContext, fields: MessageFields): Bytes {
  const w = new CborWriter(256).array(9);
  w.uint(fields.kind)
    .bytes(fields.author)
    .text(fields.channel)
    .uint64(toUint64(fields.time))
    .bytes(fields.prev);
  w.bytes(contentHash(context, fields.body, fields.payload)).array(fields.refs.length);
  for (const ref of fields.refs) w.array(2).uint(ref.relation).bytes(ref.id);
  return w.uint(fields.expiresMs).uint(fields.nonce).finish();
}

/** The wire item of signed bytes, signature and content. */
export function encodeWireItem(bytes: Bytes, signature: Bytes, body: string, payload: Bytes): Bytes {
  return new CborWriter(bytes.length + payload.length + body.length + 96)
    .array(4)
    .bytes(bytes)
    .bytes(signature)
    .text(body)
    .bytes(payload)
    .finish();
}

interface Header {
  readonly fields: Omit<MessageFields, 'body' | 'payload'>;
  /** hash of body and payload */
  readonly content: Bytes;
}

/** The fields in signed bytes. Throws {@link CborError}. */
export function readHeader(bytes: Bytes): Header {
  const r = new CborReader(bytes);
  r.tuple(9);
  const kind = r.uint(0xffff);
  const author = r.bytes(32, 32);
  const channel = r.text(LIMITS.channelBytesMax);
  if (!isChannelText(channel)) throw new CborError('channel name is not valid');
  const time = fromUint64(r.uint64());
  if (time === undefined) throw new CborError('time at or above 2^63');
  const prev = r.bytes(0, 32);
  if (prev.length !== 0 && prev.length !== 32) throw new CborError('prev is neither empty nor 32 bytes');
  const content = r.bytes(32, 32);
  const refs = r.list(LIMITS.refsMax, (item): Ref => {
    item.tuple(2);
    return { relation: item.uint(0xffff), id: item.bytes(32, 32) };
  });
  const expiresMs = r.uint();
  const nonce = r.uint();
  r.end();
  return { fields: { kind, author, channel, time, prev, refs, expiresMs, nonce }, content };
}

interface Parts {
  readonly bytes: Bytes;
  readonly signature: Bytes;
  readonly body: string;
  readonly payload: Bytes;
}

/** Builds a message from its parts. Throws {@link CborError} where they are not canonical, too large or do not agree. */
export function buildMessage(context: MessageContext, parts: Parts): Message {
  const { bytes, signature, body, payload } = parts;
  const wire = encodeWireItem(bytes, signature, body, payload);
  return assemble(context, parts, { wire, hash: contentHash(context, body, payload) });
}

/** @param encoded what follows from the parts: the wire item, and the hash of the content */
function assemble(context: MessageContext, parts: Parts, encoded: { wire: Bytes; hash: Bytes }): Message {
  const { wire, hash } = encoded;
  const { bytes, signature, body, payload } = parts;
  if (signature.length !== 64) throw new CborError('signature is not 64 bytes');
  if (wire.length > LIMITS.messageBytesMax) throw new CborError(`message of ${wire.length} bytes`);
  if (isMesh1Header(bytes)) return assembleMesh1(context, parts, wire);
  const { fields, content } = readHeader(bytes);
  if (!equal(content, hash)) throw new CborError('content does not match its hash');
  const id = messageId(context, bytes);
  return new Message(build, { ...fields, body, payload }, { id, bytes, text: undefined, signature, wire });
}

function assembleMesh1(context: MessageContext, parts: Parts, wire: Bytes): Message {
  const { bytes, signature, body, payload } = parts;
  const header = readMesh1Header(bytes);
  if (!header) throw new CborError('not the header of a mesh/1 message');
  const text = body.isWellFormed() ? mesh1Text(header, body, payload) : undefined;
  if (!text) throw new CborError('body or payload of a mesh/1 message is no text');
  const { author, channel, timeMs } = header;
  const fields: MessageFields = {
    kind: MESSAGE_KIND.post,
    author,
    channel,
    time: { timeMs, counter: 0 },
    prev: EMPTY,
    refs: [],
    expiresMs: 0,
    nonce: 0,
    body,
    payload,
  };
  return new Message(build, fields, { id: context.mesh1Hash.of(text), bytes, text, signature, wire });
}

/** Reads one wire item out of a frame. Throws {@link CborError}. The message's byte fields are views into the frame. */
export function readMessage(context: MessageContext, r: CborReader): Message {
  const start = r.offset;
  r.tuple(4);
  const bytes = r.bytes(1, LIMITS.messageBytesMax);
  const signature = r.bytes(64, 64);
  const contentStart = r.offset;
  const body = r.text(LIMITS.messageBytesMax);
  const payload = r.bytes(0, LIMITS.messageBytesMax);
  const hash = context.contentHash.of(r.slice(contentStart, r.offset));
  return assemble(context, { bytes, signature, body, payload }, { wire: r.slice(start, r.offset), hash });
}

/** True for a message that is gone at `wallMs`. @param expiresMs ms since 1970, 0 for never */
export function isExpired(expiresMs: number, wallMs: number): boolean {
  return expiresMs !== 0 && expiresMs <= wallMs;
}

/** Decodes one wire item that stands alone, or `undefined` if it is not a valid message. */
export function decodeMessage(context: MessageContext, wire: Bytes): Message | undefined {
  try {
    const r = new CborReader(wire);
    const message = readMessage(context, r);
    r.end();
    return message;
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
}

export const NO_PREV = EMPTY;
