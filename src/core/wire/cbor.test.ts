import { decode as cborgDecode, encode as cborgEncode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { CborError, CborReader, CborWriter, type Uint64 } from './cbor.ts';

type Item = number | bigint | string | boolean | Uint8Array | readonly Item[];

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function halves(value: bigint): Uint64 {
  return { hi: Number(value >> 32n), lo: Number(value & 0xffffffffn) };
}

function write(w: CborWriter, item: Item): CborWriter {
  if (typeof item === 'number') return w.uint(item);
  if (typeof item === 'bigint') return w.uint64(halves(item));
  if (typeof item === 'string') return w.text(item);
  if (typeof item === 'boolean') return w.boolean(item);
  if (item instanceof Uint8Array) return w.bytes(item);
  w.array(item.length);
  for (const one of item) write(w, one);
  return w;
}

function encode(item: Item): Uint8Array {
  return write(new CborWriter(), item).finish();
}

/** Reads whatever item comes next, by its first byte. */
function readAny(bytes: Uint8Array, r: CborReader, depth = 0): Item {
  const first = bytes[r.offset];
  const max = bytes.length;
  if (first === undefined || depth > 20) throw new CborError('nothing left, or too deep for this test');
  if (first === 0xf4 || first === 0xf5) return r.boolean();
  switch (first >> 5) {
    case 0: {
      const { hi, lo } = r.uint64();
      return (BigInt(hi) << 32n) | BigInt(lo);
    }
    case 2:
      return r.bytes(0, max);
    case 3:
      return r.text(max);
    default:
      return r.list(max, (inner) => readAny(bytes, inner, depth + 1));
  }
}

function decode(bytes: Uint8Array): Item {
  const r = new CborReader(bytes);
  const item = readAny(bytes, r);
  r.end();
  return item;
}

/** cborg, told to be as strict as the subset. */
const STRICT = { strict: true, allowIndefinite: false, allowUndefined: false, rejectDuplicateMapKeys: true };

const items = fc.letrec<{ item: Item; leaf: Item }>((tie) => ({
  leaf: fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: 0n, max: 70000n }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.boolean(),
  ),
  item: fc.oneof(
    { depthSize: 'small' },
    tie('leaf'),
    fc.array(tie('item'), { maxLength: 30 }) as fc.Arbitrary<Item>,
  ),
})).item;

/** cborg gives numbers where they are safe and bigints above; ours gives bigints here. */
function widened(item: unknown): Item {
  if (typeof item === 'number') return BigInt(item);
  if (Array.isArray(item)) return item.map(widened);
  return item as Item;
}

