/** `mesh service install`: writes the file of the service, starts it, and sees the daemon run. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '../../api/client/index.ts';
import type { CommandContext } from '../command.ts';
import { UsageError } from '../exit.ts';
import { print } from '../print.ts';
import { runningPid } from '../running.ts';
import { jsonLine, shellWord, visibleLine } from '../text.ts';
import { type Manager, managerOf } from './manager.ts';
import { isSameFolder, type Machine, planService, readInstalled, type ServicePlan } from './plan.ts';
import { SERVICE_USER } from './unit.ts';

/** A start takes a second; a machine under load gets much more. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 100;

export interface InstallOptions {
  readonly scope: 'user' | 'system';
  /** show the file and change nothing */
  readonly isPrint: boolean;
}

function assertUser({ scope, kind }: ServicePlan, { uid }: Machine): void {
  if (kind === 'launchd') return;
  if (scope === 'user' && uid === 0)
    throw new UsageError(
      'You are root. Say --system for a service of the whole machine, or run this as the user whose service it is to be.',
      { help: 'mesh service --help' },
    );
  if (scope === 'system' && uid !== 0)
    throw new UsageError('--system changes the whole machine: run it as root, with sudo.', {
      help: 'mesh service --help',
    });
}

function assertAccount({ scope }: ServicePlan, { usersFile }: Machine): void {
  if (scope === 'user') return;
  const users = fs.readFileSync(usersFile, 'utf8').split('\n');
  if (users.some((line) => line.startsWith(`${SERVICE_USER}:`))) return;
  const command = `useradd --system --user-group --home-dir /var/lib/mesh --shell /usr/sbin/nologin ${SERVICE_USER}`;
  throw new MeshError(
    'service_failed',
    `There is no user "${SERVICE_USER}" that it could run as. To make one: ${command}`,
  );
}

function assertOwn({ file, dataFolder }: ServicePlan): void {
  const installed = readInstalled(file);
  if (installed.kind === 'foreign')
    throw new MeshError('service_foreign', `${file} was not written by "mesh service install".`);
  if (installed.kind === 'own' && !isSameFolder(installed.dataFolder, dataFolder))
    throw new MeshError(
      'service_foreign',
      `${file} runs the daemon of ${installed.dataFolder}, and this would be ${dataFolder}. To take its place: mesh service remove, then install again.`,
    );
}

async function assertFree({ dataFolder }: ServicePlan, manager: Manager): Promise<void> {
  const pid = runningPid(dataFolder);
  if (pid === 0 || pid === (await manager.state()).pid) return;
  throw new MeshError(
    'daemon_runs',
    `Process ${pid} was started by somebody else, and the service could not start beside it (${dataFolder}).`,
  );
}

/** Whole or not at all, for everybody to read: nothing in it is secret. */
function writeFile(file: string, text: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    fs.writeFileSync(temporary, text, { mode: 0o644, flag: 'wx' });
    fs.chmodSync(temporary, 0o644); // whatever the umask
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    const why = error instanceof Error ? error.message : String(error);
    throw new MeshError('service_failed', `${file} cannot be written: ${why}.`, { cause: error });
  }
}

/** Waits until the daemon of the service answers for its folder. @returns its process */
async function seeItRun({ dataFolder }: ServicePlan, manager: Manager): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  const { restarts } = await manager.state(); // those of before do not count
  for (;;) {
    const state = await manager.state();
    if (state.pid > 0 && state.pid === runningPid(dataFolder)) return state.pid;
    const isOver = performance.now() > deadline;
    if (isOver || state.restarts > restarts || /failed|auto-restart/.test(state.words))
      throw new MeshError(
        'service_failed',
        `It is installed, and the daemon does not run (${state.words || 'no state is told'}). ${isOver ? 'It was waited for in vain.' : 'It ended at once.'} "mesh logs --data ${shellWord(dataFolder)}" or the log of the service says why.`,
      );
    await sleep(LOOK_MS);
  }
}

/** Names of options that are set here, for the daemon in the foreground, and that the service does not see. */
async function unseenOptions({ io }: CommandContext): Promise<string[]> {
  const { OPTION_NAMES } = await import('../../daemon/index.ts');
  return OPTION_NAMES.filter((name) => name !== 'MESH_DATA_DIR' && (io.env[name] ?? '') !== '');
}

