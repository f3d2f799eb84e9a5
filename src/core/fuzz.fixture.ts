/** Many rounds of damage: how many, and what they leave behind in memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';

/** `npm run test:long` plays ten times as many. */
const TIMES = Number(process.env.FUZZ_TIMES ?? 1);
/** Heap after a forced collection at the end against that at one tenth. */
const GROWTH_MAX = 1.2;

function heap(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** @param base rounds in CI */
export function fuzzRounds(base: number): number {
  return base * TIMES;
}

/** Calls `round` with 0, 1, 2 and so on; fails if the rounds after the first tenth leave anything behind. */
export function fuzz(rounds: number, round: (n: number) => void): void {
  let early = Number.NaN;
  for (let n = 0; n < rounds; n++) {
    if (n === Math.floor(rounds / 10)) early = heap();
    round(n);
  }
  expect(heap()).toBeLessThanOrEqual(GROWTH_MAX * early);
}
