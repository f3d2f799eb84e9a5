/**
 * What clients may send: strict zod objects. A field that does not fit is named in the error, an unknown field is an
 * error, and a refinement can carry a code of the table in place of `bad_request`.
 */
import { z } from 'zod';
import { idFromText } from '../core/bytes.ts';
import { channelKind } from '../core/channel/channel.ts';
import { MENTIONS_MAX } from '../core/contact/marks.ts';
import { NAME_LENGTH_MAX } from '../core/contact/wake.ts';
import { isErrorCode, MeshError } from '../core/errors.ts';
import { LIMITS, SECOND } from '../core/limits.ts';
import { DOINGS, RUN_STATES } from '../core/message/ephemeral.ts';
import { RELATION, type RelationName } from '../core/message/message.ts';
import { TAP_TYPES } from '../daemon/index.ts';
import type { AckJson, AllowJson, AnswerJson, SetWakeJson } from './client/agent-types.ts';
import type { PublishEphemeralJson } from './client/ephemeral-types.ts';
import type { ClientFrame, PublishJson, SetRetentionJson } from './client/types.ts';
import { findTrap } from './json-text.ts';
import { API_LIMITS } from './limits.ts';

const text = z.string().refine((value) => value.isWellFormed(), {
  error: 'has a lone surrogate',
  params: { code: 'bad_text' },
  abort: true,
});

/** A channel name in the form that its creator must use (NFC). Who may write there is for the gate to say. */
const channel = text
  .transform((value) => value.normalize('NFC'))
  .refine((value) => channelKind(value) !== undefined, {
    error: 'is not a channel name',
    params: { code: 'bad_channel' },
  });

const id = z.string().refine((value) => idFromText(value) !== undefined, {
  error: 'is not an id (43 characters of base64url)',
});

const payload = z.unknown().superRefine((value, context) => {
  const trap = findTrap(value);
  if (trap) context.addIssue({ code: 'custom', message: trap.what, params: { code: trap.code } });
});

