/**
 * A mesh that shapes itself: everybody knows one bootstrap peer and nobody is told what to be. One peer in eleven can be
 * dialled. Relays prove themselves by being dialled back, the overlay closes, half of everybody dies at once, and what is
 * left is one mesh again. The bootstrap peer is gone by then.
 */
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import { shapeOf } from '../shape.ts';
import { startTalk } from '../traffic.ts';
import type { World } from '../world.ts';

const START_MS = 5000;
const FORM_MS = 120_000;
const HEAL_MS = 60_000;
const LOOK_MS = 2000;
const TALK_MS = 40_000;
/** Settled minutes are compared up to two minutes later, and pairs that differ again after backoff. */
const QUIET_MS = 600_000;
/** leaves that listen in the lobby and talk there */
const TALKERS = 20;

interface Cast {
  readonly relays: readonly string[];
  readonly leaves: readonly string[];
  /** some of the leaves */
  readonly talkers: readonly string[];
}

/** @param peers with the bootstrap peer; a tenth of the leaves are relays */
function addCast(world: World, peers: number): Cast {
  const relays = Math.max(8, Math.round(peers / 11));
  const name = (letter: string) => (_: unknown, i: number) => `${letter}${i + 1}`;
  const leaves = Array.from({ length: peers - relays - 1 }, name('p'));
  const cast = {
    relays: Array.from({ length: relays }, name('r')),
    leaves,
    talkers: leaves.slice(0, TALKERS),
  };
  world.add('boot');
  for (const relay of cast.relays) world.add(relay, { bootstrap: ['boot'], asksDialBack: true });
  const unreachable = { bootstrap: ['boot'], asksDialBack: true, isReachable: false };
  for (const leaf of cast.leaves)
    world.add(leaf, cast.talkers.includes(leaf) ? { ...unreachable, joined: ['lobby'] } : unreachable);
  return cast;
}

/** Fails unless everybody who runs is in one component, and relays, so many at least, have 4 to 12 neighbours. */
function demandShape(world: World, when: string, { relays, maxMs }: { relays: number; maxMs: number }): void {
  const began = world.nowMs;
  let shape = shapeOf(world);
  const isFine = () => {
    shape = shapeOf(world);
    const { components, leastDegree, mostDegree } = shape;
    return components === 1 && shape.relays >= relays && leastDegree >= 4 && mostDegree <= 12;
  };
  // Not four times a second, as `runUntil` would: every peer is asked for all that it shows.
  while (!isFine() && world.nowMs - began < maxMs) world.run(LOOK_MS);
  const words = `${when}: ${shape.words} after ${Math.round((world.nowMs - began) / 1000)} s`;
  world.network.trace.add(words);
  demand(world, isFine(), words);
}

/** Both sizes are the same story. */
function grow(world: World, peers: number): void {
  const random = world.random('growth');
  const cast = addCast(world, peers);
  world.start('boot');
  for (const name of random.shuffle([...cast.relays, ...cast.leaves]))
    world.network.schedule.after(random.below(START_MS), () => world.start(name));
  world.run(START_MS);
  const relays = cast.relays.length + 1;
  demandShape(world, 'formed', { relays, maxMs: FORM_MS - START_MS });
  startTalk(world, random, {
    channels: ['lobby'],
    interests: new Map(cast.talkers.map((name) => [name, ['lobby']])),
    durationMs: TALK_MS,
    everyMs: 500,
    names: cast.talkers,
  });
  world.run(10_000);
  world.crash('boot', 'power');
  // Who talks lives on: what somebody wrote who is gone for good may be gone with him.
  const mortal = cast.leaves.filter((name) => !cast.talkers.includes(name));
  const dying = (names: readonly string[], of: readonly string[]) =>
    random.shuffle(names).slice(0, of.length >> 1);
  const isSilent = world.network.seed % 2 === 0;
  for (const name of [...dying(cast.relays, cast.relays), ...dying(mortal, cast.leaves)])
    world.crash(name, isSilent ? 'power' : 'killed');
  const healed = isSilent ? 'healed after silence' : 'healed after crashes';
  demandShape(world, healed, { relays: cast.relays.length >> 1, maxMs: HEAL_MS });
  world.converge(QUIET_MS);
  demandEmptyOutboxes(world, QUIET_MS);
}

export const growth: Scenario = {
  name: 'growth',
  about:
    'from one bootstrap peer to a mesh, which heals without loss when half of it dies at once, that peer too',
  peers: 221,
  run: (world, { peers }) => grow(world, peers),
};

export const growth3000: Scenario = {
  name: 'growth3000',
  about: 'growth with 300 relays and 3,000 leaves',
  peers: 3301,
  run: (world, { peers }) => grow(world, peers),
};
