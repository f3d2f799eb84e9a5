/** From stored messages to what doors show of them. */
import { textOf, toBase64url } from '../core/bytes.ts';
import { readEphemeral, runOf } from '../core/message/ephemeral.ts';
import {
  isExpired,
  MESSAGE_KIND,
  type Message,
  RELATION,
  type RelationName,
} from '../core/message/message.ts';
import type { Change, StoredMessage } from '../store/store.ts';
import type { ChangeView, EphemeralView, MessageView } from './gate.ts';

const RELATION_NAME = new Map<number, RelationName>(
  Object.entries(RELATION).map(([name, number]) => [number, name as RelationName]),
);

/** The last instant that a Date can hold: an expiry beyond it is shown as this one. */
const DATE_MS_MAX = 8.64e15;

export function isoTime(ms: number): string {
  return new Date(Math.min(ms, DATE_MS_MAX)).toISOString();
}

/** Kinds that this version does not know are kept and passed on, and not shown. */
export function isShown({ message }: StoredMessage): boolean {
  return message.message.kind === MESSAGE_KIND.post;
}

/** Anyone may write any bytes as payload; only JSON reaches clients. */
export function parsePayload(payload: Uint8Array): unknown {
  const text = payload.length === 0 ? undefined : textOf(payload);
  if (text === undefined) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null; // the author's bytes are no JSON: there is nothing that a client could use
  }
}

/** A stored message as long as it has not expired. */
export function currentView(stored: StoredMessage, wallMs: number): MessageView | undefined {
  return isExpired(stored.message.message.expiresMs, wallMs) ? undefined : messageView(stored);
}

function refView({ relation, id }: Message['refs'][number]): MessageView['refs'][number] {
  return { relation: RELATION_NAME.get(relation) ?? relation, id: toBase64url(id) };
}

/** An ephemeral as clients see it, or `undefined` for one that this version cannot read. */
export function ephemeralView(message: Message, isOwn: boolean): EphemeralView | undefined {
  const content = readEphemeral(message);
  if (content === undefined) return undefined;
  const run = runOf(message);
  return {
    kind: content.kind,
    channel: message.channel,
    author: toBase64url(message.author),
    run: run === undefined ? null : toBase64url(run),
    time: isoTime(message.time.timeMs),
    counter: message.time.counter,
    state: content.state,
    doing: content.kind === 'draft' ? null : content.doing,
    text: content.text,
    refs: message.refs.filter(({ relation }) => relation !== RELATION.run).map(refView),
    expires: isoTime(message.expiresMs),
    own: isOwn,
  };
}

export function changeView({ arrival, channel, deleted, edited }: Change): ChangeView {
  return { arrival, channel, deleted, edited: edited.map(messageView) };
}

/** With the text of its newest edit. */
export function messageView({
  arrival,
  message: verified,
  delivery,
  edit,
  equivocates,
}: StoredMessage): MessageView {
  const { message } = verified;
  const { body, payload, time } = edit?.message ?? message;
  return {
    id: message.idText,
    arrival,
    channel: message.channel,
    author: toBase64url(message.author),
    time: isoTime(message.time.timeMs),
    counter: message.time.counter,
    body,
    payload: parsePayload(payload),
    ...(edit && { edited: isoTime(time.timeMs) }),
    refs: message.refs.map(refView),
    expires: message.expiresMs === 0 ? null : isoTime(message.expiresMs),
    own: delivery !== undefined,
    delivery: delivery ?? null,
    ...(equivocates && { equivocates: true as const }),
  };
}
