import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, toHex } from '../../bytes.ts';
import { LIMITS } from '../../limits.ts';
import { fromHex, readVectors, sha256 } from '../../message/message.fixture.ts';
import type { Position } from '../../persistence.ts';
import { compareBounds, INFINITY, isInfinity } from './bounds.ts';
import { decodeMessage, MessageWriter, type Range } from './codec.ts';
import { anyRanges } from './ranges.fixture.ts';
import { initiate, proceed, respond, STYLE } from './reconcile.ts';
import { readVarint, uint64, VARINT_BYTES_MAX, varint, writeVarint } from './varint.ts';
import { EVERYTHING, run, VectorStore } from './vector-store.fixture.ts';

interface RangeVector {
  readonly upper: { readonly timeMs: number; readonly counter: number; readonly id: string } | null;
  readonly mode: Range['mode'];
  readonly fingerprint?: string;
  readonly ids?: readonly string[];
}
interface Known {
  readonly timeMs: number;
  readonly counter: number;
  readonly id: string;
}
interface Conversation {
  readonly name: string;
  readonly initiator: readonly Known[];
  readonly responder: readonly Known[];
  readonly turns: readonly string[];
  readonly have: readonly string[];
  readonly need: readonly string[];
}
const vectors = readVectors<{
  messages: { name: string; ranges: RangeVector[]; bytes: string }[];
  invalid: { name: string; reason: string; bytes: string }[];
  conversations: Conversation[];
}>('negentropy.json');

function boundOf({ timeMs, counter, id }: Known): Position {
  return { time: { timeMs, counter }, id: fromHex(id) };
}

function rangeOf({ upper, mode, fingerprint, ids }: RangeVector): Range {
  const place = upper ? boundOf(upper) : INFINITY;
  if (mode === 'skip') return { upper: place, mode };
  if (mode === 'fingerprint') return { upper: place, mode, fingerprint: fromHex(fingerprint ?? '') };
  return { upper: place, mode, ids: (ids ?? []).map(fromHex) };
}

function encode(ranges: readonly Range[]): Bytes {
  const writer = new MessageWriter(LIMITS.reconcileBytesMax);
  for (const range of ranges) writer.write(range);
  return writer.finish();
}

describe('the vectors of negentropy', () => {
  it.each(vectors.messages)('is written and read: $name', ({ ranges, bytes }) => {
    expect(toHex(encode(ranges.map(rangeOf)))).toBe(bytes);
    expect(decodeMessage(fromHex(bytes))).toEqual({ ok: true, ranges: ranges.map(rangeOf) });
  });

  it.each(vectors.invalid)('is refused: $name', ({ reason, bytes }) => {
    expect(decodeMessage(fromHex(bytes))).toEqual({ ok: false, reason });
  });

  it.each(vectors.conversations)('go like this: $name', (one) => {
    const scope = {
      sha256,
      window: EVERYTHING,
      style: { ...STYLE, listBelow: { initiator: 32, responder: 32 } },
    };
    const [initiator, responder] = [one.initiator, one.responder].map(
      (items) => new VectorStore(items.map(boundOf), { pieces: 16 }),
    ) as [VectorStore, VectorStore];
    const [first = '', answer = ''] = one.turns;
    const ranges = (message: string): readonly Range[] => {
      const decoded = decodeMessage(fromHex(message));
      return decoded.ok ? decoded.ranges : [];
    };
    expect(toHex(run(initiate(scope), initiator))).toBe(first);
    expect(toHex(run(respond(scope, ranges(first)), responder))).toBe(answer);
    const { message, have, need } = run(proceed(scope, ranges(answer)), initiator);
    expect({ message, have: have.map(toHex), need: need.map(toHex) }).toEqual({
      message: undefined,
      have: one.have,
      need: one.need,
    });
  });
});

describe('a message of a reconciliation', () => {
  it('is read as it was written, whatever its ranges are', () => {
    const property = fc.property(anyRanges, (ranges) => {
      const bytes = encode(ranges);
      expect(decodeMessage(bytes)).toEqual({ ok: true, ranges });
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('has at most so many bytes and ranges', () => {
    const ids = Array.from({ length: 1875 }, () => new Uint8Array(32));
    const longest = encode([{ upper: INFINITY, mode: 'idList', ids: ids.slice(1) }]);
    expect(decodeMessage(longest)).toMatchObject({ ok: true });
    const padded = new Uint8Array(LIMITS.reconcileBytesMax + 1);
    padded.set(longest);
    expect(decodeMessage(padded)).toEqual({ ok: false, reason: 'too large' });
    expect(() => encode([{ upper: INFINITY, mode: 'idList', ids }])).toThrow(RangeError);
    const skips = (count: number) =>
      encode(
        Array.from({ length: count }, (_, i): Range => {
          return { upper: { time: { timeMs: i + 1, counter: 0 }, id: new Uint8Array(0) }, mode: 'skip' };
        }),
      );
    expect(decodeMessage(skips(LIMITS.reconcileRangesMax))).toMatchObject({ ok: true });
    expect(decodeMessage(skips(LIMITS.reconcileRangesMax + 1))).toEqual({ ok: false, reason: 'too large' });
  });
});

describe('a varint', () => {
  it('is that of bigints, in both directions', () => {
    const property = fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(64), (big, shift) => {
      const value = big >> BigInt(shift);
      const pair = { hi: Number(value >> 32n), lo: Number(value & 0xffffffffn) };
      const out = new Uint8Array(VARINT_BYTES_MAX);
      const end = writeVarint(out, 0, pair);
      let read = 0n;
      for (const byte of out.subarray(0, end)) read = (read << 7n) | BigInt(byte & 127);
      expect(read).toBe(value);
      expect(end).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)));
      expect(readVarint(out.subarray(0, end), 0)).toEqual({ value: pair, end });
    });
    fc.assert(property);
  });

  it('of a count has its digits', () => {
    const texts = [0, 127, 128, 200, 16384, 2 ** 53 - 1].map((count) => toHex(varint(count)));
    expect(texts).toEqual(['00', '7f', '8100', '8148', '818000', '8fffffffffffff7f']);
    expect(uint64(2 ** 53 - 1)).toEqual({ hi: 2 ** 21 - 1, lo: 2 ** 32 - 1 });
  });
});

describe('the order of bounds', () => {
  it('takes the missing bytes of a prefix for zeros', () => {
    const at = (id: string, timeMs = 5) => ({ time: { timeMs, counter: 0 }, id: fromHex(id) });
    expect(compareBounds(at(''), at('00'.repeat(32)))).toBe(0);
    expect(compareBounds(at('80'), at('8000'))).toBe(0);
    expect(compareBounds(at('80'), at('8001'))).toBeLessThan(0);
    expect(compareBounds(at('81'), at('80ff'))).toBeGreaterThan(0);
    expect(compareBounds(at('ff', 4), at(''))).toBeLessThan(0);
    expect(compareBounds(INFINITY, { ...INFINITY, id: new Uint8Array(32).fill(255) })).toBeGreaterThan(0);
    expect([INFINITY, at('ff'.repeat(32))].map(isInfinity)).toEqual([true, false]);
  });
});
