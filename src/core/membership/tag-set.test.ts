/** Sets of tags against sets of text, and the code of filters. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64url, toHex } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { sha256 } from '../message/message.fixture.ts';
import { tagOf } from '../peer.fixture.ts';
import { Random } from '../random.ts';
import { toSet } from './records.ts';
import { decodeRice, encodeRice } from './rice.ts';
import { TagSet, wordsOf } from './tag-set.ts';

/** Few different ones, so that sets meet. */
const tags = fc
  .tuple(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff), fc.constantFrom(0, 5, 0xffffffff))
  .map(([hi, lo]) => toBase64url(new TagSet(true, Uint32Array.of(hi, lo)).toBytes()));
const lists = fc.array(tags, { maxLength: 12 });

describe('a set of tags', () => {
  it('is the set that its texts are, in the order of their bytes', () => {
    fc.assert(
      fc.property(lists, lists, (a, b) => {
        const [left, right] = [TagSet.of(a), TagSet.of(b)];
        expect(left.texts()).toEqual(toSet(a));
        expect(left.plus(right).texts()).toEqual(toSet([...a, ...b]));
        expect(left.minus(right).texts()).toEqual(toSet(a.filter((tag) => !b.includes(tag))));
        expect(TagSet.ofBytes(true, left.toBytes())).toEqual(left);
        for (const tag of [...a, ...b]) expect(left.has(wordsOf(tag))).toBe(a.includes(tag));
      }),
    );
  });

  it('as a filter has every tag that it had, and few others', () => {
    const mine = Array.from({ length: 5000 }, (_, n) => tagOf(`mine ${n}`));
    const filter = TagSet.of(mine).toFilter();
    expect(mine.every((tag) => filter.has(wordsOf(tag)))).toBe(true);
    const others = Array.from({ length: 20_000 }, (_, n) => tagOf(`other ${n}`));
    // 20,000 x 5000 / 2^32: 0.02 are to be expected
    expect(others.filter((tag) => filter.has(wordsOf(tag))).length).toBeLessThan(2);
  });
});

describe('the code of filters', () => {
  it('gives back any set, and no other bytes give it', () => {
    const sets = fc
      .uniqueArray(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 60 })
      .map((numbers) => Uint32Array.from(numbers).sort());
    fc.assert(
      fc.property(sets, fc.nat(), (numbers, at) => {
        const bytes = encodeRice(numbers);
        expect(decodeRice(bytes, numbers.length)).toEqual(numbers);
        const other = bytes.slice();
        other[at % other.length] = (other[at % other.length] as number) ^ (1 << (at % 8));
        const decoded = decodeRice(other, numbers.length);
        if (decoded) expect(encodeRice(decoded)).toEqual(other);
      }),
    );
  });

  it.each([
    [[0], '00000000'],
    [[2 ** 32 - 1], 'bfffffff80'],
    [[0, 1, 2, 3], '000000000000000000000000000000'],
    [[5, 2 ** 31], '0000000b7ffffff4'],
  ])('of %j is %s', (numbers, hex) => {
    expect(toHex(encodeRice(Uint32Array.from(numbers)))).toBe(hex);
  });

  it.each([4097, 10_000, LIMITS.relayTagsMax])('takes 18 to 22 bits for each of %i hashes', (count) => {
    const random = new Random(sha256(Uint8Array.of(count & 255)));
    const numbers = new Set<number>();
    while (numbers.size < count) numbers.add(random.uint32());
    const bits = (8 * encodeRice(Uint32Array.from(numbers).sort()).length) / count;
    expect(bits).toBeGreaterThan(17.5);
    expect(bits).toBeLessThan(22);
  });

  it('of the most tags fits into a record, wherever they lie', () => {
    const dense = Uint32Array.from({ length: LIMITS.relayTagsMax }, (_, i) => i);
    const last = Uint32Array.from(dense, (i) => 2 ** 32 - LIMITS.relayTagsMax + i);
    const even = Uint32Array.from(dense, (i) => i * 87_381);
    for (const numbers of [dense, last, even])
      expect(encodeRice(numbers).length + 64).toBeLessThan(LIMITS.signedRecordBytesMax);
  });
});
