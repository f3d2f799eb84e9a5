/**
 * What a host may not have removed, worked out from what its operator and its clients asked for and not from what its
 * core thinks of it. Where only age limits a channel that is exact. Where bytes or numbers of messages do, the host has
 * to tell by a floor what it removed, or to know that it dropped the content: never by silence.
 */
import type { RetentionPolicy } from '../core/contract.ts';
import { DEFAULT_RETENTION } from '../core/defaults.ts';
import { HOUR } from '../core/limits.ts';
import type { Message } from '../core/message/message.ts';
import type { Holding } from '../core/persistence.ts';
import type { Host } from './host.ts';
import type { Publication } from './registry.ts';

export interface Keeping {
  /** of the host's clock */
  readonly wallMs: number;
  readonly isJoined: boolean;
  readonly policy: RetentionPolicy;
}

/** Whether a message that is not in a host's store is within its retention, so that it would have to be there. */
export function mustKeep(host: Host, publication: Publication, keeping: Keeping): boolean {
  const { message } = publication;
  if (message === undefined) return false;
  if (holdingOf(host, message) === 'deleted') return false;
  if (message.expiresMs !== 0 && message.expiresMs <= keeping.wallMs) return false;
  const isOwn = publication.host === host;
  if (message.time.timeMs < floorHourOf(host, keeping, isOwn) * HOUR) return false;
  const { messages, bytes, pinned } = keeping.policy;
  const isPressed = isTight(host) && pinned !== true;
  if (isOwn || (messages === undefined && bytes === undefined && !isPressed)) return true;
  const hour = Math.floor(message.time.timeMs / HOUR);
  const floor = toldFloorOf(host, message.channel);
  if (hour < floor) return false;
  return holdingOf(host, message) !== 'dropped';
}

/** What a host's store knows of a message. Whether it may call it deleted is looked at by `deleted-checker.ts`. */
function holdingOf(host: Host, { id }: Message): Holding | undefined {
  const answer = host.store.read({ kind: 'has', ids: [id] });
  return answer.kind === 'has' ? answer.holdings[0] : undefined;
}

/** Whether it has less room than by default, so that messages may give way before their age. */
function isTight({ options: { retention } }: Host): boolean {
  const { joined, carried, carriedBytesAll, newcomerBytes, bytesAll } = DEFAULT_RETENTION;
  return (
    retention.joined.messages < joined.messages ||
    retention.joined.bytes < joined.bytes ||
    retention.carried.bytes < carried.bytes ||
    retention.carriedBytesAll < carriedBytesAll ||
    retention.newcomerBytes < newcomerBytes ||
    retention.bytesAll < bytesAll
  );
}

/** The first whole hour that age leaves alone. */
function floorHourOf(host: Host, { wallMs, isJoined, policy }: Keeping, isOwn: boolean): number {
  const { joined, carried } = host.options.retention;
  const usualMs = isJoined || isOwn ? joined.ageMs : carried.ageMs;
  return Math.floor((wallMs - (policy.ageMs ?? usualMs)) / HOUR) + 1;
}

/** The floor that pruning has set, as the store remembers it. */
function toldFloorOf(host: Host, channel: string): number {
  const tag = host.store.channels().find((row) => row.channel === channel)?.tag;
  return host.store.restore().floors.find((one) => one.tag === tag)?.floorHour ?? 0;
}
