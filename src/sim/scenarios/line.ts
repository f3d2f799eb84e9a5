import { publishMany, type Scenario } from '../scenario.ts';

/** How long a message may take along the line while nothing is broken: far below what catch-up would need. */
const LIVE_MS = 5000;

export const line: Scenario = {
  name: 'line',
  about: 'A - B - D - E in a line, only A and E are interested: each gets what the other writes, at once',
  peers: 4,
  run(world) {
    world.add('B');
    world.add('D', { fixed: ['B'] });
    world.add('A', { fixed: ['B'], joined: ['dev'] });
    world.add('E', { fixed: ['D'], joined: ['dev'] });
    world.restrict(['A', 'B'], ['B', 'D'], ['D', 'E']);
    for (const name of ['B', 'D', 'A', 'E']) world.start(name);
    world.run(20_000);
    publishMany(world, { name: 'A', channel: 'dev', count: 20, everyMs: 100 });
    publishMany(world, { name: 'E', channel: 'dev', count: 20, everyMs: 100 });
    world.converge(LIVE_MS, world.up(['A', 'E']));
    // One more, while both are in the middle of it: a burst in one frame each way.
    for (let i = 0; i < 30; i++) {
      world.publish('A', 'dev', `burst ${i} of A`);
      world.publish('E', 'dev', `burst ${i} of E`);
    }
    world.converge(LIVE_MS, world.up(['A', 'E']));
    world.run(60_000);
  },
};
