import { demand, outboxLength, publishMany, type Scenario } from '../scenario.ts';

const MESSAGES = 60;

export const queued: Scenario = {
  name: 'queued',
  about: 'a mesh of one publishes with no network, restarts, and meets others later: nothing is lost',
  peers: 3,
  run(world) {
    world.add('R');
    world.add('A', { bootstrap: ['R'], joined: ['dev'] });
    world.add('C', { bootstrap: ['R'], joined: ['dev'] });
    world.start('A');
    world.run(2000);
    publishMany(world, { name: 'A', channel: 'dev', count: MESSAGES, everyMs: 100 });
    world.run(1000);
    const acknowledged = world.registry.acknowledged().length;
    demand(world, acknowledged === MESSAGES, `${acknowledged} of ${MESSAGES} acknowledged without a network`);
    world.crash('A', 'power');
    world.start('A');
    world.run(120_000);
    world.start('R');
    world.start('C');
    world.converge(240_000, world.up(['A', 'C']));
    const a = world.host('A');
    world.runUntil(() => outboxLength(a) === 0, 60_000);
    demand(world, outboxLength(a) === 0, `${outboxLength(a)} messages of A found no keeper`);
    world.run(60_000);
  },
};
