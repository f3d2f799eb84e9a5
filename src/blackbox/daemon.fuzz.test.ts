/** Damaged frames at a daemon that bans nobody. */
import { expect, it } from 'vitest';
import { fuzzRounds } from '../core/fuzz.fixture.ts';
import { GROWTH_MAX } from '../core/heap.fixture.ts';
import { fuzzDaemon } from './testing/fuzz-rounds.ts';
import { fuzzMesh1 } from './testing/mesh1-fuzz.ts';

it('damaged frames end no daemon, cost no memory that stays, and harm no other link', async () => {
  const { heap, isAlive, sent, refused, closed } = await fuzzDaemon(fuzzRounds(100_000), 1);
  console.log(`${sent} frames, ${refused} refused, ${closed} links closed, heap ${heap.join(' and ')} bytes`);
  // Most are noticed, and enough get past the decoder to reach what lies behind it.
  expect(refused).toBeGreaterThan(sent / 4);
  expect(refused).toBeLessThan((3 * sent) / 4);
  expect(closed).toBeLessThan(sent / 1000);
  expect(isAlive).toBe(true);
  expect(heap[1]).toBeLessThanOrEqual(GROWTH_MAX * heap[0]);
});

it('damaged texts of mesh/1 do no more', async () => {
  const { heap, sent, refused, closed, stored } = await fuzzMesh1(fuzzRounds(50_000), 1);
  console.log(`${sent} texts, ${refused} refused, ${closed} links closed, heap ${heap.join(' and ')} bytes`);
  expect(refused).toBeGreaterThan(sent / 4);
  expect(refused).toBeLessThan(sent);
  expect(closed).toBe(0);
  // Damage to what stands beside the carried message changes nothing, and damage to that leaves nothing.
  expect(stored).toBe(10);
  expect(heap[1]).toBeLessThanOrEqual(GROWTH_MAX * heap[0]);
});
