/**
 * What doors show of a mesh/1 message: each field as somebody claimed it, marked as unverified, and cut to a length that
 * harms nobody.
 *
 * A signature is judged where one was kept. Even a valid one proves only that the key in the label signed the text: the
 * message stays in the unverified history, because it was never checked by the rules under which mesh/2 messages are stored.
 *
 * Source: reference of mesh/1, "Signature".
 */
import { fromBase64url, utf8 } from '../../core/bytes.ts';
import { KiB } from '../../core/limits.ts';
import { type Ed25519Verify, verifySignature } from '../../core/message/verified.ts';
import type { LegacyRow } from '../../store/legacy-reader.ts';

export interface LegacyMessageView {
  /** never true: nothing here was checked as mesh/2 checks messages */
  readonly verified: false;
  /** where it lies in the history: what `before` takes */
  readonly position: string;
  /** message id of mesh/1, a UUID as a rule */
  readonly id: string;
  readonly channel: string;
  /** who is said to have written it: the peer id of mesh/1, or a label */
  readonly sender: string;
  /** as its sender wrote it: ISO 8601 as a rule */
  readonly time: string;
  readonly body: string;
  /** parsed JSON, or null if there is none, it is not JSON, or too long */
  readonly payload: unknown;
  /** mesh/1 kept none; valid means that the key that the sender's id names signed this text */
  readonly signature: 'valid' | 'wrong' | 'none';
  /** true if the text was cut or the payload left out because of its length */
  readonly shortened: boolean;
}

export interface LegacyChannelView {
  readonly channel: string;
  /** counted up to 10 000 if the old database has an index of its channels */
  readonly messages: number;
}

export interface LegacyPageRequest {
  /** exactly as mesh/1 wrote it, `dm:` names too */
  readonly channel: string;
  /** 1 to 1000 */
  readonly limit: number;
  /** position of a message: only older ones */
  readonly before?: string | undefined;
}

/** What mesh/1 left at our paths. */
export interface LegacyHistory {
  /** absolute path of its database */
  readonly file: string;
  /**
   * The newest messages, oldest first. The page may be shorter than `limit` where messages are long; an empty one is the end.
   * Rejects `bad_request`, `not_found` for an unknown position, `store_failed`.
   */
  messages(page: LegacyPageRequest): Promise<LegacyMessageView[]>;
  /** by name, at most 1000. Rejects `store_failed` */
  channels(): Promise<LegacyChannelView[]>;
}

/** Characters of a body that are shown; mesh/2 has 64 KiB for everything (guess). */
const BODY_MAX = 64 * KiB;
/** Characters of JSON text that are parsed and shown (guess). */
const PAYLOAD_MAX = 64 * KiB;
/** Characters of ids, labels and times; mesh/1's own have 36, 43 and 24 (guess). */
const LABEL_MAX = 128;
/** A number below this is in seconds, from it on in milliseconds: the year 5138 and March 1973. */
const MILLISECONDS_MIN = 1e11;

/** The text that mesh/1 signed: JSON of six fields in the order of their names, the payload as JSON text or null. */
export function legacySigningText({ body, channel, id, payload, sender, timestamp }: LegacyRow): string {
  return JSON.stringify({
    body,
    channel_id: channel,
    message_id: id,
    payload,
    sender_id: sender,
    timestamp,
  });
}

/** Bytes of standard base64 with its padding, or undefined. */
function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function judgeSignature(verify: Ed25519Verify, row: LegacyRow): LegacyMessageView['signature'] {
  if (row.signature === null || row.signature === '') return 'none';
  const [signature, publicKey] = [fromBase64(row.signature), fromBase64url(row.sender)];
  if (signature?.length !== 64 || publicKey?.length !== 32) return 'wrong';
  const data = utf8(legacySigningText(row));
  return verifySignature(verify, { data, signature, publicKey }) === undefined ? 'wrong' : 'valid';
}

/** At most `max` characters, and no half of one at the end. */
function cut(text: string, max: number): string {
  return text.length <= max ? text : text.slice(0, max).toWellFormed();
}

function timeText(timestamp: string | number): string {
  if (typeof timestamp === 'string') return cut(timestamp, LABEL_MAX);
  const date = new Date(timestamp < MILLISECONDS_MIN ? timestamp * 1000 : timestamp);
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString();
}

function parsePayload(text: string | null): unknown {
  if (text === null || text.length > PAYLOAD_MAX) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null; // mesh/1 relayed such messages without their payload too
  }
}

/** @param verify decides the equation; the guard is applied here */
export function legacyMessageView(verify: Ed25519Verify, row: LegacyRow): LegacyMessageView {
  const { body, payload } = row;
  return {
    verified: false,
    position: row.position,
    id: cut(row.id, LABEL_MAX),
    channel: row.channel,
    sender: cut(row.sender, LABEL_MAX),
    time: timeText(row.timestamp),
    body: cut(body, BODY_MAX),
    payload: parsePayload(payload),
    signature: judgeSignature(verify, row),
    shortened: body.length > BODY_MAX || (payload?.length ?? 0) > PAYLOAD_MAX,
  };
}
