/**
 * Waits between tries: doubling, with jitter so that two gateways do not knock in step, and ending with a
 * signal.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BRIDGE_LIMITS } from './names.ts';

/**
 * Milliseconds to wait before try `attempt + 1`.
 * @param attempt tries so far, 1 or more
 * @param random from 0 up to 1; half of the wait is fixed and half is drawn
 */
export function backoffMs(attempt: number, random: number): number {
  const { backoffFirstMs, backoffMaxMs } = BRIDGE_LIMITS;
  const full = Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full / 2 + (full / 2) * random);
}

/** What the workers need of time, so that tests run without it. */
export interface Pace {
  readonly nowMs: () => number;
  /** resolves after the wait, or at once when the signal fires; never rejects */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** from 0 up to 1 */
  readonly random: () => number;
}

export const REAL_PACE: Pace = {
  nowMs: () => performance.now(),
  wait: async (ms, signal) => {
    try {
      await sleep(ms, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
  random: () => Math.random(),
};
