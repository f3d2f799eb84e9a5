/**
 * Everything at once, and what is left of it afterwards: a small mesh with two malicious peers in it, loss, slow links, a
 * partition, crashes and restarts. People write, edit, delete, let expire and renew their records; E is away all the
 * while, and A, who writes to her, is gone when she comes back. The malice goes on to the end.
 *
 * It stands on what `malice.ts` says. In some seeds peers take so little at once that content is put off, in some a disk damages
 * messages. Not in it: pages of a database that are lost, which the memory twin has none of (`src/store/recovery.test.ts`).
 */
import { toBase64url } from '../../core/bytes.ts';
import { HOUR, MINUTE, SECOND } from '../../core/limits.ts';
import type { Random } from '../../core/random.ts';
import { AftermathTally } from '../aftermath-tally.ts';
import { storedMessages } from '../checker.ts';
import { Comparisons, demandEqualSums, knownAt } from '../comparisons.ts';
import { damageSome } from '../damage.ts';
import { FAULT_KINDS, startFaults } from '../faults.ts';
import type { Host } from '../host.ts';
import { flooder } from '../malice/flooder.ts';
import { MALICE, MALICE_KINDS, type MaliceKind } from '../malice/index.ts';
import type { MaliceFactory } from '../malice/malice.ts';
import { recordLiar } from '../malice/record-liar.ts';
import type { Publication } from '../registry.ts';
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { act, deletedAt, demandSurvivors, feedOf, LIFE_MAX_MINUTES, update } from './convergence.ts';
import { demandMailbox, RELAYS, restartRelays } from './mailbox.ts';

/** A writes to E, who is away; B keeps an hour only; C has another clock. */
const LEAVES = ['A', 'B', 'C', 'D', 'E'] as const;
const HONEST = [...RELAYS, ...LEAVES];
const MALICIOUS = ['M1', 'M2'] as const;
/** Everybody is in the first one, A and E alone in the second. */
const CHANNELS = ['talk', 'letters'] as const;
const [TALK, LETTERS] = CHANNELS;
/** They have feeds, which all leaves follow. */
const OWNERS = ['A', 'C'] as const;
const RATES = { leafPerSecond: 20, relayPerSecond: 200, authorPerSecond: 2, commonPerSecond: 20 };
/** So little at once that people who write a few in a row are put off, and fetched again within minutes. */
const LOW_RATES = { ...RATES, authorPerSecond: 0.1, authorBurst: 1, commonPerSecond: 0.1, commonBurst: 2 };
const LOW_RATES_SHARE = 0.3;
const DAMAGE_SHARE = 0.3;
/** C's clock is at most so far from true time: on either side of what neighbours compare minutes in spite of. */
const SKEW_MAX_MS = 3 * MINUTE;
const B_AGE_MS = HOUR;
const TROUBLE_MS = 20 * SECOND;
const LETTERS_COUNT = 6;
/** After this all that was written has settled at every clock. */
const SETTLED_MS = SKEW_MAX_MS + 3 * MINUTE;
/** Time for a heartbeat and what it leads to. */
const AWAKE_MS = 8 * SECOND;
const QUIET_MS = 15 * SECOND;
/** What malicious peers say meanwhile may be compared: then the quiet is tried again. */
const QUIET_TRIES = 4;
/** What these kinds do at their worst takes seconds of CPU: `malice.ts` plays that. */
const CHEAP: Partial<Readonly<Record<MaliceKind, MaliceFactory>>> = {
  flooder: (hand) =>
    flooder(hand, {
      as: hand.pick(['one author', 'many authors']),
      into: 'known channels',
      perSecond: 60,
      most: 300,
    }),
  'record-liar': (hand) => recordLiar(hand, { lies: 'changes' }),
};

/** What has to happen in some seed. */
const PARTS = [
  'partitions',
  'slow links',
  ...FAULT_KINDS.map((kind) => `fault: ${kind}`),
  'gaps',
  'put off',
  'put off, and came',
  'half known',
  'damaged',
  'damaged, and came',
  'letters that waited',
  'reconciliations',
  'pruned',
  'expired',
  'superseded',
  'superseded before it came',
  'deletes known',
  'deleted before it came',
  'equivocations shown',
  ...MALICE_KINDS.map((kind) => `malice: ${kind}`),
];

/** Up to two seconds from true time, or for a malicious peer sometimes up to ten minutes. */
function skewOf(random: Random, isHonest: boolean): number {
  const most = isHonest || random.unit() < 0.7 ? 2 * SECOND : 10 * MINUTE;
  return random.below(2 * most + 1) - most;
}

