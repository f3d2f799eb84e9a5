/**
 * Writing to the output: with backpressure, with colour only where it is wanted, and quiet when the reader has gone.
 */
import { once } from 'node:events';
import { OutputClosedError } from './exit.ts';
import type { CliIo, Output } from './io.ts';

type Color = 'bold' | 'dim' | 'cyan' | 'red' | 'green';
const SEQUENCE: Record<Color, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  cyan: [36, 39],
};

/** Colours a text, or leaves it as it is: no terminal, or NO_COLOR is set and not empty (no-color.org). */
export function paint(io: CliIo, output: Output, color: Color, text: string): string {
  const noColor = io.env.NO_COLOR;
  if (output.isTTY !== true || (noColor !== undefined && noColor !== '') || io.env.TERM === 'dumb')
    return text;
  const [on, off] = SEQUENCE[color];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

/** The reader's end of each output that has failed. */
const failures = new WeakMap<Output, Error>();
const watched = new WeakSet<Output>();

function watch(output: Output): void {
  if (watched.has(output)) return;
  watched.add(output);
  output.on('error', (error) => failures.set(output, error));
}

function check(output: Output): void {
  const error = failures.get(output) ?? (output.destroyed ? new Error('closed') : undefined);
  if (error) throw new OutputClosedError('nobody reads the output', { cause: error });
}

/** Writes a line to standard output and waits until there is room for the next. */
export async function print(io: CliIo, line: string): Promise<void> {
  const { stdout } = io;
  watch(stdout);
  check(stdout);
  if (stdout.write(`${line}\n`)) return;
  try {
    await once(stdout, 'drain');
  } catch (error) {
    throw new OutputClosedError('nobody reads the output', { cause: error });
  }
}

/** Waits until what was printed is out. */
export async function flush(io: CliIo): Promise<void> {
  watch(io.stdout);
  if (io.stdout.writableLength === 0 || failures.has(io.stdout) || io.stdout.destroyed) return;
  await new Promise<void>((resolve) => {
    io.stdout.write('', () => resolve());
    io.stdout.once('error', () => resolve());
  });
}

/** Writes a line to standard error; nobody waits for it. */
export function warn(io: CliIo, line: string): void {
  watch(io.stderr);
  if (!io.stderr.destroyed) io.stderr.write(`${line}\n`);
}
