/**
 * A mesh with malicious peers in it, under the same faults as any other.
 *
 * What the guarantee stands on, in version 0.1 (`docs/malice.md` says why):
 * 1. Every honest leaf has an honest home relay: its operator names one, and may name malicious ones besides.
 * 2. Honest relays reach each other over honest relays, or by a dial: here they name each other, all of them in a small
 *    mesh, and in a large one four neighbours each.
 * 3. People write where they listen: what a leaf writes elsewhere exists only at two of its home relays and at itself.
 */
import type { Random } from '../../core/random.ts';
import { startFaults } from '../faults.ts';
import { MALICE_KINDS, type MaliceKind } from '../malice/index.ts';
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import { startTalk } from '../traffic.ts';
import type { World } from '../world.ts';

const CHANNELS = ['lobby', 'dev', 'ops', 'music', 'garden'] as const;
const LEAST_PEERS = 10;
const MOST_PEERS = 30;
const MALICIOUS_SHARE_MAX = 0.25;
/** In the large mesh there are as many as there are kinds twice over, whatever its size. */
const MALICIOUS_MAX = 26;
const RELAY_SHARE = 1 / 6;
/** Up to so many honest relays all name each other. */
const CLIQUE_MAX = 5;
const TROUBLE_MS = 25_000;
/** Everything has to be everywhere this long after the faults, while the malice goes on: settled minutes are compared up
 *  to two minutes later, and pairs that differ again after backoff. */
const QUIET_MS = 600_000;
/** Low enough that a flood of hundreds of messages is one. */
const RATES = { leafPerSecond: 20, relayPerSecond: 200, authorPerSecond: 2, commonPerSecond: 20 };

interface Cast {
  readonly relays: readonly string[];
  readonly leaves: readonly string[];
  readonly malicious: readonly {
    readonly name: string;
    readonly kind: MaliceKind;
    readonly isListed: boolean;
  }[];
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${String(i + 1).padStart(2, '0')}`);
}

function castOf(world: World, random: Random, peers: number): Cast {
  const most = Math.min(MALICIOUS_MAX, Math.floor(peers * MALICIOUS_SHARE_MAX));
  const count = 1 + random.below(most);
  const relays = numbered('r', Math.max(3, Math.round((peers - count) * RELAY_SHARE)));
  const others = random.shuffle(MALICE_KINDS);
  // Whatever else the seed brings, each kind comes once in as many seeds as there are kinds.
  const kinds = [MALICE_KINDS[world.network.seed % MALICE_KINDS.length] as MaliceKind, ...others];
  const malicious = numbered('m', count).map((name, i) => {
    const kind = kinds[i % kinds.length] as MaliceKind;
    return { name, kind, isListed: random.unit() < 0.85 };
  });
  return { relays, leaves: numbered('p', peers - count - relays.length), malicious };
}

/** Neighbours that the operator of an honest relay names. */
function namedBy(relay: string, relays: readonly string[]): string[] {
  if (relays.length <= CLIQUE_MAX) return relays.filter((other) => other !== relay);
  const at = relays.indexOf(relay);
  return [-2, -1, 1, 2].map((step) => relays[(at + step + relays.length) % relays.length] as string);
}

/** An honest leaf's operator names one honest relay, and often somebody else before it. */
function homesOf(random: Random, relays: readonly string[], listed: readonly string[]): string[] {
  const honest = relays[random.below(relays.length)] as string;
  const bad = listed.filter((name) => !relays.includes(name));
  return bad.length > 0 && random.unit() < 0.7 ? [bad[random.below(bad.length)] as string, honest] : [honest];
}

function addPeers(world: World, random: Random, cast: Cast): ReadonlyMap<string, readonly string[]> {
  const { relays, leaves, malicious } = cast;
  const listed = [...relays, ...malicious.filter(({ isListed }) => isListed).map(({ name }) => name)];
  const listFor = (name: string) => random.shuffle(listed.filter((other) => other !== name)).slice(0, 6);
  const channelsOf = () => random.shuffle(CHANNELS).slice(0, 1 + random.below(3));
  const interests = new Map<string, readonly string[]>();
  const skewMs = () => random.below(4001) - 2000;
  for (const name of [...relays, ...leaves]) {
    const isRelay = relays.includes(name);
    const fixed = isRelay ? namedBy(name, relays) : homesOf(random, relays, listed);
    const joined = channelsOf();
    interests.set(name, joined);
    world.add(name, { fixed, bootstrap: listFor(name), joined, rates: RATES, wallOffsetMs: skewMs() });
  }
  for (const { name, kind } of malicious) {
    const wallOffsetMs = random.unit() < 0.7 ? skewMs() : random.below(1_200_001) - 600_000;
    const fixed = random.shuffle(relays).slice(0, CLIQUE_MAX);
    world.add(name, { fixed, bootstrap: listFor(name), joined: [...CHANNELS], malice: kind, wallOffsetMs });
  }
  return interests;
}

/** For ten seconds two halves do not reach each other. */
function partitionOnce(world: World, random: Random): void {
  const hosts = random.shuffle(world.hosts());
  const half = hosts.length >> 1;
  const { dialler, schedule } = world.network;
  schedule.after(5000, () => dialler.partition([hosts.slice(0, half), hosts.slice(half)]));
  schedule.after(15_000, () => dialler.heal());
}

function playMalice(world: World, peers: number): void {
  const random = world.random('malice');
  const cast = castOf(world, random, peers);
  const interests = addPeers(world, random, cast);
  const honest = [...cast.relays, ...cast.leaves];
  // Malicious peers are there from the beginning: some of them before the honest ones.
  for (const name of random.shuffle([...honest, ...cast.malicious.map((one) => one.name)])) {
    world.start(name);
    world.run(random.below(300));
  }
  world.run(6000);
  if (random.unit() < 0.5) partitionOnce(world, random);
  startFaults(world, {
    durationMs: TROUBLE_MS,
    everyMs: [500, 3000],
    downMs: [500, 10_000],
    downShareMax: 0.3,
  });
  const talk = { channels: CHANNELS, interests, durationMs: TROUBLE_MS, everyMs: 600, names: honest };
  startTalk(world, random, { ...talk, strayShare: 0 });
  world.run(TROUBLE_MS + 5000);
  demand(world, world.up().length === peers, 'somebody did not come back');
  world.converge(QUIET_MS, world.up(honest));
  demandEmptyOutboxes(world, 120_000, honest);
  world.run(5000);
}

export const malice: Scenario = {
  name: 'malice',
  about:
    '10 to 30 peers by seed, up to a quarter of them malicious, under crashes, broken links and partitions',
  peers: (seed) => LEAST_PEERS + (seed % (MOST_PEERS - LEAST_PEERS + 1)),
  run(world, { peers }) {
    playMalice(world, peers);
  },
};

export const malice200: Scenario = {
  name: 'malice200',
  about: '200 peers, up to 26 of them malicious, under the same faults',
  peers: 200,
  run(world, { peers }) {
    playMalice(world, peers);
  },
};