/** A and E reach none of the relays that the other reaches: what A writes has to come to those that keep it for E. */
function setApart(world: World): void {
  const areApart = (a: string, b: string): boolean =>
    (a === 'A' && (b === 'R2' || b === 'R3')) || (a === 'E' && b === 'R1');
  const names = world.hosts().map(({ name }) => name);
  const pairs = names.flatMap((a) => names.map((b) => [a, b] as const));
  world.restrict(...pairs.filter(([a, b]) => !areApart(a, b) && !areApart(b, a)));
}

function addPeers(world: World, random: Random): void {
  const { seed } = world.network;
  const rates = random.unit() < LOW_RATES_SHARE ? LOW_RATES : RATES;
  for (const name of RELAYS) {
    const fixed = RELAYS.filter((other) => other !== name);
    world.add(name, { fixed, rates, wallOffsetMs: skewOf(random, true) });
  }
  const areApart = random.unit() < 0.5;
  for (const name of LEAVES) {
    const shuffled = random.shuffle(RELAYS).slice(0, 2);
    const apart = name === 'A' ? ['R1'] : ['R2', 'R3'];
    const homes = areApart && 'AE'.includes(name) ? apart : shuffled;
    const fixed = random.unit() < 0.6 ? [random.unit() < 0.5 ? 'M1' : 'M2', ...homes] : homes;
    const joined = name === 'A' || name === 'E' ? CHANNELS : [TALK];
    const wallOffsetMs =
      name === 'C' ? random.below(2 * SKEW_MAX_MS + 1) - SKEW_MAX_MS : skewOf(random, true);
    world.add(name, { fixed, joined, rates, wallOffsetMs, isReachable: false });
  }
  // Each kind comes once in as many seeds as there are kinds, whatever the other one is.
  const first = MALICE_KINDS[seed % MALICE_KINDS.length] as MaliceKind;
  const others = MALICE_KINDS.filter((kind) => kind !== first);
  const kinds = [first, others[random.below(others.length)] as MaliceKind];
  for (const [i, name] of MALICIOUS.entries()) {
    const malice = kinds[i] as MaliceKind;
    const createMalice = CHEAP[malice] ?? MALICE[malice];
    const fixed = random.shuffle(RELAYS);
    const wallOffsetMs = skewOf(random, false);
    world.add(name, { fixed, joined: [TALK], malice, createMalice, wallOffsetMs });
  }
  if (areApart) setApart(world);
  for (const { name } of random.shuffle(world.hosts())) {
    world.start(name);
    world.run(random.below(300));
  }
  for (const name of LEAVES) for (const owner of OWNERS) world.join(name, feedOf(world, owner));
  world.retain('B', TALK, { ageMs: B_AGE_MS });
  demandMailbox(world, 'E', CHANNELS.length + OWNERS.length);
}

/** For a while links carry thirty kilobytes a second, and frames take up to a third of a second longer. */
function slowDown(world: World, random: Random): void {
  const { network } = world;
  const { bytesPerMs, jitterMs } = network.profile;
  network.schedule.after(random.below(TROUBLE_MS / 2), () => {
    network.profile = { ...network.profile, bytesPerMs: 30, jitterMs: [0, 300] };
    world.counts.add('slow links');
    network.schedule.after(3 * SECOND + random.below(TROUBLE_MS / 4), () => {
      network.profile = { ...network.profile, bytesPerMs, jitterMs };
    });
  });
}

/** Two parts that do not reach each other, for a third of the trouble. */
function partitionOnce(world: World, random: Random): void {
  const hosts = random.shuffle(world.hosts());
  const { dialler, schedule } = world.network;
  schedule.after(TROUBLE_MS / 3, () => {
    dialler.partition([hosts.slice(0, hosts.length >> 1), hosts.slice(hosts.length >> 1)]);
    world.counts.add('partitions');
  });
  schedule.after((2 * TROUBLE_MS) / 3, () => dialler.heal());
}

/** Faults of every kind while whoever is up writes. */
function trouble(world: World, random: Random, writers: readonly string[]): void {
  const endMs = world.nowMs + TROUBLE_MS;
  slowDown(world, random);
  partitionOnce(world, random);
  startFaults(world, {
    durationMs: TROUBLE_MS,
    everyMs: [500, 2500],
    downMs: [500, 8000],
    downShareMax: 0.4,
  });
  while (world.nowMs < endMs) {
    const [name] = random.shuffle(writers.filter((writer) => world.host(writer).isUp));
    if (name !== undefined) act(world, random, name, name === 'A' && random.unit() < 0.5 ? LETTERS : TALK);
    if (random.unit() < 0.3) update(world, random, OWNERS);
    world.run(random.below(1500));
  }
  world.run(endMs - world.nowMs + 3 * SECOND);
}

