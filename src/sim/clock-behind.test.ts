/** A peer whose clock is behind by about as much as heartbeats wait. */
import { expect, it } from 'vitest';
import { Peer } from '../core/peer.ts';
import { World } from './world.ts';

it.each([-40, -60, -100, -130, 60, 130])('a peer whose clock is %d s off gets what it missed', (seconds) => {
  const world = new World({ scenario: 'behind', seed: 1, createCore: (config) => new Peer(config) });
  world.add('R');
  world.add('A', { fixed: ['R'], joined: ['dev'] });
  world.add('B', { fixed: ['R'], joined: ['dev'], wallOffsetMs: seconds * 1000 });
  for (const name of 'RAB') world.start(name);
  world.run(10_000);
  // Its copies are dropped, so what it misses must come by heartbeat.
  world.network.profile = { ...world.network.profile, dropShare: 1 };
  world.publish('A', 'dev', 'missed');
  world.run(5000);
  world.network.profile = { ...world.network.profile, dropShare: 0 };
  expect(world.differences()).toHaveLength(1);
  world.runUntil(() => world.differences().length === 0, 600_000);
  expect(world.differences()).toEqual([]);
});
