/** Up to where neighbours compare. */
import { LIMITS, MINUTE } from '../limits.ts';

/** `until` at this moment: the last full minute that is `LIMITS.settleMs` ago, in minutes since 1970. */
export function settledMinute(wallMs: number): number {
  return Math.floor((wallMs - LIMITS.settleMs) / MINUTE);
}
