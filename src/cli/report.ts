/**
 * Tells a person, or with `--json` a program, what went wrong: what happened, why, and what to do about it.
 */
import { ERRORS, MeshError, type ProblemJson, toProblem } from '../api/client/index.ts';
import { OutputClosedError, UsageError } from './exit.ts';
import type { CliIo } from './io.ts';
import { paint, warn } from './print.ts';
import { jsonLine, visibleLine, visibleText } from './text.ts';

const MISTAKE = 'The command made a mistake.';

function problemOf(error: unknown, help: string): ProblemJson {
  const problem = toProblem(error);
  if (error instanceof UsageError) return { ...problem, do: `See "${error.help ?? help}".` };
  if (error instanceof MeshError) return problem;
  // Even loading a part of the program may fail for this, so no part can say it.
  if (error instanceof Error && 'code' in error && /^E[MN]FILE$/.test(String(error.code)))
    return toProblem(new MeshError('out_of_files', `${error.message}.`));
  // A mistake in this program and not in the daemon, as the table's words for `internal` have it.
  const detail = error instanceof Error ? error.message : String(error);
  return {
    ...problem,
    title: MISTAKE,
    detail,
    do: 'Report it with the version of mesh.',
  };
}

/**
 * @param context what the error is about, such as `line 7`; '' for the whole command
 * @param more fields for the problem object of `--json`
 * @param help how to see what is right, for a usage error that does not say so itself
 */
export function reportError(
  io: CliIo,
  error: unknown,
  options: {
    readonly json: boolean;
    readonly context?: string;
    readonly more?: object;
    readonly help?: string;
  },
): void {
  if (error instanceof OutputClosedError) return;
  const problem = problemOf(error, options.help ?? 'mesh --help');
  if (options.json) {
    warn(io, jsonLine({ ...problem, ...options.more }));
    return;
  }
  const name = paint(io, io.stderr, 'red', options.context ? `mesh: ${options.context}:` : 'mesh:');
  // A usage error says all in its detail; "The request is not valid" would be noise before it.
  const isPlain = error instanceof UsageError && error.code === 'bad_request';
  const words = isPlain ? problem.detail : `${problem.title} ${problem.detail}`.trim();
  warn(io, `${name} ${visibleText(words, '  ')}`);
  warn(
    io,
    visibleLine(
      isPlain || !(error instanceof UsageError) ? problem.do : `${ERRORS[error.code].do} ${problem.do}`,
    ),
  );
  if (problem.title === MISTAKE && error instanceof Error && error.stack)
    warn(io, visibleText(error.stack, ''));
}
