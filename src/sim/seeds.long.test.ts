/** Many seeds of every scenario, for `npm run test:long`. A failure names its seed. */
import { expect, it } from 'vitest';
import { SCENARIOS } from './scenarios/index.ts';
import { simulate } from './simulate.ts';
import { createCore } from './testing/seeds.ts';

const FIRST_SEED = 1000;
const SEEDS = 100;
/**
 * Fewer of those that take long: half an hour is the most for one test. 48 are all turns of the sweep in mesh100. More of
 * the one that stands for much that the others do not: what fits into five minutes.
 */
const OTHER: Readonly<Record<string, number>> = {
  mesh100: 48,
  crowd: 25,
  retention: 50,
  malice: 150,
  malice200: 3,
  growth: 20,
  growth3000: 1,
  forwarding: 10,
  churn: 20,
  'churn-hour': 1,
  dying: 20,
  droppers: 20,
  visits100: 1,
  'visits100-talk': 1,
  map: 10,
  map1000: 1,
};

for (const scenario of SCENARIOS) {
  const last = FIRST_SEED + (OTHER[scenario.name] ?? SEEDS) - 1;
  it(`passes ${scenario.name} with seeds ${FIRST_SEED} to ${last}`, () => {
    for (let seed = FIRST_SEED; seed <= last; seed++) {
      const report = simulate({ scenario, seed, createCore });
      expect(report.acknowledged, `seed ${seed}`).toBeGreaterThan(0);
    }
  });
}
