/**
 * The frames of mesh/1: JSON texts, one object each with `type`. A text becomes a frame once, here, with every field
 * checked; what breaks the shape is `undefined`, never an exception. Unknown types are `ignored`, as mesh/1 has it.
 *
 * A mesh/2 message goes to a mesh/1 peer with its wire item, base64url, under `$m2` in the payload: the only field that a
 * mesh/1 peer stores and passes on whole. What stands beside it is for people and programs that know mesh/1 only; whoever
 * reads `$m2` takes that and nothing else.
 */
import { type Bytes, fromBase64url, textOf, toBase64url, utf8 } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { readMesh1Header } from '../message/mesh1-record.ts';
import type { Message } from '../message/message.ts';
import { type Fields, fieldsOf, own, parseJson } from './json.ts';

/** A message as it stands in a frame; nothing of it is believed yet. */
export interface Mesh1Message {
  readonly messageId: string;
  readonly channel: string;
  readonly sender: string;
  readonly body: string;
  /** JSON text of the payload, '' for null */
  readonly payload: string;
  /** base64url text under `$m2`, undefined where there is none */
  readonly carried: string | undefined;
  readonly timestamp: string;
  /** 64 bytes, or undefined where there is none */
  readonly signature: Bytes | undefined;
}

export type Mesh1Frame =
  | { readonly type: 'subscribe' | 'unsubscribe'; readonly channel: string }
  | { readonly type: 'message'; readonly message: Mesh1Message }
  | {
      readonly type: 'sync_request';
      readonly channel: string;
      /** '' for none */
      readonly after: string;
      /** 1 to 500 */
      readonly limit: number;
    }
  | {
      readonly type: 'sync_response';
      readonly channel: string;
      readonly messages: readonly Mesh1Message[];
      /** entries with fields of another type, which are left out */
      readonly unreadable: number;
    }
  | { readonly type: 'error'; readonly code: string; readonly detail: string }
  /** a second one: the first is read elsewhere */
  | { readonly type: 'handshake' }
  | { readonly type: 'ignored' };

/** Deepest payload that is written out beside `$m2`: mesh/1 peers walk it by recursion (guess). */
const DEPTH_MAX = 32;
const SYNC_LIMIT = 100;

/** JSON text of a payload, or `undefined` where it is nested too deep to be written. */
function payloadText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Standard base64 with or without padding, as 64 bytes. */
function signatureOf(text: string): Bytes | undefined {
  if (text.length > 88) return undefined;
  const bytes = fromBase64url(text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_'));
  return bytes?.length === 64 ? bytes : undefined;
}

function toBase64(bytes: Bytes): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

function readMessage(value: unknown): Mesh1Message | undefined {
  const fields = fieldsOf(value);
  if (!fields) return undefined;
  const [messageId, channel, sender, body, timestamp] = [
    'message_id',
    'channel_id',
    'sender_id',
    'body',
    'timestamp',
  ].map((name) => own(fields, name));
  if (typeof messageId !== 'string' || typeof channel !== 'string' || typeof sender !== 'string')
    return undefined;
  if (typeof body !== 'string' || typeof timestamp !== 'string') return undefined;
  const payload = own(fields, 'payload') ?? null;
  const inner = fieldsOf(payload);
  const m2 = inner && own(inner, '$m2');
  const carried = typeof m2 === 'string' ? m2 : undefined;
  // What is carried is all that counts: nobody asks for the rest of the payload.
  const text = payload === null || carried !== undefined ? '' : payloadText(payload);
  if (text === undefined) return undefined;
  const signature = own(fields, 'signature');
  return {
    messageId,
    channel,
    sender,
    body,
    payload: text,
    carried,
    timestamp,
    signature: typeof signature === 'string' ? signatureOf(signature) : undefined,
  };
}

function readSyncRequest(fields: Fields, channel: string): Mesh1Frame | undefined {
  const after = own(fields, 'after_message_id') ?? '';
  const limit = own(fields, 'limit') ?? SYNC_LIMIT;
  if (typeof after !== 'string' || after.length > 64) return undefined;
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1) return undefined;
  return { type: 'sync_request', channel, after, limit: Math.min(limit, LIMITS.mesh1ServeMax) };
}

function readSyncResponse(fields: Fields, channel: string): Mesh1Frame | undefined {
  const list = own(fields, 'messages');
  if (!Array.isArray(list) || list.length > LIMITS.mesh1ServeMax) return undefined;
  if (list.some((entry) => fieldsOf(entry) === undefined)) return undefined;
  // mesh/1 checks no types: one odd entry in a store must not hide the others for good.
  const messages = list.map(readMessage).filter((message) => message !== undefined);
  return { type: 'sync_response', channel, messages, unreadable: list.length - messages.length };
}

