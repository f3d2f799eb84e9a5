/**
 * Real daemons as real processes: `node bin/mesh.mjs start` with a data folder, ports of its own, no bootstrap list and
 * nothing of this process's environment. Each is ended by its own process id, at the latest when the test file ends.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { Client } from '../../api/client/client.ts';
import { findDaemon, isDaemon } from '../../api/client/find.ts';
import { MeshError, type MessageJson } from '../../api/client/index.ts';
import { alarm, until, within } from './wait.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
export const MESH = path.join(ROOT, 'bin', 'mesh.mjs');

export interface MeshOptions {
  /** URLs to dial */
  readonly peers?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** a program with arguments that becomes the daemon, such as `prlimit` with limits: its process id stays the daemon's */
  readonly under?: readonly string[];
  /** where the data folder lies, instead of in a fresh folder */
  readonly folder?: string;
}

/** The command line that runs `mesh` under another program, or directly. */
function commandLine(under: readonly string[], args: readonly string[]): [program: string, args: string[]] {
  const [program, ...rest] = [...under, process.execPath, MESH, ...args] as [string, ...string[]];
  return [program, rest];
}

export interface LogLine {
  readonly level: string;
  readonly phrase: string;
  readonly code?: string;
  readonly peer?: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<ChildProcess>();
const folders: string[] = [];

afterAll(async () => {
  const all = [...running];
  for (const child of all) child.kill('SIGKILL');
  await Promise.all(all.map((child) => child.exitCode ?? new Promise((done) => child.once('exit', done))));
  for (const folder of folders.splice(0)) {
    fs.chmodSync(folder, 0o700);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** How a process ends: by a kill when the test file ends, if not before. */
export function endOf(child: ChildProcess): Promise<Ended> {
  running.add(child);
  return new Promise((resolve) =>
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    }),
  );
}

/** A fresh folder that is deleted after the last test of the file. */
export function makeFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-blackbox-'));
  folders.push(folder);
  return folder;
}

/** Ports below the range that systems choose from by themselves, so that a restarted daemon finds its own free. */
let nextPort = 15_000 + ((process.pid * 61) % 15_000);

export async function freePort(): Promise<number> {
  for (;;) {
    nextPort = nextPort >= 31_000 ? 15_000 : nextPort + 1;
    const port = nextPort;
    const server = net.createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

/** Where Node keeps what it compiled: hundreds of starts of one program take half the time. Wrong entries are unused. */
const COMPILED = path.join(ROOT, 'node_modules', '.cache', 'mesh-compiled');

/** The environment of every process here: nothing is contacted that a test does not name. */
function environment(folder: string, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  const quiet = { MESH_BOOTSTRAP_URL: '', HOST: '127.0.0.1', NO_COLOR: '1' };
  return { PATH, HOME: folder, NODE_COMPILE_CACHE: COMPILED, ...quiet, ...more };
}

export interface Output extends Ended {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly pid: number;
  /** what it has written so far */
  readonly stdout: () => string;
  /** ends it by a signal, or takes its end as it was */
  readonly end: (signal?: NodeJS.Signals) => Promise<Ended>;
}

/** A `mesh` command that runs until it is ended. */
export function startCommand(args: readonly string[]): RunningCommand {
  const cwd = os.tmpdir();
  const stdio: StdioOptions = ['ignore', 'pipe', 'inherit'];
  const child = spawn(process.execPath, [MESH, ...args], { cwd, env: environment(cwd), stdio });
  const ended = endOf(child);
  let stdout = '';
  child.stdout?.on('data', (data) => {
    stdout += data;
  });
  return {
    pid: child.pid as number,
    stdout: () => stdout,
    end: (signal = 'SIGTERM') => {
      child.kill(signal);
      return within(`mesh ${args.join(' ')} ends`, ended);
    },
  };
}

/** Runs `mesh` to its end. */
export async function runMesh(
  args: readonly string[],
  options: {
    env?: Readonly<Record<string, string>>;
    cwd?: string;
    stdin?: string;
    under?: readonly string[];
  } = {},
): Promise<Output> {
  const cwd = options.cwd ?? os.tmpdir();
  const child = spawn(...commandLine(options.under ?? [], args), {
    cwd,
    env: environment(cwd, options.env),
  });
  const ended = endOf(child);
  const parts = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    parts.stdout += data;
  });
  child.stderr.on('data', (data) => {
    parts.stderr += data;
  });
  child.stdin.on('error', () => undefined); // it may end without reading
  child.stdin.end(options.stdin ?? '');
  const result = await within(`mesh ${args.join(' ')} ends`, ended);
  return { ...result, ...parts };
}

export class MeshProcess {
  readonly folder: string;
  readonly port: number;
  readonly url: string;
  #options: MeshOptions;
  #child!: ChildProcess;
  /** its end is wanted */
  #isEnding = false;
  #client: Client | undefined;
  #text = '';
  #lines: LogLine[] = [];
  #rest = '';
  ended!: Promise<Ended>;

  private constructor(folder: string, port: number, options: MeshOptions) {
    this.folder = folder;
    this.port = port;
    this.url = `ws://127.0.0.1:${port}`;
    this.#options = options;
  }

  /** A daemon that answers, in a new folder. */
  static async start(options: MeshOptions = {}): Promise<MeshProcess> {
    const mesh = await MeshProcess.create(options);
    await mesh.restart();
    return mesh;
  }

