import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addSum,
  compare,
  concat,
  equal,
  fromBase64url,
  idFromText,
  subtractSum,
  textOf,
  toBase64url,
  toHex,
  utf8,
} from './bytes.ts';

const anyBytes = fc.uint8Array({ maxLength: 100 });
const id = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('base64url', () => {
  // RFC 4648 section 10, without padding; the last two need the two characters of section 5
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('writes and reads the vector %j of RFC 4648', (text, encoded) => {
    expect(toBase64url(utf8(text))).toBe(encoded);
    expect(fromBase64url(encoded)).toEqual(utf8(text));
  });

  it('uses - and _ for 62 and 63', () => {
    expect(toBase64url(Uint8Array.of(0xfb, 0xff, 0xbf))).toBe('-_-_');
    expect(fromBase64url('-_-_')).toEqual(Uint8Array.of(0xfb, 0xff, 0xbf));
  });

  it('writes what Buffer writes and reads it back, for any bytes', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = toBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(fromBase64url(text)).toEqual(bytes);
      }),
    );
  });

  it('accepts no text but the one that it writes', () => {
    const alphabet = [...'ABCDwxyz0189-_+/= \n\u0100é'];
    const texts = fc.oneof(
      fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 }),
      fc.string({ maxLength: 12 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = fromBase64url(text);
        if (bytes !== undefined) expect(toBase64url(bytes)).toBe(text);
      }),
    );
  });

  it.each([
    'A',
    'AAAAA',
    'Zg==',
    'Zm8=',
    'Zh',
    'Zm9',
    'Zm9v\n',
    ' Zm9v',
    'Zm9+',
    'Zm9/',
    'Zm9v.',
    'é',
    'Zm\u0139v',
  ])('refuses %j', (text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });
});

describe('id texts', () => {
  it('accepts exactly one of the four spellings that a lax decoder takes for one key', () => {
    fc.assert(
      fc.property(id, (bytes) => {
        const text = toBase64url(bytes);
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        const last = alphabet.indexOf(text.slice(-1));
        const spellings = [0, 1, 2, 3].map((spare) => text.slice(0, -1) + alphabet[(last & 60) | spare]);
        for (const spelling of spellings)
          expect(Buffer.from(spelling, 'base64url')).toEqual(Buffer.from(bytes));
        expect(spellings.filter((spelling) => idFromText(spelling) !== undefined)).toEqual([text]);
      }),
    );
  });

  it('refuses every length but 43', () => {
    for (const length of [0, 1, 42, 44, 64]) expect(idFromText('A'.repeat(length))).toBeUndefined();
    expect(idFromText('A'.repeat(43))).toEqual(new Uint8Array(32));
  });
});

describe('text', () => {
  it('comes back from UTF-8 as it was, with a byte-order mark and NUL too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(textOf(utf8(text))).toBe(text);
      }),
    );
    expect(textOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
    expect(textOf(Uint8Array.of(0))).toBe('\0');
  });

  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL of three bytes', [0xe0, 0x80, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a sequence cut short', [0xe2, 0x82]],
    ['a byte that UTF-8 never has', [0xff]],
  ])('is refused for %s', (_, bytes) => {
    expect(textOf(Uint8Array.from(bytes))).toBeUndefined();
  });
});

describe('comparing and joining', () => {
  it('orders bytes as Buffer does', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(Math.sign(compare(a, b))).toBe(Buffer.compare(a, b));
        expect(equal(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(equal(a, Uint8Array.from(a))).toBe(true);
      }),
    );
  });

  it('joins any number of parts into fresh memory', () => {
    fc.assert(
      fc.property(fc.array(anyBytes, { maxLength: 5 }), (parts) => {
        const joined = concat(...parts);
        expect(joined).toEqual(Uint8Array.from(Buffer.concat(parts)));
        for (const part of parts) expect(joined.buffer).not.toBe(part.buffer);
      }),
    );
  });

  it('writes hexadecimal with both digits', () => {
    expect(toHex(Uint8Array.of(0, 15, 16, 255))).toBe('000f10ff');
  });
});

describe('sums modulo 2^256', () => {
  const toBig = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes.toReversed())}`);
  const sumOf = (ids: readonly Uint8Array[]) => {
    const sum = new Uint8Array(32);
    for (const one of ids) addSum(sum, one);
    return sum;
  };

  it('are the sums of little-endian numbers', () => {
    fc.assert(
      fc.property(fc.array(id, { maxLength: 8 }), (ids) => {
        const expected = ids.reduce((sum, one) => sum + toBig(one), 0n) % (1n << 256n);
        expect(toBig(sumOf(ids))).toBe(expected);
      }),
    );
  });

  it('do not depend on the order, and subtracting undoes adding', () => {
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 8 }), (ids) => {
        expect(sumOf(ids.toReversed())).toEqual(sumOf(ids));
        const sum = sumOf(ids);
        subtractSum(sum, ids[0] as Uint8Array);
        expect(sum).toEqual(sumOf(ids.slice(1)));
      }),
    );
  });

  it('carry over all bytes', () => {
    const sum = new Uint8Array(32).fill(255);
    const one = Uint8Array.of(1, ...new Uint8Array(31));
    addSum(sum, one);
    expect(sum).toEqual(new Uint8Array(32));
    subtractSum(sum, one);
    expect(sum).toEqual(new Uint8Array(32).fill(255));
  });
});
