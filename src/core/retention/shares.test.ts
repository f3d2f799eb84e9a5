/** How carried channels share their room, and who gives way. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETENTION } from '../defaults.ts';
import { type KeptFor, keptFor } from '../interest/kept-for.ts';
import { LIMITS } from '../limits.ts';
import { roomOf } from './plan.ts';
import { shareOut } from './shares.ts';

const ALL = Number.MAX_SAFE_INTEGER;

/** What is left of channels of these sizes; 'mine' is joined. */
function share(
  sizes: Readonly<Record<string, number>>,
  whom: Readonly<Record<string, KeptFor>>,
  room: { ofGroup?: number; ofAll?: number },
): Record<string, number> {
  const rooms = Object.entries(sizes).map(([tag, bytes]) => {
    const use = { tag, messages: 1, bytes, ownBytes: 0, floorHour: 0 };
    return roomOf(use, DEFAULT_RETENTION, tag === 'mine' ? {} : undefined);
  });
  const shared = shareOut(rooms, new Map(Object.entries(whom)), { ofGroup: ALL, ofAll: ALL, ...room });
  return Object.fromEntries(
    shared.map(({ use, bytesMax }) => [use.tag, Math.min(use.bytes, Math.floor(bytesMax))]),
  );
}

describe('the room of newcomers', () => {
  const whom = { a: ['10.1'], b: ['10.1'], c: ['10.2'], d: 'known', e: 'anybody' } as const;

  it('is one for each address group, and touches nobody else', () => {
    const sizes = { a: 500, b: 700, c: 800, d: 2000, e: 2000, mine: 5000 };
    expect(share(sizes, whom, { ofGroup: 1000 })).toEqual({ ...sizes, a: 450, b: 450 });
    expect(share(sizes, whom, { ofGroup: 1200 })).toEqual(sizes);
  });

  it('is that of the group with more room where several want a channel', () => {
    const both = { a: ['10.1'], b: ['10.1', '10.2'] };
    expect(share({ a: 900, b: 400 }, both, { ofGroup: 1000 })).toEqual({ a: 500, b: 400 });
    expect(share({ a: 900, b: 1100 }, both, { ofGroup: 1000 })).toEqual({ a: 450, b: 900 });
  });
});

describe('under pressure', () => {
  const whom = { fresh: ['10.1'], asked: 'anybody', old: 'known' } as const;
  const sizes = { nobody: 1000, fresh: 1000, asked: 1000, old: 5000, mine: 9000 };
  const left = (ofAll: number) => share(sizes, whom, { ofAll: Math.ceil(ofAll / LIMITS.pruneToShare) });

  it('nothing goes where all fits', () => {
    expect(share(sizes, whom, { ofAll: 8000 })).toEqual(sizes);
  });

  it('a channel counts no more than it may have, as one that was joined and left', () => {
    const left = 20 * DEFAULT_RETENTION.carried.bytes;
    expect(share({ ...sizes, left }, { ...whom, left: 'known' }, { ofAll: left / 2 })).toEqual({
      ...{ ...sizes, left: DEFAULT_RETENTION.carried.bytes },
    });
  });

  it('what newcomers or nobody want goes first, then what nobody known wants, and joined channels never', () => {
    expect(left(7180)).toEqual({ ...sizes, nobody: 590, fresh: 590 });
    expect(left(6400)).toEqual({ ...sizes, nobody: 400, fresh: 400, asked: 800, old: 4800 });
    expect(left(0)).toEqual({ nobody: 0, fresh: 0, asked: 0, old: 0, mine: 9000 });
  });

  it('an eighth stays for each kind that gives way, as far as it needs it', () => {
    expect(left(4000)).toEqual({ nobody: 250, fresh: 250, asked: 500, old: 3000, mine: 9000 });
    const [small, room] = [{ ...sizes, nobody: 0, fresh: 10 }, Math.ceil(4000 / LIMITS.pruneToShare)];
    expect(share(small, whom, { ofAll: room })).toEqual({ ...small, asked: 500, old: 3490 });
  });
});

it('a channel is kept for the best known of those who want it', () => {
  const claims = [
    [['a', 'b', 'c', 'd'], '10.1'],
    [['b', 'c', 'd'], '10.2'],
    [['b'], '10.2'],
    [['c', 'e'], undefined],
  ] as const;
  expect(Object.fromEntries(keptFor(claims, [['c', 'd'], ['f']]))).toEqual({
    ...{ a: ['10.1'], b: ['10.1', '10.2'], c: 'known', d: 'anybody', e: 'known', f: 'anybody' },
  });
});
