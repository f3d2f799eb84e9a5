/** What a peer is made with where nobody says otherwise. */
import { LIMITS } from './limits.ts';

/** What the design says where nothing else is set, in the shape of `PeerConfig`. */
export const DEFAULT_RATES = {
  leafPerSecond: LIMITS.leafPerSecond,
  relayPerSecond: LIMITS.relayPerSecond,
  authorPerSecond: LIMITS.authorPerSecond,
  authorBurst: LIMITS.authorBurst,
  commonPerSecond: LIMITS.commonPerSecond,
  commonBurst: LIMITS.commonBurst,
} as const;
export const NO_RATES = {
  leafPerSecond: 0,
  relayPerSecond: 0,
  authorPerSecond: 0,
  authorBurst: LIMITS.authorBurst,
  commonPerSecond: 0,
  commonBurst: LIMITS.commonBurst,
} as const;
export const DEFAULT_RETENTION = {
  joined: { ageMs: LIMITS.joinedMs, messages: LIMITS.joinedMessages, bytes: LIMITS.joinedBytes },
  carried: { ageMs: LIMITS.carriedMs, bytes: LIMITS.carriedBytes },
  carriedBytesAll: LIMITS.carriedBytesAll,
  newcomerBytes: LIMITS.newcomerBytes,
  bytesAll: LIMITS.storeBytes,
} as const;
