/** A quarter of the seeds with malicious peers. */
import { describe } from 'vitest';
import { MALICIOUS, partOf, playSeeds } from '../testing/seeds.ts';

describe('the core in a mesh with malicious peers', () => {
  playSeeds(partOf(MALICIOUS, 0, 4));
});
