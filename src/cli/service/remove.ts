/** `mesh service remove` and `mesh service status`. The data folder and the options stay as they are. */
import fs from 'node:fs';
import path from 'node:path';
import { MeshError } from '../../api/client/index.ts';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit.ts';
import { print, warn } from '../print.ts';
import { jsonLine, visibleLine } from '../text.ts';
import { LAUNCHD_LABEL } from './launchd.ts';
import { type Manager, managerOf } from './manager.ts';
import {
  assertKnownPlatform,
  type Installed,
  isSameFolder,
  type Machine,
  readInstalled,
  serviceFile,
} from './plan.ts';

interface Found {
  readonly file: string;
  readonly name: string;
  readonly installed: Installed;
  readonly manager: Manager;
}

function find(context: CommandContext, machine: Machine, scope: 'user' | 'system'): Found {
  assertKnownPlatform(machine, context.dataFolder);
  const file = serviceFile(context, machine, scope);
  const isMac = machine.platform === 'darwin';
  const name = isMac ? LAUNCHD_LABEL : 'mesh.service';
  const manager = managerOf(context, machine, { kind: isMac ? 'launchd' : 'systemd', scope, file, name });
  return { file, name, installed: readInstalled(file), manager };
}

/** The links by which systemd starts a unit; where systemd answers, it removes them itself. */
function removeLinks(file: string): void {
  for (const target of ['default.target.wants', 'multi-user.target.wants']) {
    const link = path.join(path.dirname(file), target, path.basename(file));
    if (fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true) fs.rmSync(link);
  }
}

/**
 * Stops and removes the service of a file that we wrote.
 * @returns '' or, where the manager did not answer, what it said: the file is gone all the same
 * @throws MeshError `service_failed`
 */
async function takeAway({ file, manager }: Found): Promise<string> {
  const obstacle = await manager.obstacle();
  if (obstacle === '') await manager.stop();
  try {
    fs.rmSync(file, { force: true });
    removeLinks(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MeshError('service_failed', `${file} cannot be removed: ${why}.`, { cause: error });
  }
  if (obstacle === '') await manager.forget();
  return obstacle;
}

/** Removes the service, of whatever folder it is. Nothing to remove is fine. Throws `service_foreign`, `service_failed` */
export async function removeService(
  context: CommandContext,
  machine: Machine,
  scope: 'user' | 'system',
): Promise<undefined> {
  const found = find(context, machine, scope);
  const { file, installed } = found;
  const { io, global } = context;
  if (installed.kind === 'foreign')
    throw new MeshError('service_foreign', `${file} was not written by "mesh service install".`);
  const obstacle = installed.kind === 'none' ? '' : await takeAway(found);
  if (obstacle !== '') warn(io, `mesh: Nobody could be told to stop it: ${visibleLine(obstacle)}`);
  const removed = installed.kind === 'own';
  if (global.json) await print(io, jsonLine({ file, removed }));
  else if (!removed) await print(io, visibleLine(`There is no service: ${file} does not exist.`));
  else {
    await print(io, visibleLine(`The service is stopped and removed (${file}).`));
    await print(io, visibleLine(`Its data stays in ${installed.dataFolder}; "mesh uninstall" removes that.`));
  }
  return undefined;
}

/** Services that we wrote for this data folder. */
export function servicesOf(
  context: CommandContext,
  machine: Machine,
): { file: string; remove: () => Promise<string> }[] {
  if (machine.platform === 'win32') return [];
  const scopes = machine.platform === 'darwin' ? (['user'] as const) : (['user', 'system'] as const);
  return scopes
    .map((scope) => find(context, machine, scope))
    .filter(
      ({ installed }) => installed.kind === 'own' && isSameFolder(installed.dataFolder, context.dataFolder),
    )
    .map((found) => ({ file: found.file, remove: () => takeAway(found) }));
}

/** Of whom there is a service too, since the two are easily taken for each other; [] if there is none. */
function otherLines(context: CommandContext, machine: Machine, scope: 'user' | 'system'): string[] {
  if (machine.platform !== 'linux') return [];
  const other = scope === 'user' ? 'system' : 'user';
  const file = serviceFile(context, machine, other);
  if (!fs.existsSync(file)) return [];
  return other === 'system'
    ? [`There is a service of the machine too (${file}): "mesh service status --system" shows it.`]
    : [`There is a service of your user too (${file}): "mesh service status" shows it.`];
}

/** Says whether the service is installed and runs. @returns 1 if it does not run */
export async function showService(
  context: CommandContext,
  machine: Machine,
  scope: 'user' | 'system',
): Promise<number> {
  const { io, global } = context;
  const { file, installed, manager, name } = find(context, machine, scope);
  const obstacle = await manager.obstacle();
  const state = obstacle === '' && installed.kind !== 'none' ? await manager.state() : undefined;
  const isRunning = state?.isRunning ?? false;
  const dataFolder = installed.kind === 'own' ? installed.dataFolder : null;
  if (global.json) {
    const facts = { file, installed: installed.kind, dataFolder, enabled: state?.isEnabled ?? false };
    await print(
      io,
      jsonLine({ ...facts, running: isRunning, state: state?.words ?? '', pid: state?.pid ?? 0 }),
    );
    return isRunning ? EXIT.ok : EXIT.failure;
  }
  const lines: string[] = [];
  if (installed.kind === 'none')
    lines.push(`No service is installed: ${file} does not exist. "mesh service install" makes one.`);
  if (installed.kind === 'foreign') lines.push(`${file} was not written by "mesh service install".`);
  if (installed.kind === 'own') lines.push(`${file} runs the daemon of ${installed.dataFolder}.`);
  if (state !== undefined) {
    const process = state.pid > 0 ? `, process ${state.pid}` : '';
    lines.push(
      `${isRunning ? 'It runs' : 'It does not run'} (${state.words}${process}), and ${state.isEnabled ? 'starts' : 'does not start'} by itself.`,
    );
    if (!isRunning) lines.push(`"mesh logs" may say why; to start it: ${manager.command} start ${name}`);
  }
  if (obstacle !== '') lines.push(`Nobody here runs services: ${obstacle}`);
  lines.push(...otherLines(context, machine, scope));
  for (const line of lines) await print(io, visibleLine(line));
  return isRunning ? EXIT.ok : EXIT.failure;
}
