/** The core in simulated networks, a handful of seeds each; CI and people play more with `npm run sim`. */
import { describe, expect, it } from 'vitest';
import { Peer } from '../core/peer.ts';
import type { CoreFactory } from './host.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { simulate } from './simulate.ts';

const createCore: CoreFactory = (config) => new Peer(config);

/** Seeds of each scenario; the higher ones found something once. */
const SEEDS: Readonly<Record<string, readonly number[]>> = {
  line: [1, 2, 5],
  away: [1, 2, 3],
  queued: [1, 2, 11],
  'duplicate-dials': [1, 2, 8],
  'partition-heal': [1, 3, 7, 21],
  mesh30: [1, 4, 53],
};

describe('the core in a simulated mesh', () => {
  for (const scenario of SCENARIOS) {
    for (const seed of SEEDS[scenario.name] ?? []) {
      it(`passes ${scenario.name} with seed ${seed}: ${scenario.about}`, { timeout: 60_000 }, () => {
        const report = simulate({ scenario, seed, createCore });
        expect(report.acknowledged).toBeGreaterThan(0);
        expect(report.deliveries).toBeGreaterThan(0);
      });
    }
  }

  it('does the same to the byte when it is played again with the same seed, and something else with another', () => {
    const scenario = SCENARIOS.find(({ name }) => name === 'mesh30');
    if (scenario === undefined) throw new Error('mesh30 is gone');
    const trace = (seed: number) => simulate({ scenario, seed, createCore, peers: 8 }).trace;
    const first = trace(5);
    expect(trace(5)).toBe(first);
    expect(trace(6)).not.toBe(first);
  });
});
