/** Every scenario, by name. */
import type { Scenario } from '../scenario.ts';
import { away } from './away.ts';
import { clocks } from './clocks.ts';
import { commits } from './commits.ts';
import { crowd } from './crowd.ts';
import { drafts } from './drafts.ts';
import { duplicateDials } from './duplicate-dials.ts';
import { growth, growth3000 } from './growth.ts';
import { islands } from './islands.ts';
import { line } from './line.ts';
import { malice, malice200 } from './malice.ts';
import { map, map1000 } from './map.ts';
import { mesh30, repeats } from './mesh.ts';
import { mesh100 } from './mesh100.ts';
import { partitionHeal } from './partition-heal.ts';
import { queued } from './queued.ts';
import { retention } from './retention.ts';

export const SCENARIOS: readonly Scenario[] = [
  line,
  growth,
  growth3000,
  islands,
  away,
  queued,
  duplicateDials,
  partitionHeal,
  mesh30,
  repeats,
  commits,
  clocks,
  crowd,
  drafts,
  retention,
  mesh100,
  map,
  map1000,
  malice,
  malice200,
];
