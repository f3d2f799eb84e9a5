import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as daemon from '../daemon/byte-size.ts';
import { parseByteSize, parseSize, sizeText } from './byte-size.ts';

describe('sizes on the command line', () => {
  it('mean what they mean in the options of the daemon', () => {
    const text = fc.oneof(
      fc
        .tuple(
          fc.nat(9999),
          fc.constantFrom('', ' ', '  '),
          fc.constantFrom('', 'B', 'K', 'KB', 'kib', 'MB', 'MiB', 'GB', 'GiB', 'TB', 'TIB', 'PiB'),
        )
        .map((parts) => parts.join('')),
      fc.string(),
    );
    fc.assert(fc.property(text, (size) => parseByteSize(size) === daemon.parseByteSize(size)));
    expect(parseByteSize('100MB')).toBe(1e8);
  });

  it('are refused out of bounds and in unknown units, with what is allowed', () => {
    expect(parseSize('--size', '64MiB', 2 ** 20, 2 ** 50)).toBe(2 ** 26);
    for (const text of ['1', '1M', '1.5GiB', '2000TiB', ''])
      expect(() => parseSize('--size', text, 2 ** 20, 2 ** 50)).toThrow(
        '--size must be a size from 1 MiB to 1024 TiB, such as 100MB',
      );
  });

  it.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [1500, '1.5 KiB'],
    [2 ** 20 - 1, '1024 KiB'],
    [1_500_000, '1.4 MiB'],
    [5e8, '500 MB'],
    [2 ** 30, '1 GiB'],
    [1.5 * 2 ** 30, '1536 MiB'],
    [2 ** 50, '1024 TiB'],
    [123_456_789_012, '115 GiB'],
  ])('are shown: %d as %s', (bytes, words) => {
    expect(sizeText(bytes)).toBe(words);
  });
});
