import type { RetentionPolicy } from '../../core/contract.ts';
import { DEFAULT_RETENTION } from '../../core/defaults.ts';
import { HOUR, MINUTE } from '../../core/limits.ts';
import type { Random } from '../../core/random.ts';
import { Comparisons } from '../comparisons.ts';
import type { Host } from '../host.ts';
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const HOURS = 40;
/** Of each hour everybody is awake for so long, and sleeps for the rest. */
const AWAKE_MS = 2 * MINUTE;
const WRITERS = ['A', 'B', 'C'] as const;
const READERS = ['A', 'B', 'C', 'D', 'P'] as const;
/** What clients ask for; A keeps what the daemon keeps by itself. */
const POLICIES: Readonly<Record<string, RetentionPolicy>> = {
  B: { ageMs: 6 * HOUR },
  C: { messages: 120 },
  P: { pinned: true },
};
const D_BYTES = 150_000;
const E_BYTES = 120_000;
const CARRIED_HOURS = 12;
/** Leaves of R keep more, so R does too, as far back as it would itself if it had joined. */
const LEAVES_HOURS = 20;
const QUIET_MS = 15 * MINUTE;
/** Comparisons in the quiet time: a start of a minute may be seen here and not there yet. */
const COMPARISONS_MAX = 4;

function addPeers(world: World): void {
  const { joined } = DEFAULT_RETENTION;
  const carried = { ...DEFAULT_RETENTION.carried, ageMs: CARRIED_HOURS * HOUR };
  const relay = { carried, joined: { ...joined, ageMs: LEAVES_HOURS * HOUR } };
  world.add('R', { fixed: ['S'], retention: relay });
  world.add('S', { fixed: ['R'] });
  const fixed = ['R', 'S'];
  for (const name of ['A', 'B', 'C', 'P']) {
    const retention = { joined: { ...joined, ageMs: 30 * HOUR } };
    world.add(name, { fixed, joined: ['log'], ...(name === 'A' ? { retention } : {}) });
  }
  world.add('D', { fixed, joined: ['log'], retention: { joined: { ...joined, bytes: D_BYTES } } });
  world.add('E', { fixed, joined: ['log', 'own'], retention: { bytesAll: E_BYTES } });
  for (const { name } of world.hosts()) world.start(name);
  world.run(10_000);
  for (const [name, policy] of Object.entries(POLICIES)) world.retain(name, 'log', policy);
  world.run(10_000);
}

/** A few messages of each writer; one in four is to expire within hours. */
function writeAnHour(world: World, random: Random): void {
  for (const name of WRITERS) {
    const count = 1 + random.below(name === 'A' ? 10 : 4);
    for (let i = 0; i < count; i++) {
      const lifeMs = random.unit() < 0.25 ? (1 + random.below(5)) * HOUR : 0;
      const expiresMs = lifeMs === 0 ? 0 : world.wallMs(world.host(name)) + lifeMs;
      world.publish(name, 'log', `${i} ${'x'.repeat(200 + random.below(1500))}`, { expiresMs });
      world.run(random.below(2000));
    }
  }
}

/** The floor that a peer tells for the channel, hours since 1970. */
function floorOf(world: World, name: string): number {
  const { channel, tag } = world.host(name).store.channels()[0] ?? { channel: '', tag: '' };
  demand(world, channel !== '', `${name} holds nothing`);
  return world.snapshot(name)?.floors.get(tag) ?? 0;
}

/** E writes until there is room for nothing but what it wrote itself. */
function fillStore(world: World): void {
  const isRefused = () => world.registry.publications.some(({ refused }) => refused === 'store_full');
  for (let i = 0; i < 200 && !isRefused(); i++) {
    world.publish('E', 'own', `${i} ${'y'.repeat(2000)}`);
    world.run(5000);
  }
  demand(world, isRefused(), 'E took more than its store has room for', ['E']);
  const refused = new Set(
    world.registry.publications.map((one) => one.refused).filter((code) => code !== ''),
  );
  demand(world, refused.size === 1, `refused with ${[...refused].join(', ')}`);
  const { bytes } = world
    .host('E')
    .store.channels()
    .find(({ channel }) => channel === 'own') ?? { bytes: 0 };
  demand(world, bytes > 0.8 * E_BYTES, `E refused at ${bytes} bytes of its own, it has room for ${E_BYTES}`);
}

