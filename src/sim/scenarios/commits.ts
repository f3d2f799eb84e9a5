import { CommitSweep } from '../commit-sweep.ts';
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import { startTalk } from '../traffic.ts';
import type { World } from '../world.ts';

/** A turn of the sweep takes every sixth commit: twelve seeds in a row give each commit both of its sides. */
export const SWEPT_EVERY = 6;
const SWEEP_MS = 15_000;
const NAMES = ['R', 'S', 'A', 'B', 'C'] as const;

/** A relay and an author are swept. @returns what the sweep did */
export function playCommits(world: World, turn: number): CommitSweep {
  const random = world.random('commits');
  world.add('R', { fixed: ['S'] });
  world.add('S', { fixed: ['R'] });
  for (const name of ['A', 'B', 'C']) world.add(name, { fixed: ['R', 'S'], joined: ['dev'] });
  for (const name of NAMES) world.start(name);
  const sweep = new CommitSweep(world, {
    names: ['R', 'A'],
    every: SWEPT_EVERY,
    turn,
    durationMs: SWEEP_MS,
    downMs: [100, 1000],
  });
  const interests = new Map([
    ['A', ['dev']],
    ['B', ['dev']],
  ]);
  startTalk(world, random, {
    channels: ['dev'],
    interests,
    durationMs: SWEEP_MS,
    everyMs: 150,
    names: ['A', 'B'],
  });
  world.run(SWEEP_MS + 5000);
  demand(world, world.up().length === NAMES.length, 'somebody did not come back');
  world.converge(400_000, world.up(['A', 'B', 'C']));
  demandEmptyOutboxes(world, 120_000);
  return sweep;
}

export const commits: Scenario = {
  name: 'commits',
  about:
    'a relay and an author crash at every sixth commit of theirs, the seed says at which and on which side',
  peers: NAMES.length,
  run(world) {
    playCommits(world, world.network.seed);
  },
};
