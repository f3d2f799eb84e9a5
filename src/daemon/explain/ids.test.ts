import { describe, expect, it } from 'vitest';
import { compare, fromBase64url } from '../../core/bytes.ts';
import { rangeOf } from './ids.ts';

const ID = 'o32buEYOn53-axTlxkwPzdZNfFX7Ih80Pid4hmutQyg';
const bytes = fromBase64url(ID) as Uint8Array;

describe('the beginning of an id', () => {
  it.each([6, 7, 12, 42, 43])('of %d characters stands for a range that has the id in it', (length) => {
    const { from, until } = rangeOf(ID.slice(0, length));
    expect([from.length, until.length]).toEqual([32, 32]);
    expect(compare(from, bytes)).toBeLessThanOrEqual(0);
    expect(compare(bytes, until)).toBeLessThanOrEqual(0);
    expect(length === 43).toBe(compare(from, until) === 0);
  });

  it('stands for no id that begins otherwise', () => {
    const { from, until } = rangeOf(ID.slice(0, 6));
    for (const other of ['o32buD', 'o32buF']) {
      const id = fromBase64url(`${other}${ID.slice(6)}`) as Uint8Array;
      expect(compare(id, from) >= 0 && compare(id, until) <= 0).toBe(false);
    }
  });

  it.each(['', 'o32bu', `${ID}A`, 'o32buE!', `${ID.slice(0, 42)}h`, 'o32 uEYO'])('is not %j', (text) => {
    expect(() => rangeOf(text)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });
});
