import { DAY, HOUR, MINUTE, SECOND } from '../../core/limits.ts';
import type { Random } from '../../core/random.ts';
import type { Host } from '../host.ts';
import { demand, outboxLength, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

export const RELAYS = ['R1', 'R2', 'R3'] as const;
const CHANNELS = ['dev', 'ops', 'music'] as const;
/** A leap of more than a day would put the clock in doubt. */
const NAP_MS = 12 * HOUR;
const AWAKE_MS = 20 * SECOND;
const WEEKS_MS = 21 * DAY;

interface RestartTimes {
  /** the longest that a relay is down */
  readonly downMs: number;
  /** after each start */
  readonly awakeMs: number;
}

const RESTART: RestartTimes = { downMs: 30_000, awakeMs: AWAKE_MS };

/** @param areApart sender and receiver have no home relay in common */
function addPeers(world: World, areApart: boolean): void {
  for (const name of RELAYS) world.add(name, { fixed: RELAYS.filter((other) => other !== name) });
  for (const name of ['sender', 'receiver'])
    world.add(name, { fixed: RELAYS, joined: CHANNELS, isReachable: false });
  const overlay = [
    ['R1', 'R2'],
    ['R2', 'R3'],
    ['R1', 'R3'],
  ] as const;
  const homes = [
    ['sender', 'R1'],
    ['receiver', 'R2'],
    ['receiver', 'R3'],
  ] as const;
  if (areApart) world.restrict(...overlay, ...homes);
  for (const { name } of world.hosts()) world.start(name);
  world.run(20 * SECOND);
  for (const name of ['sender', 'receiver']) demandMailbox(world, name, CHANNELS.length);
}

/** Waits until a relay keeps a mailbox of so many channels for a peer; fails if that does not come in time. */
export function demandMailbox(world: World, name: string, channels: number): void {
  const { peerId } = world.host(name);
  const isKept = () =>
    RELAYS.some((relay) =>
      world
        .host(relay)
        .store.restore()
        .mailboxes.some((box) => box.peer === peerId && box.tags.length === channels),
    );
  demand(world, world.runUntil(isKept, MINUTE), `no relay keeps a mailbox for ${name}`, [name]);
}

/** The sender writes into every channel, and leaves once each message has a keeper. */
function writeAndLeave(world: World, random: Random, label: string): void {
  const sender = world.host('sender');
  for (let i = 1; i <= 24; i++) {
    const channel = CHANNELS[i % CHANNELS.length] as string;
    world.publish('sender', channel, `${label} ${i} ${'x'.repeat(random.below(2000))}`);
    world.run(random.below(2000));
  }
  world.runUntil(() => outboxLength(sender) === 0, MINUTE);
  demand(world, outboxLength(sender) === 0, `${outboxLength(sender)} messages found no keeper`, ['sender']);
  world.crash('sender', random.unit() < 0.5 ? 'killed' : 'power');
}

/** Every relay goes down, at a commit boundary or between two, and starts again; all of them together or one by one. */
export function restartRelays(world: World, random: Random, times: RestartTimes): void {
  const stop = (name: string): void => {
    const how = random.unit() < 0.5 ? 'killed' : 'power';
    if (random.unit() < 0.5) world.crash(name, how);
    else world.crashAtCommit(name, { side: random.unit() < 0.5 ? 'before-commit' : 'after-commit', how });
  };
  const areDown = (names: readonly string[]) => () => names.every((name) => !world.host(name).isUp);
  const turns = random.unit() < 0.5 ? [RELAYS] : RELAYS.map((name) => [name]);
  for (const names of turns) {
    for (const name of names) stop(name);
    demand(world, world.runUntil(areDown(names), MINUTE), `${names.join(', ')} did not go down`);
    world.run(random.below(times.downMs));
    for (const name of names) world.start(name);
    world.run(times.awakeMs);
  }
}

/** Relays have what the sender brought back, and restart while nobody of those who want it is there. */
function leaveItToRelays(world: World, random: Random): void {
  world.run(5 * MINUTE);
  world.crash('sender', 'killed');
  restartRelays(world, random, RESTART);
  pass(world, random.below(3 * DAY));
}

/** Whoever is up wakes twice a day for as long as it takes to look around. */
function pass(world: World, durationMs: number): void {
  const endMs = world.nowMs + durationMs;
  while (endMs - world.nowMs > NAP_MS) {
    world.run(AWAKE_MS);
    world.sleep(NAP_MS);
  }
  world.run(AWAKE_MS);
}

function bodies(host: Host): string[] {
  return CHANNELS.flatMap((channel) =>
    host.store.readPage({ channel, limit: 1000, wallMs: 0 }).map(({ message }) => message.message.body),
  );
}

/** The receiver shows what the sender wrote, each message once and in the same order. */
function demandAll(world: World, count: number): void {
  const [sent, got] = [bodies(world.host('sender')), bodies(world.host('receiver'))];
  demand(world, sent.length === count, `the sender keeps ${sent.length} of its ${count} messages`);
  demand(world, got.length === count, `the receiver has ${got.length} of ${count} messages`, ['receiver']);
  demand(world, got.join('\n') === sent.join('\n'), 'the receiver has another order', ['receiver']);
}

export const mailbox: Scenario = {
  name: 'mailbox',
  about:
    'sender on Monday, receiver on Tuesday, never together, relays restart in between; then three weeks away: all arrives',
  peers: RELAYS.length + 2,
  run(world) {
    const random = world.random('mailbox');
    addPeers(world, random.unit() < 0.5);

    world.crash('receiver', random.unit() < 0.5 ? 'killed' : 'power');
    world.run(10 * SECOND);
    writeAndLeave(world, random, 'Monday');
    world.sleep(random.below(8 * HOUR));
    restartRelays(world, random, RESTART);
    world.sleep(random.below(8 * HOUR));
    world.start('receiver');
    const has = (count: number) => () => bodies(world.host('receiver')).length >= count;
    world.runUntil(has(24), 5 * MINUTE);
    demandAll(world, 24);

    world.crash('receiver', 'killed');
    world.start('sender');
    world.run(20 * SECOND);
    writeAndLeave(world, random, 'before three weeks');
    pass(world, WEEKS_MS);
    restartRelays(world, random, RESTART);
    const [first, second] = random.unit() < 0.5 ? ['sender', 'receiver'] : ['receiver', 'sender'];
    world.start(first);
    world.run(random.below(2 * MINUTE));
    if (first === 'sender' && random.unit() < 0.7) leaveItToRelays(world, random);
    world.start(second);
    world.runUntil(has(48), 10 * MINUTE);
    demandAll(world, 48);
    world.converge(5 * MINUTE, world.up(['sender', 'receiver']));
  },
};
