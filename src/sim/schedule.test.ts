import { describe, expect, it } from 'vitest';
import { Random } from '../core/random.ts';
import { Schedule } from './schedule.ts';

describe('the schedule', () => {
  it('does things in order of time, and at equal times in the order in which they were asked for', () => {
    const schedule = new Schedule();
    const random = new Random(new Uint8Array(16).fill(3));
    const done: { at: number; order: number }[] = [];
    for (let order = 0; order < 500; order++) {
      const at = random.below(50);
      schedule.after(at, () => done.push({ at, order }));
    }
    schedule.runUntil(100);
    expect(done).toEqual(done.toSorted((a, b) => a.at - b.at || a.order - b.order));
    expect(done).toHaveLength(500);
    expect(schedule.nowMs).toBe(100);
  });

  it('does what was asked for by what it does, and nothing later than asked', () => {
    const schedule = new Schedule();
    const times: number[] = [];
    const again = () => {
      times.push(schedule.nowMs);
      schedule.after(10, again);
    };
    schedule.after(5, again);
    schedule.runUntil(30);
    expect(times).toEqual([5, 15, 25]);
    schedule.runUntil(35);
    expect(times).toEqual([5, 15, 25, 35]);
  });
});
