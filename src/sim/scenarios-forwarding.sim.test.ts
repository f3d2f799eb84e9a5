/** Forwarding in simulated networks, with trouble and without. */
import { describe } from 'vitest';
import { FORWARDING, playSeeds } from './testing/seeds.ts';

describe('forwarding in a simulated mesh', () => {
  playSeeds(FORWARDING);
});
