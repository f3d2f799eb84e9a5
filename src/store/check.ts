/**
 * What a store asks of its arguments. Whoever breaks these rules is a programmer, not a peer: operations and queries
 * are made by our own core and API after they have checked what came from outside. So a broken rule throws RangeError,
 * before anything is written; it is never a store failure.
 */
import { type Bytes, fromBase64url, idFromText, toBase64url } from '../core/bytes.ts';
import { channelTag, isChannelText } from '../core/channel/channel.ts';
import type { DeliveryState } from '../core/contract.ts';
import { isEphemeral, type Sha256 } from '../core/message/message.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import type { PersistOp, PositionRange, Query, RetentionPolicy, Window } from '../core/persistence.ts';

/** Peers named as keepers of one own message; later ones change nothing. Enough for every home relay (guess). */
export const STORED_BY_MAX = 16;

/** Delivery states in the order in which they may follow each other; the index is what SQLite keeps. */
export const DELIVERY_STATES: readonly DeliveryState[] = ['queued', 'relayed', 'stored'];

/** The 8 bytes of a channel tag. Throws RangeError for any other text. */
export function tagBytes(text: string): Bytes {
  const bytes = text.length === 11 ? fromBase64url(text) : undefined;
  if (bytes === undefined) throw new RangeError(`not a channel tag: ${JSON.stringify(text)}`);
  return bytes;
}

/** The 32 bytes of a peer or identity. Throws RangeError for any other text. */
export function keyBytes(text: string): Bytes {
  const bytes = idFromText(text);
  if (bytes === undefined) throw new RangeError(`not an id: ${JSON.stringify(text)}`);
  return bytes;
}