/** Whether somebody has it, unless nobody has to any more. */
function isKept(world: World, hosts: readonly Host[], publication: Publication): boolean {
  const id = publication.message?.idText ?? '';
  return hosts.some((host) => host.store.readMessage(id) !== undefined || !world.keeps(host, publication));
}

/** Everybody sleeps, with nothing under way, and then looks around. */
function sleep(world: World, durationMs: number): void {
  world.run(2 * SECOND);
  world.sleep(durationMs);
  world.run(AWAKE_MS);
}

/** A writes some more to E, who is away, and leaves once an honest relay has all of it. */
function writeAndLeave(world: World, random: Random): void {
  for (let i = 0; i < LETTERS_COUNT; i++) {
    act(world, random, 'A', LETTERS);
    world.run(random.below(1000));
  }
  const relays = world.up(RELAYS);
  const own = () => world.registry.publications.filter(({ host, message }) => message && host.name === 'A');
  const areKept = () => own().every((one) => isKept(world, relays, one));
  // Of what was deleted on its way the header comes by catch-up: two minutes later, and a try may be in vain.
  demand(world, world.runUntil(areKept, 5 * MINUTE), 'no honest relay has all that A wrote', ['A']);
  demandEmptyOutboxes(world, MINUTE, ['A']);
  world.crash('A', random.unit() < 0.5 ? 'killed' : 'power');
}

/** E comes back while A is gone, and gets what it missed from relays that have restarted meanwhile. */
function comeBack(world: World): void {
  const e = world.host('E');
  const had = world.registry.committedIn(LETTERS).filter((one) => isKept(world, [e], one)).length;
  world.start('E');
  world.converge(5 * MINUTE, [e]);
  world.counts.add('letters that waited', world.registry.committedIn(LETTERS).length - had);
}

/** What its author let expire is stored nowhere a minute later. */
function demandExpired(world: World): void {
  const written = world.registry.publications.flatMap(({ message }) => (message?.expiresMs ? [message] : []));
  world.counts.add('expired', written.length);
  for (const host of world.up(HONEST))
    for (const { message } of storedMessages(host)) {
      const { expiresMs, idText } = message.message;
      const isOver = expiresMs !== 0 && expiresMs <= world.wallMs(host) - 2 * MINUTE;
      demand(world, !isOver, `${host.name} still keeps ${idText}, which has expired`, [host.name]);
    }
}

/** Whether a host has two messages of this author that name the same one before, both from before this time. */
function hasTwoStories(host: Host, author: string, beforeMs: number): boolean {
  const seen = new Set<string>();
  for (const { message } of host.store.readPage({ channel: TALK, limit: 10_000, wallMs: 0 })) {
    const { prev, author: by, time } = message.message;
    if (prev.length === 0 || toBase64url(by) !== author || time.timeMs >= beforeMs) continue;
    if (seen.has(toBase64url(prev))) return true;
    seen.add(toBase64url(prev));
  }
  return false;
}

/** Whoever has both stories of an author has the proof; what some have whole for long, all have. */
function demandEquivocationsShown(world: World): void {
  for (const { identity, name: bad } of world.hosts().filter(({ isHonest }) => !isHonest)) {
    const hosts = world.up(holdersOf(world, TALK));
    const told = hosts.filter((host) => hasTwoStories(host, identity, Number.POSITIVE_INFINITY));
    for (const host of told) {
      const isShown = host.store.equivocation(TALK, identity) !== undefined;
      demand(world, isShown, `${host.name} has two stories of ${bad} and shows no proof`, [host.name]);
    }
    if (told.length > 0) world.counts.add('equivocations shown', told.length);
    const isWaiting = (host: Host): boolean =>
      knownAt(host).some(({ author, holding }) => author === identity && holding === 'wanted');
    // B keeps an hour only.
    const whole = hosts.filter((host) => host.name !== 'B' && !isWaiting(host));
    const lacking = whole.filter((host) => !told.includes(host)).map(({ name }) => name);
    const isOld = whole.some((host) => hasTwoStories(host, identity, world.wallMs(host) - HOUR));
    demand(world, !isOld || lacking.length === 0, `${lacking.join(', ')} know one story of ${bad}`, lacking);
  }
}

/** Ids that some want the content of and others know nothing of. Their author, a malicious one, has written more than is taken
 *  in this time, or shows it to one peer and gives it to nobody afterwards. */
