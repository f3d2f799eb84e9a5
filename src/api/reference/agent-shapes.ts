/** The answers of the routes for agents, as `shapes.ts` has the others. */
import { z } from 'zod';
import type {
  AckedJson,
  AgentJson,
  AnsweredJson,
  AttachedJson,
  ContactJson,
  InboxItemJson,
  InboxRowJson,
  WakeJson,
} from '../client/agent-types.ts';
import { id, messageShape, shape, state, time, whole } from './shapes.ts';

const number = () => whole().describe('position in the inbox; grows and is never used twice');
const hops = () => whole().describe('automatic answers before this one, as its author says; 0 for a person');
const why = z
  .enum(['mention', 'reply', 'channel'])
  .describe('it mentions the agent, answers a message of it, or the channel always wakes it');
const inboxState = z
  .enum(['waiting', 'handed', 'answered', 'silent', 'unanswered', 'held'])
  .describe(
    'waiting for a client; handed to one that has not acknowledged it; answered; the agent had nothing to say; no answer, or not handed over: see `reason`',
  );
const name = () => z.string().nullable().describe('the name that the owner gave it here, or null');

export const contactShape = shape(
  'Contact',
  z.object({
    identity: id().describe('the other identity'),
    name: name(),
    tier: z.literal('allowed').describe('may wake the agent where a channel is set to wake it'),
    since: time().describe('when it was let in'),
  }) satisfies z.ZodType<ContactJson>,
);

export const allowedShape = shape(
  'Allowed',
  contactShape.extend({ isNew: z.boolean().describe('false if it was a contact already') }),
);

export const removedContactShape = shape(
  'RemovedContact',
  z.object({
    identity: id().describe('a stranger now'),
    wasContact: z.boolean().describe('false if it was none'),
  }),
);

export const wakeShape = shape(
  'Wake',
  z.object({
    channel: z.string().describe('its name as it is used here (NFC)'),
    wake: z
      .enum(['never', 'mention', 'always'])
      .describe('nothing wakes the agent; what mentions or answers it; each message of a contact'),
    names: z.array(z.string()).describe('`@name` in a text mentions the agent too'),
  }) satisfies z.ZodType<WakeJson>,
);

export const agentShape = shape(
  'Agent',
  z.object({
    client: z
      .object({ name: z.string(), since: time() })
      .nullable()
      .describe('the client that takes from the inbox, or null'),
    contacts: whole().describe('identities that may wake the agent'),
    channels: z.array(wakeShape).describe('channels that wake it'),
    waiting: whole().describe('messages that wait for a client'),
    handed: whole().describe('messages handed to it and not acknowledged'),
    unanswered: whole().describe('messages of the last 24 hours that stayed unanswered or were held'),
    budget: z
      .object({
        contactHour: whole(),
        contactDay: whole(),
        channelHour: whole(),
        channelDay: whole(),
        hops: whole(),
      })
      .describe('turns in an hour and a day for each contact and each channel; automatic answers in a row'),
  }) satisfies z.ZodType<AgentJson>,
);

export const inboxRowShape = shape(
  'InboxRow',
  z.object({
    number: number(),
    id: id().describe('id of the message'),
    identity: id().describe('the local identity that it is for'),
    channel: z.string().describe('name of the channel'),
    author: id().describe('who wrote it'),
    name: name(),
    at: time().describe('when it was let in or held'),
    why,
    hops: hops(),
    state: inboxState,
    reason: z
      .enum([
        'too-old',
        'hops-spent',
        'budget-spent',
        'inbox-full',
        'not-allowed',
        'refused',
        'agent-failed',
        'not-delivered',
        'never-acknowledged',
        'no-answer',
        'deleted',
        'gone',
      ])
      .nullable()
      .describe('why it was held or stayed unanswered, or null'),
    attempts: whole().describe('times that it was handed over'),
    answers: whole().describe('messages that were published as its answer'),
  }) satisfies z.ZodType<InboxRowJson>,
);

export const inboxItemShape = shape(
  'InboxItem',
  z.object({
    number: number(),
    handover: z
      .string()
      .describe(
        'what the runtime of the agent is to know the message by: its id, or another text that begins with it where the agent is to think once more',
      ),
    attempt: whole().describe('1 for the first time; goes back with the acknowledgement'),
    identity: id().describe('the local identity that it is for'),
    why,
    hops: hops(),
    from: z.object({ identity: id(), name: name() }).describe('the verified author'),
    thread: id().nullable().describe('id of the first message of its thread, or null'),
    message: messageShape.describe('the message itself'),
  }) satisfies z.ZodType<InboxItemJson>,
);

export const attachedShape = shape(
  'Attached',
  z.object({
    identity: id().describe("the agent's identity"),
    contacts: z.array(contactShape).describe('who may wake it'),
    channels: z.array(wakeShape).describe('where'),
  }) satisfies z.ZodType<AttachedJson>,
);

export const ackedShape = shape(
  'Acked',
  z.object({ number: number(), state: inboxState }) satisfies z.ZodType<AckedJson>,
);

export const answeredShape = shape(
  'Answered',
  z.object({
    id: id().describe('id of the message that was published for this part'),
    state: state.describe('how far it has got'),
    isNew: z.boolean().describe('false: the part was published before, and the text given now was not'),
  }) satisfies z.ZodType<AnsweredJson>,
);
