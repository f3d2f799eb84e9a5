/**
 * A real OpenClaw gateway with everything of its own in a temporary folder: state, home, configuration, logs.
 * It talks to a scripted model and contacts nothing else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { freePort } from '../../../src/blackbox/testing/mesh-process.ts';
import { alarm, until } from '../../../src/blackbox/testing/wait.ts';
import type { FakeModel } from './model.ts';

const FOLDER = path.resolve(import.meta.dirname, '..');
const OPENCLAW = path.join(FOLDER, 'node_modules', 'openclaw', 'openclaw.mjs');
const TOKEN = 'gateway-token-of-a-test';

/** A gateway starts in 12 to 40 s on two cores; a command takes 2 to 15 s. */
export const GATEWAY_PATIENCE_MS = 120_000;

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AccountStatus {
  readonly connected: boolean;
  readonly configured: boolean;
  readonly lastError: string | null;
  readonly probe: { readonly ok: boolean; readonly identity?: string; readonly error?: string };
}

interface StatusOutput {
  readonly channelAccounts: { readonly mesh: readonly AccountStatus[] };
}

const running = new Set<ChildProcess>();
const folders: string[] = [];

afterAll(async () => {
  const all = [...running];
  for (const child of all) child.kill('SIGKILL');
  await Promise.all(all.map((child) => child.exitCode ?? new Promise((done) => child.once('exit', done))));
  if (process.env.KEEP_GATEWAY_FOLDERS === '1') return;
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

type Json = { [key: string]: unknown };

function baseConfig(port: number, workspace: string, model: FakeModel): Json {
  const script = {
    id: 'script',
    name: 'Script',
    reasoning: false,
    input: ['text'],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: 128_000,
    maxTokens: 32_000,
  };
  return {
    gateway: {
      mode: 'local',
      bind: 'loopback',
      port,
      auth: { mode: 'token', token: TOKEN },
      controlUi: { enabled: false },
    },
    update: { checkOnStart: false },
    // OpenClaw hides a plugin's tools behind a search otherwise, and the scripted model does not search.
    tools: { toolSearch: false },
    models: {
      mode: 'replace',
      catalogRefresh: { enabled: false },
      providers: {
        fake: { baseUrl: model.url, apiKey: 'fake', api: 'openai-completions', models: [script] },
      },
    },
    agents: { defaults: { model: { primary: 'fake/script' }, workspace, skipBootstrap: true } },
  };
}

/** What the package manager of this machine needs to work, if anything. */
function npmEnvironment(): Record<string, string> {
  const wanted = /^(?:npm_config_|NODE_EXTRA_CA_CERTS$|SSL_CERT_FILE$|https?_proxy$|no_proxy$)/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && wanted.test(name) ? [[name, value]] : [],
    ),
  );
}

export class Gateway {
  readonly folder: string;
  readonly port: number;
  readonly #env: NodeJS.ProcessEnv;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #isEnding = false;
  /** where the log of the newest start begins */
  #mark = 0;

  private constructor(folder: string, port: number, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.port = port;
    this.#env = env;
    this.#logFile = path.join(folder, 'gateway.log');
  }

