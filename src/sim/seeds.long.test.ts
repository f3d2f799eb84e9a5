/** Many seeds of every scenario, for `npm run test:long`. A failure names its seed. */
import { expect, it } from 'vitest';
import { Peer } from '../core/peer.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { simulate } from './simulate.ts';

const FIRST_SEED = 1000;
const SEEDS = 100;

for (const scenario of SCENARIOS) {
  it(`passes ${scenario.name} with seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`, () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const report = simulate({ scenario, seed, createCore: (config) => new Peer(config) });
      expect(report.acknowledged, `seed ${seed}`).toBeGreaterThan(0);
    }
  });
}
