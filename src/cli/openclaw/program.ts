/** Runs the program `openclaw` of this machine: its own commands change its configuration, and we do not write into it. */
import { spawn } from 'node:child_process';
import { MeshError } from '../../api/client/index.ts';
import type { CommandContext } from '../command.ts';
import { warn } from '../print.ts';
import { shellWord } from '../text.ts';

/** The command as one could type it. */
export function commandLine(program: string, args: readonly string[]): string {
  return [program, ...args].map(shellWord).join(' ');
}

/**
 * Runs a command to its end. What it prints goes to standard error, so that ours stays on standard output.
 * @throws MeshError `openclaw_failed` if it cannot be started, or does not end with 0
 */
export async function runProgram(
  { io }: CommandContext,
  program: string,
  args: readonly string[],
): Promise<void> {
  const line = commandLine(program, args);
  warn(io, `$ ${line}`);
  // On Windows npm installs programs as scripts that only a shell can start; it sees the arguments as one line.
  const isShell = process.platform === 'win32';
  const child = spawn(program, isShell ? args.map((arg) => `"${arg}"`) : args, {
    ...{ stdio: ['ignore', 'pipe', 'pipe'], env: io.env, cwd: io.cwd, shell: isShell },
  });
  for (const output of [child.stdout, child.stderr])
    output.on('data', (data: Buffer) => io.stderr.write(data));
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', (error) => reject(startFailure(program, error)));
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'nothing'));
  });
  if (code !== 0) throw new MeshError('openclaw_failed', `"${line}" ended with ${code}.`);
}

function startFailure(program: string, error: Error & { code?: string }): MeshError {
  const what =
    error.code === 'ENOENT'
      ? `There is no program ${JSON.stringify(program)} here: install OpenClaw, or say where it is with --openclaw.`
      : `${JSON.stringify(program)} cannot be started (${error.code ?? error.message}).`;
  return new MeshError('openclaw_failed', what, { cause: error });
}
