import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteSizeText, parseByteSize } from './byte-size.ts';

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['1073741824', 2 ** 30],
    ['64MiB', 64 * 2 ** 20],
    ['1 GiB', 2 ** 30],
    ['500MB', 5e8],
    ['7kb', 7000],
    ['3tib', 3 * 2 ** 40],
  ])('are read from %j', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(['', '1M', '1.5GiB', '-1', '1e6', '1  GiB', '9007199254740992', '9000TiB', 'MiB', '1B'])(
    'are not read from %j',
    (text) => {
      expect(parseByteSize(text)).toBeUndefined();
    },
  );

  it('are written so that they are read again', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseByteSize(byteSizeText(bytes)) === bytes));
    expect([64 * 2 ** 20, 2 ** 40, 1500, 0].map(byteSizeText)).toEqual(['64MiB', '1TiB', '1500', '0']);
  });
});
