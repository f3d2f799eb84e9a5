import { supersededOf } from '../../core/channel/feed.ts';
import { DEFAULT_RETENTION, NO_RATES } from '../../core/defaults.ts';
import { HOUR, MINUTE } from '../../core/limits.ts';
import { isDelete } from '../../core/message/amend.ts';
import { MESSAGE_KIND, type Message, RELATION } from '../../core/message/message.ts';
import type { Random } from '../../core/random.ts';
import { Comparisons, demandEqualSums } from '../comparisons.ts';
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const HOURS = 10;
/** Of each hour everybody is awake for so long, and sleeps for the rest. */
const AWAKE_MS = 3 * MINUTE;
const RELAYS = ['R', 'S', 'T'] as const;
const WRITERS = ['A', 'B', 'C', 'D'] as const;
const CHANNEL = 'log';
/** They have feeds, which all writers follow. */
const OWNERS = ['A', 'B', 'C'] as const;
const KINDS = [MESSAGE_KIND.post, MESSAGE_KIND.recoveryCertificate, 20, 21] as const;
/** ms ahead of true time */
const CLOCKS: Readonly<Record<string, number>> = { R: 2000, S: -2000, A: 2000, B: -2000, D: 1000 };
const D_BYTES = 150_000;
/** More than an author and all together may write at once: the rest is put off. */
const BURST = 2300;
/** Links as fast as they are; the common burst is filled up again within an hour. */
const RATES = { ...NO_RATES, authorPerSecond: 5, commonPerSecond: 1 };
const QUIET_MS = 20 * MINUTE;
/** what was written last is compared then */
const SETTLED_MS = 10 * MINUTE;
/** messages that run out one after the other in the quiet time */
const DYING = 20;
/** Comparisons of sums in the quiet time: a start of a minute may be seen here and not there yet. */
const SUMS_MAX = 4;
/** A fifth of the posts expires within so long. */
export const LIFE_MAX_MINUTES = 120;

function addPeers(world: World): void {
  const { joined } = DEFAULT_RETENTION;
  for (const name of RELAYS) {
    const fixed = RELAYS.filter((other) => other !== name);
    world.add(name, { fixed, rates: RATES, wallOffsetMs: CLOCKS[name] ?? 0 });
  }
  for (const [i, name] of WRITERS.entries()) {
    const retention = name === 'D' ? { retention: { joined: { ...joined, bytes: D_BYTES } } } : {};
    const fixed = [RELAYS[i % 3] as string, RELAYS[(i + 1) % 3] as string];
    world.add(name, {
      fixed,
      joined: [CHANNEL],
      rates: RATES,
      wallOffsetMs: CLOCKS[name] ?? 0,
      ...retention,
    });
  }
  for (const { name } of world.hosts()) world.start(name);
  for (const name of WRITERS) for (const owner of OWNERS) world.join(name, feedOf(world, owner));
  world.run(10_000);
  world.retain('B', CHANNEL, { ageMs: 6 * HOUR });
  world.run(1000);
}

/** The feed of a writer. */
export function feedOf(world: World, name: string): string {
  return `@${world.host(name).identityAt(0)}`;
}

/** What a writer published in a channel, the newest last, and what of it may still be amended. */
function postsOf(world: World, name: string, channel: string): Message[] {
  return world.registry
    .committedIn(channel)
    .filter(({ host }) => host.name === name)
    .flatMap(({ message }) => (message && !isDelete(message) ? [message] : []));
}

/** One message of a writer: a post, an edit, or a delete of up to three. */
export function act(world: World, random: Random, name: string, channel: string): void {
  const posts = postsOf(world, name, channel);
  const pick = () => posts[Math.floor(posts.length * (1 - random.unit() ** 2))];
  const choice = random.unit();
  if (choice < 0.5 || posts.length === 0) {
    const lifeMs = random.unit() < 0.2 ? (1 + random.below(LIFE_MAX_MINUTES)) * MINUTE : 0;
    const expiresMs = lifeMs === 0 ? 0 : world.wallMs(world.host(name)) + lifeMs;
    world.publish(name, channel, `${posts.length} ${'x'.repeat(random.below(1500))}`, { expiresMs });
  } else if (choice < 0.65) {
    const refs = [pick()].flatMap((one) => (one ? [{ relation: RELATION.edit, id: one.id }] : []));
    world.publish(name, channel, `better ${posts.length}`, { refs });
  } else {
    const targets = Array.from({ length: 1 + random.below(3) }, pick);
    const refs = targets.flatMap((one) => (one ? [{ relation: RELATION.delete, id: one.id }] : []));
    world.publish(name, channel, '', { refs });
  }
}

/** One of the owners publishes some records of its feed, one after another or all at once. */
export function update(world: World, random: Random, owners: readonly string[]): void {
  const owner = owners[random.below(owners.length)] as string;
  const feed = feedOf(world, owner);
  const isFast = random.unit() < 0.5;
  for (let left = 1 + random.below(3); left > 0; left--) {
    const number = world.registry.publications.length;
    world.publish(owner, feed, `record ${number}`, { kind: KINDS[random.below(KINDS.length)] as number });
    if (!isFast) world.run(random.below(2000));
  }
}

