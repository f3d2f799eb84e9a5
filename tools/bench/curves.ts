/**
 * `npm run bench:mesh [-- --only relays,leaves,channels] [--json]`: what a mesh costs while nobody speaks, and what a
 * message costs, against the numbers of relays, leaves, links and channels. Whole meshes of real cores in the simulator, in
 * virtual time: bytes and copies are exact and the same on every machine. Processor time is in `npm run bench:cpu`.
 */
import { parseArgs } from 'node:util';
import { Peer } from '../../src/core/peer.ts';
import { FRAME_TYPES } from '../../src/core/wire/frames.ts';
import { disseminationOf } from '../../src/sim/dissemination/index.ts';
import type { World } from '../../src/sim/world.ts';
import { buildMesh, linksOfRelay, type Point, talk } from './curve-mesh.ts';
import { short, table } from './statistics.ts';

const IDLE_MS = 120_000;
const TALK_MS = 60_000;
const MESSAGES = 120;
/** members of a channel in which somebody speaks */
const GROUP = 8;

const CURVES: Readonly<Record<string, readonly Point[]>> = {
  relays: [12, 25, 50, 100, 200].map((relays) => ({
    relays,
    leaves: 2 * relays,
    channels: 2,
    members: GROUP,
  })),
  leaves: [32, 64, 128, 256, 512].map((leaves) => ({ relays: 16, leaves, channels: 2, members: GROUP })),
  channels: [1, 4, 16, 64, 256].map((channels) => ({ relays: 25, leaves: 48, channels, members: GROUP })),
};

/** What a part of a frame's cost is called. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  pings: ['ping', 'pong'],
  'catch-up': ['heartbeat', 'sums', 'reconcile', 'reconciled', 'offer'],
  map: ['have', 'want', 'records', 'holds', 'addresses', 'role', 'auth', 'dial-back'],
  messages: ['push', 'announce', 'fetch', 'fetched', 'stored'],
};

/** Bytes that all have sent so far, by role and by what they were for. */
function sentBy(world: World): ReadonlyMap<string, number> {
  const sent = new Map<string, number>();
  for (const { core, traffic } of world.hosts()) {
    const role = core?.isRelay === true ? 'relay' : 'leaf';
    for (const [number, bytes] of traffic.bytesByNumber.entries()) {
      const type = FRAME_TYPES.get(number) ?? 'others';
      const part = Object.keys(PARTS).find((name) => PARTS[name]?.includes(type)) ?? 'others';
      const key = `${role} ${part}`;
      sent.set(key, (sent.get(key) ?? 0) + (bytes ?? 0));
    }
  }
  return sent;
}

/** What all send meanwhile, in bytes. */
function sentDuring(world: World, durationMs: number): ReadonlyMap<string, number> {
  const before = sentBy(world);
  world.run(durationMs);
  return new Map([...sentBy(world)].map(([key, bytes]) => [key, bytes - (before.get(key) ?? 0)]));
}

interface Figures extends Point {
  /** links that a relay has */
  readonly links: number;
  /** bytes a second that one relay, and one leaf, sends while nobody speaks */
  readonly relayBytes: number;
  readonly relayPings: number;
  readonly relayCatchUp: number;
  readonly relayMap: number;
  readonly leafBytes: number;
  /** of a message into a channel of eight leaves */
  readonly touched: number;
  readonly copies: number;
  readonly bytesPerDelivery: number;
  readonly p99Ms: number;
}

function measure(point: Point): Figures {
  const mesh = buildMesh(point, (config) => new Peer(config));
  const { world } = mesh;
  const dissemination = disseminationOf(world);
  const idle = sentDuring(world, IDLE_MS);
  const perSecond = (role: 'relay' | 'leaf', part?: string): number => {
    const all = [...idle].filter(
      ([key]) => key.startsWith(role) && (part === undefined || key.endsWith(part)),
    );
    const peers = role === 'relay' ? point.relays : point.leaves;
    return all.reduce((sum, [, count]) => sum + count, 0) / peers / (IDLE_MS / 1000);
  };
  talk(mesh, MESSAGES, TALK_MS);
  const spent = sentDuring(world, TALK_MS + 5000);
  const spoken = (spent.get('relay messages') ?? 0) + (spent.get('leaf messages') ?? 0);
  const { touchedPerInterested, copiesPerDelivery, latencyMs } = dissemination.figures();
  return {
    ...point,
    links: linksOfRelay(world),
    relayBytes: perSecond('relay'),
    relayPings: perSecond('relay', 'pings'),
    relayCatchUp: perSecond('relay', 'catch-up'),
    relayMap: perSecond('relay', 'map'),
    leafBytes: perSecond('leaf'),
    touched: touchedPerInterested.mean,
    copies: copiesPerDelivery,
    bytesPerDelivery: spoken / latencyMs.count,
    p99Ms: latencyMs.p99,
  };
}

const HEAD: readonly (readonly [string, keyof Figures])[] = [
  ['relays', 'relays'],
  ['leaves', 'leaves'],
  ['channels of a leaf', 'channels'],
  ['links of a relay', 'links'],
  ['idle relay, B/s', 'relayBytes'],
  ['of it pings', 'relayPings'],
  ['of it catch-up', 'relayCatchUp'],
  ['of it map', 'relayMap'],
  ['idle leaf, B/s', 'leafBytes'],
  ['relays touched per interested', 'touched'],
  ['copies per delivery', 'copies'],
  ['B per delivery', 'bytesPerDelivery'],
  ['latency 99%, ms', 'p99Ms'],
];

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(CURVES).join() },
    json: { type: 'boolean', default: false },
  },
});
for (const name of values.only.split(',')) {
  const points = CURVES[name];
  if (points === undefined) throw new Error(`--only ${name}: there are ${Object.keys(CURVES).join(', ')}`);
  const figures = points.map((point) => {
    const one = measure(point);
    console.error(JSON.stringify(one)); // some take minutes
    return one;
  });
  const rows = figures.map((one) => HEAD.map(([, key]) => short(one[key]).replace(/\.0+$/, '')));
  const heads = HEAD.map(([head]) => head);
  console.log(values.json ? JSON.stringify({ name, figures }) : `## By ${name}\n\n${table(heads, rows)}\n`);
}
