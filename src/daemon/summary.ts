/**
 * Events and effects as the debug log shows them: the whole structure, with every content as its size. Texts of frames,
 * bodies, payloads and signatures never reach a log.
 */
import { VerifiedMessage } from '../core/message/verified.ts';

/** Fields that carry what somebody wrote, or frames: only their length is told. */
const CONTENT: ReadonlySet<string> = new Set(['text', 'body', 'payload', 'idempotencyKey', 'detail']);
/** Items of a list that are shown (guess: enough to tell what a batch was). */
const ITEMS_MAX = 4;
const DEPTH_MAX = 5;

/**
 * @param value an event, an effect or a part of one
 * @param key the field that it stands in, '' for the whole
 * @returns plain JSON without content
 */
export function summarize(value: unknown, key = '', depth = 0): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof VerifiedMessage) return `message ${value.message.idText}`;
  if (typeof value === 'string') return CONTENT.has(key) ? `${value.length} characters` : value;
  if (Array.isArray(value)) {
    const shown = value.slice(0, ITEMS_MAX).map((item: unknown) => summarize(item, key, depth + 1));
    return value.length > ITEMS_MAX ? [...shown, `${value.length} in all`] : shown;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return '...';
  const entries = Object.entries(value).map(([name, part]) => [name, summarize(part, name, depth + 1)]);
  return Object.fromEntries(entries);
}
