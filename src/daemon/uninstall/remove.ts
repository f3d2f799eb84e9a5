/**
 * Removes what an inventory lists, and nothing else. The lock of the database is held meanwhile, so that no daemon starts
 * in the middle. A file that cannot be removed is told, and the others go on.
 */
import fs from 'node:fs';
import path from 'node:path';
import { MeshError } from '../../core/errors.ts';
import { takeLock } from '../../store/sqlite-file.ts';
import { hasCode } from '../files.ts';
import { assertDataFolder, type FolderFacts, type Item, takeInventory } from './inventory.ts';

export interface Outcome {
  readonly item: Item;
  /** '' if it is gone, else the system's words */
  readonly why: string;
}

/** Removes a file that is still one: its name leads nowhere else. */
function removeFile(file: string): string {
  try {
    if (fs.lstatSync(file).isFile()) fs.unlinkSync(file);
    else return 'it is no file any more';
    return '';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    return error instanceof Error ? error.message : String(error);
  }
}

/** An empty folder may stay where the one above it belongs to somebody else, as /var/lib does. */
function removeFolder(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EBUSY', 'EROFS')) throw error;
  }
}

/** Folders that something was removed from go if nothing is left in them; the data folder is the last. */
function removeEmptyFolders(items: readonly Item[], dataFolder: string): void {
  const inside = items
    .map(({ path: file }) => path.dirname(file))
    .filter((folder) => folder.startsWith(dataFolder + path.sep));
  for (const folder of [...new Set(inside), dataFolder]) {
    const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true && fs.readdirSync(folder).length === 0) removeFolder(folder);
  }
}

/** The lock that a daemon would hold. No lock file: no daemon has ever run here. Throws `daemon_runs`. */
function hold({ storePath }: FolderFacts): { close(): void } {
  if (!fs.existsSync(`${storePath}.lock`)) return { close: () => undefined };
  try {
    return takeLock(storePath);
  } catch (error) {
    if (!(error instanceof MeshError) || error.code !== 'store_locked') throw error;
    throw new MeshError('daemon_runs', `It holds ${storePath}.lock.`, { cause: error });
  }
}

/**
 * Removes everything of an inventory that is to be removed. What marks the folder as ours goes only if all else went.
 * @throws MeshError `not_data_folder`, `daemon_runs`
 */
export function removeAll(facts: FolderFacts, inventory = takeInventory(facts)): Outcome[] {
  assertDataFolder(facts);
  const lock = hold(facts);
  const outcomes: Outcome[] = [];
  try {
    const items = inventory.filter(({ action }) => action === 'remove');
    const lockFile = `${facts.storePath}.lock`;
    const [last, others] = [items.filter(isMark), items.filter((item) => !isMark(item))];
    for (const item of others) outcomes.push({ item, why: removeFile(item.path) });
    if (outcomes.some(({ why }) => why !== '')) {
      for (const item of last) outcomes.push({ item, why: 'kept until the others can be removed' });
      return outcomes;
    }
    for (const item of last) {
      if (item.path === lockFile) lock.close(); // an open file cannot be removed on every system
      outcomes.push({ item, why: removeFile(item.path) });
    }
    if (items.length > 0) removeEmptyFolders(inventory, facts.dataFolder);
    return outcomes;
  } finally {
    lock.close();
  }
}

function isMark({ path: file }: Item): boolean {
  return /^(?:token|.*\.lock)$/.test(path.basename(file));
}
