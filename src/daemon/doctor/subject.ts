/** What the checks look at: one data folder with its options, and what its daemon said if it runs. */
import path from 'node:path';
import { MeshError } from '../../core/errors.ts';
import type { Gate, ScrubView, StatusView } from '../gate.ts';
import { BESIDE } from '../legacy/place.ts';
import { OPTION_NAMES, OPTION_TABLE, type OptionName, type OptionRow } from '../option-table.ts';
import { type Environment, type Options, parseOptions } from '../options.ts';
import { look } from './files.ts';
import { shellQuoted } from './finding.ts';
import { lookForDaemon, type Presence } from './presence.ts';
import { userOf } from './proc.ts';
import { type System, thisSystem } from './system.ts';

/** What the checks use of a daemon's status; the JSON of `/v1/status` fits. */
export type DaemonStatus = Pick<
  StatusView,
  | 'version'
  | 'network'
  | 'peer'
  | 'identity'
  | 'role'
  | 'started'
  | 'listen'
  | 'links'
  | 'sources'
  | 'problems'
> &
  // an older daemon does not say it
  Partial<Pick<StatusView, 'retention' | 'localDiscovery'>>;
export type DaemonAddress = ReturnType<Gate['addresses']>[number];

/** What the API of the running daemon answered, or why it did not, in words. */
export type DaemonAnswer =
  | { readonly ok: true; readonly status: DaemonStatus; readonly addresses: readonly DaemonAddress[] }
  | { readonly ok: false; readonly detail: string };

/** What `mesh doctor --scrub` needs to know in the end. */
export type ScrubResult = Pick<ScrubView, 'checked' | 'damaged' | 'structure'>;
/** Called now and then. */
export type OnProgress = (checked: number, messages: number) => void;

export interface ScrubAsk {
  /** has the running daemon check everything and waits for the end of it; rejects with what stopped it */
  readonly daemon: (onProgress: OnProgress) => Promise<ScrubResult>;
  readonly onProgress: OnProgress;
}

export interface ExamineOptions {
  /** absolute path */
  readonly dataFolder: string;
  readonly env: Environment;
  /** folder that relative paths in the options start from */
  readonly cwd: string;
  /** asks the API of the daemon; called only if one runs. Never rejects */
  readonly ask: (timeoutMs: number) => Promise<DaemonAnswer>;
  readonly system?: Partial<System>;
  /** read all messages too; undefined: nobody asked for it */
  readonly scrub?: ScrubAsk;
}

export interface Subject {
  readonly system: System;
  readonly env: Environment;
  readonly dataFolder: string;
  readonly keyFolder: string;
  readonly storePath: string;
  readonly options: Options;
  /** what the options' parser said, '' if it took them all */
  readonly optionError: string;
  /** variables that were passed over because of it: what hangs on them is not checked */
  readonly refused: ReadonlySet<OptionName>;
  readonly presence: Presence;
  /** only if a daemon runs */
  readonly answer: DaemonAnswer | undefined;
  /** user that the daemon runs as: that of its process, else of the data folder, else of this command */
  readonly owner: number | undefined;
}

function isRefused(name: OptionName, env: Environment): boolean {
  const row: OptionRow = OPTION_TABLE[name];
  const text = env[name]?.trim();
  return text !== undefined && text !== '' && !row.schema.safeParse(text).success;
}

/** The options; if the parser refuses them, without the variables that it refuses and the fewest others. */
function readOptions(env: Environment, cwd: string): Pick<Subject, 'options' | 'optionError' | 'refused'> {
  const wrong = OPTION_NAMES.filter((name) => isRefused(name, env));
  // Where two contradict each other, one of them is left out; in the end all are.
  const attempts = [[], wrong, ...OPTION_NAMES.map((name) => [...wrong, name]), OPTION_NAMES];
  let optionError = '';
  for (const names of attempts) {
    const rest: Record<string, string | undefined> = { ...env };
    // Without MESH_BOOTSTRAP_URL the default lists would count, which nobody chose here.
    for (const name of names) rest[name] = name === 'MESH_BOOTSTRAP_URL' ? '' : undefined;
    try {
      return { options: parseOptions(rest, cwd), optionError, refused: new Set(names) };
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      if (optionError === '') optionError = error.detail;
    }
  }
  throw new Error('the parser refuses an environment without options');
}

/** Where the database lies: beside the file that MESH_STORE_PATH names, if a start has found one of mesh/1 there. */
function placeOf(dataFolder: string, storePath: string | undefined): string {
  if (storePath === undefined) return path.join(dataFolder, 'store.db');
  const beside = `${storePath}${BESIDE}`;
  return look(beside).kind === 'there' ? beside : storePath;
}

function ownerOf(system: System, presence: Presence, dataFolder: string): number | undefined {
  if (system.uid === undefined) return undefined;
  const pid = presence.kind === 'running' ? presence.pid : presence.lock.pids[0];
  const user = pid === undefined ? undefined : userOf(system.proc, pid);
  if (user !== undefined) return user;
  const folder = look(dataFolder);
  return folder.kind === 'there' ? folder.stats.uid : system.uid;
}

/** Reads the options, looks for the daemon, and asks it if it runs. */
export async function createSubject({ dataFolder, env, cwd, ask, system }: ExamineOptions): Promise<Subject> {
  const machine: System = { ...thisSystem(), ...system };
  const read = readOptions(env, cwd);
  const storePath = placeOf(dataFolder, read.options.storePath);
  const presence = lookForDaemon(machine, dataFolder, storePath);
  return {
    ...read,
    system: machine,
    env,
    dataFolder,
    keyFolder: read.options.keyFolder ?? path.join(dataFolder, 'keys'),
    storePath,
    presence,
    answer: presence.kind === 'running' ? await ask(machine.timeoutMs) : undefined,
    owner: ownerOf(machine, presence, dataFolder),
  };
}

/** How many bytes of messages are kept: the daemon's own limit if it runs, for its environment need not be ours. */
export function storeLimit(subject: Subject): { readonly bytes: number; readonly isDaemons: boolean } {
  const own = statusOf(subject)?.retention?.bytesAll;
  return { bytes: own ?? subject.options.retention.bytesAll, isDaemons: own !== undefined };
}

/** How a daemon that runs and answers is stopped, wherever the command is run. */
export function stopCommand({ system, dataFolder }: Subject): string {
  return system.platform === 'win32' ? 'mesh stop' : `mesh stop --data ${shellQuoted(dataFolder)}`;
}

/** The status of the daemon, if it runs and answers. */
export function statusOf({ answer }: Subject): DaemonStatus | undefined {
  return answer?.ok ? answer.status : undefined;
}
