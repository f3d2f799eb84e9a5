/**
 * Three primitives that decide the Ed25519 equation, and the choice between them at start.
 *
 * The rule is one (docs/protocol, "Keys and signatures"): strict and cofactorless. The guard of
 * `core/message/signature.ts` refuses what the primitives disagree about; behind it they must accept the same set:
 *
 *   encode([S]B - [k]A) == R byte for byte, with k = SHA-512(R, A, M) reduced mod L before it multiplies A
 *
 * Invariants:
 * 1. A primitive is used only after it gave the committed verdict for every start vector behind the guard.
 * 2. noble's own `verify` never decides (it is ZIP-215 or close to it); only its curve operations do.
 * 3. No primitive throws for 64 bytes of signature and 32 of key, whatever is in them.
 *
 * Sources: RFC 8032 section 5.1.7; Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020).
 */
import { createPublicKey, type KeyObject, verify as nodeCryptoVerify } from 'node:crypto';
import { createRequire } from 'node:module';
import { Point } from '@noble/ed25519';
import { LRUCache } from 'lru-cache';
import { concat, equal } from '../core/bytes.ts';
import { type Ed25519Verify, verifySignature } from '../core/message/verified.ts';
import { sha512 } from './hash.ts';
import { START_VECTORS } from './start-vectors.ts';

export type VerifierName = 'sodium' | 'node' | 'portable';

/** Imported keys that the node verifier keeps: about 1 KiB each, as many as LIMITS.relaysMax (guess). */
export const KEYS_CACHED_MAX = 4096;

/** DER of a SubjectPublicKeyInfo up to the 32 bytes of the key (RFC 8410 section 4). */
const SPKI_PREFIX = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);

type SodiumVerifyDetached = (signature: Uint8Array, data: Uint8Array, publicKey: Uint8Array) => boolean;

/** Loads libsodium. Throws where the optional dependency or its binary for this platform is missing. */
export function loadSodiumVerify(): Ed25519Verify {
  const loaded: unknown = createRequire(import.meta.url)('sodium-native');
  const found = (loaded as { crypto_sign_verify_detached?: unknown }).crypto_sign_verify_detached;
  if (typeof found !== 'function') throw new TypeError('sodium-native has no crypto_sign_verify_detached');
  const verifyDetached = found as SodiumVerifyDetached;
  return (signature, data, publicKey) => verifyDetached(signature, data, publicKey);
}

/** `node:crypto`. Importing a key costs a fifth of a verification, so imported keys are kept. */
export function createNodeVerify(keysMax: number = KEYS_CACHED_MAX): Ed25519Verify {
  const keys = new LRUCache<string, KeyObject>({ max: keysMax });
  return (signature, data, publicKey) => {
    const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength).toString('latin1');
    let key = keys.get(name);
    if (key === undefined) {
      try {
        key = createPublicKey({
          key: Buffer.from(concat(SPKI_PREFIX, publicKey)),
          format: 'der',
          type: 'spki',
        });
      } catch {
        return false; // OpenSSL refuses the bytes as a key, so they signed nothing
      }
      keys.set(name, key);
    }
    return nodeCryptoVerify(null, data, key, signature);
  };
}

/** The order of the base point B: 2^252 + 27742317777372353535851937790883648493. */
const L = Point.CURVE().n;

function littleEndian(bytes: Uint8Array): bigint {
  let out = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) out = (out << 8n) | BigInt(bytes[i] as number);
  return out;
}

function decodePoint(bytes: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return undefined; // not on the curve, or not canonical: noble says it with an exception
  }
}

/** The rule's equation on noble's curve operations. About 13 times the cost of `node:crypto`. */
export const portableVerify: Ed25519Verify = (signature, data, publicKey) => {
  const a = decodePoint(publicKey);
  const s = littleEndian(signature.subarray(32));
  if (a === undefined || s >= L) return false;
  const r = signature.subarray(0, 32);
  const k = littleEndian(sha512(concat(r, publicKey, data))) % L;
  const expected = Point.BASE.multiply(s, false).subtract(a.multiply(k, false));
  return equal(expected.toBytes(), r);
};

export interface VerifierOptions {
  /** Which primitives to try, best first. Default: sodium, node, portable. */
  readonly order?: readonly VerifierName[];
  /** Replacements for tests: a loader throws where its primitive cannot be had. */
  readonly loaders?: Partial<Record<VerifierName, () => Ed25519Verify>>;
}

export interface Verifier {
  /** Decides the equation; use it behind the guard, through `verifySignature`. */
  readonly verify: Ed25519Verify;
  readonly name: VerifierName;
  /** Why a better primitive is not used, one sentence each; empty if the first one is. */
  readonly warnings: string[];
}

const LOADERS: Readonly<Record<VerifierName, () => Ed25519Verify>> = {
  sodium: loadSodiumVerify,
  node: createNodeVerify,
  portable: () => portableVerify,
};

/** The name of the first start vector for which the rule's verdict does not come out, or `undefined`. */
export function firstDifference(verify: Ed25519Verify): string | undefined {
  for (const vector of START_VECTORS) {
    const proof = verifySignature(verify, {
      data: Buffer.from(vector.message, 'hex'),
      signature: Buffer.from(vector.signature, 'hex'),
      publicKey: Buffer.from(vector.publicKey, 'hex'),
    });
    if ((proof !== undefined) !== vector.valid) return vector.name;
  }
  return undefined;
}

/** Why a primitive cannot be used, or the primitive. */
function tryPrimitive(load: () => Ed25519Verify): Ed25519Verify | string {
  try {
    const verify = load();
    const name = firstDifference(verify);
    return name === undefined ? verify : `decides the vector "${name}" differently`;
  } catch (error) {
    return `cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * The best primitive that keeps the rule on this machine. Costs one load and about 20 verifications.
 * Throws if none does: a daemon that would accept another set than the mesh must not start.
 */
export function createVerifier(options: VerifierOptions = {}): Verifier {
  const warnings: string[] = [];
  for (const name of options.order ?? (['sodium', 'node', 'portable'] as const)) {
    const tried = tryPrimitive(options.loaders?.[name] ?? LOADERS[name]);
    if (typeof tried !== 'string') return { verify: tried, name, warnings };
    warnings.push(`The signature verifier "${name}" ${tried}.`);
  }
  throw new Error(`No signature verifier keeps the rule. ${warnings.join(' ')}`);
}
