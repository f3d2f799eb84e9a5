import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ed25519Verify, verifySignature } from '../core/message/verified.ts';
import { createSigner } from './signer.ts';
import { START_VECTORS } from './start-vectors.ts';
import {
  createNodeVerify,
  createVerifier,
  firstDifference,
  loadSodiumVerify,
  portableVerify,
  type VerifierName,
} from './verifiers.ts';

interface Vector {
  readonly name: string;
  readonly valid: boolean;
  readonly seed?: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

const url = new URL('../../docs/protocol/vectors/ed25519.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(url, 'utf8')) as { vectors: Vector[] };

const primitives: readonly [VerifierName, Ed25519Verify][] = [
  ['sodium', loadSodiumVerify()],
  ['node', createNodeVerify()],
  ['portable', portableVerify],
];

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

function checkOf(vector: Omit<Vector, 'valid'>) {
  return { data: hex(vector.message), signature: hex(vector.signature), publicKey: hex(vector.publicKey) };
}

function holds(verify: Ed25519Verify, vector: Omit<Vector, 'valid'>): boolean {
  return verifySignature(verify, checkOf(vector)) !== undefined;
}

const no: Ed25519Verify = () => false;
const yes: Ed25519Verify = () => true;
const missing = () => {
  throw new Error('no binary for this platform');
};

describe.each(primitives)('the verifier %s behind the guard', (_, verify) => {
  it('gives every committed verdict', () => {
    const wrong = vectors.filter((vector) => holds(verify, vector) !== vector.valid).map(({ name }) => name);
    expect(wrong).toEqual([]);
  });

  it('accepts what any key signs over any bytes, and nothing with one bit changed', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes32, fc.uint8Array({ maxLength: 200 }), fc.nat(511), (seed, data, bit) => {
        const signer = createSigner(seed);
        const signature = signer.sign(data);
        const check = { data, signature, publicKey: signer.publicKey };
        expect(verifySignature(verify, check)).toBeDefined();
        const bad = Uint8Array.from(signature);
        bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(verifySignature(verify, { ...check, signature: bad })).toBeUndefined();
        expect(verifySignature(verify, { ...check, data: Uint8Array.of(...data, 0) })).toBeUndefined();
      }),
      { numRuns: 25 },
    );
  });

  it('throws nothing without the guard either, for any 64 and 32 bytes', () => {
    const signature = fc.uint8Array({ minLength: 64, maxLength: 64 });
    const publicKey = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(signature, fc.uint8Array({ maxLength: 20 }), publicKey, (s, data, key) => {
        expect(verify(s, data, key)).toBe(false);
      }),
    );
    for (const vector of vectors) {
      const { signature: s, data, publicKey: key } = checkOf(vector);
      if (s.length === 64 && key.length === 32) expect(typeof verify(s, data, key)).toBe('boolean');
    }
  });

  it('reads its bytes from views at any offset', () => {
    const vector = vectors.find((one) => one.valid && one.message.length > 0) as Vector;
    const { data, signature, publicKey } = checkOf(vector);
    const all = Uint8Array.of(1, 2, 3, ...signature, ...data, ...publicKey, 9);
    const view = (from: number, length: number) => all.subarray(from, from + length);
    const at = 3 + 64 + data.length;
    expect(verify(view(3, 64), view(67, data.length), view(at, 32))).toBe(true);
    expect(verify(view(3, 64), view(67, data.length), view(at + 1, 32))).toBe(false);
  });
});

describe('the node verifier', () => {
  it('keeps no more imported keys than it may and stays right when it forgets', () => {
    const verify = createNodeVerify(2);
    const signers = [1, 2, 3, 4].map((n) => createSigner(new Uint8Array(32).fill(n)));
    for (const round of [1, 2]) {
      for (const signer of signers) {
        const data = Uint8Array.of(round);
        expect(verify(signer.sign(data), data, signer.publicKey)).toBe(true);
      }
    }
  });
});

describe('the start vectors', () => {
  it('are among the committed ones, with the same verdicts', () => {
    for (const one of START_VECTORS) {
      expect(vectors.find(({ name }) => name === one.name)).toMatchObject(one);
    }
    expect(new Set(START_VECTORS.map(({ valid }) => valid)).size).toBe(2);
  });

  it('find a verifier that says no or yes to everything', () => {
    expect(firstDifference(no)).toBe('RFC 8032 test 1, empty message');
    expect(firstDifference(yes)).toBe('bit 0 of R flipped');
    for (const [, verify] of primitives) expect(firstDifference(verify)).toBeUndefined();
  });

  it.each(START_VECTORS.filter(({ valid }) => valid))(
    'find a verifier that is wrong about $name only',
    (one) => {
      const wrong: Ed25519Verify = (signature, data, key) =>
        portableVerify(signature, data, key) && Buffer.from(signature).toString('hex') !== one.signature;
      expect(firstDifference(wrong)).toBe(one.name);
    },
  );

  it('find a verifier that accepts the cofactored equation, and one that does not reduce k', () => {
    for (const name of [
      'A = [a]B + 1T, R of prime order, cofactored only',
      'A = [a]B + 1T, holds only for k not reduced',
    ]) {
      const vector = START_VECTORS.find((one) => one.name === name);
      const lax: Ed25519Verify = (signature, data, key) =>
        portableVerify(signature, data, key) || Buffer.from(signature).toString('hex') === vector?.signature;
      expect(firstDifference(lax)).toBe(name);
    }
  });
});

describe('the choice at start', () => {
  it('takes libsodium where it can be loaded, without a warning', () => {
    const { name, warnings, verify } = createVerifier();
    expect(name).toBe('sodium');
    expect(warnings).toEqual([]);
    expect(firstDifference(verify)).toBeUndefined();
  });

  it('falls back to node:crypto where libsodium is missing, and says so', () => {
    const { name, warnings } = createVerifier({ loaders: { sodium: missing } });
    expect(name).toBe('node');
    expect(warnings).toEqual([
      'The signature verifier "sodium" cannot be used: no binary for this platform.',
    ]);
  });

  it('falls back to the portable one where both others differ, and names the vectors', () => {
    const { name, warnings } = createVerifier({ loaders: { sodium: () => yes, node: () => no } });
    expect(name).toBe('portable');
    expect(warnings).toEqual([
      'The signature verifier "sodium" decides the vector "bit 0 of R flipped" differently.',
      'The signature verifier "node" decides the vector "RFC 8032 test 1, empty message" differently.',
    ]);
  });

  it('treats a verifier that throws as one that cannot be used', () => {
    const { name, warnings } = createVerifier({ loaders: { sodium: () => missing } });
    expect(name).toBe('node');
    expect(warnings).toHaveLength(1);
  });

  it('keeps to the order that it is given', () => {
    expect(createVerifier({ order: ['portable'] }).name).toBe('portable');
    expect(createVerifier({ order: ['node', 'sodium'] }).name).toBe('node');
  });

  it('starts nothing rather than something that accepts another set', () => {
    expect(() => createVerifier({ order: ['node'], loaders: { node: () => yes } })).toThrow(
      'No signature verifier keeps the rule',
    );
  });
});
