/**
 * The programs that run services: `systemctl` of systemd and `launchctl` of macOS. They are asked and told what a person
 * would type; nothing of theirs is written by hand but the file of the service.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { MeshError } from '../../api/client/index.ts';
import type { CommandContext } from '../command.ts';
import type { Machine, ServicePlan } from './plan.ts';

/** How long one call may take, ms (guess: a stop takes up to 15 s, and a loaded machine more). */
const CALL_MS = 60_000;
/** Of what a program prints, the end is what a person wants. */
const OUTPUT_MAX = 2000;

export interface CallResult {
  /** `undefined`: it could not be started, or had to be ended */
  readonly code: number | undefined;
  readonly output: string;
  readonly errors: string;
}

/** What is known of a service. */
export interface ServiceState {
  readonly isEnabled: boolean;
  readonly isRunning: boolean;
  /** in the manager's words, such as `active` or `failed` */
  readonly words: string;
  /** of its daemon, 0 if none runs */
  readonly pid: number;
  /** how often it was started again by itself */
  readonly restarts: number;
}

export interface Manager {
  /** how its commands begin, for people, such as `systemctl --user` */
  readonly command: string;
  /** '' if it answers, else why it does not */
  readonly obstacle: () => Promise<string>;
  readonly state: () => Promise<ServiceState>;
  /** Makes it known, to be started by itself from now on, and starts it, anew if it runs. Throws `service_failed` */
  readonly start: () => Promise<void>;
  /** Ends it, and it is not started by itself any more. To be called before its file is removed. Throws `service_failed` */
  readonly stop: () => Promise<void>;
  /** after its file was removed */
  readonly forget: () => Promise<void>;
}

export function call(
  { io }: CommandContext,
  program: string,
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<CallResult> {
  const signal = AbortSignal.timeout(CALL_MS);
  const child = spawn(program, args, {
    ...{ stdio: ['ignore', 'pipe', 'pipe'], env: { ...io.env, ...env, LC_ALL: 'C' }, cwd: io.cwd, signal },
  });
  const parts = { output: '', errors: '' };
  child.stdout.on('data', (data: Buffer) => {
    parts.output = (parts.output + data.toString()).slice(-OUTPUT_MAX);
  });
  child.stderr.on('data', (data: Buffer) => {
    parts.errors = (parts.errors + data.toString()).slice(-OUTPUT_MAX);
  });
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ code: undefined, output: parts.output, errors: `${program}: ${error.message}` }),
    );
    child.once('close', (code) => resolve({ code: code ?? undefined, ...parts }));
  });
}

function failure(program: string, args: readonly string[], { errors, output }: CallResult): MeshError {
  const said = (errors || output).trim().replace(/\s*\n\s*/g, ' ');
  return new MeshError(
    'service_failed',
    `"${[program, ...args].join(' ')}" failed: ${said || 'it said nothing'}`,
  );
}

/** The values of `systemctl show`, by name. */
function parseShow(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  );
}

/** Without a login session (`su`, `cron`) nothing says where the manager of the user is; it is always here. */
function userFolder({ io }: CommandContext, { uid }: Machine): Record<string, string> {
  const folder = `/run/user/${uid ?? 0}`;
  return io.env.XDG_RUNTIME_DIR === undefined && fs.existsSync(folder) ? { XDG_RUNTIME_DIR: folder } : {};
}

function systemd(context: CommandContext, machine: Machine, scope: 'user' | 'system', name: string): Manager {
  const mode = scope === 'user' ? ['--user'] : [];
  const env = scope === 'user' ? userFolder(context, machine) : {};
  const run = (...args: string[]): Promise<CallResult> => call(context, 'systemctl', [...mode, ...args], env);
  const must = async (...args: string[]): Promise<void> => {
    const result = await run(...args);
    if (result.code !== 0) throw failure('systemctl', [...mode, ...args], result);
  };
  return {
    command: ['systemctl', ...mode].join(' '),
    obstacle: async () => {
      const result = await run('show', '--property=Version');
      if (result.code === 0) return '';
      return (
        (result.errors || result.output).trim().replace(/\s*\n\s*/g, ' ') || 'systemctl does not work here'
      );
    },
    state: async () => {
      const properties = ['ActiveState', 'SubState', 'MainPID', 'UnitFileState', 'NRestarts'];
      const result = await run('show', name, `--property=${properties.join()}`);
      if (result.code !== 0) throw failure('systemctl', ['show', name], result);
      const values = parseShow(result.output);
      const of = (property: string): string => values.get(property) ?? '';
      return {
        isEnabled: of('UnitFileState') === 'enabled',
        isRunning: of('ActiveState') === 'active',
        words: [of('ActiveState'), of('SubState')].filter((one) => one !== '').join(', '),
        pid: Number(of('MainPID')) || 0,
        restarts: Number(of('NRestarts')) || 0,
      };
    },
    start: async () => {
      await must('daemon-reload');
      await run('reset-failed', name); // what was tried before does not count; it fails where nothing was
      await must('enable', name);
      await must('restart', name);
    },
    stop: () => must('disable', '--now', name),
    forget: () => must('daemon-reload'),
  };
}

function launchd(context: CommandContext, machine: Machine, file: string, name: string): Manager {
  const domain = `gui/${machine.uid ?? 0}`;
  const target = `${domain}/${name}`;
  const run = (...args: string[]): Promise<CallResult> => call(context, 'launchctl', args);
  return {
    command: 'launchctl',
    obstacle: async () => {
      const result = await run('print', domain);
      return result.code === 0
        ? ''
        : (result.errors || result.output).trim() || 'launchctl does not work here';
    },
    state: async () => {
      const { code, output } = await run('print', target);
      const pid = Number(/^\s*pid = (\d+)$/m.exec(output)?.[1] ?? 0);
      const words = /^\s*state = (.+)$/m.exec(output)?.[1] ?? 'not loaded';
      return { isEnabled: code === 0, isRunning: pid > 0, words, pid, restarts: 0 };
    },
    start: async () => {
      await run('bootout', target); // an older one; it fails where there is none
      const args = ['bootstrap', domain, file];
      const result = await run(...args);
      if (result.code !== 0) throw failure('launchctl', args, result);
    },
    stop: async () => {
      if ((await run('print', target)).code !== 0) return;
      const result = await run('bootout', target);
      if (result.code !== 0) throw failure('launchctl', ['bootout', target], result);
    },
    forget: () => Promise.resolve(),
  };
}

/** Who runs the service of a plan. */
export function managerOf(
  context: CommandContext,
  machine: Machine,
  { kind, scope, file, name }: Pick<ServicePlan, 'kind' | 'scope' | 'file' | 'name'>,
): Manager {
  return kind === 'launchd' ? launchd(context, machine, file, name) : systemd(context, machine, scope, name);
}
