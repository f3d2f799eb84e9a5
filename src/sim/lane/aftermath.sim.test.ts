/** Everything at once: all seeds in one file, because each part of the scenario has to happen in some of them. */
import { describe } from 'vitest';
import { AFTERMATH, playSeeds } from '../testing/seeds.ts';

describe('the core after everything at once', () => {
  playSeeds(AFTERMATH);
});
