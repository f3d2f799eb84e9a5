/** Which seeds of which scenarios CI plays, and how. People play more with `npm run sim` and `npm run test:long`. */
import { expect, it } from 'vitest';
import { Peer } from '../../core/peer.ts';
import type { CoreFactory } from '../host.ts';
import type { Report } from '../report.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { simulate } from '../simulate.ts';

export type Seeds = Readonly<Record<string, readonly number[]>>;

/** Scenarios that take a second or two; the higher seeds found something once. */
export const SMALL: Seeds = {
  line: [1, 2, 5],
  islands: [1, 17, 35],
  away: [1, 2, 3],
  mailbox: range(1, 24),
  queued: [1, 2, 11],
  unjoined: range(1, 12),
  'duplicate-dials': [1, 2, 8],
  'partition-heal': [1, 3, 7, 21],
  mesh30: [1, 4, 53],
  repeats: [1, 2],
  commits: [3],
  drafts: [1, 2, 3],
  visits: [1, 2, 3, 4],
  tunnels: [1, 2],
};

/** Scenarios with many peers, many messages or much time. They run beside the others. */
export const LARGE: Seeds = {
  clocks: [1, 2],
  crowd: [1],
  hoarders: [1, 12],
  retention: [1],
  convergence: [1, 2, 3],
  mesh100: [1, 2],
  growth: [1, 2],
  map: [1],
};

/** What forwarding costs, and what it stands: half a minute each. They run beside the others too. */
export const FORWARDING: Seeds = {
  forwarding: [1],
  churn: [4, 18],
  dying: [1, 2],
  droppers: [1],
};

/** With malicious peers: `npm run test:sim` plays these, in `lane/`. */
export const MALICIOUS: Seeds = { malice: range(1, 200) };
export const AFTERMATH: Seeds = { aftermath: range(1, 200) };

/** Minutes for one seed: only `npm run test:long` plays them. */
export const HUGE: readonly string[] = [
  'malice200',
  'growth3000',
  'visits100',
  'visits100-talk',
  'churn-hour',
  'map1000',
  'forwarding1000',
];

/** Seeds from `first` to `last`. */
function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** One of `parts` files plays each `parts`th seed: so long ones are spread over the workers. */
export function partOf(seeds: Seeds, part: number, parts: number): Seeds {
  return Object.fromEntries(
    Object.entries(seeds).map(([name, all]) => [name, all.filter((seed) => seed % parts === part)]),
  );
}

export const createCore: CoreFactory = (config) => new Peer(config);

/** Takes off what happened in a simulation. */
export function dropHappened(missing: Set<string>, { counts }: Report): void {
  for (const [what, times] of Object.entries(counts)) if (times > 0) missing.delete(what);
}

/** One test for each seed, and one for each scenario that tells its parts: they happened in some of these seeds. */
export function playSeeds(seeds: Seeds): void {
  for (const scenario of SCENARIOS) {
    const played = seeds[scenario.name] ?? [];
    const missing = new Set(scenario.parts);
    for (const seed of played) {
      it(`passes ${scenario.name} with seed ${seed}: ${scenario.about}`, { timeout: 180_000 }, () => {
        const report = simulate({ scenario, seed, createCore });
        expect(report.acknowledged).toBeGreaterThan(0);
        expect(report.deliveries).toBeGreaterThan(0);
        dropHappened(missing, report);
      });
    }
    if (played.length > 0 && missing.size > 0)
      it(`has played every part of ${scenario.name}`, () => expect([...missing]).toEqual([]));
  }
}
