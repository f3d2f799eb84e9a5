/** What a newcomer tells of a long history that it fetches: how much has come, and how much there is as far as it knows. */
import { expect, it } from 'vitest';
import type { CatchUpSnapshot } from '../../core/peer-types.ts';
import { createCore } from '../testing/seeds.ts';
import { World } from '../world.ts';

const MESSAGES = 3000;

it.each(['dials', 'is dialled'] as const)('a newcomer that %s tells how far catch-up has come', (how) => {
  const world = new World({ scenario: 'progress', seed: 1, createCore, checkers: () => [] });
  const rates = { leafPerSecond: 0, relayPerSecond: 0, authorPerSecond: 0, commonPerSecond: 0 };
  const isDialler = how === 'dials';
  world.add('A', { joined: ['dev'], rates, fixed: isDialler ? [] : ['B'] });
  world.add('B', { joined: ['dev'], rates, fixed: isDialler ? ['A'] : [] });
  world.start('A');
  for (let i = 0; i < MESSAGES; i++) {
    world.publish('A', 'dev', `${i}`);
    if (i % 100 === 99) world.run(20);
  }
  world.run(5000);
  world.start('B');
  const told: CatchUpSnapshot[] = [];
  const look = (): boolean => {
    const catchUp = world.snapshot('B')?.links[0]?.catchUp;
    if (catchUp) told.push(catchUp);
    return world.host('B').store.lastArrival() === MESSAGES;
  };
  for (let i = 0; i < 10_000 && !look(); i++) world.run(10);
  expect(world.host('B').store.lastArrival()).toBe(MESSAGES);
  expect(told.length).toBeGreaterThan(5);
  // It never tells that more has come than was found, nor goes back.
  for (const [i, { found, fetched }] of told.entries()) {
    expect(fetched).toBeLessThanOrEqual(found);
    expect(found).toBeLessThanOrEqual(MESSAGES);
    expect(found).toBeGreaterThanOrEqual(told[i - 1]?.found ?? 0);
    expect(fetched).toBeGreaterThanOrEqual(told[i - 1]?.fetched ?? 0);
  }
  const isEarly = ({ found, isComparing }: CatchUpSnapshot) => found < MESSAGES && isComparing;
  expect(told.some(isEarly)).toBe(true);
  // What the author pushes because nobody has confirmed it is no catch-up.
  expect(told.at(-1)?.found).toBeGreaterThan(MESSAGES / 2);
  world.run(20_000);
  expect(world.snapshot('B')?.links[0]?.catchUp).toBeUndefined();
});
