/**
 * Ed25519 private keys: making, signing, and the two PEM files of mesh/1 (`key.pem` is PKCS 8, `pub.pem` is SPKI), which
 * mesh/2 keeps. Keys stay inside OpenSSL's KeyObject, whose memory is not printed or serialised by accident.
 *
 * Sources: RFC 8032 (signatures), RFC 8410 (encodings).
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeCryptoSign,
} from 'node:crypto';
import { concat } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import { plain } from './hash.ts';

/** DER of a PKCS 8 PrivateKeyInfo up to the 32 bytes of the seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);

export interface Signer {
  /** 32 bytes */
  readonly publicKey: Uint8Array;
  /** @param data what is signed: a signing input with its purpose string, any length. @returns 64 bytes */
  sign(data: Uint8Array): Uint8Array;
}

/** A fresh private key from the system's randomness. */
export function generatePrivateKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

/** @param seed the 32 secret bytes of RFC 8032, not the 64-byte form that holds the public key as well */
export function privateKeyFromSeed(seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new RangeError(`seed of ${seed.length} bytes, expected 32`);
  return createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, seed)), format: 'der', type: 'pkcs8' });
}

function assertEd25519(key: KeyObject): void {
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new TypeError(`key of type ${key.asymmetricKeyType ?? key.type}, expected ed25519`);
  }
}

/** The 32 raw bytes of the public key. @param key a private or public Ed25519 key */
export function rawPublicKey(key: KeyObject): Uint8Array {
  assertEd25519(key);
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
}

/** @param privateKey a private Ed25519 KeyObject, or its 32-byte seed */
export function createSigner(privateKey: KeyObject | Uint8Array): Signer {
  const key = privateKey instanceof Uint8Array ? privateKeyFromSeed(privateKey) : privateKey;
  if (key.type !== 'private') throw new TypeError(`key of type ${key.type}, expected a private one`);
  return {
    publicKey: rawPublicKey(key),
    sign: (data) => plain(nodeCryptoSign(null, data, key)),
  };
}

/** Text of `key.pem`: PKCS 8, not encrypted. Its file must have mode 0600. */
export function toPrivatePem(key: KeyObject): string {
  assertEd25519(key);
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** Text of `pub.pem`. @param key a private or public Ed25519 key */
export function toPublicPem(key: KeyObject): string {
  assertEd25519(key);
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'pem', type: 'spki' }).toString();
}

function read(kind: 'private' | 'public', create: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = create();
  } catch (cause) {
    throw new MeshError('key_unreadable', `The text is no ${kind} key in PEM form.`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new MeshError('key_unreadable', `The key is of type ${key.asymmetricKeyType}, expected ed25519.`);
  }
  return key;
}

/** The key in a `key.pem`. Throws MeshError `key_unreadable`, which never contains a part of the text. */
export function fromPrivatePem(pem: string): KeyObject {
  return read('private', () => createPrivateKey({ key: pem, format: 'pem' }));
}

/** The key in a `pub.pem`. Throws MeshError `key_unreadable`, also for a private key put in the wrong file. */
export function fromPublicPem(pem: string): KeyObject {
  if (pem.includes('PRIVATE KEY')) throw new MeshError('key_unreadable', 'The text is a private key.');
  return read('public', () => createPublicKey({ key: pem, format: 'pem' }));
}
