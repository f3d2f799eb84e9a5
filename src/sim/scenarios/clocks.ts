import { startFaults } from '../faults.ts';
import { demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import { startTalk } from '../traffic.ts';

const TALK_MS = 180_000;
const MINUTE_MS = 60_000;
/** Minutes ahead of true time. Beyond ten nobody takes a message before its time has come. */
const CLOCKS: Readonly<Record<string, number>> = { R: 0, S: 5, A: -6, B: 9, C: -1.7, D: 15, E: 0 };

export const clocks: Scenario = {
  name: 'clocks',
  about: 'clocks stand minutes apart and stay so, one goes back an hour for a while: all have all in the end',
  peers: Object.keys(CLOCKS).length,
  run(world) {
    const random = world.random('clocks');
    const names = Object.keys(CLOCKS);
    for (const [name, minutes] of Object.entries(CLOCKS)) {
      const isRelay = name === 'R' || name === 'S';
      const fixed = ['R', 'S'].filter((other) => other !== name);
      const joined = isRelay ? [] : ['dev'];
      world.add(name, { fixed, joined, wallOffsetMs: minutes * MINUTE_MS });
    }
    for (const name of names) world.start(name);
    world.run(10_000);
    startFaults(world, {
      durationMs: TALK_MS,
      everyMs: [2000, 10_000],
      downMs: [500, 5000],
      downShareMax: 0.3,
      kinds: ['break', 'drops', 'killed'],
    });
    const writers = names.filter((name) => name !== 'R' && name !== 'S');
    const interests = new Map(writers.map((name) => [name, ['dev']]));
    startTalk(world, random, {
      channels: ['dev'],
      interests,
      durationMs: TALK_MS,
      everyMs: 2000,
      names: writers,
    });
    world.network.schedule.after(30_000, () => world.setClock('E', -60 * MINUTE_MS));
    world.network.schedule.after(TALK_MS, () => world.setClock('E', 0));
    world.run(TALK_MS + 10_000);
    // Between clocks that are far apart, only hours are compared that are over for both.
    world.converge(100 * MINUTE_MS, world.up(writers));
    demandEmptyOutboxes(world, 10 * MINUTE_MS);
    world.run(MINUTE_MS);
  },
};
