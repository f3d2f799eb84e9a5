/**
 * One-time X25519 keys of a link and the two session keys that follow from them.
 *
 *   key of a direction = HKDF-SHA256(X25519(ours, theirs), salt = transcript, info = "mesh/2 link\0dialler" or
 *                        "mesh/2 link\0responder"), 32 bytes
 *
 * The transcript binds the keys to the handshake that carried the public keys, so a public key with a second spelling
 * gives other session keys, not the same ones.
 *
 * Sources: RFC 7748 section 6.1 (the all-zero check), RFC 5869, RFC 8410 (encodings).
 */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { concat, utf8 } from '../core/bytes.ts';

const SPKI_PREFIX = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00]);
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
]);
const DIALLER = utf8('mesh/2 link\0dialler');
const RESPONDER = utf8('mesh/2 link\0responder');

/** Keys of one link, 32 bytes each, named by who sends under them. */
export interface SessionKeys {
  readonly dialler: Uint8Array;
  readonly responder: Uint8Array;
}

export interface Ephemeral {
  /** 32 bytes */
  readonly publicKey: Uint8Array;
  /**
   * @param theirs the other side's ephemeral public key; only 32 bytes can be one
   * @param transcript hash of the handshake, any length
   * @returns the same keys on both sides, or `undefined` where the result is all zero (a point of small order)
   */
  agree(theirs: Uint8Array, transcript: Uint8Array): SessionKeys | undefined;
}

function sharedSecret(privateKey: KeyObject, theirs: Uint8Array): Uint8Array | undefined {
  if (theirs.length !== 32) return undefined;
  try {
    const publicKey = createPublicKey({
      key: Buffer.from(concat(SPKI_PREFIX, theirs)),
      format: 'der',
      type: 'spki',
    });
    const secret = diffieHellman({ privateKey, publicKey });
    return secret.every((byte) => byte === 0) ? undefined : secret;
  } catch {
    return undefined; // OpenSSL's answer to an all-zero result is an exception
  }
}

/** @param secret 32 bytes, for vectors and simulations only; without it the system's randomness is used */
export function createEphemeral(secret?: Uint8Array): Ephemeral {
  if (secret !== undefined && secret.length !== 32) {
    throw new RangeError(`secret of ${secret.length} bytes, expected 32`);
  }
  const privateKey =
    secret === undefined
      ? generateKeyPairSync('x25519').privateKey
      : createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, secret)), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: Uint8Array.from(spki.subarray(-32)),
    agree(theirs, transcript) {
      const shared = sharedSecret(privateKey, theirs);
      if (shared === undefined) return undefined;
      const derive = (info: Uint8Array) => new Uint8Array(hkdfSync('sha256', shared, transcript, info, 32));
      return { dialler: derive(DIALLER), responder: derive(RESPONDER) };
    },
  };
}
