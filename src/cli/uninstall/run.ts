/**
 * The work of `mesh uninstall`: services that we wrote for the folder, then the files of the folder. Without `--yes` the
 * same list is only shown.
 */
import path from 'node:path';
import { MeshError } from '../../api/client/index.ts';
import {
  assertDataFolder,
  type FolderFacts,
  type Item,
  readFacts,
  removeAll,
  takeInventory,
} from '../../daemon/uninstall/index.ts';
import { sizeText } from '../byte-size.ts';
import type { CommandContext } from '../command.ts';
import { print, warn } from '../print.ts';
import { runningPid } from '../running.ts';
import { thisMachine } from '../service/plan.ts';
import { servicesOf } from '../service/remove.ts';
import { tableLines } from '../table.ts';
import { jsonLine, visibleLine } from '../text.ts';
import { assertOwner } from './owner.ts';
import { programAdvice } from './program.ts';

export interface UninstallOptions {
  /** remove, and not only show */
  readonly isReal: boolean;
  readonly withKeys: boolean;
}

type Service = ReturnType<typeof servicesOf>[number];

/** Something that is removed or kept, and how that went. */
interface Line extends Item {
  /** undefined: nothing was tried */
  readonly isDone: boolean | undefined;
}

function serviceItem({ file }: Service): Item {
  return { path: file, what: 'the service', bytes: 0, action: 'remove', why: '' };
}

function rows(items: readonly Item[], dataFolder: string): string[][] {
  return items.map(({ path: file, bytes, what, why }) => {
    const inside = path.relative(dataFolder, file);
    const name = inside.startsWith('..') || path.isAbsolute(inside) ? file : inside;
    return [
      bytes === 0 ? '' : sizeText(bytes),
      visibleLine(name),
      visibleLine([what, why].filter((one) => one !== '').join('. ')),
    ];
  });
}

async function printTable(items: readonly Item[], dataFolder: string, { io }: CommandContext): Promise<void> {
  for (const line of tableLines(rows(items, dataFolder), [0])) await print(io, `  ${line}`);
}

async function showJson(lines: readonly Line[], { io }: CommandContext): Promise<void> {
  for (const { path: file, what, bytes, action, why, isDone } of lines)
    await print(io, jsonLine({ action, path: file, what, bytes, why, done: isDone ?? null }));
}

/** Below the lists: the program, and what is none of the daemon's business. */
async function showRest(context: CommandContext): Promise<void> {
  const root = path.resolve(import.meta.dirname, '..', '..', '..');
  await print(context.io, visibleLine(`The program itself stays; to remove it: ${programAdvice(root)}`));
}

async function show(items: readonly Item[], dataFolder: string, context: CommandContext): Promise<void> {
  const { io, global } = context;
  if (global.json)
    return showJson(
      items.map((item) => ({ ...item, isDone: undefined })),
      context,
    );
  const [gone, kept] = [
    items.filter(({ action }) => action === 'remove'),
    items.filter(({ action }) => action === 'keep'),
  ];
  if (gone.length === 0) await print(io, visibleLine(`There is nothing to remove in ${dataFolder}.`));
  else {
    await print(io, visibleLine(`"mesh uninstall --yes" removes from ${dataFolder}:`));
    await printTable(gone, dataFolder, context);
  }
  if (kept.length > 0) {
    await print(io, 'It keeps:');
    await printTable(kept, dataFolder, context);
  }
  await showRest(context);
  const pid = runningPid(dataFolder);
  if (pid > 0) await print(io, `The daemon runs (process ${pid}); stop it first, with "mesh stop".`);
  if (gone.length > 0) await print(io, 'Nothing has been removed.');
  return undefined;
}

/** @returns what could not be removed, and why */
async function removeServices(
  services: readonly Service[],
  { io }: CommandContext,
): Promise<Map<string, string>> {
  const failed = new Map<string, string>();
  for (const { file, remove } of services) {
    try {
      const obstacle = await remove();
      if (obstacle !== '')
        warn(io, visibleLine(`mesh: ${file} is removed; nobody could be told to stop it: ${obstacle}`));
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      failed.set(file, error.detail);
    }
  }
  return failed;
}

async function removeItems(
  facts: FolderFacts | undefined,
  services: readonly Service[],
  context: CommandContext,
): Promise<void> {
  const { io, global, dataFolder } = context;
  const kept = (facts === undefined ? [] : takeInventory(facts)).filter(({ action }) => action === 'keep');
  const failed = await removeServices(services, context);
  const outcomes = facts === undefined ? [] : removeAll(facts);
  for (const { item, why } of outcomes) if (why !== '') failed.set(item.path, why);
  const tried = [...services.map(serviceItem), ...outcomes.map(({ item }) => item)];
  const lines: Line[] = [
    ...tried.map((item) => ({ ...item, why: failed.get(item.path) ?? '', isDone: !failed.has(item.path) })),
    ...kept.map((item) => ({ ...item, isDone: undefined })),
  ];
  if (global.json) await showJson(lines, context);
  else {
    const gone = lines.filter(({ isDone }) => isDone === true);
    await print(
      io,
      gone.length === 0 ? visibleLine(`There was nothing to remove in ${dataFolder}.`) : 'Removed:',
    );
    await printTable(gone, dataFolder, context);
    if (kept.length > 0) {
      await print(io, 'Kept:');
      await printTable(kept, dataFolder, context);
    }
    await showRest(context);
  }
  if (failed.size === 0) return;
  const words = [...failed].map(([file, why]) => `${file}: ${why}`).join('\n');
  throw new MeshError('uninstall_incomplete', words);
}

/**
 * Shows or removes what belongs to the daemon of the context's folder.
 * @throws MeshError `not_data_folder`, `daemon_runs`, `uninstall_incomplete`; UsageError for root in the folder of another
 */
export async function uninstall(
  { isReal, withKeys }: UninstallOptions,
  context: CommandContext,
): Promise<undefined> {
  const { dataFolder, io } = context;
  const machine = thisMachine(context);
  assertOwner(dataFolder, machine);
  const facts = readFacts(dataFolder, { env: io.env, cwd: io.cwd, withKeys });
  if (facts !== undefined) assertDataFolder(facts);
  const services = servicesOf(context, machine);
  if (!isReal) {
    const items = [...services.map(serviceItem), ...(facts === undefined ? [] : takeInventory(facts))];
    await show(items, facts?.dataFolder ?? dataFolder, context);
    return undefined;
  }
  const pid = runningPid(dataFolder);
  if (pid > 0) throw new MeshError('daemon_runs', `It is process ${pid}, on ${dataFolder}.`);
  await removeItems(facts, services, context);
  return undefined;
}
