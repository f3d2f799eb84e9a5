/**
 * The options that every WebSocket here has, on both sides. `ws` 8.23 knows `closeTimeout`, its types do not yet.
 * Compression stays off: 6 to 10 times the CPU, 20 times the memory, and bombs (design, section 4).
 */
import { LIMITS } from '../core/limits.ts';
import { NET_LIMITS } from './net-limits.ts';

export const WS_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: LIMITS.recordBytesMax,
  maxFragments: NET_LIMITS.fragmentsMax,
  maxBufferedChunks: NET_LIMITS.chunksMax,
  closeTimeout: NET_LIMITS.closeMs,
} as const;
