/** Frames for tests: an arbitrary of each type, and the JSON in which the committed vectors write them. */
import fc from 'fast-check';
import { type Bytes, fromBase64url, toBase64url, toHex, utf8 } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { ephemeralParts } from '../message/ephemeral.ts';
import { readSignedHeader, readTombstone, type Tombstone, writeTombstone } from '../message/header.ts';
import { authorOf, fromHex, openclaw, signedMessage } from '../message/message.fixture.ts';
import { decodeMessage, Message } from '../message/message.ts';
import { MINUTE_END } from '../persistence.ts';
import { CborReader, CborWriter } from './cbor.ts';
import type { Frame } from './frame.ts';

type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;

export const sampleMessages: readonly Message[] = [
  signedMessage(),
  signedMessage({ body: 'é\u{1f980}', payload: utf8('{"a":1}'), expiresMs: 2 ** 53 - 1 }, authorOf('eve')),
  signedMessage({ refs: [{ relation: 1, id: new Uint8Array(32) }], prev: new Uint8Array(32).fill(7) }),
];

/** A post and the delete of its author. */
export const sampleTombstone: Tombstone = (() => {
  const { bytes, signature, id } = signedMessage({ body: 'regretted' });
  const deletion = signedMessage({ kind: 2, body: '', refs: [{ relation: 4, id }] });
  return { header: readSignedHeader(openclaw, bytes, signature), deletion };
})();

/** A draft and an activity as their authors send them. */
export const sampleEphemerals: readonly Message[] = [
  signedMessage({
    ...ephemeralParts({ kind: 'draft', text: 'It is', state: 'open' }),
    ...{ refs: [{ relation: 7, id: new Uint8Array(32).fill(9) }], expiresMs: 1_780_000_060_000 },
  }),
  signedMessage({
    ...ephemeralParts({ kind: 'activity', text: '', state: 'open', doing: 'typing' }),
    ...{ channel: 'a', expiresMs: 1_780_000_000_001 },
  }),
];

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const id = exactly(32);
const ids = fc.array(id, { maxLength: 5 });
const tag = exactly(8).map(toBase64url);
const tags = fc.array(tag, { maxLength: 5 });
const peer = id.map(toBase64url);
const natural = fc.maxSafeNat();
const minute = fc.nat({ max: Number.MAX_SAFE_INTEGER }).map((n) => n % (MINUTE_END + 1));
const hour = minute.map((n) => Math.floor(n / 60));
const print = exactly(16);
const frameNumber = fc.nat({ max: LIMITS.tunnelNumberMax });
const text = (max: number) =>
  fc.string({ unit: 'grapheme', maxLength: max / 4 }).filter((value) => utf8(value).length <= max);
const messages = fc.array(fc.constantFrom(...sampleMessages), { maxLength: 3 });
const heads = fc.array(
  fc.record({ kind: fc.constantFrom(1 as const, 2 as const), peer, sequence: natural }),
  {
    maxLength: 4,
  },
);

