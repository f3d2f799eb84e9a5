import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AMENDS } from '../message/amend.ts';
import { readSignedHeader } from '../message/header.ts';
import { fromHex, openclaw, readVectors } from '../message/message.fixture.ts';
import { MESSAGE_KIND } from '../message/message.ts';
import { type FeedRecord, supersededOf } from './feed.ts';

const record: fc.Arbitrary<FeedRecord> = fc.record({
  time: fc.record({ timeMs: fc.nat(3), counter: fc.nat(1) }),
  id: fc.uint8Array({ minLength: 2, maxLength: 2, max: 2 }),
  expiresMs: fc.constantFrom(0, 0, 0, 5),
});
/** Records as peers see them: each id once. */
const records = fc.uniqueArray(record, {
  maxLength: 12,
  selector: ({ time, id }) => `${time.timeMs} ${time.counter} ${id.join()}`,
});
const kinds = fc.constantFrom(MESSAGE_KIND.post, MESSAGE_KIND.recoveryCertificate, 77);

function survivors(kind: number, all: readonly FeedRecord[]): readonly FeedRecord[] {
  const gone = supersededOf(kind, all);
  return all.filter((one) => !gone.includes(one));
}

const { vectors } = readVectors<{
  vectors: { name: string; kind: number; records: { bytes: string; survives: boolean }[] }[];
}>('feed.json');

describe('the rule of a feed', () => {
  it.each(vectors)('holds for the vector: $name', ({ kind, records: all }) => {
    const headers = all.map(({ bytes }) => readSignedHeader(openclaw, fromHex(bytes), new Uint8Array(64)));
    const gone = supersededOf(kind, headers);
    expect(headers.map((one) => !gone.includes(one))).toEqual(all.map(({ survives }) => survives));
    expect(headers.every(({ amends, kind: own }) => amends === AMENDS.nothing && own === kind)).toBe(true);
  });

  it('gives the same whatever came together, in whatever order', () => {
    const parts = records.chain((all) =>
      fc.record({
        all: fc.constant(all),
        one: fc.subarray(all),
        shuffled: fc.shuffledSubarray(all, { minLength: all.length }),
      }),
    );
    const property = fc.property(kinds, parts, (kind, { all, one, shuffled }) => {
      const expected = new Set(survivors(kind, all));
      expect(new Set(survivors(kind, shuffled))).toEqual(expected);
      const rest = all.filter((record) => !one.includes(record));
      const merged = [...survivors(kind, one), ...survivors(kind, rest)];
      expect(new Set(survivors(kind, merged))).toEqual(expected);
      // One after the other, each looked at with what survives so far.
      let kept: readonly FeedRecord[] = [];
      for (const next of shuffled) kept = survivors(kind, [...kept, next]);
      expect(new Set(kept)).toEqual(expected);
    });
    fc.assert(property);
  });

  it('keeps one of a kind, two certificates, and nothing that expires', () => {
    const of = (timeMs: number, expiresMs = 0): FeedRecord => {
      return { time: { timeMs, counter: 0 }, id: Uint8Array.of(timeMs), expiresMs };
    };
    const [a, b, c, gone] = [of(1), of(2), of(3), of(4, 9)];
    expect(survivors(77, [b, gone, c, a])).toEqual([c]);
    expect(survivors(MESSAGE_KIND.recoveryCertificate, [c, b, gone, a])).toEqual([b, a]);
    expect(survivors(77, [gone])).toEqual([]);
  });
});
