import { demand, outboxLength, publishMany, type Scenario } from '../scenario.ts';

const MESSAGES = 400;

export const away: Scenario = {
  name: 'away',
  about:
    'the recipient is away, the sender leaves, the relay restarts, the recipient returns: all there, in order',
  peers: 3,
  run(world) {
    world.add('B');
    world.add('A', { fixed: ['B'], joined: ['dev'] });
    world.add('C', { fixed: ['B'], joined: ['dev'] });
    world.restrict(['A', 'B'], ['B', 'C']);
    for (const name of ['B', 'A', 'C']) world.start(name);
    world.run(15_000);
    publishMany(world, { name: 'A', channel: 'dev', count: 10, everyMs: 50 });
    world.converge(5000, world.up(['A', 'C']));
    world.crash('C', 'killed');
    world.run(5000);
    publishMany(world, { name: 'A', channel: 'dev', count: MESSAGES, everyMs: 5 });
    const a = world.host('A');
    world.runUntil(() => outboxLength(a) === 0, 60_000);
    demand(world, outboxLength(a) === 0, `${outboxLength(a)} messages of A were not confirmed as stored`);
    world.crash('A', 'killed');
    world.run(5000);
    world.crash('B', 'power');
    world.run(30_000);
    world.start('B');
    world.run(10_000);
    world.start('C');
    // The newest minute counts as settled only 60 to 120 s later.
    world.converge(200_000, world.up(['C']));
    const page = (name: string) =>
      world
        .host(name)
        .store.readPage({ channel: 'dev', limit: 1000, wallMs: 0 })
        .map((row) => row.message.message.body);
    demand(world, page('C').length === MESSAGES + 10, `C shows ${page('C').length} messages`);
    demand(world, page('C').join('\n') === page('A').join('\n'), 'C shows another order than A wrote');
    world.run(60_000);
  },
};
