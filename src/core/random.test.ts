import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';

/** The reference, written after the authors' C code (prng.di.unimi.it/xoshiro128starstar.c) with big integers. */
function reference(words: readonly number[], count: number): number[] {
  const mask = 0xffffffffn;
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  const s = words.map(BigInt) as [bigint, bigint, bigint, bigint];
  const out: number[] = [];
  for (let n = 0; n < count; n++) {
    out.push(Number((rotl((s[1] * 5n) & mask, 7n) * 9n) & mask));
    const t = (s[1] << 9n) & mask;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11n);
  }
  return out;
}

const seed = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .filter((bytes) => bytes.some((byte) => byte !== 0));

function words(bytes: Uint8Array): number[] {
  return [0, 4, 8, 12].map((at) => Buffer.from(bytes).readUInt32BE(at));
}

describe('Random', () => {
  it('starts from the state 1, 2, 3, 4 with the published numbers', () => {
    const random = new Random(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4));
    const got = Array.from({ length: 6 }, () => random.uint32());
    expect(got).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492]);
    expect(got).toEqual(reference([1, 2, 3, 4], 6));
  });

  it('gives the numbers of the reference for any seed', () => {
    fc.assert(
      fc.property(seed, (bytes) => {
        const random = new Random(bytes);
        expect(Array.from({ length: 50 }, () => random.uint32())).toEqual(reference(words(bytes), 50));
      }),
    );
  });

  it('reads its seed from a view at any offset', () => {
    const bytes = Uint8Array.from({ length: 20 }, (_, n) => n);
    const copy = Uint8Array.from(bytes.subarray(3, 19));
    expect(new Random(bytes.subarray(3, 19)).uint32()).toBe(new Random(copy).uint32());
  });

  it('refuses a short seed and survives one of zeros', () => {
    expect(() => new Random(new Uint8Array(15))).toThrow(RangeError);
    const random = new Random(new Uint8Array(16));
    const got = new Set(Array.from({ length: 100 }, () => random.uint32()));
    expect(got.size).toBeGreaterThan(90);
  });

  it('keeps the ranges that it promises', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 0xffffffff }), (bytes, below) => {
        const random = new Random(bytes);
        for (let n = 0; n < 20; n++) {
          const unit = random.unit();
          expect(unit >= 0 && unit < 1).toBe(true);
          const integer = random.below(below);
          expect(Number.isInteger(integer) && integer >= 0 && integer < below).toBe(true);
          const jittered = random.jitter(1000, 0.2);
          expect(jittered >= 800 && jittered <= 1200).toBe(true);
        }
      }),
    );
  });

  it('shuffles into a new array with the same items', () => {
    fc.assert(
      fc.property(seed, fc.array(fc.integer()), (bytes, items) => {
        const before = [...items];
        const shuffled = new Random(bytes).shuffle(items);
        expect(items).toEqual(before);
        expect(shuffled.toSorted((a, b) => a - b)).toEqual(before.toSorted((a, b) => a - b));
        expect(new Random(bytes).shuffle(items)).toEqual(shuffled);
      }),
    );
  });

  it('puts every item on every place about equally often', () => {
    const random = new Random(Uint8Array.from({ length: 16 }, (_, n) => n + 1));
    const counts = Array.from({ length: 3 }, () => [0, 0, 0]);
    for (let n = 0; n < 3000; n++) {
      for (const [place, item] of random.shuffle([0, 1, 2]).entries())
        (counts[item] as number[])[place]! += 1;
    }
    for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});
