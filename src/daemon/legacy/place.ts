/**
 * Where this daemon's database lies if a mesh/1 daemon lived here before, and where that one's does.
 *
 * Two paths are looked at: MESH_STORE_PATH, which an upgrade in place leaves pointing at mesh/1's file, and `mesh.db` in the
 * data folder, mesh/1's default. Invariants:
 * 1. A database of mesh/1 is never opened for writing, and nothing is put beside it under a name that SQLite would use.
 * 2. Once our database is `<MESH_STORE_PATH>.mesh2` it stays there, also when mesh/1's file is moved away later: else the
 *    next start would begin with an empty one.
 * 3. Any other file under MESH_STORE_PATH is left for the store to judge, which refuses what is not ours.
 */
import fs from 'node:fs';
import path from 'node:path';
import { discardCopy, discardOldCopies, examineLegacy, type LegacySource } from '../../store/legacy-file.ts';

/** mesh/1's name in its default folder `./data`, which is ours in a checkout as well. */
export const LEGACY_FILE = 'mesh.db';
/** Our default name in the same folder. */
const STORE_FILE = 'store.db';
/** What our database is called beside a mesh/1 file that has our place. */
export const BESIDE = '.mesh2';

export interface Placed {
  /** absolute path of this daemon's database */
  readonly storePath: string;
  /** mesh/1's database, if there is one */
  readonly legacy: LegacySource | undefined;
  /** one sentence each for the start */
  readonly notes: readonly string[];
  /** Gives back what was made, for a start that fails. */
  discard(): void;
}

function exists(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function historyNote({ file, copyFolder }: LegacySource, own: string | undefined): string {
  const found =
    own === undefined
      ? `The database of mesh/1 lies at ${file} and stays as it is.`
      : `MESH_STORE_PATH names the database of mesh/1, ${file}, which stays as it is; this daemon keeps its own beside it, ${own}.`;
  const copied =
    copyFolder === undefined
      ? ''
      : ' It cannot be read in place (WAL mode, or an unfinished commit), so a copy as of this start is read, and what it gets from now on is not seen.';
  return `${found} Its messages are unverified history: mesh read CHANNEL --legacy.${copied}`;
}

function placed(storePath: string, legacy: LegacySource | undefined, notes: readonly string[]): Placed {
  return {
    ...{ storePath, legacy, notes },
    discard: () => {
      if (legacy?.copyFolder !== undefined) discardCopy(legacy.copyFolder);
    },
  };
}

/** mesh/1's file in the data folder, beside a database of ours that lies wherever it lies. */
async function placeInFolder(storePath: string, dataFolder: string): Promise<Placed> {
  const file = path.join(dataFolder, LEGACY_FILE);
  const examined = await examineLegacy(file, dataFolder);
  if (examined.kind === 'legacy')
    return placed(storePath, examined.source, [historyNote(examined.source, undefined)]);
  if (examined.kind !== 'unreadable') return placed(storePath, undefined, []);
  const note = `${file} may be a database of mesh/1 and could not be read (${examined.why}). It stays as it is.`;
  return placed(storePath, undefined, [note]);
}

/**
 * Decides where our database lies and finds mesh/1's. Changes neither.
 * @param dataFolder absolute path, exists: copies are made there
 * @param storePath MESH_STORE_PATH as an absolute path, or undefined if it is not set
 */
export async function placeStore(dataFolder: string, storePath: string | undefined): Promise<Placed> {
  if (storePath === undefined) return placeInFolder(path.join(dataFolder, STORE_FILE), dataFolder);
  const examined = await examineLegacy(storePath, dataFolder);
  const beside = storePath + BESIDE;
  if (examined.kind === 'legacy')
    return placed(beside, examined.source, [historyNote(examined.source, beside)]);
  const isGone = examined.kind === 'absent' || examined.kind === 'unreadable';
  return placeInFolder(isGone && exists(beside) ? beside : storePath, dataFolder);
}

/** Deletes copies of earlier runs. Only for a daemon that holds the lock of its database. */
export function clearCopies(dataFolder: string, { legacy }: Placed): void {
  discardOldCopies(dataFolder, legacy?.copyFolder);
}
