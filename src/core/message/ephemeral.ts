/**
 * Ephemerals: messages of kinds that are passed on and never stored. A draft is the text of an answer while it is written,
 * each one all of the text so far; an activity says what its author is doing. Both are ordinary signed messages, with less
 * room and a short life.
 *
 * The header has what a relay needs: the relation `run` names what they belong to, and their time says which of one run is
 * the newest. So nobody on the way looks into the payload, which is for readers:
 *
 *   draft     body = all of the text so far,  payload = CBOR of [state]
 *   activity  body = what it is about, or '', payload = CBOR of [state, doing]
 */
import { type Bytes, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { CborError, CborReader, CborWriter } from '../wire/cbor.ts';
import { isEphemeral, MESSAGE_KIND, type Message, RELATION } from './message.ts';

/** How far a run is, by the number on the wire: it goes on, it is complete, it was broken off. */
export const RUN_STATES = ['open', 'ended', 'cancelled'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** What an author is doing, by the number on the wire. */
export const DOINGS = ['typing', 'tool', 'reasoning'] as const;
export type Doing = (typeof DOINGS)[number];

/** What the author of an ephemeral says in it. */
export type EphemeralContent =
  | { readonly kind: 'draft'; readonly text: string; readonly state: RunState }
  | { readonly kind: 'activity'; readonly text: string; readonly state: RunState; readonly doing: Doing };

/** Whether a message is of an ephemeral kind and within what is allowed to one. Looks at bytes only. */
export function isEphemeralMessage(message: Message): boolean {
  const { kind, wire, expiresMs, time } = message;
  if (!isEphemeral(kind) || wire.length > LIMITS.ephemeralBytesMax) return false;
  return expiresMs > 0 && expiresMs <= time.timeMs + LIMITS.ephemeralMs;
}

/** The run that a message names: 32 bytes, or `undefined`. */
export function runOf({ refs }: Message): Bytes | undefined {
  return refs.find(({ relation }) => relation === RELATION.run)?.id;
}

/** Equal for ephemerals of which only the newest is of use. */
export function runKey(message: Message): string {
  const run = runOf(message);
  return `${message.kind} ${toBase64url(message.author)} ${run ? toBase64url(run) : ''} ${message.channel}`;
}

/** Kind, body and payload of an ephemeral that says this. */
export function ephemeralParts(content: EphemeralContent): {
  readonly kind: number;
  readonly body: string;
  readonly payload: Bytes;
} {
  const state = RUN_STATES.indexOf(content.state);
  const w = new CborWriter(8);
  if (content.kind === 'draft') w.array(1).uint(state);
  else w.array(2).uint(state).uint(DOINGS.indexOf(content.doing));
  return { kind: MESSAGE_KIND[content.kind], body: content.text, payload: w.finish() };
}

/** What an ephemeral says, or `undefined` where this version cannot read it. Never throws. */
export function readEphemeral({ kind, body, payload }: Message): EphemeralContent | undefined {
  if (kind !== MESSAGE_KIND.draft && kind !== MESSAGE_KIND.activity) return undefined;
  const isDraft = kind === MESSAGE_KIND.draft;
  try {
    const r = new CborReader(payload);
    r.tuple(isDraft ? 1 : 2);
    const state = RUN_STATES[r.uint(RUN_STATES.length - 1)] as RunState;
    const doing = isDraft ? undefined : (DOINGS[r.uint(DOINGS.length - 1)] as Doing);
    r.end();
    return doing === undefined
      ? { kind: 'draft', text: body, state }
      : { kind: 'activity', text: body, state, doing };
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
}
