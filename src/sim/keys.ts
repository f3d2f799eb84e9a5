/**
 * Keys and signatures of a simulation: real Ed25519 (deterministic by RFC 8032), with secrets derived from the seed, so
 * that a seed decides every byte. Each signature is checked once in a simulation, however many peers ask.
 */
import { type Bytes, concat, toBase64url, utf8 } from '../core/bytes.ts';
import { type SignatureCheck, type Verification, verifySignature } from '../core/message/verified.ts';
import { sha256 } from '../crypto/hash.ts';
import { createSigner, type Signer } from '../crypto/signer.ts';
import { createNodeVerify } from '../crypto/verifiers.ts';

/** 32 bytes that follow from a seed and a label. */
export function derive(seed: number, label: string): Bytes {
  return sha256(utf8(`sim\0${seed}\0${label}`));
}

export class SimKey {
  readonly #signer: Signer;
  /** the public key as id text */
  readonly id: string;

  constructor(secret: Bytes) {
    this.#signer = createSigner(secret);
    this.id = toBase64url(this.#signer.publicKey);
  }

  get publicKey(): Bytes {
    return this.#signer.publicKey;
  }

  sign(data: Bytes): Bytes {
    return this.#signer.sign(data);
  }
}

/** Remembers verdicts by (signature, data, key), the newest ones. */
export class VerificationCache {
  readonly #known = new Map<string, Verification | undefined>();
  readonly #verify = createNodeVerify();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  check(check: SignatureCheck): Verification | undefined {
    const { signature, publicKey, data } = check;
    const digest = sha256(concat(signature, publicKey, data));
    const key = `${signature.length} ${publicKey.length} ${toBase64url(digest)}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const verdict = verifySignature(this.#verify, check);
    this.#known.set(key, verdict);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
    return verdict;
  }
}
