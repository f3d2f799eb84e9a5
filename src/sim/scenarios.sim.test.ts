/** The core in simulated networks, a handful of seeds each; see `scenarios-large.test.ts` for the big ones. */
import { describe, expect, it } from 'vitest';
import { SCENARIOS } from './scenarios/index.ts';
import { simulate } from './simulate.ts';
import {
  AFTERMATH,
  createCore,
  FORWARDING,
  HUGE,
  LARGE,
  MALICIOUS,
  playSeeds,
  SMALL,
} from './testing/seeds.ts';

describe('the core in a simulated mesh', () => {
  playSeeds(SMALL);

  it('plays every scenario with some seed', () => {
    const seeds = { ...SMALL, ...LARGE, ...FORWARDING, ...MALICIOUS, ...AFTERMATH };
    const played = [...Object.keys(seeds), ...HUGE].sort();
    expect(played).toEqual(SCENARIOS.map(({ name }) => name).sort());
  });

  it.each([
    ['mesh30', 8],
    ['malice', 12],
    ['aftermath', 10],
  ] as const)(
    'plays %s the same to the byte with the same seed, and otherwise with another',
    (played, peers) => {
      const scenario = SCENARIOS.find(({ name }) => name === played);
      if (scenario === undefined) throw new Error(`${played} is gone`);
      const trace = (seed: number) => simulate({ scenario, seed, createCore, peers }).trace;
      const first = trace(5);
      expect(trace(5)).toBe(first);
      expect(trace(6)).not.toBe(first);
    },
  );
});
