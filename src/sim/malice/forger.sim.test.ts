/** What forgers and racers do, and what comes of it: every forgery alone, then all together. */
import { describe, expect, it } from 'vitest';
import { createBad, finish, talk } from '../testing/malice-world.ts';
import { type ForgeryName, forger } from './forger.ts';
import { racer } from './racer.ts';

/** M sends this one to both relays, every second. */
function play(name: ForgeryName) {
  const bad = createBad({
    kind: 'forger',
    create: (hand) => forger(hand, { share: 1, transitShare: 0, most: 5, only: [name] }),
  });
  talk(bad.world, 10);
  finish(bad.world);
  return { ...bad, bodies: bad.world.host('R1').store.readPage({ channel: 'dev', limit: 100, wallMs: 0 }) };
}

describe('a forger that sends', () => {
  it.each<ForgeryName>([
    'another body',
    'another body, hashed anew',
    'in the name of another',
    'of another channel',
    'of another network',
    'into the feed of another',
    'into a private channel of mesh/1',
    'an answer to no question',
    'an answer to no comparison',
    'a record in the name of another',
  ])('%s commits an offence with each', (name) => {
    const { verdict, bodies } = play(name);
    expect(verdict().deeds[`sent ${name}`]).toBe(10);
    expect(verdict().offences).toBe(10);
    expect(bodies).toHaveLength(20);
  });

  it.each<ForgeryName>([
    'into a sealed channel',
    'from the future',
    'long expired',
    // What is known is not checked again; racers send it before it is.
    'a junk signature',
  ])('%s commits none, and is forgotten', (name) => {
    const { verdict, bodies } = play(name);
    expect(verdict().deeds[`sent ${name}`]).toBe(10);
    expect(verdict().offences).toBe(0);
    expect(bodies).toHaveLength(20);
  });

  it('everything that it can think of is banned by both relays, and everything genuine arrives', () => {
    const { world, verdict } = createBad({
      kind: 'forger',
      create: (hand) => forger(hand, { share: 1, transitShare: 1, most: 1000 }),
    });
    talk(world, 60);
    expect(verdict().bannedBy).toEqual(['R1', 'R2']);
    const { offences } = verdict();
    talk(world, 60);
    expect(verdict().offences).toBe(offences);
    finish(world);
  });
});

describe('a relay on the only way that alters all that it passes on', () => {
  it('gets nothing through and is banned; what others wrote arrives once there is another way', () => {
    const only = [
      ['A', 'R1'],
      ['M', 'R1'],
      ['M', 'R2'],
      ['B', 'R2'],
    ] as const;
    const { world, verdict } = createBad({
      kind: 'forger',
      create: (hand) => forger(hand, { share: 0, transitShare: 1, most: 1000 }),
      peers: {
        R1: { fixed: ['M', 'R2'] },
        R2: { fixed: ['M'] },
        A: { fixed: ['R1'], joined: ['dev'] },
        B: { fixed: ['R2'], joined: ['dev'] },
      },
      pairs: only,
    });
    talk(world, 30);
    expect(verdict().bannedBy).not.toEqual([]);
    const atB = world.host('B').store.readPage({ channel: 'dev', limit: 100, wallMs: 0 });
    expect(atB.map(({ message }) => message.message.body.split(' ')[2])).toEqual(Array(30).fill('B'));
    world.restrict(...only, ['R1', 'R2']);
    finish(world);
  });
});

describe('a racer', () => {
  it('keeps no genuine message from being stored, and only itself is blamed', () => {
    const { world, verdict, delays } = createBad({
      kind: 'racer',
      create: (hand) => racer(hand, { most: 1000, withholds: true }),
    });
    talk(world, 30);
    finish(world);
    expect(verdict().deeds['ran ahead of a genuine message']).toBeGreaterThan(16);
    expect(verdict().bannedBy.length).toBeGreaterThan(0);
    expect(Math.max(...delays)).toBeLessThan(2000);
  });

  it('that stays below the threshold is not banned, and changes nothing either', () => {
    const { world, verdict, delays } = createBad({
      kind: 'racer',
      create: (hand) => racer(hand, { most: 6, withholds: false }),
    });
    talk(world, 30);
    finish(world);
    expect(verdict()).toMatchObject({ bannedBy: [] });
    expect(verdict().offences).toBeGreaterThan(0);
    expect(Math.max(...delays)).toBeLessThan(2000);
  });
});
