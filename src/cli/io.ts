/**
 * What a command touches of its process: streams, environment, working folder, signals. Tests bring their own.
 */
import type { Readable, Writable } from 'node:stream';

export interface Output extends Writable {
  readonly isTTY?: boolean;
  /** width of a terminal */
  readonly columns?: number;
}

export interface CliIo {
  /** asked for only by commands that read it: an open stdin would keep the process */
  readonly stdin: () => Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** `.env` is added to it */
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
  /** Calls `handle` for each SIGINT and SIGTERM until the result is called. */
  readonly onSignal: (handle: (signal: string) => void) => () => void;
  /** ends the process at once */
  readonly exit: (code: number) => void;
}

export function processIo(): CliIo {
  return {
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    onSignal: (handle) => {
      const signals = ['SIGINT', 'SIGTERM'] as const;
      for (const signal of signals) process.on(signal, handle);
      return () => {
        for (const signal of signals) process.off(signal, handle);
      };
    },
    exit: (code) => process.exit(code),
  };
}
