/**
 * A mesh/1 database as a file: recognising it and opening it without leaving a trace.
 *
 * Invariants:
 * 1. Nothing is written to the file or beside it, whatever is found. A database that rolls back (mesh/1's own mode) is
 *    opened read-only: SQLite then takes a shared lock for the length of a statement and makes no file. Reading one in WAL
 *    mode would make `-shm`, and one whose writer died in a commit must be rolled back first: both are copied with their
 *    side files, and the copy is opened. (Run by root, SQLite gives a journal that it finds the owner of its database.)
 * 2. A copy is taken only if none of the files changed meanwhile, so a running mesh/1 daemon neither waits for us nor gives
 *    us half of a commit.
 * 3. What carries an application id is not mesh/1, which set none: our own files and those of most other programs are told
 *    apart by the first 100 bytes, and SQLite does not open them here.
 *
 * Source: sqlite.org/fileformat2.html section 1.3 (header), sqlite.org/wal.html ("Read-Only Databases").
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { findLegacyTable, type LegacyTable } from './legacy-shape.ts';
import { APPLICATION_ID } from './schema-1.ts';

export interface LegacySource {
  /** absolute path of mesh/1's file */
  readonly file: string;
  /** what is read: the file itself, or its copy */
  readonly readFile: string;
  /** folder of the copy, if there is one */
  readonly copyFolder: string | undefined;
  readonly table: LegacyTable;
}

export type Examined =
  /** no such file, or an empty one */
  | { readonly kind: 'absent' }
  /** a database of mesh/2 */
  | { readonly kind: 'ours' }
  /** of another program, or no database */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'legacy'; readonly source: LegacySource };

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;
/** A statement waits so long for a mesh/1 daemon that is just committing, ms (guess; a commit takes some ms). */
const BUSY_MS = 250;
/** Larger files are not copied (guess: some million messages). */
const COPY_BYTES_MAX = 4 * 1024 ** 3;
/** How often a copy is tried while the files change (guess). */
const COPY_TRIES = 5;
const COPY_PREFIX = 'mesh1-copy-';
const SIDES = ['', '-wal', '-journal'] as const;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first 100 bytes, fewer if there are fewer, or undefined if there is no such file. */
function readHeader(file: string): Buffer | undefined {
  let stat: fs.Stats | undefined;
  try {
    stat = fs.statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) !== 'ENOTDIR') throw error;
  }
  if (stat === undefined) return undefined;
  if (!stat.isFile()) throw new Error('it is not a file'); // opening a pipe would wait for a writer
  const fd = fs.openSync(file, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return header.subarray(0, fs.readSync(fd, header, 0, HEADER_BYTES, 0));
  } finally {
    fs.closeSync(fd);
  }
}

