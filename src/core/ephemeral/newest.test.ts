import { describe, expect, it } from 'vitest';
import { NewestOfRuns } from './newest.ts';

/** Bytes in the order of the letters. */
const id = (letter: string) => new Uint8Array(32).fill(letter.charCodeAt(0));
const at = (timeMs: number, counter = 0) => ({ timeMs, counter });

describe('what is newest of a run', () => {
  it('has the later time, and of two with one time the larger id', () => {
    const runs = new NewestOfRuns(10, 1000);
    expect(runs.isNew('r', at(5, 1), id('b'))).toBe(true);
    runs.set('r', at(5, 1), id('b'), 0);
    expect(runs.isNew('r', at(5, 1), id('b'))).toBe(false);
    expect([runs.isNew('r', at(5, 0), id('c')), runs.isNew('r', at(4, 9), id('c'))]).toEqual([false, false]);
    expect([runs.isNew('r', at(5, 1), id('a')), runs.isNew('r', at(5, 1), id('c'))]).toEqual([false, true]);
    expect([runs.isNew('r', at(5, 2), id('a')), runs.isNew('other', at(0), id('a'))]).toEqual([true, true]);
  });

  it('is remembered for a while, and of many runs for those that changed last', () => {
    const runs = new NewestOfRuns(2, 1000);
    runs.set('a', at(1), id('x'), 0);
    runs.set('b', at(1), id('x'), 1);
    runs.set('a', at(2), id('x'), 2);
    runs.set('c', at(1), id('x'), 3);
    expect(['a', 'b', 'c'].map((run) => runs.isNew(run, at(0), id('x')))).toEqual([false, true, false]);
    runs.tick(1002);
    expect(runs.size).toBe(2);
    runs.tick(1003);
    expect(['a', 'c'].map((run) => runs.isNew(run, at(0), id('x')))).toEqual([true, false]);
    runs.tick(5000);
    expect(runs.size).toBe(0);
  });
});
