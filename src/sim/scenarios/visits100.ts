import { demand, type Scenario } from '../scenario.ts';
import { startTalk } from '../traffic.ts';
import type { World } from '../world.ts';

const CHANNELS = Array.from({ length: 20 }, (_, i) => `channel ${i + 1}`);
const JOINED = 3;
const LONG_MS = 20 * 60_000;

/** Relays only, each with a few channels: who holds one is a neighbour of few others that do. */
function play(world: World, peers: number, everyMs: number): void {
  const random = world.random('visits100');
  const names = Array.from({ length: peers }, (_, i) => `r${i + 1}`);
  const interests = new Map(names.map((name) => [name, random.shuffle(CHANNELS).slice(0, JOINED)]));
  for (const name of names) {
    const bootstrap = random.shuffle(names.filter((other) => other !== name)).slice(0, 6);
    world.add(name, { bootstrap, joined: interests.get(name) ?? [] });
  }
  for (const name of names) world.start(name);
  world.run(60_000);
  const relays = names.filter((name) => world.snapshot(name)?.role === 'relay').length;
  demand(world, relays === peers, `${relays} of ${peers} are relays`);
  const talk = { channels: CHANNELS, interests, durationMs: everyMs > 0 ? LONG_MS : 1000, everyMs };
  startTalk(world, random, { ...talk, everyMs: Math.max(everyMs, 500), strayShare: 0 });
  world.run(LONG_MS);
  world.converge(120_000);
}

export const visits100: Scenario = {
  name: 'visits100',
  about: '100 relays that have almost nothing to say for twenty minutes: what visits cost',
  peers: 100,
  run: (world, { peers }) => play(world, peers, 0),
};

export const visits100Talk: Scenario = {
  name: 'visits100-talk',
  about: 'visits100 with a message every second or so',
  peers: 100,
  run: (world, { peers }) => play(world, peers, 2000),
};
