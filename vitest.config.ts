/**
 * The projects share one machine with two cores; each has a lane of its own.
 *
 * - `unit`: everything that runs inside one process, `npm test`; two workers.
 * - `blackbox`: real daemons as real processes, `npm run test:blackbox`; two files at a time.
 * - `faults`: what may happen to a daemon, tried with a file system of its own, a tracer, and every place at which a log can
 *   end; `npm run test:faults`.
 * - `fuzz`: a million damaged inputs for each decoder, `npm run test:fuzz`; ten million of them in `test:long`.
 * - `sim`: every scenario of the simulator, and two hundred seeds of each with malicious peers, `npm run test:sim`.
 * - `browser`: the website in Chromium, `npm run test:browser`.
 * - `long`: more rounds of the same ideas; only `npm run test:long`.
 *
 * Forks, not threads: native modules and process-wide state (signals, exit codes) need a process each.
 */
import { defineConfig } from 'vitest/config';

const blackbox = ['src/**/*.blackbox.test.ts'];
const long = ['src/**/*.long.test.ts'];
const faults = ['src/**/*.faults.test.ts'];
const fuzz = ['src/**/*.fuzz.test.ts'];
const sim = ['src/**/*.sim.test.ts'];
const browser = ['tools/**/*.browser.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', 'json'],
    outputFile: { json: '.ci/out/vitest.json' },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'tools/**/*.test.ts'],
          exclude: [...blackbox, ...long, ...faults, ...fuzz, ...sim, ...browser, '**/node_modules/**'],
          benchmark: { include: ['src/**/*.bench.ts'] },
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'blackbox',
          include: blackbox,
          benchmark: { include: [] },
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: faults,
          benchmark: { include: [] },
          testTimeout: 300_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          name: 'fuzz',
          include: fuzz,
          benchmark: { include: [] },
          testTimeout: 300_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'sim',
          include: sim,
          benchmark: { include: [] },
          testTimeout: 120_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: browser,
          benchmark: { include: [] },
          globalSetup: 'tools/website/testing/built-site.ts',
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 6 },
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: [...long, ...fuzz],
          env: { FUZZ_TIMES: '10' },
          benchmark: { include: [] },
          maxWorkers: 1,
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
