/**
 * Keys and signatures of a simulation: real Ed25519 (deterministic by RFC 8032), with secrets derived from the seed, so
 * that a seed decides every byte. Each signature is checked once in a simulation, however many peers ask.
 */
import { type Bytes, toBase64url, utf8 } from '../core/bytes.ts';
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

interface Verdict {
  readonly publicKey: Bytes;
  readonly data: Bytes;
  readonly proof: Verification | undefined;
}

/** Remembers verdicts by (signature, data, key), the newest ones; of each signature the first one. */
export class VerificationCache {
  readonly #known = new Map<string, Verdict>();
  readonly #verify = createNodeVerify();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  check(check: SignatureCheck): Verification | undefined {
    const { signature, publicKey, data } = check;
    const key = toBase64url(signature);
    const known = this.#known.get(key);
    if (known && Buffer.compare(known.data, data) === 0 && Buffer.compare(known.publicKey, publicKey) === 0)
      return known.proof;
    const proof = verifySignature(this.#verify, check);
    if (known) return proof;
    // Copies: views would keep whole frames.
    this.#known.set(key, { publicKey: publicKey.slice(), data: data.slice(), proof });
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
    return proof;
  }
}
