/** The words of the routes for agents, as `routes.ts` has the others. */
import { z } from 'zod';
import { LIMITS } from '../../core/limits.ts';
import { API_LIMITS } from '../limits.ts';
import {
  ackSchema,
  allowSchema,
  answerSchema,
  attachQuerySchema,
  inboxQuerySchema,
  removeContactSchema,
  wakeSchema,
} from '../schemas.ts';
import {
  ackedShape,
  agentShape,
  allowedShape,
  answeredShape,
  contactShape,
  inboxRowShape,
  removedContactShape,
  wakeShape,
} from './agent-shapes.ts';
import { fields, type RouteWords } from './words.ts';

export const AGENT_WORDS: Readonly<Record<string, RouteWords>> = {
  'GET /v1/agent': {
    summary: 'Who speaks for the agent, what lies in its inbox, and what it may cost',
    answers: [{ status: 200, shape: agentShape }],
    codes: [],
  },
  'GET /v1/contacts': {
    summary: 'The identities that may wake the agent',
    answers: [{ status: 200, shape: z.object({ contacts: z.array(contactShape) }) }],
    codes: [],
  },
  'POST /v1/contacts': {
    summary: 'Lets an identity wake the agent, or gives it another name',
    body: fields(allowSchema, {
      identity: 'id of the other identity',
      name: 'a name for it, on this machine only; unique. Left out: the name that it has, or none',
    }),
    answers: [
      { status: 201, shape: allowedShape },
      { status: 200, when: 'if it was a contact already', shape: allowedShape },
    ],
    codes: [],
    notes: [
      'Allowed contacts wake the agent only in channels that are [set to wake it](#post-v1channelswake).',
    ],
  },
  'POST /v1/contacts/remove': {
    summary: 'Makes a contact a stranger again',
    body: fields(removeContactSchema, { identity: 'id of the other identity' }),
    answers: [{ status: 200, shape: removedContactShape }],
    codes: [],
    notes: ['What waits of it is not handed over any more.'],
  },
  'POST /v1/channels/wake': {
    summary: 'Says what of a channel wakes the agent, and joins the channel',
    body: fields(wakeSchema, {
      channel: 'name of the channel',
      wake: '`mention`: what mentions the agent or answers it; `always`: each message of a contact; `never`: nothing',
      names: `names under which \`@name\` mentions the agent, ${LIMITS.agentNamesMax} at most. Left out: those that it has`,
    }),
    answers: [{ status: 200, shape: wakeShape }],
    codes: ['bad_channel', 'too_many_requests'],
    notes: [
      `A message mentions the agent if its payload names the agent's identity (see \`mentions\` of [POST
/v1/messages](#post-v1messages)), or if \`@\` and the identity or a name stand in its text. What is in the channel already
wakes nobody.`,
    ],
  },
  'GET /v1/inbox': {
    summary: 'What came for the agent and what became of it, oldest first',
    query: fields(inboxQuerySchema, {
      limit: `how many at most; ${API_LIMITS.pageDefault} if left out`,
      before: 'number: the newest rows before that one',
    }),
    answers: [{ status: 200, shape: z.object({ items: z.array(inboxRowShape) }) }],
    codes: [],
    notes: ['What strangers write, and what is not addressed to the agent, is in the channel and not here.'],
  },
  'GET /v1/inbox/events': {
    summary: 'Attaches a client that speaks for the agent: messages for it as server-sent events',
    query: fields(attachQuerySchema, {
      client: 'a name for the client, 1 to 32 of `a-z`, `0-9` and `-`',
    }),
    answers: [{ status: 200, shape: 'events' }],
    codes: ['too_many_requests', 'inbox_taken'],
    notes: [
      `Events: \`attached\` with an [Attached](#attached), first and after each change of contacts and channels; \`item\` with
an [InboxItem](#inboxitem), in order, at most ${LIMITS.inboxHandedMax} that are not acknowledged. A message that was edited while it
waited comes with its newest text; one that its author deleted is not handed over any more (\`deleted\`). What is not acknowledged when the
connection ends comes again on the next one, with a higher \`attempt\`, unless it was answered.`,
      `One client at a time: a newer connection of the same name ends the older one, another name is refused with
\`inbox_taken\`. A client that gets an item which it still works on goes on with it, and acknowledges the newer attempt.`,
    ],
  },
  'POST /v1/inbox/ack': {
    summary: 'Says how handing over an item ended',
    body: fields(ackSchema, {
      number: 'number of the item',
      attempt: 'its newest attempt',
      outcome:
        '`done`: the turn is over; `skipped`: no turn began, because the runtime had the message before; `refused`: it does not want it; `failed`: the turn failed; `undelivered`: it never began',
    }),
    answers: [{ status: 200, shape: ackedShape }],
    codes: ['not_found'],
    notes: [
      `A runtime that was killed in the middle of a turn may skip the message when it comes again. Say \`skipped\` then: if
there is no answer yet, the state is \`waiting\`, and the item comes once more under another \`handover\`.`,
    ],
  },
  'POST /v1/inbox/answers': {
    summary: 'Publishes a part of the answer to an item, once',
    body: fields(answerSchema, {
      number: 'number of the item',
      part: `which message of the answer it is: 1 to ${LIMITS.answerPartsMax}`,
      body: 'the text',
      notice: 'true: it says that something went wrong; it wakes no agent and counts as no answer',
      also: 'numbers of other items that it answers too',
    }),
    answers: [
      { status: 201, shape: answeredShape },
      { status: 200, when: 'if this part was published before', shape: answeredShape },
    ],
    codes: ['not_found', 'message_too_large', 'too_many_requests', 'store_full'],
    notes: [
      `The message replies to that of the item, in its thread or as the first answer of a new one. The key of the publication
is made of the message's id and the part: whatever a second run of the model says, nobody reads two answers.`,
    ],
  },
};
