import { describe, expect, it } from 'vitest';
import type { SignatureCheck } from '../core/message/verified.ts';
import { createSigner, createVerifier, generatePrivateKey } from '../crypto/index.ts';
import { ManualLater } from './testing/later.ts';
import { Verifier } from './verifier.ts';

const signer = createSigner(generatePrivateKey());
const { verify } = createVerifier();

/** A genuine signature, or one of something else. */
function check(n: number, isGenuine = true): SignatureCheck {
  const data = Uint8Array.of(n >> 8, n & 255);
  const signature = signer.sign(isGenuine ? data : Uint8Array.of(1, 2, 3));
  return { data, signature, publicKey: signer.publicKey };
}

const toVerify = (token: number, checks: SignatureCheck[], isBulk = true) =>
  ({ kind: 'verify', token, checks, isBulk }) as const;

const many = (length: number): SignatureCheck[] => Array.from({ length }, (_, i) => check(i, i % 3 > 0));

function setUp(options: { checkMs?: number } = {}) {
  const later = new ManualLater();
  const answered: { token: number; proofs: boolean[] }[] = [];
  let checked = 0;
  const verifier = new Verifier({
    verify: (...args) => {
      checked++;
      return verify(...args);
    },
    later,
    clock: () => later.nowMs + checked * (options.checkMs ?? 0),
    onVerified: (token, proofs) =>
      answered.push({ token, proofs: proofs.map((proof) => proof !== undefined) }),
  });
  return { later, answered, verifier, checked: () => checked };
}

const expected = (length: number): boolean[] => Array.from({ length }, (_, i) => i % 3 > 0);

describe('checking signatures', () => {
  it('happens at once, and of a bulk some at a time, each in its place', () => {
    const { verifier, later, answered, checked } = setUp();
    verifier.add(toVerify(1, many(100)));
    verifier.add(toVerify(2, many(40), false));
    expect(answered).toEqual([{ token: 2, proofs: expected(40) }]);
    for (const count of [32, 64, 96, 100]) {
      later.pass(1);
      expect(checked()).toBe(40 + count);
    }
    expect(answered.slice(1)).toEqual([{ token: 1, proofs: expected(100) }]);
    expect(later.waiting).toEqual([]);
  });

  it('of a bulk takes a share of the time while others come, and all of it when nobody does', () => {
    const { verifier, later, checked } = setUp({ checkMs: 0.05 });
    verifier.add(toVerify(1, many(1), false));
    for (const token of [2, 3, 4]) verifier.add(toVerify(token, many(128)));
    later.pass();
    expect(later.waiting[0]).toBeCloseTo(32 * 0.05 * 4);
    later.pass(1000);
    later.pass();
    later.pass();
    expect(checked()).toBe(1 + 3 * 128);
    expect(later.waiting).toEqual([]);
  });

  it('of a bulk rests before the next one too', () => {
    const { verifier, later, checked } = setUp({ checkMs: 0.05 });
    verifier.add(toVerify(1, many(1), false));
    verifier.add(toVerify(2, many(20)));
    later.pass();
    expect(checked()).toBe(21);
    verifier.add(toVerify(3, many(20)));
    expect(later.waiting[0]).toBeCloseTo(20 * 0.05 * 4);
  });

  it('makes the caller wait where too much does', () => {
    const { verifier, later, answered, checked } = setUp();
    for (let token = 1; token <= 9; token++) verifier.add(toVerify(token, many(256)));
    expect(checked()).toBe(256);
    expect(answered.map(({ token }) => token)).toEqual([1]);
    verifier.discard();
    expect(later.waiting).toEqual([]);
    later.pass();
    expect(checked()).toBe(256);
  });
});
