import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { Vain } from './vain.ts';

const MANY = LIMITS.reconcileVainMin + 1;

/** Compares a window whenever it may be. @returns after how long each time, ms */
function waits(vain: Vain, found: readonly number[]): number[] {
  const out: number[] = [];
  let now = 0;
  for (const ids of found) {
    vain.compared('a', ids, now);
    const begun = now;
    while (!vain.mayCompare('a', now)) now += 1000;
    out.push(now - begun);
  }
  return out;
}

describe('windows compared in vain', () => {
  it('wait longer each time, up to an hour', () => {
    const times = waits(
      new Vain(10),
      Array.from({ length: 12 }, () => MANY),
    );
    expect(times.slice(0, 4)).toEqual([25_000, 50_000, 100_000, 200_000]);
    expect(times.at(-1)).toBe(LIMITS.retryMaxMs);
  });

  it('do not wait where little is found, and less long again when half of it has come', () => {
    expect(waits(new Vain(10), [MANY - 1])).toEqual([0]);
    expect(waits(new Vain(10), [4 * MANY, 4 * MANY, 2 * MANY, 2 * MANY, 0, MANY])).toEqual([
      25_000, 50_000, 25_000, 50_000, 0, 25_000,
    ]);
  });

  it('are apart from each other, and only so many are remembered', () => {
    const vain = new Vain(2);
    for (const window of ['a', 'b', 'a', 'c']) vain.compared(window, MANY, 0);
    expect(['a', 'b', 'c', 'd'].map((window) => vain.mayCompare(window, 1000))).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });
});
