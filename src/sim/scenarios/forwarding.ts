/**
 * What forwarding costs while nothing is wrong: relays that found each other from eight, leaves with three home relays
 * each, and channels of 2, 8, 50 and 500 members, relays and leaves alike. Bounds on how many relays a message touches,
 * on copies, and on latency against a flood over the same links.
 */
import type { Random } from '../../core/random.ts';
import { disseminationOf } from '../dissemination/index.ts';
import type { PeerOptions } from '../peer-options.ts';
import { Promptness } from '../promptness.ts';
import { demand, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const START_MS = 10_000;
const FORM_MS = 110_000;
const TALK_MS = 60_000;
/** until what was late is over */
const QUIET_MS = 65_000;
const BOOTSTRAP = 8;

/** Members of a channel, channels of that size, and messages into each. */
const SIZES = [
  { members: 2, channels: 24, messages: 6 },
  { members: 8, channels: 12, messages: 10 },
  { members: 50, channels: 3, messages: 24 },
  { members: 500, channels: 1, messages: 24 },
] as const;

export interface Forwarding {
  readonly relays: readonly string[];
  readonly leaves: readonly string[];
  /** members of each channel, whose name begins with their number */
  readonly channels: ReadonlyMap<string, readonly string[]>;
}

/**
 * @param peers two thirds of them relays
 * @param droppers share of the relays that are like `dropper`, and members of nothing
 */
export function addForwarding(
  world: World,
  random: Random,
  { peers, droppers = 0, dropper = {} }: { peers: number; droppers?: number; dropper?: PeerOptions },
): Forwarding {
  const relays = Array.from({ length: Math.round((2 * peers) / 3) }, (_, i) => `r${i + 1}`);
  const leaves = Array.from({ length: peers - relays.length }, (_, i) => `p${i + 1}`);
  const dropping = new Set(random.shuffle(relays).slice(0, Math.round(droppers * relays.length)));
  const names = [...relays, ...leaves];
  const members = names.filter((name) => !dropping.has(name));
  const channels = new Map<string, readonly string[]>();
  const joined = new Map<string, string[]>();
  for (const { members: size, channels: count } of SIZES) {
    for (let i = 1; i <= count; i++) {
      const channel = `${size} ${i}`;
      const chosen = random.shuffle(members).slice(0, size);
      channels.set(channel, chosen);
      for (const name of chosen) joined.set(name, [...(joined.get(name) ?? []), channel]);
    }
  }
  const bootstrap = relays.slice(0, BOOTSTRAP);
  for (const name of names)
    world.add(name, {
      bootstrap: bootstrap.filter((other) => other !== name),
      joined: joined.get(name) ?? [],
      asksDialBack: true,
      isReachable: !name.startsWith('p'),
      ...(dropping.has(name) ? dropper : {}),
    });
  return { relays, leaves, channels };
}

/** Starts everybody and waits until the mesh stands. */
export function form(world: World, random: Random, { relays, leaves }: Forwarding): void {
  for (const name of random.shuffle(relays))
    world.network.schedule.after(random.below(START_MS), () => world.start(name));
  for (const name of leaves)
    world.network.schedule.after(START_MS + random.below(START_MS), () => world.start(name));
  world.run(FORM_MS);
}

/**
 * Members write, each size of channel as often as the table says, spread evenly over the time.
 * @param publish how a message is published
 */
export function startTalks(
  world: World,
  random: Random,
  { channels }: Forwarding,
  durationMs: number,
  publish: (name: string, channel: string, body: string) => void,
): void {
  for (const { members, channels: count, messages } of SIZES) {
    for (let i = 0; i < count * messages; i++) {
      const channel = `${members} ${1 + (i % count)}`;
      world.network.schedule.after(random.below(durationMs), () => {
        const writers = (channels.get(channel) ?? []).filter((name) => world.host(name).isUp);
        const writer = writers[random.below(Math.max(1, writers.length))];
        if (writer) publish(writer, channel, `${i} ${'x'.repeat(random.below(300))}`);
      });
    }
  }
}

/** Relays touched for each interested one, at most, in the mean of all messages into channels of a size. The last one is that
 *  of decision 0041. */
const TOUCHED_MAX = { 2: 3.2, 8: 2.8, 50: 2.0, 500: 1.25 } as const;
const COPIES_PER_RELAY_MAX = 1.15;
const COPIES_PER_LEAF_MAX = 1.01;
/** 99th percentile of latency, times that of a flood. */
const LATENCY_MAX = 1.4;

/** Notes figures, and fails with all that are above their bounds: a large mesh takes too long to find them one by one. */
function demandCosts(world: World): void {
  const above: string[] = [];
  const bound = (holds: boolean, words: string): void => {
    if (!holds) above.push(words);
  };
  const dissemination = disseminationOf(world);
  for (const { members } of SIZES) {
    const { touchedPerInterested, copiesPerRelay } = dissemination.figuresOf(String(members));
    const words = `channels of ${members}: ${touchedPerInterested.mean} relays touched for each interested one`;
    world.notes.push(`${words}, ${copiesPerRelay} copies for each of them`);
    bound(touchedPerInterested.mean <= TOUCHED_MAX[members], words);
  }
  const { latencyMs, floodMs, copiesPerRelay, copiesPerLeaf, copiesPerDelivery } = dissemination.figures();
  const copies = `copies: ${copiesPerRelay} for each relay touched, ${copiesPerLeaf} for each leaf`;
  const ratio = latencyMs.p99 / floodMs.p99;
  const latency = `latency (99%): ${latencyMs.p99} ms, ${ratio.toFixed(2)} times that of a flood`;
  world.notes.push(`${copies}, ${copiesPerDelivery} for each delivery`, latency);
  bound(copiesPerRelay <= COPIES_PER_RELAY_MAX && copiesPerLeaf <= COPIES_PER_LEAF_MAX, copies);
  bound(ratio <= LATENCY_MAX, latency);
  demand(world, above.length === 0, `${above.join('; ')} (of ${world.notes.join('; ')})`);
}

function play(world: World, { peers }: { readonly peers: number }): void {
  const random = world.random('forwarding');
  const promptness = new Promptness(world);
  disseminationOf(world).group(({ command }) => command.channel.split(' ')[0] ?? '');
  const cast = addForwarding(world, random, { peers });
  form(world, random, cast);
  startTalks(world, random, cast, TALK_MS, (...message) => promptness.publish(...message, () => true));
  world.run(TALK_MS + QUIET_MS);
  const { due, words, missing } = promptness.figures();
  world.notes.push(words);
  demand(world, due > 0 && missing.length === 0, `${words}; missing ${missing.slice(0, 5).join(', ')}`);
  demandCosts(world);
}

export const forwarding: Scenario = {
  name: 'forwarding',
  about: 'what messages into channels of 2 to 500 members touch and cost while nothing is wrong',
  peers: 90,
  run: play,
};

export const forwarding1000: Scenario = {
  name: 'forwarding1000',
  about: 'forwarding with 1,000 relays and 500 leaves',
  peers: 1500,
  heapMiB: 16_000,
  run: play,
};
