/**
 * The binary frames of mesh/2: a deterministic CBOR array that starts with the frame's number. Bytes become a frame
 * once, here, with every field bounded; what cannot be decoded is `undefined`, never an exception.
 */
import { type Bytes, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import type { Message, MessageContext } from '../message/message.ts';
import { fromUint64, type Time, toUint64 } from '../message/time.ts';
import { MINUTE_END, type Position } from '../persistence.ts';
import { CborError, CborReader, CborWriter } from './cbor.ts';
import { readEphemerals, readLasting, readRoot, tagBytes, writeEphemerals } from './ephemerals.ts';
import {
  type BucketSum,
  type ChannelSum,
  type Frame,
  RECORD,
  type RecordHead,
  type TagFloor,
} from './frame.ts';

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
  buckets: 20,
  list: 21,
  listed: 22,
  'dial-back': 23,
  ephemeral: 24,
};
/** Type of a frame by its number. */
export const FRAME_TYPES: ReadonlyMap<number, Frame['type']> = new Map(
  Object.entries(NUMBER).map(([type, n]) => [n, type as Frame['type']]),
);

/** An id with its head, and room for everything in a frame that is neither id nor message. */
const ID_BYTES = 34;
const HEAD_BYTES = 24;

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

function writePosition(w: CborWriter, position: Position): void {
  w.array(2).uint64(toUint64(position.time)).bytes(position.id);
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
      return HEAD_BYTES + wireBytes(frame.messages) + ID_BYTES * frame.notHeld.length;
    default:
      return 256;
  }
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
    case 'buckets':
    case 'list':
    case 'listed':
      return encodeSync(w, frame);
    case 'ephemeral':
      return writeEphemerals(w, frame.items).finish();
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
  fetched: 2,
  stored: 1,
  have: 1,
  want: 1,
  records: 1,
  addresses: 1,
  mailbox: 1,
  'mailbox-kept': 2,
  heartbeat: 3,
  sums: 2,
  buckets: 5,
  list: 3,
  listed: 3,
  'dial-back': 2,
  ephemeral: 1,
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

function encodeSync(
  w: CborWriter,
  frame: Extract<Frame, { type: 'heartbeat' | 'sums' | 'buckets' | 'list' | 'listed' }>,
): Bytes {
  switch (frame.type) {
    case 'heartbeat':
      return w.uint(frame.untilMinute).uint(frame.channels).bytes(frame.fingerprint).finish();
    case 'sums':
      w.uint(frame.untilMinute).array(frame.sums.length);
      for (const s of frame.sums) w.array(3).bytes(tagBytes(s.tag)).uint(s.floorHour).bytes(s.fingerprint);
      return w.finish();
    case 'buckets':
      w.uint(frame.untilMinute).bytes(tagBytes(frame.tag)).uint(frame.floorHour).uint(frame.minutesFrom);
      w.array(frame.buckets.length);
      for (const b of frame.buckets) w.array(3).uint(b.startMinute).uint(b.minutes).bytes(b.fingerprint);
      return w.finish();
    case 'list':
      w.bytes(tagBytes(frame.tag));
      writePosition(w, frame.after);
      return w.uint(frame.untilMinute).finish();
    case 'listed':
      w.bytes(tagBytes(frame.tag)).boolean(frame.done).array(frame.positions.length);
      for (const position of frame.positions) writePosition(w, position);
      return w.finish();
  }
}

function readTag(r: CborReader): string {
  return toBase64url(r.bytes(8, 8));
}

function readPeer(r: CborReader): string {
  return toBase64url(r.bytes(32, 32));
}

function readId(r: CborReader): Bytes {
  return r.bytes(32, 32);
}

function readTime(r: CborReader): Time {
  const time = fromUint64(r.uint64());
  if (time === undefined) throw new CborError('time at or above 2^63');
  return time;
}

function readPosition(r: CborReader): Position {
  r.tuple(2);
  return { time: readTime(r), id: readId(r) };
}

const HOUR_END = MINUTE_END / 60;

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
      return { type, messages: messages(), notHeld: r.list(LIMITS.idsPerFrameMax, readId) };
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
    case 'buckets':
    case 'list':
    case 'listed':
      return readSync(type, r);
    case 'ephemeral':
      return { type, items: readEphemerals(context, r) };
    default:
      return type satisfies never;
  }
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

function readSync(type: 'heartbeat' | 'sums' | 'buckets' | 'list' | 'listed', r: CborReader): Frame {
  if (type === 'list')
    return { type, tag: readTag(r), after: readPosition(r), untilMinute: r.uint(MINUTE_END) };
  if (type === 'listed')
    return { type, tag: readTag(r), done: r.boolean(), positions: r.list(LIMITS.pageItemsMax, readPosition) };
  const untilMinute = r.uint(MINUTE_END);
  if (type === 'heartbeat')
    return { type, untilMinute, channels: r.uint(LIMITS.sharedChannelsMax), fingerprint: r.bytes(16, 16) };
  if (type === 'sums') {
    const sums = r.list(LIMITS.sumsPerFrameMax, (item): ChannelSum => {
      item.tuple(3);
      return { tag: readTag(item), floorHour: item.uint(HOUR_END), fingerprint: item.bytes(16, 16) };
    });
    return { type, untilMinute, sums };
  }
  const tag = readTag(r);
  const floorHour = r.uint(HOUR_END);
  const minutesFrom = r.uint(MINUTE_END);
  const buckets = r.list(LIMITS.bucketsPerFrameMax, (item): BucketSum => {
    item.tuple(3);
    const startMinute = item.uint(MINUTE_END);
    const minutes = item.uint(60);
    if (minutes !== 1 && minutes !== 60) throw new CborError('a bucket is of 1 or 60 minutes');
    return { startMinute, minutes, fingerprint: item.bytes(16, 16) };
  });
  return { type, untilMinute, tag, floorHour, minutesFrom, buckets };
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
