/** Many seeds of every scenario, for `npm run test:long`. A failure names its seed. */
import { expect, it } from 'vitest';
import { SCENARIOS } from './scenarios/index.ts';
import { simulate } from './simulate.ts';
import { createCore, dropHappened } from './testing/seeds.ts';

const FIRST_SEED = 1000;
const SEEDS = 100;
/**
 * Fewer of those that take long: half an hour is the most for one test. 48 are all turns of the sweep in mesh100. More of
 * the one that stands for much that the others do not: what fits into five minutes.
 */
const OTHER: Readonly<Record<string, number>> = {
  mesh100: 48,
  crowd: 25,
  retention: 30,
  malice: 150,
  hoarders: 20,
  aftermath: 400,
  malice200: 3,
  growth: 20,
  growth3000: 1,
  forwarding: 10,
  churn: 8,
  'churn-hour': 1,
  dying: 10,
  droppers: 10,
  visits100: 1,
  'visits100-talk': 1,
  map: 10,
  convergence: 40,
  tunnels: 40,
};

// What takes a heap of its own is played by hand: `npm run sim` says how.
for (const scenario of SCENARIOS.filter(({ heapMiB }) => heapMiB === undefined)) {
  const last = FIRST_SEED + (OTHER[scenario.name] ?? SEEDS) - 1;
  it(`passes ${scenario.name} with seeds ${FIRST_SEED} to ${last}`, () => {
    const missing = new Set(scenario.parts);
    for (let seed = FIRST_SEED; seed <= last; seed++) {
      const report = simulate({ scenario, seed, createCore });
      expect(report.acknowledged, `seed ${seed}`).toBeGreaterThan(0);
      dropHappened(missing, report);
    }
    expect([...missing]).toEqual([]);
  });
}
