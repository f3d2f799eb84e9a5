/** Every scenario, by name. */
import type { Scenario } from '../scenario.ts';
import { aftermath } from './aftermath.ts';
import { away } from './away.ts';
import { clocks } from './clocks.ts';
import { commits } from './commits.ts';
import { convergence } from './convergence.ts';
import { crowd } from './crowd.ts';
import { drafts } from './drafts.ts';
import { duplicateDials } from './duplicate-dials.ts';
import { forwarding, forwarding1000 } from './forwarding.ts';
import { growth, growth3000 } from './growth.ts';
import { hoarders } from './hoarders.ts';
import { islands } from './islands.ts';
import { line } from './line.ts';
import { mailbox } from './mailbox.ts';
import { malice, malice200 } from './malice.ts';
import { map, map1000 } from './map.ts';
import { mesh30, repeats } from './mesh.ts';
import { mesh100 } from './mesh100.ts';
import { partitionHeal } from './partition-heal.ts';
import { queued } from './queued.ts';
import { retention } from './retention.ts';
import { churn, churnHour, droppers, dying } from './trouble.ts';
import { unjoined } from './unjoined.ts';
import { tunnels, visits } from './visits.ts';
import { visits100, visits100Talk } from './visits100.ts';

export const SCENARIOS: readonly Scenario[] = [
  line,
  forwarding,
  forwarding1000,
  churn,
  churnHour,
  dying,
  droppers,
  growth,
  growth3000,
  islands,
  away,
  mailbox,
  queued,
  unjoined,
  duplicateDials,
  partitionHeal,
  mesh30,
  repeats,
  commits,
  clocks,
  crowd,
  drafts,
  retention,
  convergence,
  visits,
  tunnels,
  visits100,
  visits100Talk,
  mesh100,
  map,
  map1000,
  hoarders,
  malice,
  malice200,
  aftermath,
];
