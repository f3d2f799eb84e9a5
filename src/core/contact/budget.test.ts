import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY, HOUR } from '../limits.ts';
import { type Budget, spentOf } from './budget.ts';

const BUDGET: Budget = { contactHour: 3, contactDay: 5, channelHour: 4, channelDay: 8, hops: 10 };

interface Turn {
  readonly contact: number;
  readonly channel: number;
  readonly atMs: number;
}

/** Takes turns as they are asked for, wherever there is room. */
function run(wishes: readonly Turn[]): Turn[] {
  const taken: Turn[] = [];
  for (const wish of wishes) {
    const count = (of: 'contact' | 'channel', sinceMs: number): number =>
      taken.filter((turn) => turn[of] === wish[of] && turn.atMs > sinceMs).length;
    if (spentOf(BUDGET, wish.atMs, count) === undefined) taken.push(wish);
  }
  return taken;
}

function most(turns: readonly Turn[], of: 'contact' | 'channel', windowMs: number): number {
  return Math.max(
    0,
    ...turns.map(
      (end) =>
        turns.filter(
          (turn) => turn[of] === end[of] && turn.atMs <= end.atMs && turn.atMs > end.atMs - windowMs,
        ).length,
    ),
  );
}

const wish = fc.record({
  contact: fc.integer({ min: 1, max: 3 }),
  channel: fc.integer({ min: 1, max: 2 }),
  atMs: fc.integer({ min: 0, max: 3 * DAY }),
});

describe('a budget', () => {
  it('is kept in every hour and every day, however the messages come', () => {
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 200 }), (wishes) => {
        const taken = run(wishes.toSorted((a, b) => a.atMs - b.atMs));
        expect(most(taken, 'contact', HOUR)).toBeLessThanOrEqual(BUDGET.contactHour);
        expect(most(taken, 'contact', DAY)).toBeLessThanOrEqual(BUDGET.contactDay);
        expect(most(taken, 'channel', HOUR)).toBeLessThanOrEqual(BUDGET.channelHour);
        expect(most(taken, 'channel', DAY)).toBeLessThanOrEqual(BUDGET.channelDay);
      }),
    );
  });

  it('gives all of itself to a slow loop, a turn every minute for two days, and no more', () => {
    const wishes = Array.from({ length: 2880 }, (_, i) => ({ contact: 1, channel: 1, atMs: i * 60_000 }));
    expect(run(wishes)).toHaveLength(2 * BUDGET.contactDay);
  });

  it('counts turns in the future, so that a clock that was set back frees nothing', () => {
    const ahead = Array.from({ length: 3 }, () => ({ contact: 1, channel: 1, atMs: 10 * DAY }));
    expect(run([...ahead, { contact: 1, channel: 1, atMs: DAY }])).toHaveLength(3);
  });

  it('of nothing lets nothing through', () => {
    expect(spentOf({ ...BUDGET, contactHour: 0 }, 0, () => 0)).toBe('contact');
    expect(spentOf({ ...BUDGET, channelDay: 0 }, 0, () => 0)).toBe('channel');
  });
});
