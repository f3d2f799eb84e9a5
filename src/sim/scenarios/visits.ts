import { withholder } from '../malice/withholder.ts';
import { demand, publishMany, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

export const HOLDERS = ['A', 'B', 'C', 'D'] as const;
const JOINED = [
  ['A', ['dev', 'ops']],
  ['B', ['dev', 'ops']],
  ['C', ['dev']],
  ['D', []],
] as const;
const TRANSIT = Array.from({ length: 12 }, (_, i) => `t${i + 1}`);
/** A minute is enough but for bad luck: some relays keep messages of A and B, count as holders, and give nothing. */
const REPAIR_MS = 120_000;
/** A newcomer dials within seconds; then its history needs a few round trips. */
const HISTORY_MS = 20_000;

/**
 * Every holder has its 12 neighbours, all of them transit relays that pass nothing on: holders hear of each other by the
 * map only. Both ends name each other, so that everybody is a relay. D hears of no channel, a leaf hangs on it alone.
 * @param areApart holders cannot dial each other: only tunnels lead from one to another
 * @param tunnels what transit relays do with those
 */
export function startHolders(
  world: World,
  { areApart = false, tunnels = 'carries' }: { areApart?: boolean; tunnels?: 'carries' | 'drops' } = {},
): void {
  for (const name of TRANSIT)
    world.add(name, {
      fixed: HOLDERS,
      bootstrap: TRANSIT.filter((other) => other !== name),
      malice: 'withholder',
      createMalice: (hand) => withholder(hand, { of: 'all others', asked: 'denies', tunnels }),
    });
  for (const [name, joined] of JOINED) world.add(name, { fixed: TRANSIT, joined });
  world.add('leaf', { fixed: ['D'], isReachable: false });
  const relays = [...TRANSIT, ...HOLDERS];
  const all = relays.flatMap((a, i) => relays.slice(i + 1).map((b) => [a, b] as const));
  const pairs = areApart ? all.filter((pair) => pair.some((name) => TRANSIT.includes(name))) : all;
  world.restrict(...pairs, ['leaf', 'D']);
  for (const { name } of world.hosts()) world.start(name);
  world.run(20_000);
  for (const name of HOLDERS) {
    const { role, links = [] } = world.snapshot(name) ?? {};
    const neighbours = links.filter(({ kind }) => kind === 'overlay').map(({ peer }) => peer);
    const isAmongTransit = neighbours.every((peer) => TRANSIT.some((one) => world.host(one).peerId === peer));
    demand(world, role === 'relay' && isAmongTransit, `${name} is no relay among transit relays`, [name]);
  }
}

function play(world: World, areApart: boolean): void {
  const historyMs = areApart ? REPAIR_MS : HISTORY_MS; // it dials in vain before it takes a tunnel, and makes one at a time
  startHolders(world, { areApart });
  publishMany(world, { name: 'A', channel: 'dev', count: 5, everyMs: 100 });
  publishMany(world, { name: 'B', channel: 'dev', count: 5, everyMs: 100 });
  publishMany(world, { name: 'B', channel: 'ops', count: 20, everyMs: 10 });
  world.converge(REPAIR_MS, world.up(HOLDERS));
  // A relay that is new to a channel, and a leaf whose home relay is.
  world.join('D', 'dev');
  world.converge(historyMs, world.up(HOLDERS));
  world.join('leaf', 'ops');
  world.converge(historyMs, world.up([...HOLDERS, 'leaf']));
  const [left, right] = [
    ['A', 'C', ...TRANSIT.slice(0, 6)],
    ['B', 'D', 'leaf', ...TRANSIT.slice(6)],
  ] as const;
  world.network.dialler.partition([world.up(left), world.up(right)]);
  world.run(10_000);
  publishMany(world, { name: 'A', channel: 'dev', count: 5, everyMs: 200 });
  publishMany(world, { name: 'D', channel: 'dev', count: 5, everyMs: 200 });
  world.run(60_000);
  world.network.dialler.heal();
  world.converge(REPAIR_MS, world.up([...HOLDERS, 'leaf']));
  world.run(10_000);
}

export const visits: Scenario = {
  name: 'visits',
  about:
    'four holders among twelve relays that pass nothing on: they visit each other; newcomers, a partition',
  peers: TRANSIT.length + HOLDERS.length + 1,
  run: (world) => play(world, false),
};

export const tunnels: Scenario = {
  name: 'tunnels',
  about: 'visits, and the four cannot dial each other: they visit each other over the twelve',
  peers: TRANSIT.length + HOLDERS.length + 1,
  run: (world) => play(world, true),
};
