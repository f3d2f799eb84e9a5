import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, utf8 } from '../core/bytes.ts';
import { createEphemeral, type SessionKeys } from './ephemeral.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

// RFC 7748 section 6.1
const ALICE = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
const ALICE_PUBLIC = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
const BOB = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
const BOB_PUBLIC = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
const SHARED = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
const TRANSCRIPT = utf8('transcript');

/** HKDF-SHA256 for 32 bytes, written out from RFC 5869 section 2. */
function hkdf(secret: Uint8Array, salt: Uint8Array, info: string): string {
  const key = createHmac('sha256', salt).update(secret).digest();
  return createHmac('sha256', key)
    .update(concat(utf8(info), Uint8Array.of(1)))
    .digest('hex');
}

describe('two ephemeral keys', () => {
  it('agree on the keys that RFC 7748 and RFC 5869 give', () => {
    const [alice, bob] = [createEphemeral(ALICE), createEphemeral(BOB)];
    expect(text(alice.publicKey)).toBe(ALICE_PUBLIC);
    expect(text(bob.publicKey)).toBe(BOB_PUBLIC);
    const keys = alice.agree(bob.publicKey, TRANSCRIPT) as SessionKeys;
    expect(bob.agree(alice.publicKey, TRANSCRIPT)).toEqual(keys);
    expect(text(keys.dialler)).toBe(hkdf(SHARED, TRANSCRIPT, 'mesh/2 link\0dialler'));
    expect(text(keys.responder)).toBe(hkdf(SHARED, TRANSCRIPT, 'mesh/2 link\0responder'));
    expect(keys.dialler).not.toEqual(keys.responder);
    expect(keys.dialler).toHaveLength(32);
  });

  it('agree whenever they are fresh, and on something else for another transcript or another key', () => {
    const [a, b, c] = [createEphemeral(), createEphemeral(), createEphemeral()];
    const keys = a.agree(b.publicKey, TRANSCRIPT);
    expect(b.agree(a.publicKey, TRANSCRIPT)).toEqual(keys);
    expect(a.agree(b.publicKey, utf8('another'))).not.toEqual(keys);
    expect(c.agree(b.publicKey, TRANSCRIPT)).not.toEqual(keys);
  });
});

describe('an ephemeral key', () => {
  // every encoding of a u that X25519 takes to zero: 0, 1, -1 and the two of order 8, and the same plus p
  it.each([
    ['0', '00'.repeat(32)],
    ['1', `01${'00'.repeat(31)}`],
    ['order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['order 8, the other', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
    ['p - 1', `ec${'ff'.repeat(30)}7f`],
    ['p', `ed${'ff'.repeat(30)}7f`],
    ['p + 1', `ee${'ff'.repeat(30)}7f`],
    ['0 with the unused bit', `${'00'.repeat(31)}80`],
  ])('agrees on nothing with u = %s, where the result is all zero', (_, publicKey) => {
    expect(createEphemeral().agree(hex(publicKey), TRANSCRIPT)).toBeUndefined();
  });

  it('agrees on nothing with a key of another length', () => {
    const one = createEphemeral();
    for (const length of [0, 31, 33, 64]) {
      expect(one.agree(new Uint8Array(length).fill(9), TRANSCRIPT)).toBeUndefined();
    }
  });

  it('throws nothing for any 32 bytes', () => {
    const one = createEphemeral(ALICE);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (theirs) => {
        expect(one.agree(theirs, TRANSCRIPT)?.dialler.length ?? 32).toBe(32);
      }),
    );
  });

  it('is not made from a secret of another length', () => {
    for (const length of [0, 31, 33])
      expect(() => createEphemeral(new Uint8Array(length))).toThrow(RangeError);
  });
});
