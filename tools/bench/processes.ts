/**
 * Processes that are measured: started with a log file, ended by their own id, at the latest when this one ends. CPU is
 * what the kernel's scheduler counted for all threads, in nanoseconds; memory is the resident set. Linux only, because
 * both come from /proc.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Answer, Question } from './probe.ts';

const PROBE = path.join(import.meta.dirname, 'probe.ts');
/** How long an orderly end may take before it is forced, ms. */
const STOP_MS = 5000;

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const running = new Set<ChildProcess>();
const folders = new Set<string>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** A fresh folder that is deleted at the end. */
export function makeFolder(tag: string): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `mesh-bench-${tag}-`));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until `check` gives something. @throws Error after `timeoutMs` */
export async function until<T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 30_000, everyMs = 5 } = {},
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await sleep(everyMs);
  }
}

export class Process {
  readonly pid: number;
  readonly logFile: string;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  /**
   * @param args what Node runs. The environment is `env` and PATH, nothing else of ours
   * @param isProbed whether it can be asked
   */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    folder: string,
    isProbed = false,
  ) {
    this.logFile = path.join(folder, 'log');
    const log = fs.openSync(this.logFile, 'a');
    const child = spawn(process.execPath, isProbed ? ['--import', PROBE, ...args] : args, {
      cwd: folder,
      stdio: isProbed ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
      env: { PATH: process.env.PATH, ...env },
    });
    fs.closeSync(log);
    if (child.pid === undefined) throw new Error(`cannot start ${args.join(' ')}`);
    this.pid = child.pid;
    this.#child = child;
    running.add(child);
    this.ended = new Promise((resolve) =>
      child.once('exit', () => {
        running.delete(child);
        resolve();
      }),
    );
  }

  get isRunning(): boolean {
    return running.has(this.#child);
  }

  /** @returns everything that it wrote */
  log(): string {
    return fs.readFileSync(this.logFile, 'utf8');
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal);
  }

  /** Asks its probe. One question at a time. */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('the process ended before it answered'));
      this.#child.once('exit', onExit);
      this.#child.once('message', (answer) => {
        this.#child.off('exit', onExit);
        resolve(answer as Answer);
      });
      this.#child.send(question);
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.signal(signal);
    const force = setTimeout(() => this.signal('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(force);
  }
}

/** CPU time of all threads since the process began, nanoseconds. */
export function cpuNs(pid: number): number {
  const folder = `/proc/${pid}/task`;
  let sum = 0;
  for (const task of fs.readdirSync(folder)) {
    try {
      sum += Number(fs.readFileSync(`${folder}/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // a thread that ended since the folder was read
    }
  }
  return sum;
}

/** Resident memory, MiB. */
export function memoryMiB(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
