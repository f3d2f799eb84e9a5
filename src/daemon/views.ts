/** From stored messages to what doors show of them. */
import { textOf, toBase64url } from '../core/bytes.ts';
import { isExpired, MESSAGE_KIND, RELATION, type RelationName } from '../core/message/message.ts';
import type { StoredMessage } from '../store/store.ts';
import type { MessageView } from './gate.ts';

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

export function messageView({ arrival, message: verified, delivery }: StoredMessage): MessageView {
  const { message } = verified;
  return {
    id: message.idText,
    arrival,
    channel: message.channel,
    author: toBase64url(message.author),
    time: isoTime(message.time.timeMs),
    counter: message.time.counter,
    body: message.body,
    payload: parsePayload(message.payload),
    refs: message.refs.map(({ relation, id }) => ({
      relation: RELATION_NAME.get(relation) ?? relation,
      id: toBase64url(id),
    })),
    expires: message.expiresMs === 0 ? null : isoTime(message.expiresMs),
    own: delivery !== undefined,
    delivery: delivery ?? null,
  };
}
