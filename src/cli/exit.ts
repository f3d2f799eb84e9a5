/**
 * How a command ends. Scripts rely on these numbers; they are documented in `docs/reference/cli.md`.
 */
import { type ErrorCode, MeshError } from '../api/client/index.ts';

export const EXIT = {
  ok: 0,
  failure: 1,
  /** the command line itself was wrong; nothing was done */
  usage: 2,
  noDaemon: 3,
  /** a wait was in vain: the message is published and kept, and has not the state; or no message came */
  waitTimeout: 4,
} as const;

/** The command line is wrong: found before anything was done. */
export class UsageError extends MeshError {
  override name = 'UsageError';
  /** how to see what is right, such as `mesh send --help`; undefined for the help of the command that was run */
  readonly help: string | undefined;

  constructor(detail: string, options: { code?: ErrorCode; help?: string } = {}) {
    super(options.code ?? 'bad_request', detail);
    this.help = options.help;
  }
}

/** Whoever read our output has gone (`| head`): no error, and nobody to tell. */
export class OutputClosedError extends Error {
  override name = 'OutputClosedError';
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof OutputClosedError) return EXIT.ok;
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof MeshError)) return EXIT.failure;
  if (error.code === 'no_daemon') return EXIT.noDaemon;
  return error.code === 'wait_timeout' ? EXIT.waitTimeout : EXIT.failure;
}
