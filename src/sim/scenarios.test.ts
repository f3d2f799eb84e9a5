/** The core in simulated networks, a handful of seeds each; see `scenarios-large.test.ts` for the big ones. */
import { describe, expect, it } from 'vitest';
import { SCENARIOS } from './scenarios/index.ts';
import { simulate } from './simulate.ts';
import { createCore, LARGE, playSeeds, SMALL } from './testing/seeds.ts';

describe('the core in a simulated mesh', () => {
  playSeeds(SMALL);

  it('plays every scenario with some seed', () => {
    const played = [...Object.keys(SMALL), ...Object.keys(LARGE)].sort();
    expect(played).toEqual(SCENARIOS.map(({ name }) => name).sort());
  });

  it('does the same to the byte when it is played again with the same seed, and something else with another', () => {
    const scenario = SCENARIOS.find(({ name }) => name === 'mesh30');
    if (scenario === undefined) throw new Error('mesh30 is gone');
    const trace = (seed: number) => simulate({ scenario, seed, createCore, peers: 8 }).trace;
    const first = trace(5);
    expect(trace(5)).toBe(first);
    expect(trace(6)).not.toBe(first);
  });
});
