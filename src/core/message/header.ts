/**
 * The signed header of a message without its content, and the tombstone: what is left of a deleted message.
 *
 *   header    = [signed bytes, signature]
 *   tombstone = [signed bytes, signature, signed bytes of the delete, its signature]
 *
 * The delete has no content, so its header is all of it.
 *
 * Invariants:
 * 1. A {@link SignedHeader} exists only for bytes that are canonical. It says nothing about the signature.
 * 2. A {@link VerifiedHeader} comes only from a verification of exactly its id and signature, or from the store's receipt.
 * 3. The delete of a {@link Tombstone} counts for its header.
 */
import { type Bytes, EMPTY, equal, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { CborError, type CborReader, type CborWriter } from '../wire/cbor.ts';
import { AMENDS, type Amends, amendsOf, countsFor, isDelete, targetsOf } from './amend.ts';
import { isMesh1Header } from './mesh1-record.ts';
import {
  buildMessage,
  contentHash,
  isEphemeral,
  type Message,
  type MessageContext,
  messageId,
  type Ref,
  readHeader,
  signingInput,
} from './message.ts';
import type { Time } from './time.ts';
import type { SignatureCheck, StoreReceipt, Verification } from './verified.ts';

const build = Symbol('only this module builds headers');

export class SignedHeader {
  readonly #built = true;
  readonly kind: number;
  readonly author: Bytes;
  readonly channel: string;
  readonly time: Time;
  readonly prev: Bytes;
  readonly refs: readonly Ref[];
  readonly expiresMs: number;
  readonly amends: Amends;
  /** 32 bytes */
  readonly id: Bytes;
  readonly idText: string;
  /** the signed bytes */
  readonly bytes: Bytes;
  /** 64 bytes, not yet checked */
  readonly signature: Bytes;

  /** @internal use {@link readSignedHeader} */
  constructor(key: typeof build, context: MessageContext, bytes: Bytes, signature: Bytes) {
    if (key !== build) throw new TypeError('a SignedHeader is made by readSignedHeader only');
    const { fields, content } = readHeader(bytes);
    const { kind, author, channel, time, prev, refs, expiresMs } = fields;
    this.kind = kind;
    this.author = author;
    this.channel = channel;
    this.time = time;
    this.prev = prev;
    this.refs = refs;
    this.expiresMs = expiresMs;
    const isEmpty = equal(content, contentHash(context, '', EMPTY));
    this.amends = amendsOf({ kind, channel, refs, expiresMs, isEmpty });
    this.id = messageId(context, bytes);
    this.idText = toBase64url(this.id);
    this.bytes = bytes;
    this.signature = signature;
  }

  static isBuilt(value: SignedHeader): boolean {
    return #built in value && value.#built;
  }
}

/** The header that signed bytes are. Throws {@link CborError}; also for one of mesh/1, which does not prove an id. */
export function readSignedHeader(context: MessageContext, bytes: Bytes, signature: Bytes): SignedHeader {
  if (signature.length !== 64) throw new CborError('signature is not 64 bytes');
  if (bytes.length > LIMITS.headerBytesMax) throw new CborError(`header of ${bytes.length} bytes`);
  if (isMesh1Header(bytes)) throw new CborError('the header of a mesh/1 message proves nothing alone');
  return new SignedHeader(build, context, bytes, signature);
}

export class VerifiedHeader {
  readonly #header: SignedHeader;

  private constructor(header: SignedHeader) {
    this.#header = header;
  }

  get header(): SignedHeader {
    return this.#header;
  }

  /** @returns the verified header, or `undefined` if the proof is for something else */
  static fromVerification(
    context: MessageContext,
    header: SignedHeader,
    proof: Verification,
  ): VerifiedHeader | undefined {
    if (!SignedHeader.isBuilt(header)) return undefined;
    const { data, signature, publicKey } = headerCheck(context, header);
    return proof.covers(data, signature, publicKey) ? new VerifiedHeader(header) : undefined;
  }

  static fromStore(header: SignedHeader, receipt: StoreReceipt): VerifiedHeader | undefined {
    return SignedHeader.isBuilt(header) && receipt.covers(header.id) ? new VerifiedHeader(header) : undefined;
  }
}

/** The check that a header needs. */
export function headerCheck(context: MessageContext, header: SignedHeader): SignatureCheck {
  const { id, signature, author } = header;
  return { data: signingInput(context, id), signature, publicKey: author };
}

/** A deleted message with the delete that proves it. */
export interface Tombstone {
  readonly header: SignedHeader;
  readonly deletion: Message;
}

/** Whether the two belong together. */
export function isTombstone({ header, deletion }: Tombstone): boolean {
  if (header.amends === AMENDS.deletes || isEphemeral(header.kind) || isEphemeral(deletion.kind))
    return false;
  if (!isDelete(deletion) || !countsFor(deletion, header)) return false;
  return targetsOf(deletion.refs, AMENDS.deletes).some((id) => equal(id, header.id));
}

/** Bytes that it takes in a frame, at most. */
export function tombstoneBytes({ header, deletion }: Tombstone): number {
  return 16 + header.bytes.length + deletion.bytes.length + 2 * 64;
}

export function writeTombstone(w: CborWriter, { header, deletion }: Tombstone): void {
  w.array(4).bytes(header.bytes).bytes(header.signature).bytes(deletion.bytes).bytes(deletion.signature);
}

/** Throws {@link CborError}. */
export function readTombstone(context: MessageContext, r: CborReader): Tombstone {
  r.tuple(4);
  const header = readSignedHeader(context, r.bytes(1, LIMITS.headerBytesMax), r.bytes(64, 64));
  const bytes = r.bytes(1, LIMITS.headerBytesMax);
  const signature = r.bytes(64, 64);
  const tombstone = {
    header,
    deletion: buildMessage(context, { bytes, signature, body: '', payload: EMPTY }),
  };
  if (!isTombstone(tombstone)) throw new CborError('the delete is not one of this message');
  return tombstone;
}
