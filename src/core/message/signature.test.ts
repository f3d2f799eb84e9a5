import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, readVectors } from './message.fixture.ts';
import { isUsablePoint, passesGuard } from './signature.ts';

interface Vector {
  readonly name: string;
  readonly valid: boolean;
  readonly publicKey: string;
  readonly signature: string;
}

const { vectors } = readVectors<{ vectors: Vector[] }>('ed25519.json');
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

function littleEndian(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).reverse();
}

function signature(s: bigint): Uint8Array {
  return Uint8Array.of(...littleEndian(5n), ...littleEndian(s));
}

const key = littleEndian(5n);

describe('the guard', () => {
  it('lets every valid vector through', () => {
    const valid = vectors.filter((vector) => vector.valid);
    expect(valid.length).toBeGreaterThan(20);
    for (const { name, signature, publicKey } of valid) {
      expect(passesGuard(fromHex(signature), fromHex(publicKey)), name).toBe(true);
    }
  });

  it('stops by itself all small orders, large S, non-canonical points and wrong lengths', () => {
    const own = vectors.filter(({ name }) =>
      /^(A|R|A and R) (is|are) \d|^S \+|^S = [L2]|y = p|of \d+ bytes$/.test(name),
    );
    const stopped = own.filter(({ valid, name }) => !valid && name !== 'S = L - 1' && name !== 'S = 2^252');
    expect(stopped.length).toBeGreaterThan(90);
    for (const { name, signature, publicKey } of stopped) {
      expect(passesGuard(fromHex(signature), fromHex(publicKey)), name).toBe(false);
    }
  });

  it('takes S below L and no S from L on', () => {
    for (const s of [0n, 1n, L - 1n, 1n << 252n]) expect(passesGuard(signature(s), key), `${s}`).toBe(s < L);
    for (const s of [L, L + 1n, 2n * L, (1n << 253n) - 1n, 1n << 255n, (1n << 256n) - 1n]) {
      expect(passesGuard(signature(s), key), `${s}`).toBe(false);
    }
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (s) => {
        expect(passesGuard(signature(s), key)).toBe(s < L);
      }),
    );
  });

  it('takes any length without a complaint and only 64 and 32 bytes as good', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 50 }), (bytes, publicKey) => {
        if (bytes.length !== 64 || publicKey.length !== 32) expect(passesGuard(bytes, publicKey)).toBe(false);
      }),
    );
    expect(passesGuard(signature(1n), key)).toBe(true);
  });
});

describe('a usable point', () => {
  it('has a y below p, whatever its sign bit', () => {
    const y = fc.oneof(
      fc.bigInt({ min: 2n, max: 2n ** 255n - 1n }),
      fc.bigInt({ min: P - 20n, max: 2n ** 255n - 1n }),
      fc.bigInt({ min: 2n, max: 300n }),
    );
    fc.assert(
      fc.property(y, fc.boolean(), (value, sign) => {
        const usable = isUsablePoint(littleEndian(value | (sign ? 1n << 255n : 0n)));
        expect(usable).toBe(value < P - 1n);
      }),
    );
  });

  it('is none of the five y of small order, with either sign', () => {
    const eight = BigInt(
      `0x${Buffer.from(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05').reverse()).toString('hex')}`,
    );
    for (const y of [0n, 1n, P - 1n, eight, P - eight, P, P + 1n]) {
      for (const sign of [0n, 1n << 255n]) expect(isUsablePoint(littleEndian(y | sign)), `${y}`).toBe(false);
    }
    for (const y of [2n, P - 2n, eight + 1n, eight - 1n]) expect(isUsablePoint(littleEndian(y))).toBe(true);
  });
});
