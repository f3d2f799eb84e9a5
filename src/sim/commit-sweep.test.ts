/** The sweep must really come by every commit: a crash test that misses some says less than it seems to. */
import { expect, it } from 'vitest';
import { Peer } from '../core/peer.ts';
import type { SweptCommit } from './commit-sweep.ts';
import { playCommits, SWEPT_EVERY } from './scenarios/commits.ts';
import { World } from './world.ts';

const TURNS = 2 * SWEPT_EVERY;

it('crashes at every commit of a relay and of an author, before it and after it, in twelve turns', {
  timeout: 120_000,
}, () => {
  const crashes: SweptCommit[] = [];
  const commits = { R: Number.POSITIVE_INFINITY, A: Number.POSITIVE_INFINITY };
  for (let turn = 0; turn < TURNS; turn++) {
    const world = new World({ scenario: 'commits', seed: turn, createCore: (config) => new Peer(config) });
    const swept = playCommits(world, turn).crashes;
    world.end();
    crashes.push(...swept);
    for (const name of ['R', 'A'] as const) {
      const last = Math.max(...swept.filter((one) => one.name === name).map(({ commit }) => commit));
      commits[name] = Math.min(commits[name], last);
    }
  }
  for (const name of ['R', 'A'] as const) {
    const own = crashes.filter((one) => one.name === name);
    for (const side of ['before-commit', 'after-commit'] as const) {
      const swept = new Set(own.filter((one) => one.side === side).map(({ commit }) => commit));
      const missed = Array.from({ length: commits[name] }, (_, i) => i + 1).filter((n) => !swept.has(n));
      expect(missed, `${name}, ${side}`).toEqual([]);
    }
    expect(new Set(own.map(({ how }) => how))).toEqual(new Set(['killed', 'power']));
    expect(commits[name]).toBeGreaterThan(50);
  }
});
