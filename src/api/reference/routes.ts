/**
 * The words of each route of `router.ts`, by method and path.
 */
import { z } from 'zod';
import { MENTIONS_MAX } from '../../core/contact/marks.ts';
import { EPHEMERAL_TEXT_MAX, KiB, LIMITS, SECOND } from '../../core/limits.ts';
import { API_LIMITS } from '../limits.ts';
import { legacyPageQuerySchema } from '../routes/legacy.ts';
import {
  ephemeralSchema,
  eventsQuerySchema,
  idempotencyHeaderSchema,
  joinSchema,
  lastEventIdSchema,
  leaveSchema,
  pageQuerySchema,
  publishQuerySchema,
  publishSchema,
  retentionSchema,
} from '../schemas.ts';
import { AGENT_WORDS } from './agent-routes.ts';
import { takenShape } from './ephemeral-shapes.ts';
import { EXPLAIN_WORDS } from './explain-routes.ts';
import {
  addressShape,
  channelShape,
  joinedShape,
  leftShape,
  legacyChannelsShape,
  legacyMessagesShape,
  linkShape,
  messageShape,
  publishedShape,
  scrubShape,
  statusShape,
  stoppingShape,
} from './shapes.ts';
import { fields, type RouteWords } from './words.ts';

const publishBody = fields(publishSchema, {
  channel: 'name of an open channel; it is brought to NFC',
  body: `the text; body and payload together have at most ${LIMITS.messageBytesMax / KiB} KiB less some 300 bytes`,
  payload: `any JSON value, up to ${API_LIMITS.payloadDepthMax} levels deep. Numbers are doubles, as in JavaScript`,
  payloadText:
    'instead of `payload`: JSON text that is signed as it stands, so that long numbers and their spelling stay',
  reply: 'id of the message that this one answers',
  thread: 'id of the first message of the thread',
  refs: `messages that this one refers to; with \`reply\` and \`thread\` at most ${LIMITS.refsMax}`,
  expires: 'ISO 8601 time with a zone, in the future',
  identity: 'which local identity signs; the first one if left out',
  mentions: `identities that the message is for, ${MENTIONS_MAX} at most`,
  automatic:
    'true: an agent wrote it by itself; the daemon writes how many automatic answers came before into the payload',
});

const publishQuery = fields(publishQuerySchema, {
  wait: 'answer only when the message has this state',
  timeout: `how many seconds to wait at most; ${API_LIMITS.waitMsDefault / SECOND} if left out`,
});

