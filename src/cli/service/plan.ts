/**
 * What a service would be: where its file lies and what stands in it. Decided once, at the installation, and shown; nothing
 * is looked for again when the service starts.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { MeshError } from '../../api/client/index.ts';
import type { CommandContext } from '../command.ts';
import { UsageError } from '../exit.ts';
import { agentText, LAUNCHD_LABEL } from './launchd.ts';
import {
  ownedFolder,
  ownHeader,
  STATE_FOLDER,
  SYSTEM_ENVIRONMENT_FILE,
  type UnitFacts,
  unitObstacle,
  unitText,
} from './unit.ts';

/** What of this machine and program a plan depends on; tests bring their own. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** undefined on Windows */
  readonly uid: number | undefined;
  readonly home: string;
  /** folder of the units of the system */
  readonly systemFolder: string;
  /** names of users */
  readonly usersFile: string;
  /** folder with a file for each user whose services run without a login */
  readonly lingerFolder: string;
  /** absolute path of the Node.js that runs this command */
  readonly node: string;
  /** absolute path of `bin/mesh.mjs` */
  readonly mesh: string;
}

export function thisMachine({ io }: CommandContext): Machine {
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    home: io.env.HOME || os.homedir(),
    systemFolder: '/etc/systemd/system',
    usersFile: '/etc/passwd',
    lingerFolder: '/var/lib/systemd/linger',
    node: process.execPath,
    mesh: path.resolve(import.meta.dirname, '..', '..', '..', 'bin', 'mesh.mjs'),
  };
}

export interface ServicePlan {
  readonly kind: 'systemd' | 'launchd';
  readonly scope: 'user' | 'system';
  /** absolute path of the unit or property list, and what it is called */
  readonly file: string;
  readonly name: string;
  readonly text: string;
  readonly dataFolder: string;
  /** where options go */
  readonly environmentFile: string;
}

/** What lies where the file of the service would be. */
export type Installed =
  | { readonly kind: 'none' }
  | { readonly kind: 'own'; readonly text: string; readonly dataFolder: string }
  /** somebody else's: never touched */
  | { readonly kind: 'foreign' };

const FILE_BYTES_MAX = 64 * 1024;

/** Throws what the file system throws, except where there is no file. */
export function readInstalled(file: string): Installed {
  const stats = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return { kind: 'none' };
  if (!stats.isFile() || stats.size > FILE_BYTES_MAX) return { kind: 'foreign' };
  const text = fs.readFileSync(file, 'utf8');
  const dataFolder = ownedFolder(text);
  return dataFolder === undefined ? { kind: 'foreign' } : { kind: 'own', text, dataFolder };
}

function realFolder(folder: string): string {
  return fs.existsSync(folder) ? fs.realpathSync(folder) : path.resolve(folder);
}

/** Whether two paths lead to one folder, by whatever links. */
export function isSameFolder(a: string, b: string): boolean {
  return realFolder(a) === realFolder(b);
}

/** The folder for configuration of a user: the XDG specification ignores a relative one. */
function configFolder({ env }: CommandContext['io'], home: string): string {
  const set = env.XDG_CONFIG_HOME ?? '';
  return path.isAbsolute(set) ? set : path.join(home, '.config');
}

/** Where the file of a service lies. @param scope of systemd; launchd has agents of users only */
export function serviceFile(context: CommandContext, machine: Machine, scope: 'user' | 'system'): string {
  if (machine.platform === 'darwin')
    return path.join(machine.home, 'Library', 'LaunchAgents', `${LAUNCHD_LABEL}.plist`);
  if (scope === 'system') return path.join(machine.systemFolder, 'mesh.service');
  return path.join(configFolder(context.io, machine.home), 'systemd', 'user', 'mesh.service');
}

/** A folder that the unit of the system hides from its daemon. */
function isHidden(file: string): boolean {
  const real = fs.existsSync(file) ? fs.realpathSync(file) : file;
  return /^\/(?:home|root|run\/user)\//.test(real);
}

function systemFacts({ io, global }: CommandContext, { node, mesh }: Machine): UnitFacts {
  const asked = (global.data ?? '') || (io.env.MESH_DATA_DIR ?? '');
  if (asked !== '' && path.resolve(io.cwd, asked) !== STATE_FOLDER)
    throw new UsageError(
      `The service of the system keeps its data in ${STATE_FOLDER}, not in ${asked}: leave --data and MESH_DATA_DIR out.`,
      { help: 'mesh service --help' },
    );
  const hidden = [node, mesh].find(isHidden);
  if (hidden !== undefined)
    throw new MeshError(
      'service_failed',
      `${hidden} lies in a home folder, which is closed to the service of the system. Install Node.js and this program where every user can read them, such as /usr and /opt.`,
    );
  return {
    header: ownHeader(STATE_FOLDER),
    scope: 'system',
    program: [node, mesh],
    dataFolder: STATE_FOLDER,
    environmentFile: SYSTEM_ENVIRONMENT_FILE,
  };
}

function userFacts(context: CommandContext, { node, mesh, home }: Machine): UnitFacts {
  return {
    header: ownHeader(context.dataFolder),
    scope: 'user',
    program: [node, mesh],
    dataFolder: context.dataFolder,
    environmentFile: path.join(configFolder(context.io, home), 'openclaw-messaging', 'mesh.env'),
  };
}

/** On Windows nobody writes a service here; this is what a person can type. */
function windowsAdvice({ node, mesh }: Machine, dataFolder: string): string {
  const program = `\\"${node}\\" \\"${mesh}\\" start --data \\"${dataFolder}\\"`;
  return `On Windows the Task Scheduler can do it: schtasks /Create /TN mesh /SC ONLOGON /TR "${program}". "schtasks /Run /TN mesh" starts it now, and "schtasks /Delete /TN mesh" takes it back.`;
}

/** Throws `no_service_manager` where there is none that this program knows. */
export function assertKnownPlatform(machine: Machine, dataFolder: string): void {
  if (machine.platform === 'win32')
    throw new MeshError('no_service_manager', windowsAdvice(machine, dataFolder));
}

/** @throws UsageError, `service_failed` for what the service could not run, `no_service_manager` on Windows */
export function planService(
  context: CommandContext,
  machine: Machine,
  scope: 'user' | 'system',
): ServicePlan {
  assertKnownPlatform(machine, context.dataFolder);
  const file = serviceFile(context, machine, scope);
  if (machine.platform === 'darwin') {
    if (scope === 'system')
      throw new UsageError('--system is for Linux; on macOS the service is an agent of your user.', {
        help: 'mesh service --help',
      });
    const { dataFolder } = context;
    const facts = {
      header: ownHeader(dataFolder),
      program: [machine.node, machine.mesh],
      dataFolder,
    } as const;
    const environmentFile = path.join(dataFolder, '.env');
    return {
      kind: 'launchd',
      scope,
      file,
      name: LAUNCHD_LABEL,
      text: agentText(facts),
      dataFolder,
      environmentFile,
    };
  }
  const facts = scope === 'system' ? systemFacts(context, machine) : userFacts(context, machine);
  const obstacle = unitObstacle(facts);
  if (obstacle !== '') throw new MeshError('service_failed', obstacle);
  const { dataFolder, environmentFile } = facts;
  return {
    kind: 'systemd',
    scope,
    file,
    name: 'mesh.service',
    text: unitText(facts),
    dataFolder,
    environmentFile,
  };
}
