/**
 * SIGINT and SIGTERM for commands that run until they are stopped: the first asks, the second ends at once.
 */
import { EXIT } from './exit.ts';
import type { CliIo } from './io.ts';

export interface StopSignal {
  /** resolves at the first signal */
  readonly asked: Promise<void>;
  readonly forget: () => void;
}

/** Listens from now on: call it before the start, so that a signal in its middle ends in an orderly stop too. */
export function listenForStop(io: CliIo): StopSignal {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  const forget = io.onSignal(() => {
    if (isAsked) io.exit(EXIT.failure);
    isAsked = true;
    resolve();
  });
  return { asked, forget };
}
