import { publishMany, type Scenario } from '../scenario.ts';

const LEFT = ['A', 'B', 'C'] as const;
const RIGHT = ['D', 'E', 'F'] as const;

/** the one pair that can meet across */
const BRIDGE: Readonly<Record<string, readonly string[]>> = { B: ['D'], D: ['B'] };

function pairsWithin(names: readonly string[]): (readonly [string, string])[] {
  return names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const));
}

export const partitionHeal: Scenario = {
  name: 'partition-heal',
  about: 'two halves write apart and meet again at one link: what is caught up there reaches everybody',
  peers: 6,
  run(world) {
    for (const name of [...LEFT, ...RIGHT]) {
      const side = (LEFT as readonly string[]).includes(name) ? LEFT : RIGHT;
      const fixed = side.filter((other) => other !== name);
      const bridge = BRIDGE[name] ?? [];
      world.add(name, { fixed: [...fixed, ...bridge], joined: ['dev'] });
    }
    world.restrict(...pairsWithin(LEFT), ...pairsWithin(RIGHT), ['B', 'D']);
    for (const name of [...LEFT, ...RIGHT]) world.start(name);
    world.run(20_000);
    publishMany(world, { name: 'A', channel: 'dev', count: 5, everyMs: 100 });
    world.converge(150_000);
    world.network.dialler.partition([LEFT, RIGHT].map((side) => world.up(side)));
    world.run(10_000);
    for (let i = 0; i < 50; i++) {
      publishMany(world, { name: 'A', channel: 'dev', count: 1, everyMs: 200 });
      publishMany(world, { name: 'F', channel: 'dev', count: 1, everyMs: 200 });
    }
    // Long enough that live forwarding has forgotten all of it.
    world.run(180_000);
    world.network.dialler.heal();
    world.converge(240_000);
    publishMany(world, { name: 'E', channel: 'dev', count: 5, everyMs: 100 });
    // Where the halves hang together by a leaf, nothing is pushed across: leaves do not bridge yet, catch-up does it.
    world.converge(150_000);
    world.run(30_000);
  },
};
