import { createMesh1 } from '../mesh1/core.ts';
import { demand, publishMany, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

/** How long a message may take over the mesh/1 peer while nothing is broken: no catch-up is needed for it. */
const LIVE_MS = 5000;
/** What somebody missed comes back with the next link. */
const CATCH_UP_MS = 120_000;

function exchange(world: World, count: number): void {
  publishMany(world, { name: 'A', channel: 'dev', count, everyMs: 100 });
  publishMany(world, { name: 'E', channel: 'dev', count, everyMs: 100 });
}

export const islands: Scenario = {
  name: 'islands',
  about: 'two islands of mesh/2 joined by a mesh/1 relay only: what one writes reaches the other, verified',
  peers: 5,
  run(world) {
    const random = world.random('islands');
    const old = createMesh1({ withoutCursor: random.unit() < 0.5 ? 'oldest' : 'newest' });
    world.add('P', { joined: ['dev'], fixed: ['R'] });
    world.add('Q', { joined: ['dev'] });
    world.add('R', { createCore: old, fixed: ['Q'] });
    world.add('A', { fixed: ['P'], joined: ['dev'] });
    world.add('E', { fixed: ['Q'], joined: ['dev'] });
    world.restrict(['A', 'P'], ['P', 'R'], ['R', 'Q'], ['Q', 'E']);
    for (const name of ['R', 'P', 'Q', 'A', 'E']) world.start(name);
    world.run(20_000);
    demand(world, old.node().links === 2, `the mesh/1 relay has ${old.node().links} links`, ['R']);
    exchange(world, 20);
    world.converge(LIVE_MS, world.up(['A', 'E']));
    // What Q misses while it is away stands at R, under `$m2`, and comes back page after page.
    world.crash('Q');
    publishMany(world, { name: 'A', channel: 'dev', count: 50, everyMs: 20 });
    world.run(5000);
    world.start('Q');
    world.converge(CATCH_UP_MS, world.up(['A', 'Q', 'E']));
    // The mesh/1 peer has lost everything: what it missed comes from both sides, and its bot is shown it once.
    world.crash('R');
    exchange(world, 10);
    world.start('R');
    world.converge(CATCH_UP_MS, world.up(['A', 'E']));
    const ids = new Set(world.registry.committedIn('dev').map(({ message }) => message?.idText));
    world.runUntil(() => old.node().stored('dev').length === ids.size, CATCH_UP_MS);
    const kept = old.node().stored('dev');
    demand(
      world,
      kept.length === ids.size && kept.every(({ message_id }) => ids.has(message_id)),
      `the mesh/1 relay has ${kept.length} messages of ${ids.size}`,
      ['R'],
    );
    demand(world, old.node().errors.length === 0, `it was told: ${old.node().errors.join('; ')}`, ['R']);
  },
};
