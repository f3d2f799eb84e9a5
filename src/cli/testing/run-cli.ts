/**
 * Runs a command line in this process, against an API that the test has started, and keeps what it wrote.
 */
import { Readable, Writable } from 'node:stream';
import type { CliIo } from '../io.ts';
import { runCommandLine } from '../main.ts';

export interface RunOptions {
  readonly stdin?: string | Buffer | Readable;
  readonly env?: Record<string, string | undefined>;
  readonly cwd?: string;
  /** both outputs are terminals */
  readonly isTTY?: boolean;
  /** called with everything that was written to standard output so far */
  readonly onStdout?: (text: string) => void;
  readonly stdout?: Writable;
  /** gets what a signal would call */
  readonly onSignal?: (raise: () => void) => void;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** lines of standard output as JSON */
  readonly json: unknown[];
}

class Memory extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly #onText: ((text: string) => void) | undefined;

  constructor(isTTY: boolean, onText?: (text: string) => void) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
    this.#onText = onText;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    this.#onText?.(this.text);
    done();
  }
}

export async function runCli(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const stdout = new Memory(options.isTTY ?? false, options.onStdout);
  const stderr = new Memory(options.isTTY ?? false);
  const { stdin = '' } = options;
  const io: CliIo = {
    stdin: () => (stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin)])),
    stdout: options.stdout ?? stdout,
    stderr,
    env: options.env ?? {},
    cwd: options.cwd ?? import.meta.dirname,
    onSignal: (handle) => {
      options.onSignal?.(() => handle('SIGTERM'));
      return () => undefined;
    },
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
  const code = await runCommandLine(argv, io);
  const lines = stdout.text.split('\n').filter((line) => line.startsWith('{'));
  return {
    code,
    stdout: stdout.text,
    stderr: stderr.text,
    json: lines.map((line): unknown => JSON.parse(line)),
  };
}
