import { DAY, HOUR, MINUTE, SECOND } from '../../core/limits.ts';
import type { Random } from '../../core/random.ts';
import { demand, outboxLength, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const MESSAGES = 12;
const CHANNEL = 'dev';

/** What keeps the only relay that the sender meets at first from passing on what it keeps. */
const TROUBLES = ['there is no relay', 'its relay is gone for good', 'its relay is away for long'] as const;

/** The sender writes into a channel that it has not joined, with nobody else than `R1` there, or not even that. */
function write(world: World, random: Random, isAlone: boolean): void {
  world.start('sender');
  if (!isAlone) world.start('R1');
  world.run(20 * SECOND);
  for (let i = 1; i <= MESSAGES; i++) {
    world.publish('sender', CHANNEL, `${i} ${'x'.repeat(random.below(2000))}`);
    world.run(random.below(1000));
  }
  world.run(10 * SECOND);
  const left = outboxLength(world.host('sender'));
  demand(world, left === (isAlone ? MESSAGES : 0), `${left} messages without a keeper`);
}

/** The time that nobody meets anybody. Whoever is up wakes twice a day. */
function pass(world: World, durationMs: number): void {
  const endMs = world.nowMs + durationMs;
  while (world.nowMs < endMs) {
    world.run(20 * SECOND);
    world.sleep(12 * HOUR);
  }
  world.run(20 * SECOND);
}

export const unjoined: Scenario = {
  name: 'unjoined',
  about:
    'what a leaf wrote into a channel that it has not joined arrives, whatever becomes of the relay that it was given to',
  peers: 5,
  run(world) {
    const random = world.random('unjoined');
    const trouble = TROUBLES[random.below(TROUBLES.length)] as (typeof TROUBLES)[number];
    const isOnline = random.unit() < 0.5;
    for (const name of ['R1', 'R2', 'R3'])
      world.add(name, { fixed: ['R1', 'R2', 'R3'].filter((other) => other !== name) });
    world.add('sender', { fixed: ['R1', 'R2'], isReachable: false });
    world.add('receiver', { fixed: ['R3'], joined: [CHANNEL], isReachable: false });
    write(world, random, trouble === 'there is no relay');
    if (trouble !== 'there is no relay') world.crash('R1', random.unit() < 0.5 ? 'killed' : 'power');
    if (!isOnline) world.crash('sender', 'power');
    pass(world, DAY + random.below(20 * DAY));
    if (trouble !== 'its relay is gone for good') world.start('R1');
    for (const name of ['R2', 'R3', 'receiver']) world.start(name);
    // A relay that comes back does it alone.
    if (trouble === 'its relay is away for long') world.crash('sender');
    else world.start('sender');
    const shown = () =>
      world.host('receiver').store.readPage({ channel: CHANNEL, limit: 1000, wallMs: 0 }).length;
    world.runUntil(() => shown() === MESSAGES, 10 * MINUTE);
    demand(
      world,
      shown() === MESSAGES,
      `the receiver has ${shown()} of ${MESSAGES} messages where ${trouble}, the sender was ${isOnline ? 'online' : 'away'}`,
    );
    world.converge(5 * MINUTE, world.up(['receiver']));
  },
};
