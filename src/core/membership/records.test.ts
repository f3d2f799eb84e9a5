import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, equal, fromBase64url, EMPTY as NONE, toBase64url, toHex, utf8 } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { Random } from '../random.ts';
import { damage, pick } from '../wire/damage.fixture.ts';
import { decodeRecord, encodeRecord, recordPurpose, type SignedContent, toSet } from './records.ts';
import { TagSet } from './tag-set.ts';

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const peer = exactly(32).map(toBase64url);
const sequence = fc.maxSafeNat();
const tagSets = fc.array(exactly(8).map(toBase64url), { maxLength: 20 }).map((tags) => TagSet.of(tags));
const filters = tagSets.map((set) => set.toFilter());
const linksAndCosts = fc.array(peer, { maxLength: LIMITS.recordLinksMax }).chain((drawn) => {
  const links = toSet(drawn);
  const costs = fc.array(fc.nat({ max: 255 }), { minLength: links.length, maxLength: links.length });
  return fc.record({ links: fc.constant(links), costs });
});
const peerRecords = fc
  .record({
    kind: fc.constant(1 as const),
    peer,
    sequence,
    urls: fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: LIMITS.recordAddressesMax }),
    claims: linksAndCosts,
    expiresMs: fc.maxSafeNat(),
  })
  .map(({ claims, ...rest }) => ({ ...rest, ...claims }));
const interestRecords = fc.record({
  kind: fc.constant(2 as const),
  peer,
  sequence,
  tags: tagSets,
});
const filterRecords = fc.record({
  kind: fc.constant(2 as const),
  peer,
  sequence,
  tags: filters.filter(({ size }) => size > 0),
});
const deltas = fc.constantFrom(tagSets, filters).chain((sets) =>
  fc.record({
    kind: fc.constant(3 as const),
    peer,
    base: fc.constant(0),
    sequence: sequence.map((n) => Math.max(1, n)),
    added: sets,
    removed: sets,
  }),
);
const anyRecord: fc.Arbitrary<SignedContent> = fc.oneof(peerRecords, interestRecords, filterRecords, deltas);

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const tag = (n: number): Uint8Array => Uint8Array.of(0, 0, 0, 0, 0, 0, n >> 8, n & 255);
const many = <T>(count: number, item: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => item(n));
/** in the order of their texts */
const sorted = (items: Uint8Array[]): Uint8Array[] =>
  toSet(items.map(toBase64url)).map((text) => fromBase64url(text) as Uint8Array);