function checkNumber(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} is not an unsigned integer: ${value}`);
}

function checkPositive(name: string, value: number): void {
  checkNumber(name, value);
  if (value === 0) throw new RangeError(`${name} is 0`);
}

function checkText(name: string, value: string): void {
  if (!value.isWellFormed()) throw new RangeError(`${name} is not well-formed text`);
}

function checkPolicy({ ageMs, messages, bytes, pinned }: RetentionPolicy): void {
  checkNumber('ageMs', ageMs ?? 0);
  checkNumber('messages', messages ?? 0);
  checkNumber('bytes', bytes ?? 0);
  if (typeof (pinned ?? false) !== 'boolean') throw new RangeError(`pinned is not a boolean: ${pinned}`);
}

/** A policy with no more than what it says. */
export function policyOf(
  policy: { [K in keyof RetentionPolicy]: RetentionPolicy[K] | undefined },
): RetentionPolicy {
  const { ageMs, messages, bytes, pinned } = policy;
  return {
    ...(ageMs !== undefined && { ageMs }),
    ...(messages !== undefined && { messages }),
    ...(bytes !== undefined && { bytes }),
    ...(pinned !== undefined && { pinned }),
  };
}

function checkWindow(window: Window): void {
  tagBytes(window.tag);
  checkNumber('fromMinute', window.fromMinute);
  checkNumber('untilMinute', window.untilMinute);
  if (window.fromMinute % 60 !== 0)
    throw new RangeError(`fromMinute is not a whole hour: ${window.fromMinute}`);
}

function checkRange({ from, until }: PositionRange): void {
  for (const { time } of [from, until]) {
    checkNumber('timeMs', time.timeMs);
    checkNumber('counter', time.counter);
  }
}

/** Throws RangeError if a page cannot be read as asked. @param limit rows, 0 or more; @param after arrival number */
export function checkPage(limit: number, wallMs: number, after = 0): void {
  checkNumber('limit', limit);
  checkNumber('wallMs', wallMs);
  checkNumber('after', after);
}

/** Channels whose tags are remembered; when it is full it starts anew (guess). */
const TAG_CACHE_MAX = 16384;

/**
 * The check of operations. What it returns throws RangeError if an operation breaks the contract of `persistence.ts`:
 * an id or tag that is not canonical, a tag that is not the channel's, a message of an ephemeral kind, a number out of range.
 */
export function createOpCheck(options: { network: string; sha256: Sha256 }): (op: PersistOp) => void {
  const tags = new Map<string, string>();
  const checkTag = (channel: string, tag: string): void => {
    let expected = tags.get(channel);
    if (expected === undefined) {
      expected = toBase64url(channelTag(options.sha256, options.network, channel));
      if (tags.size >= TAG_CACHE_MAX) tags.clear();
      tags.set(channel, expected);
    }
    if (tag !== expected) throw new RangeError(`tag ${tag} is not the tag of ${JSON.stringify(channel)}`);
  };
  const checkHeader = (header: { channel: string; kind: number }, tag: string): void => {
    checkTag(header.channel, tag);
    if (isEphemeral(header.kind)) throw new RangeError(`kind ${header.kind} is never stored`);
  };
  const checkMessage = ({ message }: VerifiedMessage, tag: string): void => checkHeader(message, tag);
  return (op) => {
    if ('tag' in op) tagBytes(op.tag);
    switch (op.kind) {
      case 'message':
      case 'put-off':
        checkMessage(op.message, op.tag);
        return;
      case 'tombstone':
        checkHeader(op.header.header, op.tag);
        return;
      case 'own-message':
        checkMessage(op.message, op.tag);
        checkText('idempotencyKey', op.idempotencyKey);
        if (op.fingerprint.length !== 32)
          throw new RangeError(`fingerprint of ${op.fingerprint.length} bytes`);
        return;
      case 'join':
      case 'leave':
      case 'retention':
        if (!isChannelText(op.channel)) throw new RangeError(`not a channel: ${JSON.stringify(op.channel)}`);
        checkTag(op.channel, op.tag);
        if (op.kind === 'retention') checkPolicy(op.policy);
        return;
      default:
        checkSmallOp(op);
    }
  };
}

type NamingOp = 'message' | 'put-off' | 'tombstone' | 'own-message' | 'join' | 'leave' | 'retention';

/** The operations that name no channel. */
function checkSmallOp(op: Exclude<PersistOp, { kind: NamingOp }>): void {
  switch (op.kind) {
    case 'delivery':
      if (!DELIVERY_STATES.includes(op.state)) throw new RangeError(`not a delivery state: ${op.state}`);
      if (op.by !== '') keyBytes(op.by);
      return;
    case 'carry':
      checkNumber('untilMs', op.untilMs);
      checkNumber('sinceHour', op.sinceHour);
      return;
    case 'prune':
      checkNumber('beforeHour', op.beforeHour);
      checkNumber('ownBeforeHour', op.ownBeforeHour);
      checkNumber('floorHour', op.floorHour);
      return;
    case 'drop':
      checkNumber('keepBytes', op.keepBytes);
      checkNumber('freeBytes', op.freeBytes);
      checkNumber('freeBytes', op.freeBytes);
      return;
    case 'leaf-floor':
      tagBytes(op.tag);
      checkNumber('hour', op.hour);
      return;
    case 'mailbox':
      keyBytes(op.peer);
      op.tags.forEach(tagBytes);
      checkNumber('untilMs', op.untilMs);
      checkNumber('linkedMs', op.linkedMs);
      checkText('group', op.group);
      return;
    case 'address':
      checkText('url', op.url);
      if (op.peer !== '') keyBytes(op.peer);
      checkNumber('provenMs', op.provenMs);
      return;
    case 'record-sequence':
      checkNumber('sequence', op.sequence);
      return;
    case 'expire':
      checkNumber('wallMs', op.wallMs);
      return;
    default:
      op satisfies never;
      throw new RangeError('not an operation');
  }
}

/** Throws RangeError if `query` breaks the contract of `persistence.ts`. Ids of any length may be asked for. */
export function checkQuery(query: Query): void {
  switch (query.kind) {
    case 'has':
    case 'messages':
    case 'tombstones':
    case 'usage':
      return;
    case 'hours':
      tagBytes(query.tag);
      checkNumber('fromHour', query.fromHour);
      checkNumber('limit', query.limit);
      return;
    case 'sums':
      query.windows.forEach(checkWindow);
      checkNumber('since', query.since ?? 0);
      return;
    case 'split':
      tagBytes(query.tag);
      query.ranges.forEach(checkRange);
      for (const { size } of query.ranges) checkPositive('size', size);
      return;
    case 'ids':
      tagBytes(query.tag);
      query.ranges.forEach(checkRange);
      checkPositive('limit', query.limit);
      return;
    case 'page':
      return checkPage(query.limit, query.wallMs);
    case 'wanted':
    case 'outbox':
      checkNumber('afterArrival', query.afterArrival);
      checkNumber('limit', query.limit);
      return;
    case 'idempotency':
      keyBytes(query.identity);
      return;
    case 'head':
      keyBytes(query.identity);
      checkNumber('horizonMs', query.horizonMs);
      return;
    default:
      query satisfies never;
      throw new RangeError('not a query');
  }
}
