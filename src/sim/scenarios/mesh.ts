import type { Random } from '../../core/random.ts';
import { startFaults } from '../faults.ts';
import { demand, outboxLength, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const CHANNELS = ['lobby', 'dev', 'ops', 'music', 'garden', 'night watch'] as const;
const RELAYS = 3;
const TROUBLE_MS = 90_000;
/** Settled minutes are compared up to two minutes later, and pairs that differ again after backoff. */
const QUIET_MS = 600_000;

function channelsOf(random: Random): string[] {
  return random.shuffle(CHANNELS).slice(0, 1 + random.below(3));
}

/** Everybody publishes now and then, mostly where they listen and sometimes elsewhere. */
function publishSometimes(
  world: World,
  random: Random,
  interests: ReadonlyMap<string, readonly string[]>,
): void {
  const endMs = world.nowMs + TROUBLE_MS;
  let count = 0;
  const next = () => {
    if (world.nowMs >= endMs) return;
    const host = random.shuffle(world.up())[0];
    if (host !== undefined) {
      const own = interests.get(host.name) ?? CHANNELS;
      const channel = random.unit() < 0.9 ? own[random.below(own.length)] : CHANNELS[random.below(6)];
      // Bodies of all sizes up to a few kilobytes, as people write.
      const length = random.unit() < 0.1 ? random.below(8000) : random.below(300);
      world.publish(host.name, channel as string, `${++count} ${'x'.repeat(length)}`);
    }
    world.network.schedule.after(random.below(600), next);
  };
  next();
}

export const mesh30: Scenario = {
  name: 'mesh30',
  about: '30 peers that find each other from three, under crashes, restarts, broken links and full queues',
  peers: 30,
  run(world, { peers }) {
    const random = world.random('mesh30');
    const names = Array.from({ length: peers }, (_, i) => `p${String(i + 1).padStart(2, '0')}`);
    const relays = names.slice(0, RELAYS);
    const interests = new Map(names.map((name) => [name, channelsOf(random)]));
    for (const name of names) {
      const others = relays.filter((relay) => relay !== name);
      world.add(name, { bootstrap: others, joined: interests.get(name) ?? [] });
    }
    for (const name of names) {
      world.start(name);
      world.run(random.below(500));
    }
    world.run(20_000);
    startFaults(world, {
      durationMs: TROUBLE_MS,
      everyMs: [500, 3000],
      downMs: [500, 20_000],
      downShareMax: 0.3,
    });
    publishSometimes(world, random, interests);
    world.run(TROUBLE_MS + 5000);
    demand(world, world.up().length === peers, 'somebody did not come back');
    world.converge(QUIET_MS);
    const waiting = () => world.up().filter((host) => outboxLength(host) > 0);
    world.runUntil(() => waiting().length === 0, 120_000);
    const left = waiting().map(({ name }) => name);
    demand(world, left.length === 0, `own messages without a keeper at ${left.join(', ')}`, left);
    world.run(60_000);
  },
};
