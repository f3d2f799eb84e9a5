import { countLinks, demand, publishMany, type Scenario } from '../scenario.ts';

const ALIASES = ['ws://127.9.9.1:1/', 'ws://127.9.9.2:2/'] as const;

export const duplicateDials: Scenario = {
  name: 'duplicate-dials',
  about: 'three addresses of one peer, both dial each other, one dials itself: one link, and none to oneself',
  peers: 2,
  run(world) {
    const b = world.add('B', { fixed: ['A', 'B'], bootstrap: ['A', 'B'], joined: ['dev'] });
    const a = world.add('A', { fixed: ['B', 'A', ...ALIASES], bootstrap: ['A', 'B'], joined: ['dev'] });
    for (const url of ALIASES) world.network.dialler.register(b, url);
    world.start('A');
    world.start('B');
    world.run(30_000);
    const soundly = () =>
      countLinks(world, a, b) === 1 && countLinks(world, a, a) + countLinks(world, b, b) === 0;
    for (let i = 0; i < 8; i++) {
      // A dial that is being refused may be open for a moment.
      const isSound = world.runUntil(soundly, 2000);
      const counts = `${countLinks(world, a, b)} links, ${countLinks(world, a, a)} to itself`;
      demand(world, isSound, `A and B do not settle on one link: ${counts}`);
      publishMany(world, { name: 'A', channel: 'dev', count: 2, everyMs: 500 });
      publishMany(world, { name: 'B', channel: 'dev', count: 2, everyMs: 500 });
      world.converge(3000);
      world.run(5000);
    }
    world.crash('B', 'killed');
    world.run(3000);
    world.start('B');
    world.run(30_000);
    demand(world, world.runUntil(soundly, 5000), 'A and B do not settle on one link after a restart');
  },
};