export const anyFrame: { readonly [T in Frame['type']]: fc.Arbitrary<FrameOf<T>> } = {
  auth: fc.record({
    type: fc.constant('auth'),
    instance: exactly(8),
    url: text(LIMITS.urlBytesMax),
    signature: exactly(64),
  }),
  ping: fc.record({ type: fc.constant('ping'), n: natural }),
  pong: fc.record({ type: fc.constant('pong'), n: natural }),
  role: fc.record({ type: fc.constant('role'), relay: fc.boolean(), live: fc.boolean() }),
  error: fc.record({ type: fc.constant('error'), code: text(64), detail: text(LIMITS.errorTextBytesMax) }),
  holds: fc.record({
    type: fc.constant('holds'),
    reset: fc.boolean(),
    set: fc.array(fc.record({ tag, floorHour: hour }), { maxLength: 4 }),
    unset: tags,
  }),
  push: fc.record({
    type: fc.constant('push'),
    root: fc.oneof(tag, fc.constant('')),
    keep: fc.boolean(),
    messages,
  }),
  announce: fc.record({ type: fc.constant('announce'), ids }),
  fetch: fc.record({ type: fc.constant('fetch'), ids }),
  fetched: fc.record(
    {
      type: fc.constant('fetched'),
      messages,
      notHeld: ids,
      tombstones: fc.array(fc.constant(sampleTombstone), { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: ['type', 'messages', 'notHeld'] },
  ),
  stored: fc.record({ type: fc.constant('stored'), ids }),
  have: fc.record({ type: fc.constant('have'), heads }),
  want: fc.record({ type: fc.constant('want'), heads }),
  records: fc.record({
    type: fc.constant('records'),
    records: fc.array(
      fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }), signature: exactly(64) }),
      { maxLength: 3 },
    ),
  }),
  addresses: fc.record({
    type: fc.constant('addresses'),
    relays: fc.array(
      fc.record({ peer, urls: fc.array(text(LIMITS.urlBytesMax), { maxLength: LIMITS.recordAddressesMax }) }),
      { maxLength: 3 },
    ),
  }),
  mailbox: fc.record({ type: fc.constant('mailbox'), tags }),
  'mailbox-kept': fc.record({ type: fc.constant('mailbox-kept'), tags, hours: hour }),
  heartbeat: fc.record({
    type: fc.constant('heartbeat'),
    untilMinute: minute,
    channels: fc.nat({ max: LIMITS.sharedChannelsMax }),
    fingerprint: print,
  }),
  sums: fc.record({
    type: fc.constant('sums'),
    untilMinute: minute,
    sums: fc.array(fc.record({ tag, floorHour: hour, fingerprint: print }), { maxLength: 4 }),
  }),
  reconcile: fc.record({
    type: fc.constant('reconcile'),
    number: frameNumber,
    untilMinute: minute,
    tag,
    floorHour: hour,
    message: fc.uint8Array({ maxLength: 64 }),
  }),
  reconciled: fc.record({
    type: fc.constant('reconciled'),
    number: frameNumber,
    message: fc.uint8Array({ maxLength: 64 }),
  }),
  offer: fc.record({ type: fc.constant('offer'), tag, ids }),
  'dial-back': fc.record({
    type: fc.constant('dial-back'),
    url: text(LIMITS.urlBytesMax),
    port: fc.nat({ max: 65_535 }),
  }),
  ephemeral: fc.record({
    type: fc.constant('ephemeral'),
    items: fc.array(
      fc.record({ root: fc.oneof(tag, fc.constant('')), message: fc.constantFrom(...sampleEphemerals) }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  'tunnel-open': fc.record({
    type: fc.constant('tunnel-open'),
    number: frameNumber,
    hops: fc.nat({ max: LIMITS.tunnelHopsMax }),
    target: peer,
  }),
  tunnelled: fc.record({
    type: fc.constant('tunnelled'),
    number: frameNumber,
    isOpener: fc.boolean(),
    frame: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  }),
  'tunnel-end': fc.record({
    type: fc.constant('tunnel-end'),
    number: frameNumber,
    isOpener: fc.boolean(),
  }),
};

export const FRAME_TYPES = Object.keys(anyFrame) as readonly Frame['type'][];

/** JSON of the vectors: bytes as hexadecimal. */
export type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

/** fields that are bytes on the wire and base64url text in code */
const TEXT_KEYS = new Set(['tag', 'root', 'peer', 'tags', 'unset', 'target']);
/** fields that are bytes on both */
const BYTES_KEYS = new Set([
  'instance',
  'signature',
  'id',
  'ids',
  'notHeld',
  'fingerprint',
  'bytes',
  'frame',
]);

export function toJson(value: unknown, key = ''): Json {
  if (value instanceof Message) return toHex(value.wire);
  if (value instanceof Uint8Array) return toHex(value);
  if (key === 'tombstones' && !Array.isArray(value)) {
    const w = new CborWriter(2048);
    writeTombstone(w, value as Tombstone);
    return toHex(w.finish());
  }
  if (Array.isArray(value)) return value.map((item) => toJson(item, key));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toJson(item, name)]));
  if (typeof value === 'string') return TEXT_KEYS.has(key) ? toHex(fromBase64url(value) as Bytes) : value;
  return value as Json;
}

export function fromJson(value: Json, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item: Json) => fromJson(item, key));
  if (typeof value === 'object') {
    // The message of an ephemeral stands beside a root; that of a reconciliation is bytes.
    const keyOf = (name: string): string => (name === 'message' && !('root' in value) ? 'bytes' : name);
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, fromJson(item, keyOf(name))]),
    );
  }
  if (typeof value !== 'string') return value;
  // `message` is one of an author, or one of negentropy: bytes that are none of an author.
  if (key === 'messages' || key === 'message')
    return decodeMessage(openclaw, fromHex(value)) ?? fromHex(value);
  if (key === 'tombstones') return readTombstone(openclaw, new CborReader(fromHex(value)));
  if (BYTES_KEYS.has(key)) return fromHex(value);
  return TEXT_KEYS.has(key) ? toBase64url(fromHex(value)) : value;
}
