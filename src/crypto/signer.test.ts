import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isErrorCode, MeshError } from '../core/errors.ts';
import { sha256, sha512 } from './hash.ts';
import {
  createSigner,
  fromPrivatePem,
  fromPublicPem,
  generatePrivateKey,
  privateKeyFromSeed,
  rawPublicKey,
  toPrivatePem,
  toPublicPem,
} from './signer.ts';
import { portableVerify } from './verifiers.ts';

interface Vector {
  readonly name: string;
  readonly seed?: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

const url = new URL('../../docs/protocol/vectors/ed25519.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(url, 'utf8')) as { vectors: Vector[] };
const honest = vectors.filter((vector) => vector.seed !== undefined);

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The key of RFC 8410 section 10.3, whose public half stands in section 10.1. */
const RFC_8410_PRIVATE = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`;
const RFC_8410_PUBLIC = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`;

describe('hashing', () => {
  // FIPS 180-4, the examples for "abc"
  it('gives the published digests as plain bytes', () => {
    const abc = new TextEncoder().encode('abc');
    expect(text(sha256(abc))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(text(sha512(abc)).slice(0, 32)).toBe('ddaf35a193617abacc417349ae204131');
    expect(sha256(abc).constructor).toBe(Uint8Array);
    expect(sha512(abc)).toHaveLength(64);
  });
});

describe('a signer', () => {
  it('has the vectors of RFC 8032 to go by', () => {
    expect(honest.filter(({ name }) => name.startsWith('RFC 8032'))).toHaveLength(5);
  });

  it.each(honest)('makes the signature of: $name', (vector) => {
    const signer = createSigner(hex(vector.seed as string));
    expect(text(signer.publicKey)).toBe(vector.publicKey);
    const signature = signer.sign(hex(vector.message));
    expect(text(signature)).toBe(vector.signature);
    expect(signature.constructor).toBe(Uint8Array);
  });

  it('is the same for a seed and for its KeyObject', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array(), (seed, data) => {
        const a = createSigner(seed);
        const b = createSigner(privateKeyFromSeed(seed));
        expect(a.publicKey).toEqual(b.publicKey);
        expect(a.sign(data)).toEqual(b.sign(data));
      }),
    );
  });

  it('signs with fresh keys what the rule accepts', () => {
    const [a, b] = [createSigner(generatePrivateKey()), createSigner(generatePrivateKey())];
    expect(a.publicKey).not.toEqual(b.publicKey);
    const data = new Uint8Array(10);
    expect(portableVerify(a.sign(data), data, a.publicKey)).toBe(true);
    expect(portableVerify(a.sign(data), data, b.publicKey)).toBe(false);
  });

  it('is not made from anything but a private Ed25519 key', () => {
    const key = generatePrivateKey();
    expect(() => createSigner(createPublicKey(key))).toThrow(TypeError);
    expect(() => createSigner(generateKeyPairSync('x25519').privateKey)).toThrow(TypeError);
    for (const length of [0, 31, 33, 64])
      expect(() => createSigner(new Uint8Array(length))).toThrow(RangeError);
    expect(() => rawPublicKey(generateKeyPairSync('x25519').publicKey)).toThrow(TypeError);
  });
});

describe('key files', () => {
  it('are those of RFC 8410', () => {
    const key = fromPrivatePem(RFC_8410_PRIVATE);
    expect(toPrivatePem(key)).toBe(RFC_8410_PRIVATE);
    expect(toPublicPem(key)).toBe(RFC_8410_PUBLIC);
    expect(text(rawPublicKey(key))).toBe('19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1');
    expect(rawPublicKey(fromPublicPem(RFC_8410_PUBLIC))).toEqual(rawPublicKey(key));
  });

  it('come back as the same key', () => {
    const key = generatePrivateKey();
    expect(fromPrivatePem(toPrivatePem(key)).equals(key)).toBe(true);
    expect(rawPublicKey(fromPublicPem(toPublicPem(createPublicKey(key))))).toEqual(rawPublicKey(key));
  });

  const x25519 = generateKeyPairSync('x25519');
  const encrypted = generatePrivateKey().export({
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  });

  it.each([
    ['nothing', ''],
    ['text', 'not a key'],
    ['a public key', RFC_8410_PUBLIC],
    ['a key cut short', RFC_8410_PRIVATE.slice(0, 60)],
    ['a key of another type', x25519.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['an encrypted key', encrypted.toString()],
  ])('are unreadable, with a code and without their text, where key.pem holds %s', (_, pem) => {
    let caught: unknown;
    try {
      fromPrivatePem(pem);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(MeshError);
    const { code, message } = caught as MeshError;
    expect(isErrorCode(code) && code).toBe('key_unreadable');
    if (pem.length > 20) expect(message).not.toContain(pem.slice(30, 50));
  });

  it.each([
    ['nothing', ''],
    ['a private key', RFC_8410_PRIVATE],
    ['a key of another type', x25519.publicKey.export({ format: 'pem', type: 'spki' }).toString()],
  ])('are unreadable where pub.pem holds %s', (_, pem) => {
    expect(() => fromPublicPem(pem)).toThrow(MeshError);
  });
});
