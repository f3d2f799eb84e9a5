import { HOUR, KiB, LIMITS, MINUTE, MiB, SECOND } from '../../core/limits.ts';
import type { TagUse } from '../../core/persistence.ts';
import type { Random } from '../../core/random.ts';
import { hoarder } from '../malice/hoarder.ts';
import { demand, outboxLength, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const RELAY = 'relay';
const RETENTION = { carriedBytesAll: 4 * MiB, newcomerBytes: 512 * KiB } as const;
const WAVES = 3;
const HOARDERS_OF_WAVE = 8;
const WAVE_MS = 30 * SECOND;
/**
 * At each look a tenth of the room more may come while what is too much is being removed, which takes some looks, and the
 * headers of what was removed stay to the end of the hour.
 */
const BEYOND_BYTES = 0.4 * RETENTION.newcomerBytes;
/** Between two looks at everything that is stored so much more may come (`retention.ts`), and what a second brings. */
const BETWEEN_BYTES = 24 * MiB;

/** The mailboxes of the relay as its disk has them. */
function mailboxes(world: World) {
  const { mailboxes: all, carried } = world.host(RELAY).store.restore();
  const isNew = ({ linkedMs }: (typeof all)[number]) => linkedMs < LIMITS.mailboxEstablishedMs;
  return { fresh: all.filter(isNew), known: all.filter((box) => !isNew(box)), carried };
}

function usage(world: World): readonly TagUse[] {
  const answer = world.host(RELAY).store.read({ kind: 'usage' });
  return answer.kind === 'usage' ? answer.tags : [];
}

function tagOfJoined(world: World): string | undefined {
  return world
    .host(RELAY)
    .store.channels()
    .find(({ channel }) => channel === 'ops')?.tag;
}

function bytesOf(uses: readonly TagUse[]): number {
  return uses.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** @param beyond bytes that may be there for a moment: of what only newcomers want, and of all */
function demandQuotas(world: World, beyond: { readonly fresh: number; readonly all: number }): void {
  const { fresh, known, carried } = mailboxes(world);
  demand(world, fresh.length <= LIMITS.mailboxesOfGroupMax, `${fresh.length} mailboxes of newcomers`);
  const tags = Math.max(0, ...fresh.map((box) => box.tags.length));
  demand(world, tags <= LIMITS.mailboxTagsMax, `${tags} channels in a mailbox of a newcomer`);
  const ofOthers = new Set([...known.flatMap((box) => box.tags), ...carried.map(({ tag }) => tag)]);
  const ofFresh = new Set(fresh.flatMap((box) => box.tags).filter((tag) => !ofOthers.has(tag)));
  const bytes = bytesOf(usage(world).filter(({ tag }) => ofFresh.has(tag)));
  const { newcomerBytes, carriedBytesAll } = RETENTION;
  demand(world, bytes <= newcomerBytes + beyond.fresh, `${bytes} bytes are kept for newcomers`);
  const all = bytesOf(usage(world).filter(({ tag }) => tag !== tagOfJoined(world)));
  demand(world, all <= carriedBytesAll + beyond.all, `${all} bytes are carried`);
}

/** Newcomers come and fill their channels; some of them are gone soon and never come back. */
function startWave(world: World, random: Random, wave: number): void {
  const keepShare = random.unit() < 0.5 ? 0 : 0.5;
  for (let i = 1; i <= HOARDERS_OF_WAVE; i++) {
    const name = `hoarder ${wave}.${i}`;
    world.add(name, {
      ...{ fixed: [RELAY], joined: ['junk'], isReachable: false, malice: 'hoarder' },
      createMalice: (hand) => hoarder(hand, { perSecond: 10, bodyBytes: 8 * KiB, most: 150, keepShare }),
    });
    world.start(name);
    if (random.unit() < 0.5)
      world.network.schedule.after(2000 + random.below(20_000), () => world.crash(name, 'power'));
  }
}

/** The writer goes on; the relay may fall over in the middle. @returns messages so far */
function playWaves(world: World, random: Random): number {
  let written = 0;
  for (let wave = 1; wave <= WAVES; wave++) {
    startWave(world, random, wave);
    const falls = random.unit() < 0.4 ? random.below(WAVE_MS / SECOND) : -1;
    for (let second = 0; second < WAVE_MS / SECOND; second++) {
      const body = `${++written} ${'x'.repeat(random.below(3000))}`;
      for (const channel of ['dev', 'ops']) world.publish('writer', channel, body);
      if (second === falls) world.crash(RELAY, 'power');
      world.run(SECOND);
      if (!world.host(RELAY).isUp) world.start(RELAY);
      demandQuotas(world, { fresh: BEYOND_BYTES, all: BETWEEN_BYTES });
    }
  }
  return written;
}

function shown(world: World, name: string, channel: string): number {
  return world.host(name).store.readPage({ channel, limit: 10_000, wallMs: 0 }).length;
}

export const hoarders: Scenario = {
  name: 'hoarders',
  about:
    'crowds of newcomers of one address group fill a relay with what it is to keep for them: nobody else loses anything',
  peers: 3 + WAVES * HOARDERS_OF_WAVE,
  run(world) {
    const random = world.random('hoarders');
    world.add(RELAY, { joined: ['ops'], retention: RETENTION });
    world.add('writer', { fixed: [RELAY], joined: ['dev', 'ops'], isReachable: false });
    world.add('reader', { fixed: [RELAY], joined: ['dev'], isReachable: false });
    for (const { name } of world.hosts()) world.start(name);
    world.run(HOUR + 3 * MINUTE);
    const known = mailboxes(world).known.length;
    demand(world, known === 2, `${known} of both have been here for an hour`);

    world.crash('reader', random.unit() < 0.5 ? 'killed' : 'power');
    const written = playWaves(world, random);
    const writer = world.host('writer');
    world.runUntil(() => outboxLength(writer) === 0, 5 * MINUTE);
    demand(world, outboxLength(writer) === 0, `${outboxLength(writer)} messages found no keeper`, ['writer']);
    for (const { name, isUp } of world.hosts()) if (isUp && name !== RELAY) world.crash(name, 'killed');
    world.run(3 * MINUTE);
    demandQuotas(world, { fresh: BEYOND_BYTES, all: MiB });
    world.run(HOUR);
    demandQuotas(world, { fresh: 0, all: 0 });

    world.start('reader');
    world.runUntil(() => shown(world, 'reader', 'dev') === written, 5 * MINUTE);
    for (const [name, channel] of [
      ['reader', 'dev'],
      [RELAY, 'ops'],
    ] as const) {
      const count = shown(world, name, channel);
      demand(world, count === written, `the ${name} has ${count} of ${written} messages of ${channel}`, [
        name,
      ]);
    }
    world.converge(5 * MINUTE, world.up([RELAY, 'reader']));
  },
};
