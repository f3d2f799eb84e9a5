/** The idea of `kill.blackbox.test.ts`, more often. `MESH_TEST_ROUNDS` sets the number of rounds. */
import { expect, it } from 'vitest';
import { runKillRounds, runRelayKillRounds } from './testing/kill-rounds.ts';
import { Choices } from './testing/random.ts';

const rounds = Number(process.env.MESH_TEST_ROUNDS ?? 50);

it(`loses nothing that was acknowledged, and repeats nothing, in ${rounds} rounds of kill -9`, async () => {
  const { acknowledged, lost } = await runKillRounds(rounds, new Choices('kill -9'));
  expect(acknowledged).toBeGreaterThan(rounds);
  expect(lost).toBe(0);
});

it('loses nothing that a relay called stored', async () => {
  const { acknowledged, lost } = await runRelayKillRounds(rounds, new Choices('kill -9 of a relay'));
  expect(acknowledged).toBeGreaterThan(rounds);
  expect(lost).toBe(0);
});