function rowsOf(host: Host): number {
  return host.store.readPage({ channel: 'log', limit: 100_000, wallMs: 0 }).length;
}

function checkLimits(world: World): void {
  const use = (name: string) =>
    world
      .host(name)
      .store.channels()
      .find(({ channel }) => channel === 'log');
  const c = rowsOf(world.host('C'));
  // Own ones come on top of the 120 of others.
  const own = world.registry.committedIn('log').filter(({ host }) => host.name === 'C').length;
  demand(world, c <= 120 * 1.25 + own, `C keeps ${c} messages, ${own} of them its own`, ['C']);
  const d = use('D')?.bytes ?? 0;
  demand(world, d > 0 && d <= D_BYTES * 1.25, `D keeps ${d} bytes`, ['D']);
}

/** What has expired or is too old by age is gone, a minute later at the latest. */
function checkRemoved(world: World): void {
  for (const name of [...READERS, 'R']) {
    const host = world.host(name);
    const wallMs = world.wallMs(host) - 2 * MINUTE;
    const { ageMs = host.options.retention.joined.ageMs } = POLICIES[name] ?? {};
    const floorMs = Math.floor((wallMs - ageMs) / HOUR + 1) * HOUR;
    for (const { message } of host.store.readPage({ channel: 'log', limit: 100_000, wallMs: 0 })) {
      const { expiresMs, time, idText } = message.message;
      const isExpired = expiresMs !== 0 && expiresMs <= wallMs;
      const what = isExpired ? 'which has expired' : 'which is too old';
      demand(world, !isExpired && time.timeMs >= floorMs, `${name} still keeps ${idText}, ${what}`, [name]);
    }
  }
}

export const retention: Scenario = {
  name: 'retention',
  about:
    'two days with different ages, counts and quotas: floors rise, equal peers stop comparing, nothing comes back',
  peers: 8,
  run(world) {
    const random = world.random('retention');
    addPeers(world);
    const comparisons = new Comparisons(world);
    const first = new Map(READERS.map((name) => [name, floorOf(world, name)]));
    for (let hour = 0; hour < HOURS; hour++) {
      const endMs = world.nowMs + AWAKE_MS;
      writeAnHour(world, random);
      world.run(Math.max(0, endMs - world.nowMs));
      world.sleep(HOUR - AWAKE_MS);
    }
    for (const name of READERS) {
      const rise = floorOf(world, name) - (first.get(name) ?? 0);
      demand(
        world,
        rise >= (name === 'D' || name === 'C' ? 1 : HOURS),
        `the floor of ${name} rose by ${rise} hours`,
      );
    }
    world.converge(10 * MINUTE, world.up(READERS));
    // Everybody has looked at what is stored since the last sleep.
    world.run(2 * MINUTE);
    checkLimits(world);
    checkRemoved(world);
    fillStore(world);
    world.crash('E');
    world.converge(10 * MINUTE, world.up(READERS));
    demandEmptyOutboxes(world, 2 * MINUTE);
    world.run(5 * MINUTE);
    comparisons.take();
    world.run(QUIET_MS);
    const since = comparisons.take();
    const isQuiet = Object.values(since).every((count) => count <= COMPARISONS_MAX);
    demand(world, isQuiet, `peers that are equal go on comparing: ${JSON.stringify(since)}`);
    // What a longer age allows again is fetched again.
    const before = rowsOf(world.host('B'));
    world.retain('B', 'log', { ageMs: 20 * HOUR });
    world.run(1000);
    world.converge(10 * MINUTE, world.up(READERS));
    demand(world, rowsOf(world.host('B')) > before, 'B fetched nothing of what it may keep again', ['B']);
  },
};
