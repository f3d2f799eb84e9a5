/** What `mesh uninstall` sees of a data folder. It stands beside the daemon's own face, so that it works without loading it. */
import fs from 'node:fs';
import path from 'node:path';
import { type Environment, parseOptions } from '../options.ts';
import type { FolderFacts } from './inventory.ts';

export { assertDataFolder, type FolderFacts, type Item, takeInventory } from './inventory.ts';
export { type Outcome, removeAll } from './remove.ts';

/**
 * Where things lie: of all options only the two that say so are read, since a wrong one elsewhere is no matter now.
 * @param dataFolder absolute path; undefined comes back if there is no such folder
 */
export function readFacts(
  dataFolder: string,
  { env, cwd, withKeys }: { env: Environment; cwd: string; withKeys: boolean },
): FolderFacts | undefined {
  if (fs.statSync(dataFolder, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  const real = fs.realpathSync(dataFolder);
  const { MESH_STORE_PATH, MESH_KEY_DIR } = env;
  const { storePath, keyFolder } = parseOptions({ MESH_STORE_PATH, MESH_KEY_DIR }, cwd);
  const inReal = (file: string): string =>
    file.startsWith(dataFolder + path.sep) ? path.join(real, file.slice(dataFolder.length)) : file;
  return {
    ...{ dataFolder: real, withKeys },
    storePath: inReal(storePath ?? path.join(real, 'store.db')),
    keyFolder: inReal(keyFolder ?? path.join(real, 'keys')),
  };
}