  /** Folders and configuration; starts nothing. */
  static async create(model: FakeModel): Promise<Gateway> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-openclaw-'));
    folders.push(folder);
    const [state, home, workspace, temporary] = ['state', 'home', 'workspace', 'tmp'].map((name) =>
      path.join(folder, name),
    ) as [string, string, string, string];
    for (const each of [state, home, workspace, temporary]) fs.mkdirSync(each);
    const port = await freePort();
    const configFile = path.join(state, 'openclaw.json');
    fs.writeFileSync(configFile, JSON.stringify(baseConfig(port, workspace, model), undefined, 2));
    return new Gateway(folder, port, {
      PATH: path.dirname(process.execPath) + path.delimiter + (process.env.PATH ?? ''),
      HOME: home,
      TMPDIR: temporary,
      OPENCLAW_HOME: home,
      OPENCLAW_STATE_DIR: state,
      OPENCLAW_CONFIG_PATH: configFile,
      OPENCLAW_GATEWAY_TOKEN: TOKEN,
      OPENCLAW_DISABLE_BONJOUR: '1',
      OPENCLAW_NO_RESPAWN: '1',
      OPENCLAW_NO_AUTO_UPDATE: '1',
      OPENCLAW_EXEC_SHELL_SNAPSHOT: '0',
      OPENCLAW_OFFLINE: '1',
      OPENCLAW_SKIP_CRON: '1',
      NO_COLOR: '1',
      ...npmEnvironment(),
    });
  }

  /** The configuration as it stands in its file. */
  get config(): Json {
    return JSON.parse(fs.readFileSync(path.join(this.folder, 'state', 'openclaw.json'), 'utf8')) as Json;
  }

  #setConfig(change: (config: Json) => Json): void {
    const file = path.join(this.folder, 'state', 'openclaw.json');
    fs.writeFileSync(file, JSON.stringify(change(this.config), undefined, 2));
  }

  /** What it wrote since its newest start. */
  get log(): string {
    return fs.existsSync(this.#logFile)
      ? fs.readFileSync(this.#logFile).subarray(this.#mark).toString('utf8')
      : '';
  }

  /** Only the plugin of the mesh: the others cost seconds of each start and twenty tools of each request. */
  allowOnlyMesh(): void {
    this.#setConfig((config) => ({ ...config, plugins: { ...Object(config.plugins), allow: ['mesh'] } }));
  }

  /** Starts it and waits until the plugin is attached to its daemon. */
  async start(): Promise<void> {
    this.#mark = fs.existsSync(this.#logFile) ? fs.statSync(this.#logFile).size : 0;
    this.#isEnding = false;
    const out = fs.openSync(this.#logFile, 'a');
    const child = spawn(
      process.execPath,
      [OPENCLAW, 'gateway', 'run', '--port', `${this.port}`, '--bind', 'loopback'],
      {
        env: this.#env,
        stdio: ['ignore', out, out],
      },
    );
    fs.closeSync(out);
    running.add(child);
    this.#child = child;
    child.once('exit', (code, signal) => {
      running.delete(child);
      if (!this.#isEnding) alarm(`the gateway ended with ${signal ?? code}:\n${this.log.slice(-3000)}`);
    });
    await this.logged('attached to the daemon');
  }

  /** Resolves when its log of this start contains the text. */
  async logged(text: string): Promise<void> {
    await until(`"${text}" in ${this.#logFile}`, () => this.log.includes(text), GATEWAY_PATIENCE_MS);
  }

  /** Sudden death. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** The orderly end. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#isEnding = true;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await ended;
  }

  /** Runs `openclaw` with the arguments to its end. */
  run(...args: string[]): Promise<Output> {
    return this.#collect(process.execPath, [OPENCLAW, ...args], { env: this.#env });
  }

  /**
   * Runs a script of bash as the owner of this gateway would: `openclaw` is on the path, and so is `mesh`. It ends with
   * the first command that fails. @param cwd the checkout
   */
  shell(script: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Output> {
    const bin = path.join(this.folder, 'bin');
    fs.mkdirSync(bin, { recursive: true });
    const programs = { openclaw: OPENCLAW, mesh: path.join(cwd, 'bin', 'mesh.mjs') };
    for (const [name, file] of Object.entries(programs)) {
      const text = `#!/bin/sh\nexec '${process.execPath}' '${file}' "$@"\n`;
      fs.writeFileSync(path.join(bin, name), text, { mode: 0o700 });
    }
    const PATH = bin + path.delimiter + (this.#env.PATH ?? '');
    const options = { cwd, env: { ...this.#env, ...env, PATH } };
    return this.#collect('bash', ['-euo', 'pipefail', '-c', script], options);
  }

  async #collect(
    program: string,
    args: readonly string[],
    options: { readonly cwd?: string; readonly env: NodeJS.ProcessEnv },
  ): Promise<Output> {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const parts = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => {
      parts.stdout += String(data);
    });
    child.stderr.on('data', (data) => {
      parts.stderr += String(data);
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    running.delete(child);
    return { code, ...parts };
  }

  /** What `openclaw channels status --probe` says of the mesh. */
  async meshStatus(): Promise<AccountStatus | undefined> {
    const output = await this.openclaw('channels', 'status', '--probe', '--json');
    return (JSON.parse(output) as StatusOutput).channelAccounts.mesh[0];
  }

  /** Runs `openclaw`; fails if the command fails. @returns its output */
  async openclaw(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`openclaw ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
    return stdout;
  }
}
