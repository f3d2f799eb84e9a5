/** Peers that say too much, and what comes of it. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { delayAt } from '../picture/curve.ts';
import { createBad, finish, talk } from '../testing/malice-world.ts';
import { flooder } from './flooder.ts';
import { hoarder } from './hoarder.ts';
import { inventor } from './inventor.ts';
import { NAG_NAMES, nagger } from './nagger.ts';

/** A flood at these rates is one of hundreds, not of thousands. */
const RATES = { leafPerSecond: 10, relayPerSecond: 200, authorPerSecond: 2, commonPerSecond: 2 };

/** What the dialler of a link may say at any time. */
const LAWFUL = NAG_NAMES.filter((name) => name !== 'sums of nothing' && name !== 'offers of nothing');

/** of a message of the flooder, as the store counts it */
const MESSAGE_BYTES = 700;

function p99(delays: readonly number[]): number {
  return delayAt(
    delays.toSorted((a, b) => a - b),
    0.99,
  );
}

describe('a flooder', () => {
  it.each(['one author', 'many authors'] as const)(
    'as %s is not read for a while, is not punished, and others notice nothing',
    (as) => {
      const { world, verdict, delays } = createBad({
        kind: 'flooder',
        create: (hand) => flooder(hand, { as, into: 'known channels', perSecond: 100, most: 1000 }),
        honest: { rates: RATES },
      });
      talk(world, 25);
      expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
      expect(verdict().deeds[`sent valid messages as ${as}`]).toBe(1000);
      // What its two links may bring: 10 a second each, and 100 at once.
      const { messages } =
        world
          .host('R1')
          .store.channels()
          .find(({ channel }) => channel === 'dev') ?? {};
      expect(messages).toBeLessThan(2 * (100 + 10 * 30) + 50);
      expect(p99(delays)).toBeLessThan(1000);
      finish(world);
    },
  );

  it('of ever new channels cannot take the places of those that people publish into', () => {
    const { world } = createBad({
      kind: 'flooder',
      create: (hand) => flooder(hand, { as: 'one author', into: 'new channels', perSecond: 100, most: 1500 }),
    });
    talk(world, 20);
    expect(world.host('R1').core?.footprint?.().carried?.size).toBeGreaterThan(100);
    finish(world);
  });

  it('fills a small store no further than to its limit and by what came until it was noticed', () => {
    const bytesAll = 100_000;
    const { world } = createBad({
      kind: 'flooder',
      create: (hand) =>
        flooder(hand, { as: 'many authors', into: 'known channels', perSecond: 100, most: 2000 }),
      honest: { retention: { bytesAll } },
    });
    talk(world, 60);
    for (const host of world.honest()) {
      const bytes = host.store.channels().reduce((sum, row) => sum + row.bytes, 0);
      expect(bytes).toBeGreaterThan(bytesAll / 2);
      expect(bytes).toBeLessThan(bytesAll + 200 * MESSAGE_BYTES);
    }
    world.end();
  });
});

describe('a nagger', () => {
  it('is not read for a while where it sends many small frames, and nobody else notices', () => {
    const { world, verdict, delays } = createBad({
      kind: 'nagger',
      create: (hand) => nagger(hand, { framesPerSecond: 60, items: 2, only: LAWFUL }),
      honest: { rates: RATES },
    });
    talk(world, 40);
    expect(verdict().bannedBy).toEqual([]);
    expect(p99(delays)).toBeLessThan(1000);
    finish(world);
  });

  it.each([
    'channels that nobody has',
    'what it has, asked for again',
    'sums of nothing',
    'offers of nothing',
  ] as const)('is banned where it says too much of: %s', (name) => {
    const { world, verdict } = createBad({
      kind: 'nagger',
      create: (hand) => nagger(hand, { framesPerSecond: 5, items: LIMITS.idsPerFrameMax / 2, only: [name] }),
      // Answers leave slowly enough for questions to pile up.
      world: { profile: { bytesPerMs: 200 } },
    });
    talk(world, 15);
    expect(verdict().bannedBy).toEqual(['R1', 'R2']);
    finish(world);
  });
});

describe('an inventor', () => {
  it('puts its relays on the map and moves no way between honest ones with them', () => {
    const { world, verdict, delays } = createBad({
      kind: 'inventor',
      create: (hand) => inventor(hand, { relays: 60, perSecond: 5 }),
    });
    talk(world, 30);
    expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
    expect(world.snapshot('R1')?.relays).toBeGreaterThan(5);
    expect(world.snapshot('R1')?.relays).toBeLessThanOrEqual(63);
    expect(p99(delays)).toBeLessThan(1000);
    finish(world);
  });

  it('has its addresses dialled once each and not again', () => {
    const dials = new Map<string, number>();
    const { world } = createBad({
      kind: 'inventor',
      create: (hand) => inventor(hand, { relays: 30, perSecond: 5 }),
    });
    world.network.observers.push({
      effect: (host, effect) => {
        if (effect.kind !== 'dial' || !effect.url.startsWith('ws://127.66.')) return;
        const key = `${host.name} ${effect.url}`;
        dials.set(key, (dials.get(key) ?? 0) + 1);
      },
    });
    world.run(120_000);
    expect(dials.size).toBeGreaterThan(10);
    expect(Math.max(...dials.values())).toBe(1);
    finish(world);
  });
});

describe('a hoarder', () => {
  it.each([0, 1])(
    'gets a small mailbox, fills its channels, and nobody else notices (asks to keep: %d)',
    (keepShare) => {
      const { world, verdict, delays } = createBad({
        kind: 'hoarder',
        create: (hand) => hoarder(hand, { perSecond: 20, bodyBytes: 8000, most: 400, keepShare }),
        honest: { retention: { newcomerBytes: 100_000, carriedBytesAll: 200_000 } },
      });
      talk(world, 40);
      world.run(70_000);
      expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
      const { mailboxes, carried } = world.host('R1').store.restore();
      const { peerId } = world.host('M');
      expect(mailboxes.find(({ peer }) => peer === peerId)?.tags).toHaveLength(LIMITS.mailboxTagsMax);
      // That in which A and B write, and in one case all that it filled.
      expect(carried.length > 1).toBe(keepShare === 1);
      expect(p99(delays)).toBeLessThan(1000);
      finish(world);
    },
  );
});
