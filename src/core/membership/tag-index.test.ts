/** The index against a map of sets, and that nobody who chooses tags can make it walk. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { sha256 } from '../message/message.fixture.ts';
import { halfSipHash } from './half-sip-hash.ts';
import { RelayMap } from './map.ts';
import { TagIndex } from './tag-index.ts';
import { NO_TAGS, TagSet } from './tag-set.ts';

const idOf = (n: number): string => toBase64url(sha256(Uint8Array.of(n, n >> 8)));
const textOf = (hi: number, lo: number): string =>
  toBase64url(new TagSet(true, Uint32Array.of(hi, lo)).toBytes());

/** `count` tags with one upper half, from `from` on. */
function aimed(hi: number, from: number, count: number): TagSet {
  const words = new Uint32Array(2 * count);
  for (let i = 0; i < count; i++) words.set([hi, from + i], 2 * i);
  return new TagSet(true, words);
}

describe('HalfSipHash-1-3', () => {
  it('is what the Linux kernel has of one word and of two', () => {
    // lib/tests/siphash_kunit.c, test_vectors_hsiphash[4] and [8]
    const key = [0x03020100, 0x07060504] as const;
    expect(halfSipHash(key, 0x03020100) >>> 0).toBe(0x7e059ea6);
    expect(halfSipHash(key, 0x03020100, 0x07060504) >>> 0).toBe(0x577999b1);
  });
});

describe('the interest of all relays', () => {
  /** Few different ones, so that they meet, and half of them filters. */
  const tag = fc.tuple(fc.constantFrom(0, 1, 0x80000000, 0xffffffff), fc.constantFrom(0, 5, 0xffffffff));
  const step = fc.record({
    relay: fc.nat({ max: 5 }),
    tags: fc.option(fc.array(tag, { maxLength: 12 })),
    isExact: fc.boolean(),
  });
  const key = fc.tuple(fc.integer(), fc.integer());

  it('is what a map of sets says, whoever changed, became a filter, or went', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), key, (steps, secret) => {
        const map = new RelayMap(idOf(99), secret);
        const model = new Map<string, (hi: number, lo: number) => boolean>();
        for (const { relay, tags, isExact } of steps) {
          const peer = idOf(relay);
          if (tags === null) {
            map.remove(peer);
            model.delete(peer);
            continue;
          }
          const set = TagSet.of(tags.map(([hi, lo]) => textOf(hi, lo)));
          map.setTags(peer, isExact ? set : set.toFilter());
          model.set(peer, (hi, lo) => tags.some((one) => one[0] === hi && (!isExact || one[1] === lo)));
        }
        for (const hi of [0, 1, 0x80000000, 0xffffffff, 7])
          for (const lo of [0, 5, 0xffffffff, 7]) {
            const holders = [...model].filter(([, has]) => has(hi, lo)).map(([peer]) => peer);
            expect([...map.holdersOf(textOf(hi, lo))].sort()).toEqual(holders.sort());
          }
      }),
    );
  });
});

describe('the index', () => {
  it('grows, and uses what was freed', () => {
    const index = new TagIndex([7, 8]);
    const tags = aimed(3, 0, 5000);
    const all = Array.from({ length: tags.size }, (_, i) => i);
    for (let round = 0; round < 3; round++) {
      const entries = all.map((i) => index.add(tags, i, i % 100));
      expect(Math.max(...entries)).toBe(4999);
      let found = 0;
      for (const i of all) index.find({ hi: 3, lo: i }, (relay) => (found += Number(relay === i % 100)));
      expect(found).toBe(5000);
      for (const entry of entries) index.delete(entry);
    }
  });

  it('looks at few others where tags differ in some bits only, in either half', () => {
    const shapes: ((n: number) => [number, number])[] = [
      (n) => [0xabcdef01, n],
      (n) => [0xabcdef01, (n << 16) >>> 0],
      (n) => [(n << 16) >>> 0, 0],
      (n) => [n, n],
    ];
    for (const shape of shapes) {
      const index = new TagIndex([1, 2]);
      const tags = TagSet.of(Array.from({ length: 50_000 }, (_, n) => textOf(...shape(n))));
      for (let i = 0; i < tags.size; i++) index.add(tags, i, 1);
      let looked = 0;
      for (let n = 0; n < 50_000; n++) {
        const [hi, lo] = shape(n);
        looked += index.find({ hi, lo }, () => undefined);
      }
      // At most one entry for each place: itself, those that share its place, and those in the place of its upper half.
      expect(looked / 50_000).toBeLessThan(3.5);
    }
  });

  it('looks at holders of the very tag only, however many hold others with its upper half', () => {
    const index = new TagIndex([3, 4]);
    const [relays, each] = [200, 4096];
    const sets = Array.from({ length: relays }, (_, n) => aimed(0xabcdef01, n * each, each));
    const own = aimed(0xabcdef01, 0xffff0000, 1);
    index.add(own, 0, relays);
    const entries = sets.map((set, n) => Int32Array.from({ length: each }, (_, i) => index.add(set, i, n)));
    const found: number[] = [];
    expect(index.find({ hi: 0xabcdef01, lo: 0xffff0000 }, (relay) => found.push(relay))).toBeLessThan(30);
    expect(found).toEqual([relays]);
    for (const mine of entries) for (const entry of mine) index.delete(entry);
    expect(index.find({ hi: 0xabcdef01, lo: 0xffff0000 }, () => undefined)).toBe(1);
  });
});

describe('a map of relays that all list one upper half', () => {
  // Where a chain is walked for each tag, either takes hours; nothing here measures time.
  it.each([
    ['with other lower halves each', 4096],
    ['with the same lower halves', 0],
  ])('%s takes, changes and forgets them', (_, stride) => {
    const map = new RelayMap(idOf(9999), [5, 6]);
    const relays = 200;
    for (let n = 0; n < relays; n++) map.setTags(idOf(n), aimed(9, n * stride, 4096));
    for (let n = 0; n < relays; n++) map.setTags(idOf(n), aimed(9, n * stride + 2 ** 30, 4096));
    expect(map.holdersOf(textOf(9, 0)).size).toBe(0);
    expect(map.holdersOf(textOf(9, 2 ** 30)).size).toBe(stride === 0 ? relays : 1);
    for (let n = 0; n < relays; n++) map.setTags(idOf(n), NO_TAGS);
    expect(map.holdersOf(textOf(9, 2 ** 30)).size).toBe(0);
  });
});
