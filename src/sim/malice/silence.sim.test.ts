/** Peers that say too little, and what comes of it. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { createBad, finish, talk } from '../testing/malice-world.ts';
import { promiser } from './promiser.ts';
import { slowReader, slowWriter } from './slow.ts';
import { withholder } from './withholder.ts';

/** A hangs on M first; R1 is its other home. M is a relay between R1 and R2, who reach each other only over R3 else. */
const AROUND = {
  R1: { fixed: ['R3', 'M'], joined: ['dev'] },
  R2: { fixed: ['R3', 'M'], joined: ['dev'] },
  R3: { joined: ['dev'] },
  A: { fixed: ['M', 'R1'], joined: ['dev'] },
  B: { fixed: ['R2'], joined: ['dev'] },
} as const;
const PAIRS = [
  ['R1', 'R3'],
  ['R2', 'R3'],
  ['M', 'R1'],
  ['M', 'R2'],
  ['A', 'M'],
  ['A', 'R1'],
  ['B', 'R2'],
] as const;

describe('a withholder', () => {
  it.each(['silent', 'denies', 'answers'] as const)(
    'in the way, which %s when it is asked, is gone around and not punished',
    (asked) => {
      const { world, verdict } = createBad({
        kind: 'withholder',
        create: (hand) => withholder(hand, { of: 'all others', asked, tunnels: 'carries' }),
        peers: AROUND,
        pairs: PAIRS,
      });
      talk(world, 20);
      expect(verdict().deeds['did not pass messages on']).toBeGreaterThan(10);
      expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
      finish(world);
    },
  );

  it('of some authors withholds those and no others', () => {
    const { world, verdict } = createBad({
      kind: 'withholder',
      create: (hand) => withholder(hand, { of: 'some authors', asked: 'denies', tunnels: 'carries' }),
      peers: AROUND,
      pairs: PAIRS,
    });
    talk(world, 20);
    expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
    finish(world);
  });

  it('on the tree costs a relay that holds the channel the time of an announcement', () => {
    const { world, verdict, delays } = createBad({
      kind: 'withholder',
      create: (hand) => withholder(hand, { of: 'all others', asked: 'silent', tunnels: 'carries' }),
      peers: { ...AROUND, A: { fixed: ['R1'], joined: ['dev'] } },
      pairs: PAIRS,
    });
    talk(world, 20);
    finish(world);
    expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
    // Each relay on the way waits for its announcement; how many do so depends on the tree.
    expect(Math.max(...delays)).toBeLessThan(2000);
  });
});

describe('a promiser', () => {
  it('says stored and keeps nothing: its word is named, and the author still brings the message to everybody', () => {
    const words: string[] = [];
    const bad = createBad({ kind: 'promiser', create: promiser, peers: AROUND, pairs: PAIRS });
    const { world, verdict } = bad;
    world.network.observers.push({
      effect: (host, effect) => {
        if (host.name === 'A' && effect.kind === 'delivery' && effect.state === 'stored')
          words.push(effect.by);
      },
    });
    talk(world, 20);
    expect(verdict().deeds['said that it stored messages which it threw away']).toBeGreaterThan(0);
    expect(words).toContain(world.host('M').peerId);
    expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
    finish(world);
  });

  it('confirms what nobody gave it, and nobody takes that for a word', () => {
    const { world, verdict } = createBad({ kind: 'promiser', create: promiser });
    const words: string[] = [];
    world.network.observers.push({
      effect: (_, effect) => {
        if (effect.kind === 'delivery' && effect.state === 'stored') words.push(effect.by);
      },
    });
    talk(world, 20);
    expect(verdict().deeds['confirmed messages that nobody gave it']).toBeGreaterThan(10);
    expect(words.length).toBeGreaterThan(10);
    expect(words).not.toContain(world.host('M').peerId);
    finish(world);
  });
});

describe('a slow reader', () => {
  it.each(['one frame a second', 'nothing'] as const)(
    'that reads %s fills a bounded queue, from which things are dropped, and nobody else waits',
    (reads) => {
      const { world, verdict, delays } = createBad({
        kind: 'slow-reader',
        create: (hand) => slowReader(hand, { reads }),
        world: {
          profile: { queueBytesMax: 64 * 1024, queueBytesClose: 128 * 1024, windowBytes: 16 * 1024 },
        },
      });
      talk(world, 60, 'x'.repeat(4000));
      world.run(30_000);
      finish(world);
      expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
      expect(Math.max(...delays)).toBeLessThan(1000);
      const peaks = world.honest().map((host) => world.queues(host).sendBytes);
      expect(Math.max(...peaks)).toBeGreaterThan(32 * 1024);
      // A queue just below the end of its link takes one more frame.
      expect(Math.max(...peaks)).toBeLessThan(128 * 1024 + LIMITS.frameBytesMax);
      expect(world.honest().some(({ traffic }) => traffic.framesDropped > 0)).toBe(true);
    },
  );
});

describe('a slow writer', () => {
  it('as a home relay delays nobody for long: what it does not bring comes from the others', () => {
    const { world, verdict } = createBad({
      kind: 'slow-writer',
      create: slowWriter,
      peers: AROUND,
      pairs: PAIRS,
    });
    talk(world, 20);
    expect(verdict().deeds['let a frame wait']).toBeGreaterThan(50);
    expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
    finish(world);
  });
});