function halfKnown(world: World): ReadonlySet<string> {
  // B keeps an hour only.
  const hosts = world.up(holdersOf(world, TALK)).filter(({ name }) => name !== 'B');
  const rows = hosts.map((host) => knownAt(host).filter(({ channel }) => channel === TALK));
  const known = rows.map((all) => new Set(all.map(({ id }) => id)));
  const wanted = rows.flat().filter(({ holding }) => holding === 'wanted');
  const ids = new Set(wanted.flatMap(({ id }) => (known.every((all) => all.has(id)) ? [] : [id])));
  const own = world.registry.publications.find(({ message }) => message && ids.has(message.idText));
  demand(world, own === undefined, `${own?.message?.idText} of ${own?.host.name} is not everywhere`);
  world.counts.add('half known', ids.size);
  return ids;
}

/** Honest peers that are equal do not look for differences between them. */
function demandQuiet(world: World): void {
  const comparisons = new Comparisons(world);
  let since: Record<string, number> = {};
  for (let tries = 1; tries <= QUIET_TRIES; tries++) {
    sleep(world, SETTLED_MS);
    comparisons.take();
    world.run(QUIET_MS);
    since = comparisons.take();
    // Sums are told whenever malice or a clock gives occasion; what differs is reconciled.
    if (since.reconcile === 0 && since.offer === 0) return world.counts.add('tries for quiet', tries);
  }
  demand(world, false, `peers that are equal go on comparing: ${JSON.stringify(since)}`);
}

/** Honest leaves that have joined the channel, and honest relays that hold it for them. */
function holdersOf(world: World, channel: string): string[] {
  const isHolder = (host: Host): boolean =>
    host.name.startsWith('R')
      ? host.core?.holds?.(channel) === true
      : [...world.interests(host)].includes(channel);
  return world
    .up(HONEST)
    .filter(isHolder)
    .map(({ name }) => name);
}

/** @param without ids that not everybody has to know */
function demandAftermath(world: World, without: ReadonlySet<string>): void {
  demandExpired(world);
  for (const channel of CHANNELS) demandEqualSums(world, holdersOf(world, channel), channel, without);
  for (const feed of OWNERS.map((owner) => feedOf(world, owner))) {
    const holders = holdersOf(world, feed);
    demandEqualSums(world, holders, feed);
    world.counts.add('superseded', demandSurvivors(world, holders, feed));
  }
  demandEquivocationsShown(world);
  for (const name of HONEST) world.counts.add('deletes known', deletedAt(world, name, TALK));
  for (const { deeds, options } of world.hosts())
    for (const times of deeds.values()) world.counts.add(`malice: ${options.malice}`, times);
}

export const aftermath: Scenario = {
  name: 'aftermath',
  about:
    'all at once in a small mesh: malice, loss, a partition and crashes while people write, edit, delete and one is away; then all is as it must be',
  peers: HONEST.length + MALICIOUS.length,
  parts: PARTS,
  run(world) {
    const random = world.random('aftermath');
    world.network.observers.push(new AftermathTally(world));
    const comparisons = new Comparisons(world);
    addPeers(world, random);
    world.crash('E', random.unit() < 0.5 ? 'killed' : 'power');
    trouble(world, random, ['A', 'B', 'C', 'D']);
    sleep(world, random.below(HOUR));
    if (random.unit() < DAMAGE_SHARE)
      damageSome(world, random, { names: [...RELAYS, 'A', 'B', 'C', 'D'], relays: RELAYS, channel: TALK });
    writeAndLeave(world, random);
    sleep(world, random.below(8 * HOUR));
    restartRelays(world, random, { downMs: 3 * SECOND, awakeMs: 2 * SECOND });
    comeBack(world);
    world.start('A');
    for (const name of random.shuffle(LEAVES)) act(world, random, name, name === 'E' ? LETTERS : TALK);
    // What was to expire has expired, and all that was written is in hours that are over.
    sleep(world, LIFE_MAX_MINUTES * MINUTE);
    demand(world, world.up().length === world.hosts().length, 'somebody did not come back');
    world.converge(10 * MINUTE, world.up(HONEST));
    demandEmptyOutboxes(world, 2 * MINUTE, HONEST);
    world.counts.add('reconciliations', comparisons.take().reconcile ?? 0);
    const without = halfKnown(world);
    // They are looked for again and again, later and later.
    if (without.size === 0) demandQuiet(world);
    else sleep(world, SETTLED_MS);
    demandAftermath(world, without);
  },
};