/** Opens for reading only. @param file not in WAL mode. Throws SqliteError. */
export function openLegacy(file: string): Database.Database {
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
  try {
    db.pragma('trusted_schema = OFF'); // the schema is a stranger's
    db.pragma('cell_size_check = ON');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function tableOf(file: string): LegacyTable | 'ours' | undefined {
  const db = openLegacy(file);
  try {
    const application = db.pragma('application_id', { simple: true });
    if (application === APPLICATION_ID) return 'ours';
    return application === 0 ? findLegacyTable(db) : undefined;
  } finally {
    db.close();
  }
}

/** Size, time and inode of the files of a database: equal before and after means that nobody wrote. */
function stateOf(file: string): { readonly text: string; readonly bytes: number } {
  const stats = SIDES.map((side) => fs.statSync(file + side, { throwIfNoEntry: false, bigint: true }));
  const text = stats.map((stat) => (stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs}` : '-')).join();
  return { text, bytes: stats.reduce((sum, stat) => sum + Number(stat?.size ?? 0), 0) };
}

async function copyOnce(file: string, target: string): Promise<void> {
  for (const side of SIDES) {
    fs.rmSync(target + side, { force: true });
    if (!fs.existsSync(file + side)) continue;
    await fs.promises.copyFile(file + side, target + side, fs.constants.COPYFILE_FICLONE);
    fs.chmodSync(target + side, 0o600);
  }
}

/** Makes the copy a database in one file that rolls back. */
function settle(copy: string): void {
  const db = new Database(copy, { fileMustExist: true });
  try {
    db.pragma('trusted_schema = OFF');
    db.pragma('journal_mode = DELETE'); // takes the WAL in; the first access has rolled back what was half done
  } finally {
    db.close();
  }
}

/** Copies the database into a new folder below `folder`. @returns path of the copy */
async function copyDatabase(file: string, folder: string): Promise<string> {
  const { bytes } = stateOf(file);
  if (bytes > COPY_BYTES_MAX) throw new Error(`it has ${bytes} bytes and would have to be copied to be read`);
  const copy = path.join(fs.mkdtempSync(path.join(folder, COPY_PREFIX)), 'mesh.db');
  try {
    for (let tries = 0; tries < COPY_TRIES; tries++) {
      const before = stateOf(file).text;
      await copyOnce(file, copy);
      if (stateOf(file).text !== before) continue;
      settle(copy);
      return copy;
    }
    throw new Error('it is being written all the time');
  } catch (error) {
    fs.rmSync(path.dirname(copy), { recursive: true, force: true });
    throw error;
  }
}

async function examineCopy(file: string, folder: string): Promise<Examined> {
  const readFile = await copyDatabase(file, folder);
  const copyFolder = path.dirname(readFile);
  let table: ReturnType<typeof tableOf>;
  try {
    table = tableOf(readFile);
  } catch (error) {
    discardCopy(copyFolder);
    throw error;
  }
  if (table !== undefined && table !== 'ours')
    return { kind: 'legacy', source: { file, readFile, copyFolder, table } };
  discardCopy(copyFolder);
  return { kind: table ?? 'other' };
}

/** Deletes a copy that nobody reads any more. */
export function discardCopy(copyFolder: string): void {
  fs.rmSync(copyFolder, { recursive: true, force: true });
}

/** Deletes the copies of earlier runs in `folder` but one. */
export function discardOldCopies(folder: string, keep: string | undefined): void {
  for (const name of fs.readdirSync(folder)) {
    const found = path.join(folder, name);
    if (name.startsWith(COPY_PREFIX) && found !== keep) discardCopy(found);
  }
}

async function examineFile(file: string, folder: string): Promise<Examined> {
  const header = readHeader(file);
  if (header === undefined || header.length === 0) return { kind: 'absent' };
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, 16) !== MAGIC) return { kind: 'other' };
  const application = header.readUInt32BE(68);
  if (application !== 0) return { kind: application === APPLICATION_ID ? 'ours' : 'other' };
  const isWal = header[18] === 2 || header[19] === 2;
  if (isWal) return examineCopy(file, folder);
  try {
    const table = tableOf(file);
    if (table === undefined || table === 'ours') return { kind: table ?? 'other' };
    return { kind: 'legacy', source: { file, readFile: file, copyFolder: undefined, table } };
  } catch (error) {
    // SQLITE_READONLY_ROLLBACK: what its writer left half done must be taken back before it can be read.
    if (codeOf(error).startsWith('SQLITE_READONLY')) return examineCopy(file, folder);
    throw error;
  }
}

/**
 * What a file is. Never throws and never writes to it.
 * @param file absolute path
 * @param folder where a copy may be made; it must exist
 */
export async function examineLegacy(file: string, folder: string): Promise<Examined> {
  try {
    return await examineFile(file, folder);
  } catch (error) {
    if (/^SQLITE_(?:NOTADB|CORRUPT)/.test(codeOf(error))) return { kind: 'other' };
    return { kind: 'unreadable', why: reasonOf(error) };
  }
}
