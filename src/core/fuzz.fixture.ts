/** Many rounds of damage: how many, and what they leave behind in memory. */
import { expect } from 'vitest';
import { GROWTH_MAX, measureHeap } from './heap.fixture.ts';

/** `npm run test:long` plays ten times as many. */
const TIMES = Number(process.env.FUZZ_TIMES ?? 1);

/** @param base rounds in CI */
export function fuzzRounds(base: number): number {
  return base * TIMES;
}

/** Calls `round` with 0, 1, 2 and so on; fails if the rounds after the first tenth leave anything behind. */
export function fuzz(rounds: number, round: (n: number) => void): void {
  let early = Number.NaN;
  for (let n = 0; n < rounds; n++) {
    if (n === Math.floor(rounds / 10)) early = measureHeap().heap;
    round(n);
  }
  expect(measureHeap().heap).toBeLessThanOrEqual(GROWTH_MAX * early);
}
