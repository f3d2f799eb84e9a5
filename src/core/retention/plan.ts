/** How much has to go, as pure functions over what things cost. */

import { LIMITS } from '../limits.ts';
import type { RetentionLimits } from '../peer-types.ts';
import type { RetentionPolicy, TagUse } from '../persistence.ts';

/** What a tag may cost: messages and bytes of others. */
export interface Room {
  readonly use: TagUse;
  readonly kind: 'joined' | 'carried';
  readonly pinned: boolean;
  readonly messagesMax: number;
  readonly bytesMax: number;
}

export interface HourUse {
  readonly hour: number;
  readonly messages: number;
  readonly bytes: number;
}

/** The room of a tag by its own limits. @param policy of a joined channel */
export function roomOf(use: TagUse, limits: RetentionLimits, policy: RetentionPolicy | undefined): Room {
  if (policy)
    return {
      use,
      kind: 'joined',
      pinned: policy.pinned ?? false,
      messagesMax: policy.messages ?? limits.joined.messages,
      bytesMax: policy.bytes ?? limits.joined.bytes,
    };
  const messagesMax = Number.MAX_SAFE_INTEGER;
  return { use, kind: 'carried', pinned: false, messagesMax, bytesMax: limits.carried.bytes };
}

/** The highest level such that sizes cut down to it add up to at most `total`: the largest are cut first. */
export function waterLevel(sizes: readonly number[], total: number): number {
  const sorted = [...sizes].sort((a, b) => a - b);
  let rest = Math.max(0, total);
  for (const [i, size] of sorted.entries()) {
    const share = rest / (sorted.length - i);
    if (size > share) return Math.floor(share);
    rest -= size;
  }
  return Number.MAX_SAFE_INTEGER;
}

/**
 * The first hour that stays if `excess` messages and bytes have to go, oldest hours first.
 * @param hours ascending
 * @param currentHour is never removed: what comes now would go at once
 * @returns 0 if nothing has to go
 */
export function floorFor(
  hours: readonly HourUse[],
  excess: { readonly messages: number; readonly bytes: number },
  currentHour: number,
): number {
  let { messages, bytes } = excess;
  let floor = 0;
  for (const { hour, messages: count, bytes: size } of hours) {
    if ((messages <= 0 && bytes <= 0) || hour >= currentHour) break;
    messages -= count;
    bytes -= size;
    floor = hour + 1;
  }
  return floor;
}

/** How much is too much, so that some room is left afterwards; 0 within the limit. */
export function excessOf(use: number, most: number): number {
  return use > most ? use - Math.floor(most * LIMITS.pruneToShare) : 0;
}

/** Hours of several tags as one list, ascending. */
export function mergeHours(all: readonly (readonly HourUse[])[]): HourUse[] {
  const merged = new Map<number, HourUse>();
  for (const { hour, messages, bytes } of all.flat()) {
    const known = merged.get(hour);
    merged.set(hour, {
      hour,
      messages: messages + (known?.messages ?? 0),
      bytes: bytes + (known?.bytes ?? 0),
    });
  }
  return [...merged.values()].sort((a, b) => a.hour - b.hour);
}