describe('what the writer writes', () => {
  // RFC 8949 appendix A, the items of the subset
  it.each<[Item, string]>([
    [0, '00'],
    [1, '01'],
    [10, '0a'],
    [23, '17'],
    [24, '1818'],
    [25, '1819'],
    [100, '1864'],
    [1000, '1903e8'],
    [1000000, '1a000f4240'],
    [1000000000000, '1b000000e8d4a51000'],
    [18446744073709551615n, '1bffffffffffffffff'],
    [false, 'f4'],
    [true, 'f5'],
    [new Uint8Array(0), '40'],
    [Uint8Array.of(1, 2, 3, 4), '4401020304'],
    ['', '60'],
    ['a', '6161'],
    ['IETF', '6449455446'],
    ['"\\', '62225c'],
    ['\u00fc', '62c3bc'],
    ['\u6c34', '63e6b0b4'],
    ['\ud800\udd51', '64f0908591'],
    [[], '80'],
    [[1, 2, 3], '83010203'],
    [[1, [2, 3], [4, 5]], '8301820203820405'],
    [
      Array.from({ length: 25 }, (_, n) => n + 1),
      '98190102030405060708090a0b0c0d0e0f101112131415161718181819',
    ],
  ])('is for %s the bytes of RFC 8949', (item, expected) => {
    expect(toHex(encode(item))).toBe(expected);
    expect(encode(decode(fromHex(expected)))).toEqual(fromHex(expected));
  });

  it('is what cborg writes, for any item', () => {
    fc.assert(
      fc.property(items, (item) => {
        expect(encode(item)).toEqual(Uint8Array.from(cborgEncode(item)));
      }),
    );
  });

  it('is read by cborg as the same item, and what cborg writes is read by us', () => {
    fc.assert(
      fc.property(items, (item) => {
        expect(widened(cborgDecode(encode(item), STRICT))).toEqual(widened(item));
        expect(decode(Uint8Array.from(cborgEncode(item)))).toEqual(widened(item));
      }),
    );
  });

  it('is the same whatever room the writer began with', () => {
    fc.assert(
      fc.property(items, fc.nat(40), (item, hint) => {
        const w = write(new CborWriter(hint), item);
        expect(w.finish()).toEqual(encode(item));
        expect(w.length).toBe(encode(item).length);
      }),
    );
  });

  it('changes form exactly where a shorter one ends', () => {
    const lengths = [23, 24, 255, 256, 65535, 65536, 0xffffffff, 0x100000000, Number.MAX_SAFE_INTEGER];
    expect(lengths.map((value) => encode(value).length)).toEqual([1, 2, 2, 3, 3, 5, 5, 9, 9]);
    for (const value of lengths) expect(new CborReader(encode(value)).uint()).toBe(value);
    expect(encode(2n ** 53n)).toEqual(fromHex('1b0020000000000000'));
    expect(encode(2n ** 53n - 1n)).toEqual(encode(Number.MAX_SAFE_INTEGER));
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'is never %d: that is a programmer error',
    (value) => {
      expect(() => new CborWriter().uint(value)).toThrow(RangeError);
    },
  );
});

/** cborg drops a byte-order mark at the start of a text; we keep it, because two byte strings must not read the same. */
function withoutMarks(item: Item): Item {
  if (typeof item === 'string') return item.replace(/^\uFEFF/, '');
  return Array.isArray(item) ? item.map(withoutMarks) : item;
}

it('keeps a byte-order mark as content', () => {
  expect(decode(fromHex('63efbbbf'))).toBe('\ufeff');
});

describe('what the reader refuses', () => {
  it.each([
    ['nothing', ''],
    ['23 in two bytes', '1817'],
    ['255 in three bytes', '1900ff'],
    ['65535 in five bytes', '1a0000ffff'],
    ['2^32 - 1 in nine bytes', '1b00000000ffffffff'],
    ['an empty byte string with a length in two bytes', '5800'],
    ['a text with a length in three bytes', '79000161'],
    ['an array with a count in two bytes', '980100'],
    ['a byte string of indefinite length', '5f4101ff'],
    ['a text string of indefinite length', '7f6161ff'],
    ['an array of indefinite length', '9f01ff'],
    ['a map of indefinite length', 'bf616101ff'],
    ['a lone break', 'ff'],
    ['reserved additional information 28', '1c'],
    ['reserved additional information 29', '5d'],
    ['reserved additional information 30', '9e'],
    ['a negative integer', '20'],
    ['a map', 'a10102'],
    ['an empty map', 'a0'],
    ['a tag', 'c11a514b67b0'],
    ['a bignum', 'c249010000000000000000'],
    ['a half float', 'f93c00'],
    ['a single float', 'fa47c35000'],
    ['a double float', 'fb3ff199999999999a'],
    ['null', 'f6'],
    ['undefined', 'f7'],
    ['simple value 16', 'f0'],
    ['true in two bytes', 'f815'],
    ['a text that is not UTF-8', '61ff'],
    ['a text with a surrogate', '63eda080'],
    ['an integer cut short', '19ff'],
    ['a byte string cut short', '4201'],
    ['a text cut short', '6261'],
    ['an array cut short', '8201'],
    ['an item after the item', '0000'],
  ])('includes %s', (_, hex) => {
    expect(() => decode(fromHex(hex))).toThrow(CborError);
  });

  it('includes every item cut short anywhere, and every item with a byte after it', () => {
    fc.assert(
      fc.property(items, fc.nat(), (item, at) => {
        const bytes = encode(item);
        expect(() => decode(bytes.subarray(0, at % bytes.length))).toThrow(CborError);
        expect(() => decode(Uint8Array.of(...bytes, 0))).toThrow(CborError);
      }),
    );
  });

  it('leaves one spelling of everything: what any random input is read as is written as that input', () => {
    const heads = fc.constantFrom(...fromHex('0017181900401a4158595b60617879808182989a9bf4f51b5a7aff'));
    const noise = fc
      .array(fc.oneof(heads, fc.nat(255)), { maxLength: 24 })
      .map((bytes) => Uint8Array.from(bytes));
    let accepted = 0;
    fc.assert(
      fc.property(noise, (bytes) => {
        let item: Item;
        try {
          item = decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CborError);
          return;
        }
        accepted++;
        expect(encode(item)).toEqual(bytes);
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('includes whatever cborg refuses to read as the subset, and cborg reads the same item from the rest', () => {
    const mutated = fc.tuple(items, fc.nat(), fc.nat(255)).map(([item, at, byte]) => {
      const bytes = encode(item);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(mutated, (bytes) => {
        let ours: Item | undefined;
        try {
          ours = decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CborError);
        }
        if (ours !== undefined) expect(widened(cborgDecode(bytes, STRICT))).toEqual(withoutMarks(ours));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a claimed length', () => {
  const claims = [
    '5affffffff',
    '5b7fffffffffffffff',
    '5bffffffffffffffff',
    '7affffffff',
    '7b0000000100000000',
  ];
  const arrays = ['9affffffff', '9b7fffffffffffffff', '9bffffffffffffffff', '99ffff'];

  it.each(claims)('of %s bytes is refused', (hex) => {
    const huge = Number.MAX_SAFE_INTEGER;
    expect(() => new CborReader(fromHex(hex)).bytes(0, huge)).toThrow(CborError);
    expect(() => new CborReader(fromHex(hex)).text(huge)).toThrow(CborError);
  });

  it.each(arrays)('of %s items is refused before any item is read', (hex) => {
    let read = 0;
    const r = new CborReader(fromHex(`${hex}0000`));
    expect(() => r.list(Number.MAX_SAFE_INTEGER, () => read++)).toThrow(CborError);
    expect(read).toBe(0);
  });

  it('costs no memory: huge claims leave the heap as it was', () => {
    const claim = fromHex('5b000000007fffffff');
    const before = process.memoryUsage().arrayBuffers;
    for (let n = 0; n < 100_000; n++) {
      try {
        new CborReader(claim).bytes(0, Number.MAX_SAFE_INTEGER);
      } catch (error) {
        if (!(error instanceof CborError)) throw error;
      }
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('what a caller expects', () => {
  it('is kept to in size and in kind', () => {
    const bytes = encode(Uint8Array.of(1, 2, 3));
    expect(new CborReader(bytes).bytes(3, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(() => new CborReader(bytes).bytes(4, 9)).toThrow(CborError);
    expect(() => new CborReader(bytes).bytes(0, 2)).toThrow(CborError);
    expect(() => new CborReader(bytes).text(9)).toThrow(CborError);
    expect(() => new CborReader(bytes).uint()).toThrow(CborError);
    expect(() => new CborReader(bytes).boolean()).toThrow(CborError);
    expect(() => new CborReader(encode('é')).text(1)).toThrow(CborError);
    expect(() => new CborReader(encode(256)).uint(255)).toThrow(CborError);
    expect(() => new CborReader(encode(2n ** 53n)).uint()).toThrow(CborError);
    expect(() => new CborReader(encode([1, 2])).array(1)).toThrow(CborError);
    expect(() => new CborReader(encode([1, 2])).tuple(1)).toThrow(CborError);
    expect(() => new CborReader(encode([1, 2])).tuple(3)).toThrow(CborError);
  });

  it('comes as views into the input, with offsets that fit', () => {
    const bytes = encode([Uint8Array.of(7, 8), 'x']);
    const r = new CborReader(bytes);
    r.tuple(2);
    const start = r.offset;
    const view = r.bytes(0, 9);
    expect(view.buffer).toBe(bytes.buffer);
    expect(r.slice(start, r.offset)).toEqual(encode(Uint8Array.of(7, 8)));
    expect(r.done).toBe(false);
    r.text(9);
    expect(r.done).toBe(true);
    r.end();
  });

  it('is not confused by input that is itself a view', () => {
    const bytes = encode([1, 'two']);
    const padded = Uint8Array.of(9, 9, ...bytes, 9);
    expect(decode(padded.subarray(2, 2 + bytes.length))).toEqual([1n, 'two']);
    expect(() => decode(padded.subarray(2, 1 + bytes.length))).toThrow(CborError);
  });
});
