/**
 * The integration tests with a real OpenClaw: one file at a time, because a gateway fills two cores while it
 * starts.
 */
import path from 'node:path';
import { defineConfig } from 'vitest/config';

const root = path.resolve(import.meta.dirname, '..', '..');

export default defineConfig({
  root,
  test: {
    name: 'openclaw',
    pool: 'forks',
    maxWorkers: 1,
    include: ['integration/openclaw/*.test.ts'],
    reporters: ['verbose', ['json', { outputFile: '.ci/out/openclaw.json' }]],
    testTimeout: 180_000,
    hookTimeout: 240_000,
  },
});