  /** A daemon with folder and port that is not started yet. */
  static async create(options: MeshOptions = {}): Promise<MeshProcess> {
    return new MeshProcess(options.folder ?? makeFolder(), await freePort(), options);
  }

  /** Starts it, again if it ran before: same folder, keys and port. */
  async restart(options: MeshOptions = this.#options): Promise<void> {
    this.#options = options;
    const { peers = [], env = {}, under = [] } = options;
    this.#rest = '';
    const child = spawn(...commandLine(under, ['start', '--data', this.data]), {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(this.folder, {
        PORT: `${this.port}`,
        MESH_API_PORT: '0',
        MESH_PEERS: peers.join(),
        ...env,
      }),
    });
    this.#child = child;
    this.#isEnding = false;
    this.ended = endOf(child);
    child.stdout.on('data', (data) => this.#read(String(data)));
    child.stderr.on('data', (data) => this.#read(String(data)));
    child.once('close', (code, signal) => {
      if (!this.#isEnding) alarm(`${this.url} ended with ${signal ?? code}:\n${this.#text.slice(-2000)}`);
    });
    const mark = this.#lines.length;
    const isQuiet = env.MESH_LOG_LEVEL !== undefined; // then only its folder says that it is there
    await until(`a daemon starts in ${this.folder}`, () =>
      isQuiet
        ? isDaemon(this.data, this.pid)
        : this.#lines.slice(mark).some(({ phrase }) => phrase === 'daemon started'),
    );
    this.#client?.close();
    this.#client = new Client(findDaemon(this.data));
  }

  #read(text: string): void {
    this.#text += text;
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) this.#lines.push(JSON.parse(line) as LogLine);
  }

  get data(): string {
    return path.join(this.folder, 'data');
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The API of the running daemon. */
  get client(): Client {
    if (this.#client === undefined) throw new Error('not started');
    return this.#client;
  }

  /** Lines of the log of all starts. */
  get log(): readonly LogLine[] {
    return this.#lines;
  }

  /** All output of all starts. */
  get output(): string {
    return this.#text;
  }

  /** Lines of the log that fit, once there are at least so many: they come by another way than frames and later. */
  logged(what: string, fits: (line: LogLine) => boolean, atLeast = 1): Promise<LogLine[]> {
    return until(`${atLeast} lines of the log of ${this.url}: ${what}`, () => {
      const lines = this.#lines.filter(fits);
      return lines.length >= atLeast && lines;
    });
  }

  /** Offences that the daemon counted against a peer id, once there are at least so many. */
  offences(peer: string, atLeast: number): Promise<LogLine[]> {
    return this.logged(
      `offences of ${peer}`,
      (line) => line.phrase === 'offence' && line.peer === peer,
      atLeast,
    );
  }

  /** Bytes of memory that the process occupies now, or undefined where there is no /proc. */
  memory(): number | undefined {
    if (process.platform !== 'linux') return undefined;
    const status = fs.readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  }

  /** How many sockets the process holds, or undefined where there is no /proc. */
  sockets(): number | undefined {
    if (process.platform !== 'linux') return undefined;
    const folder = `/proc/${this.pid}/fd`;
    const isSocket = (fd: string): boolean => {
      try {
        return fs.readlinkSync(path.join(folder, fd)).startsWith('socket:');
      } catch {
        return false; // closed since the folder was read
      }
    };
    return fs.readdirSync(folder).filter(isSocket).length;
  }

  /** Runs a command of this daemon's folder; fails the test if the command fails. @returns its lines as JSON */
  async mesh(...args: string[]): Promise<unknown[]> {
    const output = await runMesh([...args, '--data', this.data, '--json']);
    if (output.code !== 0) throw new Error(`mesh ${args.join(' ')}: ${output.stderr}`);
    const lines = output.stdout.split('\n').filter((line) => line !== '');
    return lines.map((line): unknown => JSON.parse(line));
  }

  /** All messages of a channel in the order of time, page by page; from the beginning if one was pruned meanwhile. */
  async read(channel: string): Promise<MessageJson[]> {
    const all: MessageJson[] = [];
    let page = await this.client.messages({ channel, limit: 1000 });
    while (page.length > 0) {
      all.unshift(...page);
      const { id } = all[0] as MessageJson;
      try {
        page = await this.client.messages({ channel, limit: 1000, before: id });
      } catch (error) {
        if (error instanceof MeshError && error.detail.includes(id)) return this.read(channel);
        throw error;
      }
    }
    return all;
  }

  /** Peers that it is linked with right now. */
  async linked(): Promise<string[]> {
    return (await this.client.status()).links.map(({ peer }) => peer);
  }

  /** Resolves when it has exactly so many links. */
  async hasLinks(count: number): Promise<void> {
    await until(`${count} links at ${this.url}`, async () => (await this.linked()).length === count);
  }

  /** It is going to die by itself, and that is wanted. */
  expectEnd(): void {
    this.#isEnding = true;
  }

  /** Sudden death. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** The orderly end that `mesh stop` asks for. */
  async stopByCommand(): Promise<{ readonly output: Output; readonly ended: Ended }> {
    this.#isEnding = true;
    const output = await runMesh(['stop', '--data', this.data]);
    return { output, ended: await within(`${this.url} stops`, this.ended) };
  }

  /** The orderly end. */
  async stop(): Promise<Ended> {
    this.#isEnding = true;
    this.#child.kill('SIGTERM');
    return within(`${this.url} stops`, this.ended);
  }
}
