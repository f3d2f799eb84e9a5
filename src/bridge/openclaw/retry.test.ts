import { expect, it } from 'vitest';
import { backoffMs, REAL_PACE } from './retry.ts';

it('waits from one second up to half a minute, half of it by chance', () => {
  expect([1, 2, 3, 4, 5, 6, 100].map((attempt) => backoffMs(attempt, 1))).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
  ]);
  expect(backoffMs(1, 0)).toBe(500);
  expect(backoffMs(1000, 0)).toBe(15_000);
});

it('ends a wait at once when the signal fires, without an error', async () => {
  const ending = new AbortController();
  const wait = REAL_PACE.wait(60_000, ending.signal);
  ending.abort();
  await expect(wait).resolves.toBeUndefined();
  await expect(REAL_PACE.wait(60_000, ending.signal)).resolves.toBeUndefined();
});