/** '' for a user without a name, as containers have them. */
function userName(): string {
  try {
    return os.userInfo().username;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SYSTEM_ERROR') return '';
    throw error;
  }
}

function lingerLines({ kind, scope }: ServicePlan, { lingerFolder }: Machine): string[] {
  if (kind === 'launchd') return ['It runs while you are logged in. Nobody has tested this on macOS yet.'];
  if (scope === 'system') return ['It starts with the machine.'];
  const username = userName();
  if (username !== '' && fs.existsSync(path.join(lingerFolder, username)))
    return ['It starts with the machine and stays when you log out.'];
  return [
    'It starts when you log in and ends when you log out. To start it with the machine and let it stay:',
    '  loginctl enable-linger',
  ];
}

async function report(
  {
    context,
    machine,
    plan,
    manager,
  }: { context: CommandContext; machine: Machine; plan: ServicePlan; manager: Manager },
  { pid, isNew }: { pid: number; isNew: boolean },
): Promise<void> {
  const { io, global } = context;
  const { file, dataFolder, environmentFile, name, kind } = plan;
  const { node, mesh } = machine;
  const unseen = await unseenOptions(context);
  if (global.json) {
    const facts = { file, dataFolder, environmentFile, node, program: mesh, pid, changed: isNew, unseen };
    await print(io, jsonLine(facts));
    return;
  }
  const there = fs.existsSync(environmentFile) ? '' : ' (not there yet; NAME=VALUE, one a line)';
  const stop = kind === 'launchd' ? 'mesh service remove' : `${manager.command} stop ${name}`;
  const lines = [
    isNew
      ? `The service is installed and runs (process ${pid}).`
      : `The service is installed already and runs (process ${pid}).`,
    '',
    `  Service   ${file}`,
    `  Data      ${dataFolder}`,
    `  Options   ${environmentFile}${there}`,
    `  Node.js   ${node}`,
    `  Program   ${mesh}`,
    '',
    ...lingerLines(plan, machine),
    ...(unseen.length === 0
      ? []
      : [
          `Set here and not seen by the service: ${unseen.join(', ')}. Write into ${environmentFile} what it should have.`,
        ]),
    ...(/[\\/]_npx[\\/]/.test(mesh)
      ? [
          'This program lies in the cache of npx, which npm may empty: install the package and run this again.',
        ]
      : []),
    `"mesh status" and "mesh logs" show how it does; "${stop}" stops it.`,
    ...(kind === 'launchd'
      ? []
      : [`After a change of options, or an upgrade: ${manager.command} restart ${name}`]),
  ];
  for (const line of lines) await print(io, visibleLine(line));
}

/**
 * Installs the service of a data folder. It may be run again: what is as it should be stays, and a new version of the
 * file takes the place of the old one.
 * @throws MeshError `no_service_manager`, `service_foreign`, `daemon_runs`, `service_failed`; UsageError
 */
export async function installService(
  { scope, isPrint }: InstallOptions,
  context: CommandContext,
  machine: Machine,
): Promise<undefined> {
  const plan = planService(context, machine, scope);
  if (isPrint) {
    await print(context.io, plan.text.trimEnd());
    return undefined;
  }
  assertUser(plan, machine);
  assertOwn(plan);
  const manager = managerOf(context, machine, plan);
  const obstacle = await manager.obstacle();
  if (obstacle !== '') throw new MeshError('no_service_manager', obstacle);
  assertAccount(plan, machine);
  await assertFree(plan, manager);
  const installed = readInstalled(plan.file);
  const isNew = installed.kind !== 'own' || installed.text !== plan.text;
  if (isNew) writeFile(plan.file, plan.text);
  if (scope === 'user') {
    fs.mkdirSync(plan.dataFolder, { recursive: true, mode: 0o700 });
    fs.mkdirSync(path.dirname(plan.environmentFile), { recursive: true, mode: 0o700 });
  }
  const before = await manager.state();
  if (isNew || !before.isRunning || !before.isEnabled) await manager.start();
  const pid = await seeItRun(plan, manager);
  await report({ context, machine, plan, manager }, { pid, isNew });
  return undefined;
}