export const ROUTE_WORDS: Readonly<Record<string, RouteWords>> = {
  ...AGENT_WORDS,
  ...EXPLAIN_WORDS,
  'GET /v1/status': {
    summary: 'Who and where the daemon is, links, bootstrap lists, channels, problems',
    answers: [{ status: 200, shape: statusShape }],
    codes: [],
  },
  'GET /metrics': {
    summary: 'Numbers for Prometheus',
    answers: [{ status: 200, shape: 'metrics' }],
    codes: [],
    notes: [
      `The text format of Prometheus, version 0.0.4; [Metrics](metrics.md) lists the numbers. The path is the one that
Prometheus asks for; the token goes there as \`authorization: { credentials_file: … }\`.`,
    ],
  },
  'POST /v1/scrub': {
    summary: 'Begins to check all stored messages',
    answers: [{ status: 202, shape: scrubShape }],
    codes: [],
    notes: [
      `It begins with the first message, as fast as the daemon's other work allows; [\`GET /v1/status\`](#get-v1status) tells in
\`scrub\` how far it is and what it found. What is damaged is hidden and fetched again from neighbours.`,
    ],
  },
  'POST /v1/stop': {
    summary: 'Ends the daemon in order, as SIGTERM does',
    answers: [{ status: 202, shape: stoppingShape }],
    codes: [],
    notes: [
      `The answer comes first: what clients handed over is still committed and answered, then streams and links are closed.
The folder is free when \`api.json\` is gone, within 5 seconds.`,
    ],
  },
  'POST /v1/messages': {
    summary: 'Publishes a message',
    query: publishQuery,
    headers: fields(idempotencyHeaderSchema, {
      'Idempotency-Key': `1 to ${LIMITS.idempotencyKeyBytesMax} visible ASCII characters. It makes a repeat safe: the same request with the same key gives the first message again`,
    }),
    body: publishBody,
    answers: [
      { status: 201, shape: publishedShape },
      { status: 200, when: 'for a repeat', shape: publishedShape },
    ],
    codes: [
      'bad_channel',
      'bad_payload',
      'message_too_large',
      'idempotency_conflict',
      'too_many_requests',
      'wait_timeout',
      'store_full',
    ],
    notes: [
      `The answer comes when the message is on disk, with its path in the header \`Location\`. With \`wait\` it comes when
the message has that state. If the time is over, the answer is the problem \`wait_timeout\` with the members \`id\` and
\`state\`: the message is published and goes on by itself.`,
      'States: `queued` (on our disk), `relayed` (another peer has it), `stored` (a relay has it on disk).',
    ],
  },
  'POST /v1/ephemerals': {
    summary: 'Hands over a draft or an activity, which is shown live and never stored',
    body: fields(ephemeralSchema, {
      channel: 'name of an open channel; it is brought to NFC',
      kind: '`draft`: text while it is written; `activity`: what the author is doing',
      run: 'what it belongs to: any 32 bytes as base64url. Of one run only the newest counts; a new one if left out',
      text: `of a draft all of the text so far, of an activity what it is about, such as the name of a tool; at most ${EPHEMERAL_TEXT_MAX / KiB} KiB`,
      state: 'how far the run is; `open` if left out',
      doing: 'of an activity: what its author does; `typing` if left out',
      reply: 'id of the message that the run answers',
      thread: 'id of the first message of the thread',
      refs: `messages that this one refers to; with \`reply\` and \`thread\` at most ${LIMITS.refsMax - 1}`,
      identity: 'which local identity signs; the first one if left out',
    }),
    answers: [{ status: 202, shape: takenShape }],
    codes: ['bad_channel', 'message_too_large', 'too_many_requests'],
    notes: [
      `It may come as often as the text grows: of each run the newest one waits, and ${LIMITS.ephemeralPerSecond} a second of an identity leave. Nobody
hears whether it has arrived. The final message is published as any other; with
\`"refs": [{"relation": "run", "id": …}]\` readers know which draft it takes the place of. Activities are forgotten after
${LIMITS.ephemeralMs / SECOND} seconds, so whoever goes on says so again.`,
    ],
  },
  'GET /v1/messages': {
    summary: 'A page of a channel, oldest first',
    query: fields(pageQuerySchema, {
      channel: 'name of the channel; `#dev` is written `%23dev`',
      limit: `how many at most; ${API_LIMITS.pageDefault} if left out`,
      before: 'id: the newest messages before that one',
      after: 'id: the oldest messages after that one; not together with `before`',
    }),
    answers: [{ status: 200, shape: z.object({ messages: z.array(messageShape) }) }],
    codes: ['bad_channel', 'not_found'],
    notes: [
      `Pages are in the order of \`time\`. With neither \`before\` nor \`after\` come the newest messages. A message that
comes late stands between older ones: to miss none, follow [events](#get-v1events), which go by arrival.`,
    ],
  },
  'GET /v1/messages/{id}': {
    summary: 'One message',
    parameter: 'id of the message',
    answers: [{ status: 200, shape: messageShape }],
    codes: ['not_found'],
  },
  'GET /v1/channels': {
    summary: 'The channels that are known here, joined ones first',
    answers: [{ status: 200, shape: z.object({ channels: z.array(channelShape) }) }],
    codes: [],
  },
  'POST /v1/channels': {
    summary: 'Joins an open channel: its messages are fetched and kept',
    body: fields(joinSchema, { channel: 'name of the channel' }),
    answers: [
      { status: 201, shape: joinedShape },
      { status: 200, when: 'if it was joined already', shape: joinedShape },
    ],
    codes: ['bad_channel', 'too_many_requests'],
  },
  'POST /v1/channels/leave': {
    summary: 'Leaves a channel: its messages are not fetched any more, and those here go after a while',
    body: fields(leaveSchema, { channel: 'name of the channel' }),
    answers: [{ status: 200, shape: leftShape }],
    codes: ['bad_channel', 'too_many_requests'],
  },
  'POST /v1/channels/retention': {
    summary: 'Sets what is kept of a joined channel',
    body: fields(retentionSchema, {
      channel: 'name of the channel',
      days: 'age of the oldest message that is kept: 1 to 36500',
      messages: 'messages of others at most: 0 to 1000000000',
      bytes: 'bytes of others at most: 1048576 (1 MiB) to 1125899906842624 (1 PiB)',
      pinned: 'true: it does not give way when everything together is too much',
    }),
    answers: [{ status: 200, shape: channelShape }],
    codes: ['bad_channel', 'not_found', 'too_many_requests'],
    notes: [
      `What was set before is replaced: what is left out follows the daemon's defaults. A channel that is not joined is
\`not_found\`.`,
    ],
  },
  'GET /v1/peers': {
    summary: 'Links, and the addresses that are known with what became of them',
    answers: [
      { status: 200, shape: z.object({ links: z.array(linkShape), addresses: z.array(addressShape) }) },
    ],
    codes: [],
  },
  'GET /v1/events': {
    summary: 'Follows channels: messages as server-sent events',
    query: fields(eventsQuerySchema, {
      channel: `a channel to follow; may come up to ${API_LIMITS.channelsMax} times. Without it all channels are followed`,
      after: 'arrival number to begin behind, 0 for everything; without it only new messages come',
      changes: '`true`: what edits and deletes change of messages that came before them too',
      ephemerals: '`true`: drafts and activities too, once the backlog is over',
    }),
    headers: fields(lastEventIdSchema, { 'Last-Event-ID': 'the same as `after`, and comes before it' }),
    answers: [{ status: 200, shape: 'events' }],
    codes: ['bad_channel', 'too_many_requests'],
    notes: [
      `Events: \`message\` with a [Message](#message), in the order of arrival, and once \`caught-up\` with
\`{"arrival"}\` when the backlog is over. The id of an event is its arrival number, so a client that comes back with
\`Last-Event-ID\` goes on without gap or repeat. A slow reader is waited for.`,
      `Edits and deletes are no messages of their own. With \`changes\` come events \`change\` with a [Change](#change), in the same
order: so a client that was shown a message is told that it has another text, or is deleted, also after an absence. A change
says how messages are now; it may name some that the client was never shown, or say what it knows already.`,
      `With \`ephemerals\` come events \`ephemeral\` with an [Ephemeral](#ephemeral). They have no id and are stored nowhere: a
reader that is slow gets the newest of each run, and one that comes back gets none of those it missed.`,
      'An arrival number that this daemon has not reached is `bad_request`: it comes from another database.',
    ],
  },
  'GET /v1/legacy/messages': {
    summary: 'A page of the history that a daemon of mesh/1 left here, unverified, oldest first',
    query: fields(legacyPageQuerySchema, {
      channel: 'name of the channel as mesh/1 had it',
      limit: `how many at most; ${API_LIMITS.pageDefault} if left out. A page can be shorter`,
      before: 'position of a message: the newest messages before that one',
    }),
    answers: [{ status: 200, shape: legacyMessagesShape }],
    codes: ['not_found'],
    notes: [
      `Nobody checked these messages, and they are never sent to anybody. Without a database of mesh/1 at the paths of this
daemon it is \`not_found\`.`,
    ],
  },
  'GET /v1/legacy/channels': {
    summary: 'The channels of that history',
    answers: [{ status: 200, shape: legacyChannelsShape }],
    codes: ['not_found'],
  },
};
