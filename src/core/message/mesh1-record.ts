/**
 * Messages that began at a mesh/1 peer, as mesh/2 stores and carries them: opaque records. What their author signed is a
 * JSON text with six keys in sorted order; it is kept in two parts, so that such a message has a header and a content
 * like any other and rates, retention and catch-up treat it alike:
 *
 *   header  = UTF-8 of {"channel_id","message_id","sender_id","timestamp"}: what stands for the signed bytes
 *   body    = the text's `body`; payload = UTF-8 of the text's `payload` (itself JSON as text), empty for null
 *   text    = {"body","channel_id","message_id","payload","sender_id","timestamp"}
 *   id      = SHA-256("mesh/2 mesh1\0" network "\0" text); the Ed25519 signature is over the text alone
 *
 * Invariants:
 * 1. Header, body and payload give exactly one text, and a text comes from one header, body and payload only: the header
 *    has one spelling, and JSON texts of flat objects of strings have one as well.
 * 2. A header begins with `{`, the signed bytes of a mesh/2 message with the head of an array: nobody takes one for the
 *    other.
 * 3. Only open channels: mesh/1 knows no other that could be proven.
 */
import { type Bytes, equal, idFromText, textOf, utf8 } from '../bytes.ts';
import { channelKind } from '../channel/channel.ts';
import { LIMITS } from '../limits.ts';
import { fieldsOf, parseJson } from '../wire/json.ts';
import { TIME_END } from './time.ts';

export interface Mesh1Header {
  /** name of an open channel */
  readonly channel: string;
  /** what mesh/1 calls the message, a UUID where its peers made it: 1 to 64 printable ASCII characters */
  readonly messageId: string;
  /** id text of the author's key */
  readonly sender: string;
  /** RFC 3339, as the author wrote it */
  readonly timestamp: string;
}

/** A header that was understood. */
export interface ReadMesh1Header extends Mesh1Header {
  /** 32 bytes */
  readonly author: Bytes;
  /** whole milliseconds since 1970 */
  readonly timeMs: number;
}

const BRACE = 0x7b;
const MESSAGE_ID = /^[\x21-\x7e]{1,64}$/;
/** RFC 3339 section 5.6; the fraction beyond milliseconds is cut off. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Milliseconds since 1970 of a timestamp, or `undefined` where it is none or no message can have it. */
function timestampMs(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined;
  const offsetHour = Number(match[9] ?? 0);
  const offsetMinute = Number(match[10] ?? 0);
  if (offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (offsetHour * 60 + offsetMinute) * (match[8] === '-' ? -1 : 1);
  const fraction = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const ms = midnight.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction;
  return ms >= 0 && ms <= TIME_END.timeMs ? ms : undefined;
}

/** Whether the signed bytes of a message are the header of such a record. */
export function isMesh1Header(bytes: Bytes): boolean {
  return bytes[0] === BRACE;
}

export function encodeMesh1Header({ channel, messageId, sender, timestamp }: Mesh1Header): Bytes {
  return utf8(JSON.stringify({ channel_id: channel, message_id: messageId, sender_id: sender, timestamp }));
}

/** The header that the bytes are, or `undefined` where they are none or not in its one spelling. */
export function readMesh1Header(bytes: Bytes): ReadMesh1Header | undefined {
  if (bytes.length > LIMITS.mesh1HeaderBytesMax) return undefined;
  const text = textOf(bytes);
  const fields = text === undefined ? undefined : fieldsOf(parseJson(text));
  if (!fields) return undefined;
  const { channel_id: channel, message_id: messageId, sender_id: sender, timestamp } = fields;
  if (typeof channel !== 'string' || typeof messageId !== 'string') return undefined;
  if (typeof sender !== 'string' || typeof timestamp !== 'string') return undefined;
  const header = { channel, messageId, sender, timestamp };
  const author = idFromText(sender);
  const timeMs = timestampMs(timestamp);
  if (!author || timeMs === undefined || !MESSAGE_ID.test(messageId)) return undefined;
  if (channelKind(channel) !== 'open') return undefined;
  return equal(encodeMesh1Header(header), bytes) ? { ...header, author, timeMs } : undefined;
}

/** The text that was signed, as UTF-8. @returns undefined where the payload is no text */
export function mesh1Text(header: Mesh1Header, body: string, payload: Bytes): Bytes | undefined {
  const payloadText = payload.length === 0 ? null : textOf(payload);
  if (payloadText === undefined) return undefined;
  const { channel, messageId, sender, timestamp } = header;
  return utf8(
    JSON.stringify({
      body,
      channel_id: channel,
      message_id: messageId,
      payload: payloadText,
      sender_id: sender,
      timestamp,
    }),
  );
}
