/** The clock and the deferred calls of this machine, as the parameters that the runner takes. */
import type { Now } from '../core/contract.ts';
import type { Later } from './committer.ts';

export function systemClock(): Now {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

export const systemLater: Later = {
  soon: (run) => {
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
  after: (delayMs, run) => {
    const handle = setTimeout(run, delayMs);
    return () => clearTimeout(handle);
  },
};

/** Resolves after the I/O that is ready now: what reads much gives the others a turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when `work` is done or after `limitMs`, whichever is first; false if it was the limit. */
export function withinMs(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    const done = () => clearTimeout(timer);
    work.then(
      () => {
        done();
        resolve(true);
      },
      (error: unknown) => {
        done();
        reject(error);
      },
    );
  });
}