/** The frame that a text holds, or `undefined` where it is none. */
export function parseMesh1(text: string): Mesh1Frame | undefined {
  const fields = fieldsOf(parseJson(text));
  if (!fields) return undefined;
  const type = own(fields, 'type');
  if (typeof type !== 'string') return undefined;
  const channel = own(fields, 'channel_id');
  const ofChannel = (read: (channel: string) => Mesh1Frame | undefined): Mesh1Frame | undefined =>
    typeof channel === 'string' ? read(channel) : undefined;
  switch (type) {
    case 'subscribe':
    case 'unsubscribe':
      return ofChannel((name) => ({ type, channel: name }));
    case 'message': {
      const message = readMessage(fields);
      return message && { type, message };
    }
    case 'sync_request':
      return ofChannel((name) => readSyncRequest(fields, name));
    case 'sync_response':
      return ofChannel((name) => readSyncResponse(fields, name));
    case 'error': {
      const [code, detail] = [own(fields, 'code'), own(fields, 'message')];
      return {
        type,
        code: typeof code === 'string' ? code : '',
        detail: typeof detail === 'string' ? detail : '',
      };
    }
    case 'handshake':
      return { type };
    default:
      return { type: 'ignored' };
  }
}

/** Nested arrays and objects of a value that JSON.parse gave; stops counting above {@link DEPTH_MAX}. */
function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return depth;
  return Object.values(value).reduce<number>(
    (most, inner) => Math.max(most, depthOf(inner, depth + 1)),
    depth + 1,
  );
}

/** JSON text of a payload as mesh/1 programs may read it, or `undefined` where it is no JSON or too deep. */
function readablePayload(payload: Bytes): { readonly text: string; readonly value: unknown } | undefined {
  const text = textOf(payload);
  if (text === undefined) return undefined;
  const value = parseJson(text);
  return value === undefined || depthOf(value) > DEPTH_MAX ? undefined : { text, value };
}

/** The payload with `$m2` before the author's own members, if his payload is an object. */
function carryingPayload(message: Message, wire: string): string {
  const carried = `"$m2":"${wire}"`;
  const readable = readablePayload(message.payload);
  const fields = readable && fieldsOf(readable.value);
  if (!fields || Object.hasOwn(fields, '$m2')) return `{${carried}}`;
  const rest = readable.text.trim().slice(1);
  return `{${carried}${Object.keys(fields).length === 0 ? '' : ','}${rest}`;
}

function textBytes(text: string): number {
  return utf8(text).length;
}

/** Fields of a mesh/2 message, without braces. */
function carryingFields(message: Message): string {
  const wire = toBase64url(message.wire);
  const fields = (body: string, payload: string): string =>
    JSON.stringify({
      message_id: message.idText,
      channel_id: message.channel,
      sender_id: toBase64url(message.author),
      body,
      timestamp: new Date(message.time.timeMs).toISOString(),
    }).slice(1, -1) + `,"payload":${payload}`;
  const full = fields(message.body, carryingPayload(message, wire));
  return textBytes(full) <= LIMITS.mesh1LeanBytes ? full : fields('', `{"$m2":"${wire}"}`);
}

/** Whether a payload comes out of a mesh/1 peer, which parses it and writes it anew, as it went in. */
function survives(text: string, value: unknown): boolean {
  const fields = fieldsOf(value);
  return payloadText(value) === text && !(fields && typeof own(fields, '$m2') === 'string');
}

/**
 * Fields of a message that began at a mesh/1 peer, as its author sent them; `undefined` where its payload would come out
 * as another one, for which the signature does not hold.
 */
function originalFields(message: Message): string | undefined {
  const header = readMesh1Header(message.bytes);
  if (!header) return undefined;
  const readable = message.payload.length === 0 ? undefined : readablePayload(message.payload);
  if (message.payload.length > 0 && !(readable && survives(readable.text, readable.value))) return undefined;
  const payload = readable?.text ?? 'null';
  const { channel, messageId, sender, timestamp } = header;
  return (
    JSON.stringify({
      message_id: messageId,
      channel_id: channel,
      sender_id: sender,
      body: message.body,
      timestamp,
      signature: toBase64(message.signature),
    }).slice(1, -1) + `,"payload":${payload}`
  );
}

/** The fields of a message for a mesh/1 peer as JSON without braces, or `undefined` if it cannot be sent to one. */
export function mesh1Fields(message: Message): string | undefined {
  const fields = message.isMesh1 ? originalFields(message) : carryingFields(message);
  return fields !== undefined && textBytes(fields) <= LIMITS.mesh1SendBytesMax - 64 ? fields : undefined;
}

/** What mesh/1 calls a message. */
export function mesh1IdOf(message: Message): string {
  return (message.isMesh1 ? readMesh1Header(message.bytes)?.messageId : undefined) ?? message.idText;
}

/** @param fields from {@link mesh1Fields} */
export function encodeMesh1Message(fields: string): string {
  return `{"type":"message",${fields}}`;
}

/** @param messages from {@link mesh1Fields}, oldest first */
export function encodeSyncResponse(channel: string, messages: readonly string[]): string {
  const list = messages.map((fields) => `{${fields}}`).join(',');
  return `{"type":"sync_response","channel_id":${JSON.stringify(channel)},"messages":[${list}]}`;
}

/** @param after message id, '' for none */
export function encodeSyncRequest(channel: string, after: string, limit: number): string {
  return JSON.stringify({
    type: 'sync_request',
    channel_id: channel,
    after_message_id: after === '' ? null : after,
    limit,
  });
}

export function encodeSubscription(type: 'subscribe' | 'unsubscribe', channel: string): string {
  return JSON.stringify({ type, channel_id: channel });
}
