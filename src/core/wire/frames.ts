/**
 * The binary frames of mesh/2: a deterministic CBOR array that starts with the frame's number. Bytes become a frame
 * once, here, with every field bounded; what cannot be decoded is `undefined`, never an exception.
 */
import { type Bytes, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { readTombstone, type Tombstone, tombstoneBytes, writeTombstone } from '../message/header.ts';
import type { Message, MessageContext } from '../message/message.ts';
import { CborError, CborReader, CborWriter } from './cbor.ts';
import { readEphemerals, readLasting, readRoot, tagBytes, writeEphemerals } from './ephemerals.ts';
import { type Frame, RECORD, type RecordHead, type TagFloor } from './frame.ts';
import { encodeSync, HOUR_END, readSync, readTag } from './sync-frames.ts';

export type { Frame } from './frame.ts';

const NUMBER: Readonly<Record<Frame['type'], number>> = {
  auth: 1,
  ping: 2,
  pong: 3,
  role: 4,
  error: 5,
  holds: 6,
  push: 7,
  announce: 8,
  fetch: 9,
  fetched: 10,
  stored: 11,
  have: 12,
  want: 13,
  records: 14,
  addresses: 15,
  mailbox: 16,
  'mailbox-kept': 17,
  heartbeat: 18,
  sums: 19,
  reconcile: 20,
  reconciled: 21,
  offer: 22,
  'dial-back': 23,
  ephemeral: 24,
  'tunnel-open': 25,
  tunnelled: 26,
  'tunnel-end': 27,
};
/** Type of a frame by its number. */
export const FRAME_TYPES: ReadonlyMap<number, Frame['type']> = new Map(
  Object.entries(NUMBER).map(([type, n]) => [n, type as Frame['type']]),
);

/** An id with its head, and room for everything in a frame that is neither id nor message. */
const ID_BYTES = 34;
const HEAD_BYTES = 24;
/** A head of a record: three fields, the id of a relay and a time. */
const RECORD_HEAD_BYTES = 45;

function writeIds(w: CborWriter, ids: readonly Bytes[]): void {
  w.array(ids.length);
  for (const id of ids) w.bytes(id);
}

function writeTags(w: CborWriter, tags: readonly string[]): void {
  w.array(tags.length);
  for (const tag of tags) w.bytes(tagBytes(tag));
}

function writeWires(w: CborWriter, messages: readonly { readonly wire: Bytes }[]): void {
  w.array(messages.length);
  for (const message of messages) w.raw(message.wire);
}

/** About how many bytes a frame takes, exact enough where it may be large and is sent often. */
function sizeOf(frame: Frame): number {
  switch (frame.type) {
    case 'announce':
    case 'fetch':
    case 'stored':
      return HEAD_BYTES + ID_BYTES * frame.ids.length;
    case 'push':
      return HEAD_BYTES + wireBytes(frame.messages);
    case 'ephemeral':
      return HEAD_BYTES + frame.items.reduce((sum, { message }) => sum + 10 + message.wire.length, 0);
    case 'fetched':
      return (
        HEAD_BYTES +
        wireBytes(frame.messages) +
        ID_BYTES * frame.notHeld.length +
        graveBytes(frame.tombstones)
      );
    case 'tunnelled':
      return HEAD_BYTES + frame.frame.length;
    case 'reconcile':
    case 'reconciled':
      return HEAD_BYTES + 32 + frame.message.length;
    case 'have':
    case 'want':
      return HEAD_BYTES + RECORD_HEAD_BYTES * frame.heads.length;
    case 'records':
      return HEAD_BYTES + frame.records.reduce((sum, { bytes }) => sum + 72 + bytes.length, 0);
    case 'ping':
    case 'pong':
      return HEAD_BYTES;
    default:
      return 256;
  }
}

function graveBytes(tombstones: readonly Tombstone[] = []): number {
  return tombstones.reduce((sum, tombstone) => sum + tombstoneBytes(tombstone), 0);
}

function wireBytes(messages: readonly { readonly wire: Bytes }[]): number {
  return messages.reduce((sum, { wire }) => sum + wire.length, 0);
}

/** Frames as bytes. Messages are written from their wire form, which is serialised once for all links. */
export function encodeFrame(frame: Frame): Bytes {
  const w = new CborWriter(sizeOf(frame));
  w.array(FIELDS[frame.type] + 1).uint(NUMBER[frame.type]);
  switch (frame.type) {
    case 'auth':
      return w.bytes(frame.instance).text(frame.url).bytes(frame.signature).finish();
    case 'ping':
    case 'pong':
      return w.uint(frame.n).finish();
    case 'role':
      return w.boolean(frame.relay).boolean(frame.live).finish();
    case 'error':
      return w.text(frame.code).text(frame.detail).finish();
    case 'announce':
    case 'fetch':
    case 'stored':
      writeIds(w, frame.ids);
      return w.finish();
    case 'push':
      w.bytes(tagBytes(frame.root)).boolean(frame.keep);
      writeWires(w, frame.messages);
      return w.finish();
    case 'fetched':
      writeWires(w, frame.messages);
      writeIds(w, frame.notHeld);
      w.array(frame.tombstones?.length ?? 0);
      for (const tombstone of frame.tombstones ?? []) writeTombstone(w, tombstone);
      return w.finish();
    case 'holds':
    case 'mailbox':
    case 'mailbox-kept':
      return encodeInterest(w, frame);
    case 'have':
    case 'want':
    case 'records':
    case 'addresses':
    case 'dial-back':
      return encodeMembership(w, frame);
    case 'heartbeat':
    case 'sums':
    case 'reconcile':
    case 'reconciled':
    case 'offer':
      return encodeSync(w, frame);
    case 'ephemeral':
      return writeEphemerals(w, frame.items).finish();
    case 'tunnel-open':
      return w.uint(frame.number).uint(frame.hops).bytes(tagBytes(frame.target)).finish();
    case 'tunnelled':
      return w.uint(frame.number).boolean(frame.isOpener).bytes(frame.frame).finish();
    case 'tunnel-end':
      return w.uint(frame.number).boolean(frame.isOpener).finish();
    default:
      return frame satisfies never;
  }
}

/** how many fields follow the number */
const FIELDS: Readonly<Record<Frame['type'], number>> = {
  auth: 3,
  ping: 1,
  pong: 1,
  role: 2,
  error: 2,
  holds: 3,
  push: 3,
  announce: 1,
  fetch: 1,
  fetched: 3,
  stored: 1,
  have: 1,
  want: 1,
  records: 1,
  addresses: 1,
  mailbox: 1,
  'mailbox-kept': 2,
  heartbeat: 3,
  sums: 2,
  reconcile: 5,
  reconciled: 2,
  offer: 2,
  'dial-back': 2,
  ephemeral: 1,
  'tunnel-open': 3,
  tunnelled: 3,
  'tunnel-end': 2,
};

function encodeInterest(
  w: CborWriter,
  frame: Extract<Frame, { type: 'holds' | 'mailbox' | 'mailbox-kept' }>,
): Bytes {
  if (frame.type === 'holds') {
    w.boolean(frame.reset).array(frame.set.length);
    for (const { tag, floorHour } of frame.set) w.array(2).bytes(tagBytes(tag)).uint(floorHour);
    writeTags(w, frame.unset);
    return w.finish();
  }
  writeTags(w, frame.tags);
  if (frame.type === 'mailbox-kept') w.uint(frame.hours);
  return w.finish();
}

function encodeMembership(
  w: CborWriter,
  frame: Extract<Frame, { type: 'have' | 'want' | 'records' | 'addresses' | 'dial-back' }>,
): Bytes {
  if (frame.type === 'dial-back') return w.text(frame.url).uint(frame.port).finish();
  if (frame.type === 'records') {
    w.array(frame.records.length);
    for (const { bytes, signature } of frame.records) w.array(2).bytes(bytes).bytes(signature);
  } else if (frame.type === 'addresses') {
    w.array(frame.relays.length);
    for (const { peer, urls } of frame.relays) {
      w.array(2).bytes(tagBytes(peer)).array(urls.length);
      for (const url of urls) w.text(url);
    }
  } else {
    w.array(frame.heads.length);
    for (const { kind, peer, sequence } of frame.heads)
      w.array(3).uint(kind).bytes(tagBytes(peer)).uint(sequence);
  }
  return w.finish();
}

function readPeer(r: CborReader): string {
  return toBase64url(r.bytes(32, 32));
}

function readId(r: CborReader): Bytes {
  return r.bytes(32, 32);
}

function readFields(context: MessageContext, type: Frame['type'], r: CborReader): Frame {
  const messages = (): Message[] => r.list(LIMITS.messagesPerFrameMax, (item) => readLasting(context, item));
  switch (type) {
    case 'auth':
      return { type, instance: r.bytes(8, 8), url: r.text(LIMITS.urlBytesMax), signature: r.bytes(64, 64) };
    case 'ping':
    case 'pong':
      return { type, n: r.uint() };
    case 'role':
      return { type, relay: r.boolean(), live: r.boolean() };
    case 'error':
      return { type, code: r.text(64), detail: r.text(LIMITS.errorTextBytesMax) };
    case 'announce':
    case 'fetch':
    case 'stored':
      return { type, ids: r.list(LIMITS.idsPerFrameMax, readId) };
    case 'push':
      return { type, root: readRoot(r), keep: r.boolean(), messages: messages() };
    case 'fetched':
      return readFetched(context, messages(), r);
    case 'holds':
    case 'mailbox':
    case 'mailbox-kept':
      return readInterest(type, r);
    case 'have':
    case 'want':
    case 'records':
    case 'addresses':
      return readMembership(type, r);
    case 'dial-back':
      return { type, url: r.text(LIMITS.urlBytesMax), port: r.uint(65_535) };
    case 'heartbeat':
    case 'sums':
    case 'reconcile':
    case 'reconciled':
    case 'offer':
      return readSync(type, r);
    case 'ephemeral':
      return { type, items: readEphemerals(context, r) };
    case 'tunnel-open':
    case 'tunnelled':
    case 'tunnel-end':
      return readTunnel(type, r);
    default:
      return type satisfies never;
  }
}

function readFetched(context: MessageContext, messages: readonly Message[], r: CborReader): Frame {
  const notHeld = r.list(LIMITS.idsPerFrameMax, readId);
  const tombstones = r.list(LIMITS.tombstonesPerFrameMax, (item) => readTombstone(context, item));
  return { type: 'fetched', messages, notHeld, ...(tombstones.length > 0 && { tombstones }) };
}

function readTunnel(type: 'tunnel-open' | 'tunnelled' | 'tunnel-end', r: CborReader): Frame {
  const number = r.uint(LIMITS.tunnelNumberMax);
  if (type === 'tunnel-open')
    return { type, number, hops: r.uint(LIMITS.tunnelHopsMax), target: readPeer(r) };
  const isOpener = r.boolean();
  if (type === 'tunnel-end') return { type, number, isOpener };
  return { type, number, isOpener, frame: r.bytes(1, LIMITS.tunnelledBytesMax) };
}

function readInterest(type: 'holds' | 'mailbox' | 'mailbox-kept', r: CborReader): Frame {
  if (type === 'holds') {
    const reset = r.boolean();
    const set = r.list(LIMITS.tagsMax, (item): TagFloor => {
      item.tuple(2);
      return { tag: readTag(item), floorHour: item.uint(HOUR_END) };
    });
    return { type, reset, set, unset: r.list(LIMITS.tagsMax, readTag) };
  }
  const tags = r.list(LIMITS.tagsMax, readTag);
  return type === 'mailbox' ? { type, tags } : { type, tags, hours: r.uint(HOUR_END) };
}

function readMembership(type: 'have' | 'want' | 'records' | 'addresses', r: CborReader): Frame {
  if (type === 'records') {
    const records = r.list(LIMITS.recordsPerFrameMax, (item) => {
      item.tuple(2);
      return { bytes: item.bytes(1, LIMITS.signedRecordBytesMax), signature: item.bytes(64, 64) };
    });
    return { type, records };
  }
  if (type === 'addresses') {
    const relays = r.list(LIMITS.addressesPerFrameMax, (item) => {
      item.tuple(2);
      const peer = readPeer(item);
      return { peer, urls: item.list(LIMITS.recordAddressesMax, (url) => url.text(LIMITS.urlBytesMax)) };
    });
    return { type, relays };
  }
  const heads = r.list(LIMITS.recordHeadsMax, (item): RecordHead => {
    item.tuple(3);
    const kind = item.uint(2);
    if (kind !== RECORD.peer && kind !== RECORD.interest) throw new CborError('unknown kind of record');
    return { kind, peer: readPeer(item), sequence: item.uint() };
  });
  return { type, heads };
}

/** The frame that bytes are, or `undefined` if they are none. Byte fields are views into the input. */
export function decodeFrame(context: MessageContext, bytes: Bytes): Frame | undefined {
  if (bytes.length > LIMITS.frameBytesMax) return undefined;
  try {
    const r = new CborReader(bytes);
    const count = r.array(8);
    const type = FRAME_TYPES.get(r.uint(255));
    if (type === undefined || FIELDS[type] + 1 !== count) return undefined;
    const frame = readFields(context, type, r);
    r.end();
    return frame;
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
}
