import type { Random } from '../../core/random.ts';
import { CommitSweep } from '../commit-sweep.ts';
import { startFaults } from '../faults.ts';
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import { startTalk } from '../traffic.ts';
import type { World } from '../world.ts';

const CHANNELS = [
  'lobby',
  'dev',
  'ops',
  'music',
  'garden',
  'night watch',
  'news',
  'chess',
  'weather',
  'maps',
] as const;
/** one peer in eight can be dialled */
const RELAY_SHARE = 1 / 8;
const TROUBLE_MS = 60_000;
/** Settled minutes are compared up to two minutes later, and pairs that differ again after backoff. */
const QUIET_MS = 600_000;
/** Commits between two crashes of a swept host. */
const SWEPT_EVERY = 12;
/** Clocks that are far off, ms. Those beyond two minutes are set right after the trouble, or catch-up with them would
 *  wait for the end of an hour: the scenario `clocks` lets them stand. */
const FAR_OFF_MS = [150_000, -420_000, 100_000, -100_000] as const;
const FAR_MS = 120_000;
const SET_BACK_MS = 3_600_000;

interface Cast {
  readonly names: readonly string[];
  readonly relays: readonly string[];
  readonly leaves: readonly string[];
  readonly interests: ReadonlyMap<string, readonly string[]>;
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${String(i + 1).padStart(2, '0')}`);
}

/** Everybody listens in the lobby or in one to three channels besides. */
function channelsOf(random: Random): string[] {
  return random.shuffle(CHANNELS).slice(0, 1 + random.below(3));
}

/** Relays have two addresses each, and lists name the one or the other: one link has to come of both. */
function addPeers(world: World, random: Random, peers: number): Cast {
  const relays = numbered('r', Math.max(3, Math.round(peers * RELAY_SHARE)));
  const leaves = numbered('p', peers - relays.length);
  const names = [...relays, ...leaves];
  const interests = new Map(names.map((name) => [name, channelsOf(random)]));
  const alias = (name: string) => `ws://127.250.0.${relays.indexOf(name) + 1}:9/`;
  for (const name of names) {
    const others = random.shuffle(relays.filter((relay) => relay !== name)).slice(0, 4);
    const bootstrap = others.map((relay) => (random.unit() < 0.3 ? alias(relay) : relay));
    // Most clocks are within two seconds.
    const wallOffsetMs = random.below(4001) - 2000;
    world.add(name, { bootstrap, joined: interests.get(name) ?? [], wallOffsetMs });
  }
  for (const name of relays) world.network.dialler.register(world.host(name), alias(name));
  return { names, relays, leaves, interests };
}

/** A few clocks are far off, and one is set back by an hour and right again. */
function skewClocks(world: World, random: Random, { leaves, relays }: Cast): void {
  const far = [...random.shuffle(leaves).slice(0, 3), ...random.shuffle(relays).slice(0, 1)];
  for (const [i, name] of far.entries()) world.setClock(name, FAR_OFF_MS[i] ?? 0);
  const setBack = random.shuffle(leaves).find((name) => !far.includes(name));
  const { schedule } = world.network;
  if (setBack !== undefined) {
    schedule.after(10_000, () => world.setClock(setBack, -SET_BACK_MS));
    schedule.after(TROUBLE_MS - 15_000, () => world.setClock(setBack, 0));
  }
  schedule.after(TROUBLE_MS, () => {
    for (const name of far) if (Math.abs(world.host(name).wallOffsetMs) > FAR_MS) world.setClock(name, 0);
  });
}

/** For twenty seconds two halves do not reach each other. */
function partitionOnce(world: World, random: Random, { relays, leaves }: Cast): void {
  const half = (names: readonly string[]) => random.shuffle(names).slice(0, names.length >> 1);
  const left = new Set([...half(relays), ...half(leaves)]);
  world.network.schedule.after(20_000, () => {
    const [a, b] = [true, false].map((side) => world.hosts().filter(({ name }) => left.has(name) === side));
    world.network.dialler.partition([a ?? [], b ?? []]);
  });
  world.network.schedule.after(40_000, () => world.network.dialler.heal());
}

export const mesh100: Scenario = {
  name: 'mesh100',
  about:
    '100 peers with two addresses a relay, wrong clocks and a partition; a relay and a leaf crash at commits',
  peers: 100,
  run(world, { peers }) {
    const random = world.random('mesh100');
    const cast = addPeers(world, random, peers);
    for (const name of cast.names) {
      world.start(name);
      world.run(random.below(100));
    }
    world.run(10_000);
    skewClocks(world, random, cast);
    partitionOnce(world, random, cast);
    const swept = [random.shuffle(cast.relays)[0], random.shuffle(cast.leaves)[0]] as [string, string];
    new CommitSweep(world, {
      names: swept,
      every: SWEPT_EVERY,
      turn: world.network.seed,
      durationMs: TROUBLE_MS,
      downMs: [200, 3000],
    });
    startFaults(world, {
      durationMs: TROUBLE_MS,
      everyMs: [200, 1500],
      downMs: [500, 15_000],
      downShareMax: 0.2,
    });
    const talk = { channels: CHANNELS, interests: cast.interests, durationMs: TROUBLE_MS, everyMs: 250 };
    startTalk(world, random, talk);
    world.run(TROUBLE_MS + 6000);
    demand(world, world.up().length === peers, 'somebody did not come back');
    world.converge(QUIET_MS);
    demandEmptyOutboxes(world, 120_000);
    world.run(30_000);
  },
};
