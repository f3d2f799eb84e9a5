/**
 * Why a link ended, on the wire and for the log.
 *
 * On the wire: a WebSocket close code and as reason `<error code>` or `<error code>: <detail>` (RFC 6455 section 7.4:
 * 1001 going away, 1008 policy violation, 1013 try again later, 4000 and up for applications).
 * For the core (`link-closed`), one of:
 * - `<error code>` or `<error code>: <detail>`: closed here for that reason;
 * - `remote <error code>`: the other side gave a code of the table;
 * - `remote <number>`: it gave a WebSocket code only (1000 and 1001 are a normal end);
 * - `lost`: the connection broke without a word.
 */
import { type ErrorCode, isErrorCode } from '../core/errors.ts';
import { NET_LIMITS } from './net-limits.ts';

const OFFENCES: ReadonlySet<ErrorCode> = new Set([
  'invalid_message',
  'unauthorized',
  'invalid_signature',
  'unsolicited',
  'banned',
]);

/** No status code was in the close frame, or there was no close frame (RFC 6455 section 7.1.5). */
const NO_STATUS = 1005;
const ABNORMAL = 1006;

export function closeCodeOf(code: ErrorCode): number {
  if (code === 'stopping') return 1001;
  if (code === 'too_many_links') return 1013;
  return OFFENCES.has(code) ? 1008 : 4000;
}

/** `<code>: <detail>`, cut at a character to what fits into a close frame. */
export function closeTextOf(code: ErrorCode, detail: string): string {
  const bytes = Buffer.from(detail === '' ? code : `${code}: ${detail}`.replace(/\s+/g, ' '));
  if (bytes.length <= NET_LIMITS.closeReasonBytesMax) return bytes.toString();
  let end: number = NET_LIMITS.closeReasonBytesMax;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--; // inside a UTF-8 sequence
  return bytes.subarray(0, end).toString();
}

/** The reason when the other side closed or the connection broke. */
export function remoteReason(status: number, text: string): string {
  if (status === ABNORMAL) return 'lost';
  const code = text.replace(/:.*$/s, '');
  if (isErrorCode(code)) return `remote ${code}`;
  return `remote ${status === NO_STATUS ? 1000 : status}`;
}
