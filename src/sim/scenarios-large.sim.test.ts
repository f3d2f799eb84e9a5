/** The core in large simulated networks. */
import { describe } from 'vitest';
import { LARGE, playSeeds } from './testing/seeds.ts';

describe('the core in a large simulated mesh', () => {
  playSeeds(LARGE);
});
