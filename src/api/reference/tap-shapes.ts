/** The events of `GET /v1/tap`, as `shapes.ts` has the others. */
import { z } from 'zod';
import { type ErrorCode, isErrorCode } from '../../core/errors.ts';
import type { TapFields, TapItemJson } from '../client/tap-types.ts';
import { id, shape, time, whole } from './shapes.ts';

const code = z.string().refine(isErrorCode) as unknown as z.ZodType<ErrorCode>;
const direction = z.enum(['in', 'out']).describe('seen from this daemon');
const onLink = {
  time: time().describe('when it passed'),
  link: whole().describe('number of the link in this run of the daemon'),
  peer: id().nullable().describe('the proven peer at the other end; null before it has proven itself'),
};
const bytes = whole().describe('of the frame, without what seals it');

export const tapFrameShape = shape(
  'TapFrame',
  z.object({
    kind: z.literal('frame').describe('tells it from other events'),
    protocol: z.enum(['mesh/2', 'mesh/1']).describe('what the frame belongs to'),
    ...onLink,
    direction,
    bytes,
    type: z
      .string()
      .describe(
        'name of the frame; `handshake` and `error` are texts too, and all of mesh/1; `unreadable` is what came sealed before its link was up',
      ) as unknown as z.ZodType<Extract<TapItemJson, { kind: 'frame' }>['type']>,
    fields: z
      .record(z.string(), z.unknown())
      .describe(
        'its fields: ids and tags as text, times in ISO 8601, other bytes as `{"bytes", "hex"}` with how they begin, lists as `{"count", "first"}`',
      ) as unknown as z.ZodType<TapFields>,
  }),
);

export const tapItemShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begun'), time: time(), links: whole() }),
  tapFrameShape,
  z.object({
    kind: z.literal('refused'),
    protocol: z.literal('mesh/2'),
    ...onLink,
    ...{ direction, bytes, code },
    detail: z.string(),
    head: z.string(),
  }),
  z.object({ kind: z.literal('opened'), ...onLink, direction, url: z.string().nullable() }),
  z.object({
    kind: z.literal('closed'),
    ...onLink,
    by: z.enum(['us', 'them']),
    code: code.nullable(),
    reason: z.string(),
  }),
  z.object({ kind: z.literal('lost'), time: time(), frames: whole(), all: whole() }),
  z.object({ kind: z.literal('ended'), time: time(), reason: z.literal('stopping') }),
]) satisfies z.ZodType<TapItemJson>;