/** Some minutes in which all write, the mesh falls into two parts for a while, and somebody is restarted. */
function playAnHour(world: World, random: Random): void {
  const endMs = world.nowMs + AWAKE_MS;
  world.run(5000);
  const names = [...RELAYS, ...WRITERS];
  const side = new Set(names.filter(() => random.unit() < 0.5));
  const isApart = random.unit() < 0.7;
  if (isApart)
    world.network.dialler.partition(
      [true, false].map((is) => world.up(names.filter((name) => side.has(name) === is))),
    );
  for (let i = 0; i < 12; i++) {
    act(world, random, WRITERS[random.below(WRITERS.length)] as string, CHANNEL);
    if (random.unit() < 0.5) update(world, random, OWNERS);
    world.run(random.below(6000));
  }
  const down = names[random.below(names.length)] as string;
  world.crash(down, random.unit() < 0.5 ? 'killed' : 'power');
  world.run(2000);
  world.start(down);
  if (isApart) world.network.dialler.heal();
  world.run(Math.max(0, endMs - world.nowMs));
}

/** C writes more than others take at once, and regrets some of it while it is still put off there. */
function burst(world: World): void {
  for (let i = 0; i < BURST; i++) {
    world.publish('C', CHANNEL, `burst ${i}`);
    if (i % 100 === 99) world.run(50);
  }
  world.run(2000);
  const posts = postsOf(world, 'C', CHANNEL).slice(-40);
  for (let at = 0; at < posts.length; at += 8) {
    const refs = posts.slice(at, at + 8).map(({ id }) => ({ relation: RELATION.delete, id }));
    world.publish('C', CHANNEL, '', { refs });
  }
  const isPutOff = world.up().some((host) => {
    const wanted = host.store.read({ kind: 'wanted', afterArrival: 0, limit: 1 });
    return wanted.kind === 'wanted' && wanted.rows.length > 0;
  });
  demand(world, isPutOff, 'nobody put anything off');
}

/** How many messages of a channel a host knows as deleted. */
export function deletedAt(world: World, name: string, channel: string): number {
  const ids = world.registry
    .committedIn(channel)
    .flatMap(({ message }) => (message === undefined ? [] : [message.id]));
  const answer = world.host(name).store.read({ kind: 'has', ids });
  return answer.kind === 'has' ? answer.holdings.filter((holding) => holding === 'deleted').length : 0;
}

/** Everybody has of a feed what its rule leaves of all that was published, and nothing else.
 * @returns how many records are superseded */
export function demandSurvivors(world: World, names: readonly string[], feed: string): number {
  const all = world.registry.committedIn(feed).flatMap(({ message }) => message ?? []);
  const gone = KINDS.flatMap((kind) =>
    supersededOf(
      kind,
      all.filter((one) => one.kind === kind),
    ),
  );
  for (const name of names)
    for (const record of all) {
      const isHeld = world.host(name).store.readMessage(record.idText) !== undefined;
      const isKept = !gone.includes(record);
      demand(world, isHeld === isKept, `${name} ${isHeld ? 'keeps' : 'lacks'} ${record.idText} of ${feed}`);
    }
  return gone.length;
}

/** Everybody writes what runs out in the quiet time: that is no reason for a comparison. */
function writeDying(world: World): void {
  for (let i = 0; i < DYING; i++) {
    const name = WRITERS[i % WRITERS.length] as string;
    const lifeMs = SETTLED_MS + ((i + 0.5) * QUIET_MS) / DYING;
    world.publish(name, CHANNEL, `dying ${i}`, {
      expiresMs: Math.floor(world.wallMs(world.host(name)) + lifeMs),
    });
  }
}

export const convergence: Scenario = {
  name: 'convergence',
  about:
    'edits, deletes, expiries, superseded records of feeds and put-off content at peers with other floors, quotas and clocks, in partitions and restarts: sums become equal and nobody goes on',
  peers: RELAYS.length + WRITERS.length,
  run(world) {
    const random = world.random('convergence');
    addPeers(world);
    for (let hour = 0; hour < HOURS; hour++) {
      playAnHour(world, random);
      if (hour === 2) burst(world);
      world.sleep(HOUR - AWAKE_MS);
    }
    const names = [...RELAYS, ...WRITERS];
    world.converge(15 * MINUTE, world.up(WRITERS));
    demandEmptyOutboxes(world, 2 * MINUTE);
    writeDying(world);
    world.run(SETTLED_MS);
    const comparisons = new Comparisons(world);
    comparisons.take();
    world.run(QUIET_MS);
    const since = comparisons.take();
    const { sums = 0, ...others } = since;
    const isQuiet = sums <= SUMS_MAX && Object.values(others).every((count) => count === 0);
    demand(world, isQuiet, `peers that are equal go on comparing: ${JSON.stringify(since)}`);
    demandEqualSums(world, names, CHANNEL);
    for (const owner of OWNERS) {
      demandEqualSums(world, names, feedOf(world, owner));
      const superseded = demandSurvivors(world, names, feedOf(world, owner));
      demand(world, superseded > 0, `nothing was superseded in the feed of ${owner}`);
    }
    // B keeps six hours, and D what it has room for.
    for (const name of [...RELAYS, 'A', 'C'])
      demand(world, deletedAt(world, name, CHANNEL) > 0, `${name} knows nothing as deleted`, [name]);
  },
};
