/**
 * The map at scale: relays with many channels of their own, as their leaves would bring them. They find each other from
 * four each, rest, and then channels come and go, and then relays. At the end everybody knows everybody, with exactly the
 * channels that he has, and a message crosses the mesh. What records cost is counted on the way.
 */
import { demand, type Scenario } from '../scenario.ts';
import { shapeOf } from '../shape.ts';
import type { World } from '../world.ts';

const START_MS = 20_000;
const FORM_MS = 300_000;
const SETTLE_MS = 60_000;
/** A leaf that comes or goes brings or takes so many channels. */
const LEAF_CHANNELS = 10;
/** share of the leaves, and of the relays, that go in a minute */
const CHURN = 0.05;
const DOWN_MS = 30_000;
/** numbers of the frames have, want and records */
const RECORD_FRAMES = [12, 13, 14];

export interface MapOptions {
  /** channels of each relay that no other one has */
  readonly channels: number;
  /** leaves of each relay, of which a share comes and goes; those that bring its channels without it */
  readonly leaves?: number;
  readonly restMs: number;
  readonly churnMs: number;
}

/** What one relay sent on average in a phase. */
export interface MapFigures {
  readonly phase: string;
  /** bytes a second in have, want and records */
  readonly bytesPerSecond: number;
  /** frames with records a second: each brings something new */
  readonly recordsPerSecond: number;
}

function sent(world: World, numbers: readonly number[]): { bytes: number; records: number } {
  let [bytes, records] = [0, 0];
  for (const { traffic } of world.hosts()) {
    for (const number of numbers) bytes += traffic.bytesByNumber[number] ?? 0;
    records += traffic.framesByNumber[14] ?? 0;
  }
  return { bytes, records };
}

function measured(world: World, phase: string, durationMs: number): MapFigures {
  const before = sent(world, RECORD_FRAMES);
  world.run(durationMs);
  const after = sent(world, RECORD_FRAMES);
  const per = (n: number): number => n / world.hosts().length / (durationMs / 1000);
  const bytesPerSecond = per(after.bytes - before.bytes);
  const recordsPerSecond = per(after.records - before.records);
  const words = `${phase}: ${Math.round(bytesPerSecond)} B/s of records sent by one relay`;
  world.network.trace.add(words);
  world.notes.push(`${words}, ${recordsPerSecond.toFixed(2)} frames with records`);
  return { phase, bytesPerSecond, recordsPerSecond };
}

/** Leaves come and go at every relay. */
function churnLeaves(world: World, names: readonly string[], options: MapOptions): void {
  const random = world.random('map churn');
  const { schedule } = world.network;
  const had = new Map(names.map((name) => [name, 0]));
  const minutes = options.churnMs / 60_000;
  const { leaves = options.channels / LEAF_CHANNELS } = options;
  const changes = Math.max(1, Math.round(leaves * CHURN * minutes));
  for (const name of names)
    for (let i = 0; i < changes; i++)
      schedule.after(random.below(options.churnMs), () => {
        const first = had.get(name) ?? 0;
        had.set(name, first + 1);
        for (let k = 0; k < LEAF_CHANNELS; k++) {
          world.leave(name, `${name} ${first * LEAF_CHANNELS + k}`);
          world.join(name, `${name} ${options.channels + first * LEAF_CHANNELS + k}`);
        }
      });
}

/** Relays fall silent and come back. */
function churnRelays(world: World, names: readonly string[], { churnMs }: MapOptions): void {
  const random = world.random('map relays');
  const { schedule } = world.network;
  const minutes = churnMs / 60_000;
  const going = random.shuffle(names.slice(2)).slice(0, Math.round(names.length * CHURN * minutes));
  for (const name of going)
    schedule.after(random.below(Math.max(1, churnMs - DOWN_MS)), () => {
      world.crash(name, 'power');
      schedule.after(DOWN_MS, () => world.start(name));
    });
}

/** Whether every relay that runs has a map of all. */
function isComplete(world: World, relays: number): boolean {
  const { components, leastDegree } = shapeOf(world);
  const knows = world.up().every((host) => world.snapshot(host.name)?.relays === relays);
  return knows && components === 1 && leastDegree >= 4;
}

export function playMap(world: World, peers: number, options: MapOptions): MapFigures[] {
  const random = world.random('map');
  const names = Array.from({ length: peers }, (_, i) => `r${i + 1}`);
  for (const name of names) {
    const others = random.shuffle(names.filter((other) => other !== name)).slice(0, 4);
    const own = Array.from({ length: options.channels }, (_, k) => `${name} ${k}`);
    world.add(name, { bootstrap: others, joined: ['lobby', ...own], asksDialBack: true });
  }
  for (const name of names) world.network.schedule.after(random.below(START_MS), () => world.start(name));
  world.run(START_MS);
  const demandMap = (when: string, maxMs: number): void => {
    const began = world.nowMs;
    while (!isComplete(world, peers) && world.nowMs - began < maxMs) world.run(2000);
    demand(world, isComplete(world, peers), `${when}: ${shapeOf(world).words}, not everybody knows all`);
  };
  demandMap('formed', FORM_MS);
  world.run(SETTLE_MS);
  const figures = [measured(world, 'at rest', options.restMs)];
  churnLeaves(world, names, options);
  figures.push(measured(world, 'leaves come and go', options.churnMs));
  churnRelays(world, names, options);
  figures.push(measured(world, 'relays come and go', options.churnMs));
  demandMap('after the churn', FORM_MS);
  world.run(SETTLE_MS);
  const [author, far] = [names[0] as string, names[1] as string];
  world.publish(author, 'lobby', 'to everybody');
  world.run(1000);
  demand(world, world.registry.acknowledged().length === 1, 'the message was not stored by its author');
  world.converge(60_000, [world.host(author), world.host(far)]);
  return figures;
}

export const map: Scenario = {
  name: 'map',
  about:
    '24 relays with 100 channels each learn of all of them, while 5% of the leaves, and then of the relays, go in a minute',
  peers: 24,
  run: (world, { peers }) => {
    playMap(world, peers, { channels: 100, restMs: 20_000, churnMs: 60_000 });
  },
};

/** 30,000 leaves at three homes each are 90 at each relay. */
const LEAVES_OF_1000 = 90;

export const map1000: Scenario = {
  name: 'map1000',
  about:
    'map with 1,000 relays, where as many leaves come and go as if they had 30,000; with 30 channels each, or a thousand maps would not fit into memory',
  peers: 1000,
  heapMiB: 16_000,
  run: (world, { peers }) => {
    playMap(world, peers, { channels: 30, leaves: LEAVES_OF_1000, restMs: 60_000, churnMs: 60_000 });
  },
};
