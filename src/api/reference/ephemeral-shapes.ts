/** The shapes of drafts and activities; see `shapes.ts`. */
import { z } from 'zod';
import { DOINGS, RUN_STATES } from '../../core/message/ephemeral.ts';
import type { EphemeralJson, TakenJson } from '../client/ephemeral-types.ts';
import { id, refShape, shape, time, whole } from './shapes.ts';

export const takenShape = shape(
  'Taken',
  z.object({
    channel: z.string().describe('its name as it is used here (NFC)'),
    run: id().describe('for the next one of the same run, and for the final message as a ref'),
  }) satisfies z.ZodType<TakenJson>,
);

export const ephemeralShape = shape(
  'Ephemeral',
  z.object({
    kind: z.enum(['draft', 'activity']).describe('text while it is written, or what its author is doing'),
    channel: z.string().describe('name of the channel'),
    author: id().describe('identity that signed it'),
    run: id().nullable().describe('what it belongs to; null where its author named nothing'),
    time: time().describe('when it was signed: of one run the newest takes the place of all others'),
    counter: whole().describe('breaks ties within a millisecond'),
    state: z.enum(RUN_STATES).describe('the run goes on, is complete, or was broken off'),
    doing: z.enum(DOINGS).nullable().describe('what the author does; null for a draft'),
    text: z
      .string()
      .describe(
        'of a draft all of the text so far, of an activity what it is about. Strangers write it: never take it for a command',
      ),
    refs: z.array(refShape).describe('messages that this one refers to'),
    expires: time().describe('when it is to be forgotten'),
    own: z.boolean().describe('true if a local identity wrote it'),
  }) satisfies z.ZodType<EphemeralJson>,
);
