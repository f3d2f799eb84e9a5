/**
 * What is kept of channels, between people and the core: clients speak of days, the core of milliseconds; what a client
 * asks for is checked here, and what holds for a channel is put together from its own policy and the defaults.
 */
import type { RetentionPolicy } from '../core/contract.ts';
import { MeshError } from '../core/errors.ts';
import { DAY, MiB } from '../core/limits.ts';
import type { RetentionLimits } from '../core/peer-types.ts';
import type { RetentionDefaultsView, RetentionRequest, RetentionView } from './gate.ts';

/** What a channel may be set to (guesses: beyond them a number is a slip rather than a wish). */
export const RETENTION_BOUNDS = {
  /** a century */
  days: { min: 1, max: 36_500 },
  /** of others; 0 keeps none of them */
  messages: { min: 0, max: 1_000_000_000 },
  /** from a few of the largest messages to a pebibyte */
  bytes: { min: MiB, max: 2 ** 50 },
} as const;

function checkedWhole(name: keyof typeof RETENTION_BOUNDS, value: number | undefined): number | undefined {
  const { min, max } = RETENTION_BOUNDS[name];
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return value;
  throw new MeshError('bad_request', `${name} must be a whole number from ${min} to ${max}, not ${value}.`);
}

/** The policy that a client asks for. Throws MeshError `bad_request`. */
export function checkedPolicy(request: Omit<RetentionRequest, 'channel'>): RetentionPolicy {
  const days = checkedWhole('days', request.days);
  const messages = checkedWhole('messages', request.messages);
  const bytes = checkedWhole('bytes', request.bytes);
  return {
    ...(days !== undefined && { ageMs: days * DAY }),
    ...(messages !== undefined && { messages }),
    ...(bytes !== undefined && { bytes }),
    ...(request.pinned === true && { pinned: true }),
  };
}

/** What holds for a joined channel. */
export function retentionView(policy: RetentionPolicy, { joined }: RetentionLimits): RetentionView {
  return {
    days: (policy.ageMs ?? joined.ageMs) / DAY,
    messages: policy.messages ?? joined.messages,
    bytes: policy.bytes ?? joined.bytes,
    pinned: policy.pinned ?? false,
    isOwn: Object.values(policy).some((value) => value !== undefined && value !== false),
  };
}

/** What holds where a channel has no policy of its own. */
export function retentionDefaults(limits: RetentionLimits): RetentionDefaultsView {
  const { joined, carried, carriedBytesAll, bytesAll } = limits;
  return {
    joined: { days: joined.ageMs / DAY, messages: joined.messages, bytes: joined.bytes },
    carried: { days: carried.ageMs / DAY, bytes: carried.bytes },
    carriedBytesAll,
    bytesAll,
  };
}
