/**
 * `npm run bench:mesh [-- --only relays,leaves,channels] [--json]`: what a mesh costs while nobody speaks, and what a
 * message costs, against the numbers of relays, leaves, links and channels. Whole meshes of real cores in the simulator, in
 * virtual time: bytes and copies are exact and the same on every machine, processor time is in `npm run bench`.
 */
import { parseArgs } from 'node:util';
import { Peer } from '../../src/core/peer.ts';
import { FRAME_TYPES } from '../../src/core/wire/frames.ts';
import { disseminationOf } from '../../src/sim/dissemination/index.ts';
import { World } from '../../src/sim/world.ts';
import { short, table } from './statistics.ts';

const START_MS = 5000;
const FORM_MS = 150_000;
const IDLE_MS = 120_000;
const TALK_MS = 60_000;
const MESSAGES = 120;
const BODY = 'x'.repeat(300);
/** members of a channel in which somebody speaks */
const GROUP = 8;

interface Point {
  readonly relays: number;
  readonly leaves: number;
  /** channels of each leaf, one of which it shares with seven others */
  readonly channels: number;
}

const CURVES: Readonly<Record<string, readonly Point[]>> = {
  relays: [12, 25, 50, 100, 200].map((relays) => ({ relays, leaves: 2 * relays, channels: 2 })),
  leaves: [32, 64, 128, 256, 512].map((leaves) => ({ relays: 16, leaves, channels: 2 })),
  channels: [1, 4, 16, 64, 256].map((channels) => ({ relays: 25, leaves: 48, channels })),
};

/** What a part of a frame's cost is called. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  pings: ['ping', 'pong'],
  'catch-up': ['heartbeat', 'sums', 'buckets', 'list', 'listed'],
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

function build({ relays, leaves, channels }: Point): { world: World; groups: string[][] } {
  const world = new World({ scenario: 'curves', seed: 1, createCore: (config) => new Peer(config) });
  const random = world.random('curves');
  const names = Array.from({ length: relays }, (_, i) => `r${i + 1}`);
  const bootstrap = names.slice(0, 8);
  for (const name of names)
    world.add(name, { bootstrap: bootstrap.filter((other) => other !== name), asksDialBack: true });
  const groups: string[][] = [];
  for (let i = 0; i < leaves; i++) {
    const [name, group] = [`p${i + 1}`, Math.floor(i / GROUP)];
    groups[group] = [...(groups[group] ?? []), name];
    const own = Array.from({ length: channels - 1 }, (_, j) => `own ${i} ${j}`);
    world.add(name, { bootstrap, isReachable: false, joined: [`group ${group}`, ...own] });
  }
  for (const { name } of world.hosts())
    world.network.schedule.after(random.below(START_MS) + (name.startsWith('p') ? START_MS : 0), () =>
      world.start(name),
    );
  world.run(FORM_MS);
  return { world, groups };
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
  const { world, groups } = build(point);
  const dissemination = disseminationOf(world);
  const idle = sentDuring(world, IDLE_MS);
  const perSecond = (role: 'relay' | 'leaf', part?: string): number => {
    const all = [...idle].filter(
      ([key]) => key.startsWith(role) && (part === undefined || key.endsWith(part)),
    );
    const peers = role === 'relay' ? point.relays : point.leaves;
    return all.reduce((sum, [, count]) => sum + count, 0) / peers / (IDLE_MS / 1000);
  };
  const random = world.random('talk');
  for (let i = 0; i < MESSAGES; i++)
    world.network.schedule.after(random.below(TALK_MS), () => {
      const group = random.below(groups.length);
      const members = groups[group] ?? [];
      world.publish(members[random.below(members.length)] as string, `group ${group}`, `${i} ${BODY}`);
    });
  const talk = sentDuring(world, TALK_MS + 5000);
  const spoken = (talk.get('relay messages') ?? 0) + (talk.get('leaf messages') ?? 0);
  const { touchedPerInterested, copiesPerDelivery, latencyMs } = dissemination.figures();
  const links = world.network.dialler
    .wires()
    .flatMap(({ dialler, responder }) => [dialler.host, responder.host]);
  return {
    ...point,
    links: links.filter((host) => host.core?.isRelay === true).length / point.relays,
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
