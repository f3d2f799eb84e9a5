import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, toBase64url, toHex } from '../bytes.ts';
import { sha256 } from '../message/message.fixture.ts';
import { combine, fingerprint } from './fingerprint.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** The same by other means: digits to the base 128, most significant first, high bit on all but the last. */
function varint(value: bigint): number[] {
  const digits =
    value
      .toString(2)
      .padStart(70, '0')
      .match(/.{7}/g)
      ?.map((bits) => Number.parseInt(bits, 2)) ?? [];
  const first = digits.findIndex((digit) => digit !== 0);
  const used = first < 0 ? [0] : digits.slice(first);
  return used.map((digit, i) => (i === used.length - 1 ? digit : digit | 128));
}

describe('a fingerprint', () => {
  it('is 16 bytes of SHA-256 over sum and count, as negentropy writes them', () => {
    fc.assert(
      fc.property(bytes(32), fc.maxSafeNat(), (sum, count) => {
        const expected = sha256(concat(sum, Uint8Array.from(varint(BigInt(count)))));
        expect(toHex(fingerprint(sha256, { sum, count }))).toBe(toHex(expected.slice(0, 16)));
      }),
    );
  });

  it('tells an empty set from one whose ids add up to zero', () => {
    const sum = new Uint8Array(32);
    expect(fingerprint(sha256, { sum, count: 0 })).not.toEqual(fingerprint(sha256, { sum, count: 2 }));
  });

  it('of several channels depends on each tag and fingerprint', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ tag: bytes(8), fingerprint: bytes(16) }), { maxLength: 4 }),
        (parts) => {
          const expected = sha256(concat(...parts.flatMap((part) => [part.tag, part.fingerprint])));
          const texts = parts.map((part) => ({ ...part, tag: toBase64url(part.tag) }));
          expect(combine(sha256, texts)).toEqual(expected.slice(0, 16));
        },
      ),
    );
  });
});
