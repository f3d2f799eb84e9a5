/**
 * A damaged database is replaced by a new one with everything that can be read of it. The damaged files are kept.
 *
 * The steps, each of which the next start takes up where a crash has left it:
 * 1. `<database>.recovering` is made and filled; whoever finds one throws it away.
 * 2. Flushed to the disk, it is renamed to `<database>.recovered`: from here on the new database is whole.
 * 3. The damaged files go into a folder of their own, `<database>.damaged-<UTC date>`, the database itself last.
 * 4. `<database>.recovered` becomes the database.
 *
 * It is not done more than {@link KEPT_MAX} times: whoever has as many damaged files has a failing disk, which is not
 * mended by writing more to it.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import type { Sha256 } from '../core/message/message.ts';
import type { Ed25519Verify } from '../core/message/verified.ts';
import { migrate, SCHEMA_VERSION } from './migrations.ts';
import { type Built, buildFrom } from './recovery-build.ts';
import { openSalvage } from './salvage-pages.ts';
import { SalvagedTables } from './salvage-tables.ts';
import { diskBytes, roomLacking, stamp, syncFolder } from './sqlite-copy.ts';

/** Folders of damaged files beside a database (guess). */
export const KEPT_MAX = 3;

export interface RecoverOptions {
  readonly network: string;
  readonly sha256: Sha256;
  readonly verify: Ed25519Verify;
  /** id bytes of the identities whose keys are here; asked only if they are needed */
  readonly identities: () => readonly Bytes[];
  /** for tests: stands for the disk and the clock */
  readonly freeBytes?: number;
  readonly wallMs?: number;
  /** for tests: called before each step */
  readonly at?: (step: 'build' | 'rename' | 'move' | 'replace') => void;
}

/** What a recovery has done. */
export interface Recovered extends Built {
  /** folder with the damaged files */
  readonly folder: string;
  /** what was wrong, a sentence */
  readonly why: string;
}

/** Written where damage was met that an open database cannot be mended of: the next start recovers. */
const MARK = '.recover';

export function markDamaged(file: string, why: string): void {
  try {
    fs.writeFileSync(file + MARK, `${why}\n`, { mode: 0o600, flag: 'wx' });
  } catch {
    // It is there already, or the disk refuses: the damage will be met again.
  }
}

/** What was written by {@link markDamaged}, or `undefined`. It goes with the database that it was written for. */
export function readMark(file: string): string | undefined {
  try {
    if ((fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) removeMark(file);
    return fs
      .readFileSync(file + MARK, 'utf8')
      .trim()
      .slice(0, 1000);
  } catch {
    return undefined;
  }
}

export function removeMark(file: string): void {
  fs.rmSync(file + MARK, { force: true });
}

const ENDS = ['-wal', '-shm', '-journal', ''] as const;

/** Folders of damaged files, oldest first. */
export function findKept(file: string): string[] {
  const folder = path.dirname(file);
  const begin = `${path.basename(file)}.damaged-`;
  return fs
    .readdirSync(folder)
    .filter((name) => name.startsWith(begin) && /^\d{8}T\d{6}Z(?:-\d+)?$/.test(name.slice(begin.length)))
    .sort()
    .map((name) => path.join(folder, name));
}

/** A folder that an interrupted recovery has not filled, or a new one. */
function folderFor(file: string, wallMs: number): string {
  const last = findKept(file).at(-1);
  if (last !== undefined && !fs.existsSync(path.join(last, path.basename(file)))) return last;
  for (let n = 0; ; n++) {
    const folder = `${file}.damaged-${stamp(wallMs)}${n === 0 ? '' : `-${n}`}`;
    if (fs.existsSync(folder)) continue;
    fs.mkdirSync(folder, { mode: 0o700 });
    return folder;
  }
}

/** Steps 3 and 4, if step 2 has been done. Under the database's lock. @returns the folder, `undefined` if there was nothing to do */
export function finishRecovery(file: string, wallMs: number, at?: RecoverOptions['at']): string | undefined {
  const ready = `${file}.recovered`;
  if (!fs.existsSync(ready)) return undefined;
  at?.('move');
  // An empty database was made by a start that found none.
  const there = ENDS.filter((end) => {
    const size = fs.statSync(file + end, { throwIfNoEntry: false })?.size;
    return size !== undefined && (end !== '' || size > 0);
  });
  const last = findKept(file).at(-1);
  const folder = there.length > 0 || last === undefined ? folderFor(file, wallMs) : last;
  for (const end of there) fs.renameSync(file + end, path.join(folder, path.basename(file) + end));
  syncFolder(folder);
  syncFolder(path.dirname(file));
  at?.('replace');
  fs.renameSync(ready, file);
  removeMark(file);
  syncFolder(path.dirname(file));
  return folder;
}

function assertRoom(file: string, free: number): void {
  const lacking = roomLacking(file, free);
  if (lacking === undefined) return;
  throw new MeshError(
    'store_damaged',
    `${file} is damaged, and there is no room for a new one beside it: ${lacking}. Nothing was changed. Free disk space and start again.`,
  );
}

function assertNotTooOften(file: string): void {
  const kept = findKept(file);
  if (kept.length < KEPT_MAX) return;
  throw new MeshError(
    'store_damaged',
    `${file} is damaged, and was recovered ${kept.length} times before: the disk may be failing. Nothing was changed. Move ${kept.join(', ')} to another disk, and the data folder too, and start again.`,
  );
}

function build(file: string, options: RecoverOptions, wallMs: number): Built | undefined {
  const salvage = openSalvage(file);
  const target = `${file}.recovering`;
  try {
    if ((salvage.schema ?? 0) > SCHEMA_VERSION) return undefined;
    const tables = new SalvagedTables(salvage);
    if (!tables.isOurs) return undefined;
    for (const end of ENDS) fs.rmSync(target + end, { force: true });
    fs.closeSync(fs.openSync(target, 'wx', 0o600));
    const db = new Database(target);
    try {
      db.pragma('journal_mode = OFF');
      db.pragma('synchronous = OFF');
      db.pragma('secure_delete = ON');
      migrate(db, { wallMs });
      const { network, sha256, verify, identities } = options;
      const isWhole = salvage.missing === 0;
      return buildFrom(db, tables, { network, sha256, verify, wallMs, identities: identities(), isWhole });
    } finally {
      db.close();
    }
  } finally {
    salvage.close();
  }
}

function flush(file: string): void {
  const fd = fs.openSync(file, 'r+');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Recovers a database that nobody has open, under its lock.
 * @param why what is wrong with it, a sentence
 * @returns what was done, or `undefined` if the file is none of ours or of a newer version: then nothing was changed.
 *   Throws MeshError `store_damaged` if there is no room for it, or if it was done too often.
 */
export function recover(file: string, why: string, options: RecoverOptions): Recovered | undefined {
  const wallMs = options.wallMs ?? Date.now();
  assertNotTooOften(file);
  assertRoom(file, options.freeBytes ?? diskBytes(path.dirname(file)));
  options.at?.('build');
  const built = build(file, options, wallMs);
  if (built === undefined) {
    for (const end of ENDS) fs.rmSync(`${file}.recovering${end}`, { force: true });
    return undefined;
  }
  flush(`${file}.recovering`);
  options.at?.('rename');
  fs.renameSync(`${file}.recovering`, `${file}.recovered`);
  syncFolder(path.dirname(file));
  const folder = finishRecovery(file, wallMs, options.at);
  return { ...built, why, folder: folder ?? '' };
}
