/** Every scenario, by name. */
import type { Scenario } from '../scenario.ts';
import { away } from './away.ts';
import { duplicateDials } from './duplicate-dials.ts';
import { line } from './line.ts';
import { mesh30 } from './mesh.ts';
import { partitionHeal } from './partition-heal.ts';
import { queued } from './queued.ts';

export const SCENARIOS: readonly Scenario[] = [line, away, queued, duplicateDials, partitionHeal, mesh30];
