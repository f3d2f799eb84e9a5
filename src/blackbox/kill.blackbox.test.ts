/** Of acknowledged messages none is lost, whenever death comes: twenty times. More of it: `npm run test:long`. */
import { expect, it } from 'vitest';
import { runKillRounds, runRelayKillRounds } from './testing/kill-rounds.ts';
import { Choices } from './testing/random.ts';

it('loses nothing that was acknowledged, and repeats nothing, in 12 rounds of kill -9', async () => {
  const { acknowledged, lost } = await runKillRounds(12, new Choices('kill -9'));
  expect(acknowledged).toBeGreaterThan(12);
  expect(lost).toBe(0);
});

it('loses nothing that a relay called stored, in 8 rounds of kill -9', async () => {
  const { acknowledged, lost } = await runRelayKillRounds(8, new Choices('kill -9 of a relay'));
  expect(acknowledged).toBeGreaterThan(8);
  expect(lost).toBe(0);
});
