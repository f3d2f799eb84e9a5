/** What is taken for newcomers between two looks at the store, and what is not. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETENTION } from '../defaults.ts';
import type { KeptFor } from '../interest/kept-for.ts';
import { LIMITS } from '../limits.ts';
import { Estimates } from './estimates.ts';
import { roomOf } from './plan.ts';
import { shareOut } from './shares.ts';

const ROOM = 1000;

function estimates(whom: Readonly<Record<string, KeptFor>>) {
  const full: string[] = [];
  const keptFor = new Map(Object.entries(whom));
  const made = new Estimates({
    roomOf: (use) => roomOf(use, DEFAULT_RETENTION, undefined),
    keptFor: { now: () => keptFor, recent: () => keptFor },
    newcomerBytes: ROOM,
    newcomersFull: (group) => full.push(group),
  });
  const uses = (sizes: Readonly<Record<string, number>>) =>
    Object.entries(sizes).map(([tag, bytes]) => ({ tag, messages: 1, bytes, ownBytes: 0, floorHour: 0 }));
  const look = (sizes: Readonly<Record<string, number>>) => made.replace(uses(sizes));
  const cut = (sizes: Readonly<Record<string, number>>) =>
    shareOut(
      uses(sizes).map((use) => roomOf(use, DEFAULT_RETENTION, undefined)),
      keptFor,
      { ofGroup: ROOM, ofAll: Number.MAX_SAFE_INTEGER },
    )
      .filter(({ use, bytesMax }) => use.bytes > bytesMax)
      .map(({ use }) => use.tag);
  const shut = () => Object.keys(whom).filter((tag) => made.isShut(tag));
  return { made, look, cut, shut, full };
}

describe('a full address group', () => {
  it('takes nothing more until it is looked at, and then only what is not cut', () => {
    const { made, look, cut, shut, full } = estimates({
      big: ['a'],
      small: ['a'],
      apart: ['b'],
      old: 'known',
    });
    look({ big: 900, small: 50 });
    expect([made.add('big', 20), shut()]).toEqual([false, []]);
    expect([made.add('small', 40), shut(), full]).toEqual([true, ['big', 'small'], ['a']]);
    look({ big: 920, small: 90 });
    expect([shut(), cut({ big: 920, small: 90 })]).toEqual([['big'], ['big']]);
  });

  it('still takes a little for others where what fills it has room in other groups', () => {
    const { made, look, cut, shut } = estimates({ x: ['a', 'b'], y: ['a', 'c'], mine: ['a'] });
    const sizes = { x: 600, y: 600, mine: 10 };
    look(sizes);
    expect([shut(), cut(sizes)]).toEqual([[], []]);
    const more = ROOM * (1 - LIMITS.pruneToShare);
    expect([made.add('mine', more - 1), shut()]).toEqual([false, []]);
    expect([made.add('mine', 2), shut()]).toEqual([true, ['mine']]);
    look({ ...sizes, mine: 10 + more });
    expect(shut()).toEqual([]);
  });
});

describe('what is under way', () => {
  const use = (sizes: Readonly<Record<string, number>>) =>
    Object.entries(sizes).map(([tag, bytes]) => ({ tag, messages: 1, bytes, ownBytes: 0, floorHour: 0 }));

  it('counts before it is on the disk, also where a look finds nothing of it', () => {
    const { made, look, shut } = estimates({ x: ['a'], y: ['a'] });
    look({ x: 500 });
    expect([made.reserve('y', 400), made.reserve('x', 101), shut()]).toEqual([false, true, ['x', 'y']]);
    made.look();
    look({ x: 500 });
    expect(shut()).toContain('x');
    made.release('x', 101, false);
    made.release('y', 400, false);
    expect(shut()).toEqual([]);
    look({ x: 500 });
    expect([made.add('y', 499), shut()]).toEqual([false, []]);
  });

  it('counts if it came to the disk while a look was under way, until the next look', () => {
    const { made, shut } = estimates({ x: ['a'] });
    made.reserve('x', 1001);
    made.look();
    made.release('x', 1001, true);
    made.replace(use({}));
    expect(shut()).toEqual(['x']);
    made.look();
    made.replace(use({}));
    expect(shut()).toEqual([]);
  });
});
