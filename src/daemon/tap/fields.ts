/**
 * The fields of a decoded frame as plain JSON: ids as text, times as ISO, other bytes as their size and how they begin,
 * long lists as their count and their first items. A frame carries no secret: session keys are made from what both sides
 * keep to themselves. Content of open channels is shown; of others only its size.
 */
import { type Bytes, toBase64url, toHex } from '../../core/bytes.ts';
import { channelKind } from '../../core/channel/channel.ts';
import { HOUR, MINUTE } from '../../core/limits.ts';
import { decodeRecord } from '../../core/membership/records.ts';
import type { Tombstone } from '../../core/message/header.ts';
import type { Message } from '../../core/message/message.ts';
import type { RecordHead, TagFloor } from '../../core/wire/frame.ts';
import type { Frame } from '../../core/wire/frames.ts';
import type { Handshake } from '../../core/wire/handshake.ts';
import { isoTime } from '../views.ts';
import type { TapFields, TapValue } from './tap-view.ts';

/** Items of a list, and characters of a body, that are shown (guess: a line can still be read). */
const LISTED = 16;
const BODY_SHOWN = 2000;
/** Bytes of what is no id that are shown. */
const HEAD = 4;

/** @returns the count of a list with its first items */
export function listed<T>(items: readonly T[], show: (item: T) => TapValue): TapValue {
  return { count: items.length, first: items.slice(0, LISTED).map(show) };
}

function head(bytes: Bytes): TapValue {
  return { bytes: bytes.length, hex: toHex(bytes.subarray(0, HEAD)) };
}

const texts = (items: readonly string[]): TapValue => listed(items, (text) => text);
const ids = (items: readonly Bytes[]): TapValue => listed(items, toBase64url);
const hour = (floorHour: number): string => isoTime(floorHour * HOUR);
const minute = (n: number): string => isoTime(n * MINUTE);
const floors = (items: readonly TagFloor[]): TapValue =>
  listed(items, ({ tag, floorHour }) => ({ tag, floor: hour(floorHour) }));
const RECORD_NAMES: Readonly<Record<RecordHead['kind'], string>> = { 1: 'peer', 2: 'interest' };

const heads = (items: readonly RecordHead[]): TapValue =>
  listed(items, ({ kind, peer, sequence }) => ({ kind: RECORD_NAMES[kind], peer, sequence }));

/** Text cut to what is shown, never in the middle of a character. */
export function shortened(text: string): string {
  return text.length <= BODY_SHOWN ? text : `${text.slice(0, BODY_SHOWN).replace(/[\ud800-\udbff]$/, '')}…`;
}

function message(item: Message): TapValue {
  const { idText, channel, author, time, kind, refs, expiresMs, body, payload } = item;
  const shared = {
    id: idText,
    kind,
    channel,
    author: toBase64url(author),
    time: isoTime(time.timeMs),
    ...(refs.length > 0 && { refs: listed(refs, ({ relation, id }) => ({ relation, id: toBase64url(id) })) }),
    ...(expiresMs > 0 && { expires: isoTime(expiresMs) }),
  };
  const isOpen = channelKind(channel) === 'open';
  return {
    ...shared,
    ...(isOpen ? { body: shortened(body) } : { bodyBytes: Buffer.byteLength(body) }),
    ...(payload.length > 0 && { payloadBytes: payload.length }),
  };
}

function record({ bytes }: { readonly bytes: Bytes }): TapValue {
  const content = decodeRecord(bytes);
  if (content === undefined) return head(bytes);
  const { peer, sequence } = content;
  if (content.kind === 3) {
    const { base, added, removed } = content;
    return {
      kind: 'delta',
      peer,
      sequence,
      base,
      added: texts(added.texts()),
      removed: texts(removed.texts()),
    };
  }
  const kind = RECORD_NAMES[content.kind];
  if (content.kind === 2 && !content.tags.isExact)
    return { kind, peer, sequence, filterOf: content.tags.size };
  if (content.kind === 2) return { kind, peer, sequence, tags: texts(content.tags.texts()) };
  const { urls, links, expiresMs } = content;
  return { kind, peer, sequence, urls, links: texts(links), expires: isoTime(expiresMs) };
}

type SyncFrame = Extract<Frame, { type: 'heartbeat' | 'sums' | 'reconcile' | 'reconciled' | 'offer' }>;

function syncFields(frame: SyncFrame): TapFields {
  switch (frame.type) {
    case 'heartbeat': {
      const { untilMinute, channels, fingerprint } = frame;
      return { until: minute(untilMinute), channels, fingerprint: head(fingerprint) };
    }
    case 'sums':
      return {
        until: minute(frame.untilMinute),
        sums: listed(frame.sums, ({ tag, floorHour, fingerprint }) => {
          return { tag, floor: hour(floorHour), fingerprint: head(fingerprint) };
        }),
      };
    case 'reconcile': {
      const { number, untilMinute, tag, floorHour, message } = frame;
      return { number, tag, floor: hour(floorHour), until: minute(untilMinute), message: head(message) };
    }
    case 'reconciled':
      return { number: frame.number, message: head(frame.message) };
    case 'offer':
      return { tag: frame.tag, ids: ids(frame.ids) };
    default:
      return frame satisfies never;
  }
}

export function handshakeFields({
  peer,
  relay,
  network,
  nonce,
  ephemeral,
  features,
  agent,
}: Handshake): TapFields {
  const shown = { network, relay, agent, features: texts(features) };
  return { peer, ...shown, nonce: head(nonce), key: head(ephemeral) };
}

function tombstone({ header, deletion }: Tombstone): TapFields {
  const { idText, channel, author } = header;
  return { id: idText, channel, author: toBase64url(author), deletedBy: deletion.idText };
}

/** The fields of a frame beside its type. */
export function frameFields(frame: Frame): TapFields {
  switch (frame.type) {
    case 'auth':
      return { url: frame.url, instance: head(frame.instance), signature: head(frame.signature) };
    case 'ping':
    case 'pong':
      return { n: frame.n };
    case 'role':
      return { relay: frame.relay, live: frame.live };
    case 'error':
      return { code: frame.code, detail: frame.detail };
    case 'holds':
      return { reset: frame.reset, set: floors(frame.set), unset: texts(frame.unset) };
    case 'push':
      return { root: frame.root, keep: frame.keep, messages: listed(frame.messages, message) };
    case 'announce':
    case 'fetch':
    case 'stored':
      return { ids: ids(frame.ids) };
    case 'fetched':
      return {
        messages: listed(frame.messages, message),
        notHeld: ids(frame.notHeld),
        ...(frame.tombstones && { tombstones: listed(frame.tombstones, tombstone) }),
      };
    case 'have':
    case 'want':
      return { heads: heads(frame.heads) };
    case 'records':
      return { records: listed(frame.records, record) };
    case 'addresses':
      return { relays: listed(frame.relays, ({ peer, urls }) => ({ peer, urls })) };
    case 'dial-back':
      return { url: frame.url, port: frame.port };
    case 'ephemeral':
      return {
        ephemerals: listed(frame.items, ({ root, message: item }) => ({ root, message: message(item) })),
      };
    case 'mailbox':
      return { tags: texts(frame.tags) };
    case 'mailbox-kept':
      return { tags: texts(frame.tags), hours: frame.hours };
    case 'tunnel-open':
      return { number: frame.number, hops: frame.hops, target: frame.target };
    case 'tunnelled':
      return { number: frame.number, isOpener: frame.isOpener, frame: head(frame.frame) };
    case 'tunnel-end':
      return { number: frame.number, isOpener: frame.isOpener };
    default:
      return syncFields(frame);
  }
}
