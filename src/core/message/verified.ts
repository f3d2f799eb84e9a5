/**
 * Messages whose signature was checked, as instances that nobody else can build.
 *
 * Invariant: a {@link VerifiedMessage} comes only from a {@link Verification} of exactly its id and signature, or from
 * a {@link StoreReceipt} of the store that holds it, and only from a {@link Message} that was built from bytes: a copy
 * with another body would have the same id and signature. A flag on a plain object would survive a spread; a private
 * brand does not.
 */
import { type Bytes, equal } from '../bytes.ts';
import { Message, type MessageContext } from './message.ts';
import { passesGuard } from './signature.ts';

/**
 * The primitive that decides a signature once the guard has passed: libsodium's rule, `node:crypto`, or the portable
 * equation. @returns whether `signature` (64 B) over `data` verifies under `publicKey` (32 B)
 */
export type Ed25519Verify = (signature: Bytes, data: Bytes, publicKey: Bytes) => boolean;

const build = Symbol('only this module builds proofs');

/** Proof that a signature over some bytes was checked and held. */
export class Verification {
  readonly #data: Bytes;
  readonly #signature: Bytes;
  readonly #publicKey: Bytes;

  /** @internal use {@link verifySignature} */
  constructor(key: typeof build, data: Bytes, signature: Bytes, publicKey: Bytes) {
    if (key !== build) throw new TypeError('a Verification is made by verifySignature only');
    this.#data = data;
    this.#signature = signature;
    this.#publicKey = publicKey;
  }

  covers(data: Bytes, signature: Bytes, publicKey: Bytes): boolean {
    return equal(this.#data, data) && equal(this.#signature, signature) && equal(this.#publicKey, publicKey);
  }
}

/** One signature to check: `data` was signed by the secret of `publicKey`. */
export interface SignatureCheck {
  readonly data: Bytes;
  readonly signature: Bytes;
  readonly publicKey: Bytes;
}

/** Applies the strict rule: guard first, then the primitive. @returns the proof, or `undefined` if it does not hold */
export function verifySignature(verify: Ed25519Verify, check: SignatureCheck): Verification | undefined {
  if (!passesGuard(check.signature, check.publicKey)) return undefined;
  if (!verify(check.signature, check.data, check.publicKey)) return undefined;
  return new Verification(build, check.data, check.signature, check.publicKey);
}

/** What a store hands out with a row: it stored this message once from a VerifiedMessage, unchanged since. */
export class StoreReceipt {
  readonly #id: Bytes;

  private constructor(id: Bytes) {
    this.#id = id;
  }

  /** For stores only: `id` is the id under which the row was stored, and equals the hash of the row's bytes. */
  static issue(id: Bytes): StoreReceipt {
    return new StoreReceipt(id);
  }

  covers(id: Bytes): boolean {
    return equal(this.#id, id);
  }
}

export class VerifiedMessage {
  readonly #message: Message;

  private constructor(message: Message) {
    this.#message = message;
  }

  get message(): Message {
    return this.#message;
  }

  /** @returns the verified message, or `undefined` if the proof is for something else */
  static fromVerification(
    context: MessageContext,
    message: Message,
    proof: Verification,
  ): VerifiedMessage | undefined {
    if (!Message.isBuilt(message)) return undefined;
    const data = message.signingInput(context);
    return proof.covers(data, message.signature, message.author) ? new VerifiedMessage(message) : undefined;
  }

  static fromStore(message: Message, receipt: StoreReceipt): VerifiedMessage | undefined {
    return Message.isBuilt(message) && receipt.covers(message.id) ? new VerifiedMessage(message) : undefined;
  }
}

/** The check that a message needs. */
export function signatureCheck(context: MessageContext, message: Message): SignatureCheck {
  return { data: message.signingInput(context), signature: message.signature, publicKey: message.author };
}