const idempotencyKey = z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${LIMITS.idempotencyKeyBytesMax}}$`), {
  error: `must be 1 to ${LIMITS.idempotencyKeyBytesMax} visible ASCII characters`,
});

const secondsMax = API_LIMITS.waitMsMax / SECOND;
const seconds = z.number().min(0).max(secondsMax);
const wait = z.enum(['relayed', 'stored']);
const relation = z.enum(Object.keys(RELATION) as [RelationName, ...RelationName[]]);
const refs = z.array(z.strictObject({ relation, id })).max(LIMITS.refsMax);

const publishFields = {
  channel,
  body: text,
  payload: payload.optional(),
  payloadText: text.exactOptional(),
  reply: id.exactOptional(),
  thread: id.exactOptional(),
  refs: refs.exactOptional(),
  expires: z.iso.datetime({ offset: true }).exactOptional(),
  identity: id.exactOptional(),
  mentions: z.array(id).max(MENTIONS_MAX).exactOptional(),
  automatic: z.boolean().exactOptional(),
};

export const publishSchema = z.strictObject(publishFields) satisfies z.ZodType<PublishJson>;
/** Which of them belong together is for the gate to say. */
export const ephemeralSchema = z.strictObject({
  channel,
  kind: z.enum(['draft', 'activity']),
  run: id.exactOptional(),
  text: text.exactOptional(),
  state: z.enum(RUN_STATES).exactOptional(),
  doing: z.enum(DOINGS).exactOptional(),
  reply: id.exactOptional(),
  thread: id.exactOptional(),
  refs: refs.exactOptional(),
  identity: id.exactOptional(),
}) satisfies z.ZodType<PublishEphemeralJson>;
export const joinSchema = z.strictObject({ channel });
export const leaveSchema = z.strictObject({ channel });

/** Which numbers make sense is for the gate to say. */
export const retentionSchema = z.strictObject({
  channel,
  days: z.int().exactOptional(),
  messages: z.int().exactOptional(),
  bytes: z.int().exactOptional(),
  pinned: z.boolean().exactOptional(),
}) satisfies z.ZodType<SetRetentionJson>;

const name = text.min(1).max(NAME_LENGTH_MAX);
export const allowSchema = z.strictObject({
  identity: id,
  name: name.exactOptional(),
}) satisfies z.ZodType<AllowJson>;
export const removeContactSchema = z.strictObject({ identity: id });

export const wakeSchema = z.strictObject({
  channel,
  wake: z.enum(['never', 'mention', 'always']),
  // an @ may stand before each
  names: z
    .array(text.min(1).max(NAME_LENGTH_MAX + 1))
    .max(LIMITS.agentNamesMax)
    .exactOptional(),
}) satisfies z.ZodType<SetWakeJson>;

const inboxNumber = z.int().min(1);

export const ackSchema = z.strictObject({
  number: inboxNumber,
  attempt: z.int().min(1),
  outcome: z.enum(['done', 'skipped', 'refused', 'failed', 'undelivered']),
}) satisfies z.ZodType<AckJson>;

export const answerSchema = z.strictObject({
  number: inboxNumber,
  part: z.int().min(1).max(LIMITS.answerPartsMax),
  body: text.min(1),
  notice: z.boolean().exactOptional(),
  also: z.array(inboxNumber).max(LIMITS.inboxHandedMax).exactOptional(),
}) satisfies z.ZodType<AnswerJson>;

const ref = z.string().min(1).max(API_LIMITS.refLengthMax);
const arrival = z.int().min(0);

export const frameSchema = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('subscribe'),
    ref,
    channels: z.array(channel).min(1).max(API_LIMITS.channelsMax).exactOptional(),
    after: arrival.exactOptional(),
    changes: z.boolean().exactOptional(),
    ephemerals: z.boolean().exactOptional(),
  }),
  z.strictObject({ op: z.literal('unsubscribe'), ref }),
  z.strictObject({
    op: z.literal('publish'),
    ref,
    ...publishFields,
    idempotencyKey: idempotencyKey.exactOptional(),
    wait: wait.exactOptional(),
    timeout: seconds.exactOptional(),
  }),
]) satisfies z.ZodType<ClientFrame>;

/** A field that is text in a query or header and a number in meaning. */
function decimal<T extends z.ZodType<unknown, number>>(schema: T, pattern: RegExp) {
  return z.string().regex(pattern, { error: 'is not a number' }).transform(Number).pipe(schema);
}

const integer = /^\d{1,16}$/;

export const publishQuerySchema = z.strictObject({
  wait: wait.exactOptional(),
  timeout: decimal(seconds, /^\d{1,6}(?:\.\d{1,3})?$/).exactOptional(),
});
export const idempotencyHeaderSchema = z.strictObject({ 'Idempotency-Key': idempotencyKey.exactOptional() });
export const pageQuerySchema = z
  .strictObject({
    channel,
    limit: decimal(z.int().min(1).max(LIMITS.apiPageMax), integer).exactOptional(),
    before: id.exactOptional(),
    after: id.exactOptional(),
  })
  .refine((page) => page.before === undefined || page.after === undefined, {
    error: 'cannot be used together with before',
    path: ['after'],
  });
export const inboxQuerySchema = z.strictObject({
  limit: decimal(z.int().min(1).max(LIMITS.apiPageMax), integer).exactOptional(),
  before: decimal(inboxNumber, integer).exactOptional(),
});

export const attachQuerySchema = z.strictObject({
  client: z.string().regex(/^[a-z0-9-]{1,32}$/, { error: 'must be 1 to 32 of a-z, 0-9 and -' }),
});

export const eventsQuerySchema = z.strictObject({
  channel: z.array(channel).max(API_LIMITS.channelsMax).exactOptional(),
  after: decimal(arrival, integer).exactOptional(),
  changes: z.enum(['true', 'false']).exactOptional(),
  ephemerals: z.enum(['true', 'false']).exactOptional(),
});
export const lastEventIdSchema = z.strictObject({
  'Last-Event-ID': decimal(arrival, integer).exactOptional(),
});
/** What a tap shows: links of one peer, and frames and events by name. */
export const tapQuerySchema = z.strictObject({
  peer: z
    .string()
    .regex(/^[A-Za-z0-9_-]{6,43}$/, { error: 'is not a peer id, or at least the first 6 characters of one' })
    .exactOptional(),
  type: z
    .array(z.enum(TAP_TYPES as [string, ...string[]]))
    .max(TAP_TYPES.length)
    .exactOptional(),
});
/** Whose way is marked on the map. */
export const mapQuerySchema = z.strictObject({ channel: channel.exactOptional() });
export const noQuerySchema = z.strictObject({});
export const idParameterSchema = id;

/** The value as the schema describes it. Throws `bad_request`, or the code that the failed rule carries. */
export function check<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw new MeshError('bad_request');
  const field = issue.path.map(String).join('.');
  const detail = field === '' ? `${issue.message}.` : `${field}: ${issue.message}.`;
  const code: unknown = issue.code === 'custom' ? issue.params?.code : undefined;
  throw new MeshError(typeof code === 'string' && isErrorCode(code) ? code : 'bad_request', detail);
}
