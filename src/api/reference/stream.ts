/**
 * `GET /v1/stream` in words: the frames of both sides. The route is a WebSocket upgrade and no row of the table.
 */
import { z } from 'zod';
import { LIMITS, MiB, SECOND } from '../../core/limits.ts';
import type { ClientFrame, ErrorCode, Scope, ServerFrame } from '../client/types.ts';
import { API_LIMITS } from '../limits.ts';
import { frameSchema } from '../schemas.ts';
import { ephemeralShape } from './ephemeral-shapes.ts';
import { changeShape, messageShape, problemShape, publishedShape } from './shapes.ts';

const ref = z.string();
const state = publishedShape.shape.state;
const id = publishedShape.shape.id;

/** Frames from the daemon. */
export const serverFrameShape = z.discriminatedUnion('op', [
  z.object({ op: z.literal('message'), ref, message: messageShape }),
  z.object({ op: z.literal('change'), ref, change: changeShape }),
  z.object({ op: z.literal('ephemeral'), ref, ephemeral: ephemeralShape }),
  z.object({ op: z.literal('caught-up'), ref, arrival: z.int().min(0) }),
  z.object({ op: z.literal('unsubscribed'), ref }),
  z.object({ op: z.literal('published'), ref, id, state }),
  z.object({ op: z.literal('state'), ref, id, state }),
  z.object({ op: z.literal('error'), ref: ref.nullable(), problem: problemShape }),
]) satisfies z.ZodType<ServerFrame>;

interface ClientFrameWords {
  readonly scope: Scope | null;
  readonly what: string;
  /** its fields besides `op` and `ref`; those of POST /v1/messages need no second word */
  readonly fields: Readonly<Record<string, string>>;
}

export const CLIENT_FRAMES: Readonly<Record<ClientFrame['op'], ClientFrameWords>> = {
  subscribe: {
    scope: 'messages:read',
    what: 'begins a feed, as of [`GET /v1/events`](#get-v1events)',
    fields: {
      channels: 'channels to follow; all if left out',
      after: 'arrival number to begin behind, 0 for everything; without it only new messages come',
      changes: 'true: what edits and deletes change of messages that came before them too',
      ephemerals: 'true: drafts and activities too, once the backlog is over',
    },
  },
  unsubscribe: { scope: null, what: 'ends the feed with this `ref`', fields: {} },
  publish: {
    scope: 'messages:write',
    what: 'publishes a message: the fields of [`POST /v1/messages`](#post-v1messages), and these',
    fields: {
      idempotencyKey: 'as the header `Idempotency-Key`',
      wait: 'tell when the message has this state',
      timeout: `how many seconds to wait at most; ${API_LIMITS.waitMsDefault / SECOND} if left out`,
    },
  },
};

export const SERVER_FRAMES: Readonly<Record<ServerFrame['op'], string>> = {
  message: 'an item of the feed, in the order of arrival',
  change: 'what an edit or a delete changed of messages that came before it, if the feed asks for them',
  ephemeral: 'a draft or an activity, if the feed asks for them; of each run the newest',
  'caught-up': 'once for each feed: the backlog is over, what follows is live',
  unsubscribed: 'the last frame of that feed',
  published: 'the message is on disk',
  state: 'it has the state that was waited for; always after `published`',
  error:
    'the frame with this `ref` failed; `ref` is null where it could not be read. Nothing else stops; a publish with `wait` can fail after `published`',
};

export const STREAM_WORDS = {
  summary: 'WebSocket: publish many messages, follow feeds',
  clientFrames: frameSchema,
  codes: [
    'bad_channel',
    'bad_payload',
    'bad_text',
    'message_too_large',
    'idempotency_conflict',
    'too_many_requests',
    'wait_timeout',
    'store_full',
  ] satisfies ErrorCode[],
  intro: `Frames are JSON text of at most ${LIMITS.apiBodyBytesMax / MiB} MiB. \`ref\` is text of 1 to ${API_LIMITS.refLengthMax} characters that the client
chooses; it comes back with each answer.`,
  notes: [
    `Messages are published in the order of their frames; answers come when each is on disk. While ${API_LIMITS.publishingMax} publishes of a
stream are not on disk, or ${API_LIMITS.waitingMax} wait for a state, or the client does not read its answers, the daemon does not read
the socket. A slow reader of a feed is waited for. A stream has at most ${API_LIMITS.subscriptionsMax} subscriptions; there are at most ${LIMITS.apiStreamsMax}
streams, events included.`,
    `When the daemon stops, it answers the publishes that it has taken, refuses other frames with \`stopping\`, and closes
with 1001: a publish that has no answer then was not taken. It closes with 1011 if it cannot keep that, with 1003 after a
binary frame and with 1009 after one that is too large.`,
  ],
} as const;
