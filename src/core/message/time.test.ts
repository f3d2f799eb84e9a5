import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import {
  compareTime,
  fromTimeBytes,
  fromUint64,
  nextTime,
  TIME_END,
  TIME_ZERO,
  type Time,
  toTimeBytes,
  toUint64,
} from './time.ts';

const MS_MAX = 2 ** 47 - 1;
const time: fc.Arbitrary<Time> = fc.record({
  timeMs: fc.oneof(fc.integer({ min: 0, max: MS_MAX }), fc.constantFrom(0, 0xffff, 0x10000, MS_MAX)),
  counter: fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0xffff)),
});

describe('a time', () => {
  it('is ms x 2^16 + counter as one integer', () => {
    fc.assert(
      fc.property(time, (one) => {
        const { hi, lo } = toUint64(one);
        expect((BigInt(hi) << 32n) | BigInt(lo)).toBe(BigInt(one.timeMs) * 65536n + BigInt(one.counter));
      }),
    );
  });

  it('comes back from its integer and from its eight bytes', () => {
    fc.assert(
      fc.property(time, (one) => {
        expect(fromUint64(toUint64(one))).toEqual(one);
        expect(fromTimeBytes(toTimeBytes(one))).toEqual(one);
      }),
    );
  });

  it('sorts as its eight bytes do', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        expect(Math.sign(compareTime(a, b))).toBe(Math.sign(compare(toTimeBytes(a), toTimeBytes(b))));
      }),
    );
  });

  it('reads its bytes from a view at any offset', () => {
    const bytes = Uint8Array.of(9, 9, ...toTimeBytes({ timeMs: 5, counter: 6 }), 9);
    expect(fromTimeBytes(bytes.subarray(2, 10))).toEqual({ timeMs: 5, counter: 6 });
  });

  it('ends below 2^63', () => {
    expect(toUint64(TIME_END)).toEqual({ hi: 0x7fffffff, lo: 0xffffffff });
    expect(fromUint64({ hi: 0x80000000, lo: 0 })).toBeUndefined();
    expect(fromUint64({ hi: 0xffffffff, lo: 0xffffffff })).toBeUndefined();
    expect(() => fromTimeBytes(new Uint8Array(8).fill(255))).toThrow(RangeError);
  });
});

describe('the next time', () => {
  const wallMs = 1_780_000_000_000;
  const horizon = wallMs + LIMITS.clockFollowMs;
  const near: fc.Arbitrary<Time> = fc.record({
    timeMs: fc.oneof(
      fc.integer({ min: wallMs - 1000, max: horizon + 1000 }),
      fc.constantFrom(0, wallMs - 1, wallMs, wallMs + 1, horizon - 1, horizon, horizon + 1, MS_MAX),
    ),
    counter: fc.constantFrom(0, 1, 0xfffe, 0xffff),
  });

  it('is the wall clock when nothing newer is known', () => {
    expect(nextTime(wallMs, TIME_ZERO, TIME_ZERO)).toEqual({ timeMs: wallMs, counter: 0 });
    expect(nextTime(wallMs, { timeMs: wallMs - 1, counter: 9 }, TIME_ZERO)).toEqual({
      timeMs: wallMs,
      counter: 0,
    });
  });

  it('counts within a millisecond and goes to the next one when the counter is full', () => {
    const own = { timeMs: wallMs, counter: 7 };
    expect(nextTime(wallMs, own, TIME_ZERO)).toEqual({ timeMs: wallMs, counter: 8 });
    const full = { timeMs: wallMs, counter: 0xffff };
    expect(nextTime(wallMs, full, TIME_ZERO)).toEqual({ timeMs: wallMs + 1, counter: 0 });
  });

  it('follows what was seen up to 60 s ahead and nothing further', () => {
    const seen = { timeMs: horizon, counter: 3 };
    expect(nextTime(wallMs, TIME_ZERO, seen)).toEqual({ timeMs: horizon, counter: 4 });
    const far = { timeMs: horizon + 1, counter: 0 };
    expect(nextTime(wallMs, TIME_ZERO, far)).toEqual({ timeMs: wallMs, counter: 0 });
  });

  it('restarts from the wall clock when the own newest message lies further ahead', () => {
    const own = { timeMs: wallMs + 3_600_000, counter: 5 };
    expect(nextTime(wallMs, own, TIME_ZERO)).toEqual({ timeMs: wallMs, counter: 0 });
  });

  it('is not dragged past 60 s by a full counter at the edge', () => {
    const edge = { timeMs: horizon, counter: 0xffff };
    expect(nextTime(wallMs, TIME_ZERO, edge)).toEqual({ timeMs: wallMs, counter: 0 });
    const own = { timeMs: wallMs + 10, counter: 3 };
    expect(nextTime(wallMs, own, edge)).toEqual({ timeMs: wallMs + 10, counter: 4 });
    expect(nextTime(wallMs, edge, TIME_ZERO)).toEqual({ timeMs: wallMs, counter: 0 });
  });

  it('lies between the wall clock and 60 s ahead, and after all that it follows', () => {
    fc.assert(
      fc.property(near, near, (own, seen) => {
        const next = nextTime(wallMs, own, seen);
        expect(next.timeMs).toBeGreaterThanOrEqual(wallMs);
        expect(next.timeMs).toBeLessThanOrEqual(horizon);
        expect(next.counter).toBeLessThanOrEqual(0xffff);
        const room = { timeMs: horizon, counter: 0xffff };
        if (compareTime(own, room) < 0) expect(compareTime(next, own)).toBeGreaterThan(0);
        if (compareTime(seen, room) < 0) expect(compareTime(next, seen)).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps the messages of one author apart and in order while the clock stands still', () => {
    let own: Time = TIME_ZERO;
    for (let n = 0; n < 70_000; n++) {
      const next = nextTime(wallMs, own, TIME_ZERO);
      if (compareTime(next, own) <= 0) throw new Error(`message ${n} is not after the one before`);
      own = next;
    }
    expect(own).toEqual({ timeMs: wallMs + 1, counter: 70_000 - 0x10000 - 1 });
  });
});
