/** Every kind of malice, by name. `docs/malice.md` says what each does and what answers it. */

import { equivocator } from './equivocator.ts';
import { flooder } from './flooder.ts';
import { floorLiar } from './floor-liar.ts';
import { forger } from './forger.ts';
import { hoarder } from './hoarder.ts';
import { interestLiar } from './interest-liar.ts';
import { inventor } from './inventor.ts';
import { linkLiar } from './link-liar.ts';
import type { MaliceFactory } from './malice.ts';
import { nagger } from './nagger.ts';
import { promiser } from './promiser.ts';
import { racer } from './racer.ts';
import { recordLiar } from './record-liar.ts';
import { slowReader, slowWriter } from './slow.ts';
import { sumLiar } from './sum-liar.ts';
import { withholder } from './withholder.ts';

export const MALICE = {
  forger,
  racer,
  flooder,
  nagger,
  inventor,
  withholder,
  promiser,
  'interest-liar': interestLiar,
  'link-liar': linkLiar,
  'floor-liar': floorLiar,
  'sum-liar': sumLiar,
  'record-liar': recordLiar,
  'slow-reader': slowReader,
  'slow-writer': slowWriter,
  equivocator,
  hoarder,
} as const satisfies Readonly<Record<string, MaliceFactory>>;

export type MaliceKind = keyof typeof MALICE;
export const MALICE_KINDS = Object.keys(MALICE) as readonly MaliceKind[];