describe('a record', () => {
  it('comes back as it was written, for any content', () => {
    fc.assert(
      fc.property(anyRecord, (content) => {
        expect(decodeRecord(encodeRecord(content))).toEqual(content);
      }),
    );
  });

  it('is the array that the protocol says, written by another encoder', () => {
    const urls = ['ws://a/', 'wss://b.example/'];
    expect(
      toHex(
        encodeRecord({
          ...{ kind: 1, peer: toBase64url(id(1)), sequence: 7, urls, expiresMs: 9 },
          ...{ links: [toBase64url(id(3))], costs: [12] },
        }),
      ),
    ).toBe(toHex(encode([1, id(1), 7, urls, [id(3)], Uint8Array.of(12), 9])));
    const about = { peer: toBase64url(id(2)), sequence: 2 ** 40 };
    const [five, six] = [5, 6].map((n) => TagSet.of([toBase64url(tag(n))])) as [TagSet, TagSet];
    expect(toHex(encodeRecord({ kind: 2, ...about, tags: five.plus(six) }))).toBe(
      toHex(encode([2, id(2), 2 ** 40, concat(tag(5), tag(6))])),
    );
    // one number, 0: 31 bits of remainder behind the end of an empty quotient
    expect(toHex(encodeRecord({ kind: 2, ...about, tags: five.toFilter() }))).toBe(
      toHex(encode([2, id(2), 2 ** 40, 1, new Uint8Array(4)])),
    );
    expect(toHex(encodeRecord({ kind: 3, ...about, base: 9, added: five, removed: six }))).toBe(
      toHex(encode([3, id(2), 2 ** 40, 9, true, tag(5), tag(6)])),
    );
    expect([1, 2, 3].map((kind) => recordPurpose(kind as 1 | 2 | 3))).toEqual([
      'peer record',
      'interest record',
      'interest delta',
    ]);
  });

  const links = (count: number) => sorted(many(count, (n) => id(n + 1)));
  const tags = (count: number) => sorted(many(count, tag));
  const costs = (count: number) => new Uint8Array(count).fill(255);
  it.each([
    ['an address too many', [1, id(1), 0, many(LIMITS.recordAddressesMax + 1, () => 'ws://a/'), [], NONE, 0]],
    ['an address of 257 bytes', [1, id(1), 0, ['u'.repeat(LIMITS.urlBytesMax + 1)], [], NONE, 0]],
    [
      'a link too many',
      [1, id(1), 0, [], links(LIMITS.recordLinksMax + 1), costs(LIMITS.recordLinksMax + 1), 0],
    ],
    ['links in descending order', [1, id(1), 0, [], links(2).reverse(), costs(2), 0]],
    ['a link twice', [1, id(1), 0, [], [id(2), id(2)], costs(2), 0]],
    ['a link of 31 bytes', [1, id(1), 0, [], [id(2).slice(1)], costs(1), 0]],
    ['a cost too few', [1, id(1), 0, [], links(2), costs(1), 0]],
    ['a cost too many', [1, id(1), 0, [], links(1), costs(2), 0]],
    ['costs as numbers', [1, id(1), 0, [], links(1), [1], 0]],
    ['a key of 33 bytes', [1, new Uint8Array(33), 0, [], [], NONE, 0]],
    ['a sequence of 2^53', [1, id(1), 2n ** 53n, [], [], NONE, 0]],
    ['an expiry of 2^53', [1, id(1), 0, [], [], NONE, 2n ** 53n]],
    ['no expiry', [1, id(1), 0, [], [], NONE]],
    ['the shape of the other kind', [1, id(1), 0, []]],
    ['kind 0', [0, id(1), 0, []]],
    ['kind 4', [4, id(1), 0, NONE]],
    ['a list of tags', [2, id(1), 0, []]],
    ['a tag too many', [2, id(1), 0, concat(...tags(LIMITS.tagsMax + 1))]],
    ['tags in descending order', [2, id(1), 0, concat(tag(2), tag(1))]],
    ['a tag twice', [2, id(1), 0, concat(tag(1), tag(1))]],
    ['a tag of 7 bytes', [2, id(1), 0, new Uint8Array(7)]],
    ['a filter of nothing', [2, id(1), 0, 0, NONE]],
    ['a filter of more tags than may be', [2, id(1), 0, LIMITS.relayTagsMax + 1, new Uint8Array(111_000)]],
    ['a filter of more tags than it has bits for', [2, id(1), 0, LIMITS.relayTagsMax, new Uint8Array(1000)]],
    ['a filter with a byte too many', [2, id(1), 0, 1, new Uint8Array(5)]],
    ['a filter whose last bits are not zero', [2, id(1), 0, 2, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)]],
    ['a number of 2^32 in a filter', [2, id(1), 0, 1, Uint8Array.of(0xc0, 0, 0, 0, 0)]],
    ['all ones for a filter', [2, id(1), 0, 100, new Uint8Array(400).fill(255)]],
    ['a delta on itself', [3, id(1), 7, 7, true, NONE, NONE]],
    ['a delta that adds a tag twice', [3, id(1), 7, 6, true, concat(tag(1), tag(1)), NONE]],
    ['a delta with half a tag', [3, id(1), 7, 6, true, new Uint8Array(4), NONE]],
    ['a delta with a tag too many', [3, id(1), 7, 6, true, concat(...tags(LIMITS.tagsMax + 1)), NONE]],
    ['a delta with a field too many', [3, id(1), 7, 6, true, NONE, NONE, 0]],
    ['nothing', []],
    ['a text', 'record'],
  ])('is none with %s', (_, items) => {
    expect(decodeRecord(encode(items))).toBeUndefined();
  });

  it('may be as large as its bounds', () => {
    const urls = many(LIMITS.recordAddressesMax, () => 'u'.repeat(LIMITS.urlBytesMax));
    expect(
      decodeRecord(
        encode([
          ...[1, id(1), 0, urls],
          ...[links(LIMITS.recordLinksMax), costs(LIMITS.recordLinksMax), 2 ** 53 - 1],
        ]),
      ),
    ).toBeDefined();
    expect(decodeRecord(encode([2, id(1), 0, concat(...tags(LIMITS.tagsMax))]))).toBeDefined();
  });

  it('has one spelling, and 100,000 damaged ones throw nothing', () => {
    const random = new Random(utf8('fuzz decodeRecord, seed 1'));
    const originals = fc.sample(anyRecord, { numRuns: 40, seed: 1 }).map(encodeRecord);
    let accepted = 0;
    for (let round = 0; round < 100_000; round++) {
      let bytes = pick(random, originals);
      for (let k = random.below(3); k >= 0; k--) bytes = damage(random, bytes, pick(random, originals));
      const content = decodeRecord(bytes);
      if (content === undefined) continue;
      accepted++;
      if (!equal(encodeRecord(content), bytes)) throw new Error(`round ${round}: ${toHex(bytes)}`);
    }
    expect(accepted).toBeGreaterThan(1000);
    expect(accepted).toBeLessThan(70_000);
  });
});
