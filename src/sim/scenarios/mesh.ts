import type { Random } from '../../core/random.ts';
import { startFaults } from '../faults.ts';
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import { startTalk } from '../traffic.ts';
import type { World } from '../world.ts';

const CHANNELS = ['lobby', 'dev', 'ops', 'music', 'garden', 'night watch'] as const;
const RELAYS = 3;
const TROUBLE_MS = 90_000;
/** Settled minutes are compared up to two minutes later, and pairs that differ again after backoff. */
const QUIET_MS = 600_000;

function channelsOf(random: Random): string[] {
  return random.shuffle(CHANNELS).slice(0, 1 + random.below(3));
}

/** Peers that find each other from three relays, and what happens to them. */
function playMesh(world: World, peers: number): void {
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
  startTalk(world, random, { channels: CHANNELS, interests, durationMs: TROUBLE_MS, everyMs: 600 });
  world.run(TROUBLE_MS + 5000);
  demand(world, world.up().length === peers, 'somebody did not come back');
  world.converge(QUIET_MS);
  demandEmptyOutboxes(world, 120_000);
  world.run(60_000);
}

export const mesh30: Scenario = {
  name: 'mesh30',
  about: '30 peers that find each other from three, under crashes, restarts, broken links and full queues',
  peers: 30,
  run(world, { peers }) {
    playMesh(world, peers);
  },
};

/** One frame in fifty. More of them and a neighbour that answers twice would be taken for a nuisance, and rightly. */
const REPEAT_SHARE = 0.02;

export const repeats: Scenario = {
  name: 'repeats',
  about:
    'as mesh30 with 12 peers, and a broken middle box repeats frames: nothing is shown twice, nobody is banned',
  peers: 12,
  run(world, { peers }) {
    world.network.profile = { ...world.network.profile, repeatShare: REPEAT_SHARE };
    playMesh(world, peers);
  },
};
