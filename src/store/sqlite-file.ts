/**
 * The database as a file: opening it, judging it before it is touched, the lock against a second daemon, file modes, and
 * what SQLite's failures mean to a person.
 *
 * Invariants:
 * 1. At most one open store per database on one machine. The lock is an open write transaction on the empty file
 *    `<path>.lock`: the system drops it when the process ends, however it ends. Two handles in one process exclude each
 *    other too, because SQLite counts its own. The lock file is never opened by other means than SQLite: closing any
 *    file descriptor on it would drop the lock of the whole process (POSIX).
 * 2. A file that is of a newer schema, of another network or of another program is opened read-only and closed again:
 *    nothing in it changes, not even by a checkpoint, and no file appears beside it.
 * 3. After a successful open every commit is an fsync (WAL with `synchronous=FULL`).
 * 4. A file of an older schema is changed only when a whole copy of it stands beside it (`sqlite-copy.ts`). Whoever is
 *    killed before, within or after that finds at the next start a file with everything in it.
 * 5. A write-ahead log of which SQLite would drop confirmed commits is refused before SQLite reads it (`sqlite-log.ts`).
 * 6. What is removed is overwritten with zeros, in pages that stay and in pages that become free (`schema-10.ts`).
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { MeshError } from '../core/errors.ts';
import { APPLICATION_ID, migrate, SCHEMA_VERSION, schemaVersion } from './migrations.ts';
import { assertRoom, diskBytes, goBackText, keepCopy, type Migrated, syncFolder } from './sqlite-copy.ts';
import { damagedLogText, judgeLog } from './sqlite-log.ts';

export interface FileOptions {
  /** of the database file; its folder is made if it is not there */
  readonly path: string;
  /** the database belongs to one network for good */
  readonly network: string;
  /** the schema was brought up to date; called before the store is open */
  readonly onMigrated?: (migrated: Migrated) => void;
  /** the end of the log is not whole and is left out, one sentence; at most once, before the store is open */
  readonly onTorn?: (text: string) => void;
  /** for tests: stands for the disk and the clock, and is told how far a migration is */
  readonly migration?: {
    readonly freeBytes?: number;
    readonly wallMs?: number;
    readonly at?: (point: MigrationPoint) => void;
  };
}

/** Moments of a migration at which a process may end. */
export type MigrationPoint = 'before-copy' | 'copy-written' | 'copied' | 'step-done' | 'migrated';

export interface OpenFile {
  readonly db: Database.Database;
  /** closes the database, then gives the lock back */
  close(): void;
}

/** What a file may hold before its first commit into the log: SQLite's default page. */
const FIRST_PAGE_BYTES = 4096;
/** Waiting for readers of the file that are not ours, a backup tool for example (guess). */
const BUSY_MS = 1000;
/** Waiting for a daemon that is just ending (guess). */
const LOCK_MS = 200;
/**
 * The WAL file is written into the database from so many pages on, 16 MiB. Ids are random, so each commit of a bulk touches
 * most pages of their index again: SQLite's 1000 wrote each of them four times as often and took 10 us more of CPU for each
 * of 100,000 fetched messages. More would make the one commit that does it wait longer on a slow disk.
 */
const CHECKPOINT_PAGES = 4096;
/** The WAL file is cut down to this after a large transaction (guess). */
const WAL_BYTES_MAX = 64 * 1024 * 1024;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What a failure while opening means. A MeshError passes unchanged. */
function openFailure(error: unknown, file: string): MeshError {
  if (error instanceof MeshError) return error;
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const because = (meaning: 'store_damaged' | 'store_locked' | 'data_folder' | 'store_failed') =>
    new MeshError(meaning, `${file}: ${text}`, { cause: error });
  if (/^SQLITE_(?:NOTADB|CORRUPT)/.test(code)) return because('store_damaged');
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) return because('store_locked');
  if (/^SQLITE_(?:CANTOPEN|READONLY|PERM|AUTH)/.test(code)) return because('data_folder');
  if (/^E(?:ACCES|PERM|ROFS|NOENT|NOTDIR|ISDIR|LOOP|NAMETOOLONG)$/.test(code)) return because('data_folder');
  return because('store_failed');
}

/** What a failure of an open store means: always `store_failed`. RangeErrors (programmer errors) pass unchanged. */
export function runFailure(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const code = /^SQLITE_(?:NOTADB|CORRUPT)/.test(error.code) ? 'store_damaged' : 'store_failed';
  return new MeshError(code, `${error.message} (${error.code})`, { cause: error });
}

/**
 * Bytes that the database may grow by: what the disk has left for this user, and the pages of the file that are free,
 * because the file does not shrink. Number.MAX_SAFE_INTEGER where the system does not say.
 */
export function readFreeBytes(db: Database.Database): number {
  return Math.min(Number.MAX_SAFE_INTEGER, diskBytes(path.dirname(db.name)) + freeBytesIn(db));
}

function freeBytesIn(db: Database.Database): number {
  const pages = db.pragma('freelist_count', { simple: true }) as number;
  return pages * (db.pragma('page_size', { simple: true }) as number);
}

/** The folder (0700) and an empty file (0600) if they are not there. What exists keeps its mode. @returns real path */
function prepareFile(file: string): string {
  makeFolder(path.resolve(path.dirname(file)));
  createEmpty(file);
  if (!fs.statSync(file).isFile()) throw new MeshError('data_folder', `${file} is not a file.`);
  return fs.realpathSync(file);
}

/** Step by step: Node's own `recursive` never returns where the system answers ENOENT, as below /proc. */
function makeFolder(folder: string): void {
  if (fs.statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  makeFolder(path.dirname(folder));
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
    syncFolder(path.dirname(folder));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function createEmpty(file: string): void {
  try {
    fs.closeSync(fs.openSync(file, 'wx', 0o600));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** Holds the lock of a database until the result is closed. Throws MeshError `store_locked` if somebody has it. */
export function takeLock(file: string): Database.Database {
  const lockPath = `${file}.lock`;
  createEmpty(lockPath); // opens nothing if it exists: see invariant 1
  const lock = new Database(lockPath, { timeout: LOCK_MS });
  try {
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!codeOf(error).startsWith('SQLITE_BUSY')) throw error;
    throw new MeshError('store_locked', lockPath, { cause: error });
  }
}

/** A file that lost its end still opens; reading the lost part would fail later. */
function assertWhole(db: Database.Database, file: string): void {
  const wal = fs.statSync(`${file}-wal`, { throwIfNoEntry: false });
  if (wal !== undefined && wal.size > 0) return; // the missing pages may stand there
  const expected =
    (db.pragma('page_count', { simple: true }) as number) *
    (db.pragma('page_size', { simple: true }) as number);
  const actual = fs.statSync(file).size;
  if (actual < expected) throw new MeshError('store_damaged', `${file} has ${actual} bytes of ${expected}.`);
}

/**
 * A first start that was killed while it made the file leaves a journal. Only a writer can roll it back, into a file without
 * tables; every later commit goes through the log.
 */
function finishCreation(file: string): void {
  if (!fs.existsSync(`${file}-journal`) || fs.statSync(file).size > FIRST_PAGE_BYTES) return;
  const db = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
  try {
    db.pragma('schema_version');
  } finally {
    db.close();
  }
}

/** Throws `store_damaged` for a log that holds commits which SQLite would drop. */
function assertLog(file: string, onTorn: FileOptions['onTorn']): void {
  const state = judgeLog(file);
  if (state.kind === 'damaged') throw new MeshError('store_damaged', damagedLogText(file, state));
  if (state.kind === 'torn')
    onTorn?.(
      `The last commit in ${file}-wal is not whole and was left out. After a power failure that is in order: nobody was told that it is stored. Otherwise the disk may be failing.`,
    );
}

interface Judged {
  /** of the schema, 0 for a file without data */
  readonly version: number;
  /** bytes that hold nothing any more: an older file has them filled with zeros */
  readonly filled: number;
}

const NO_DATA: Judged = { version: 0, filled: 0 };

/** Judges an existing file without changing it. Throws `store_newer`, `store_damaged` or `bad_option`. */
function judge(file: string, { network, onTorn }: FileOptions): Judged {
  if (fs.statSync(file).size === 0) return NO_DATA;
  assertLog(file, onTorn);
  const missing = ['-wal', '-shm'].filter((end) => !fs.existsSync(file + end));
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
  try {
    return judgeOpen(db, file, network);
  } catch (error) {
    db.close();
    // A reader of a database in WAL mode makes them and may not remove them. Nobody else used what was not there.
    for (const end of missing) fs.rmSync(file + end, { force: true });
    throw error;
  } finally {
    db.close();
  }
}

function judgeOpen(db: Database.Database, file: string, network: string): Judged {
  const version = schemaVersion(db);
  const application = db.pragma('application_id', { simple: true });
  const tables = db.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (version === 0 && tables === 0) return NO_DATA; // made, and stopped before the first migration
  if (application !== APPLICATION_ID)
    throw new MeshError('store_damaged', `${file} belongs to another program.`);
  if (version > SCHEMA_VERSION)
    throw new MeshError(
      'store_newer',
      `${file} has schema ${version}, this version knows ${SCHEMA_VERSION}.`,
    );
  assertWhole(db, file);
  const found = db.prepare<[], string>("SELECT value FROM meta WHERE key = 'network'").pluck().get();
  if (found !== undefined && found !== network) {
    const detail = `MESH_NETWORK is "${network}", but ${file} holds messages of "${found}". Use another data folder for another network.`;
    throw new MeshError('bad_option', detail);
  }
  return { version, filled: freeBytesIn(db) };
}

function connect(file: string): Database.Database {
  const db = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
  try {
    const mode = db.pragma('journal_mode = WAL', { simple: true });
    if (mode !== 'wal')
      throw new MeshError('data_folder', `${file}: this file system cannot do WAL (${mode}).`);
    db.pragma('synchronous = FULL');
    db.pragma('secure_delete = ON'); // see invariant 6
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Keeps a copy of a file with data of an older schema. @returns its path, `undefined` if there is nothing to copy */
function copyBefore(
  file: string,
  { version: from, filled }: Judged,
  options: FileOptions,
  wallMs: number,
): string | undefined {
  if (from === 0 || from === SCHEMA_VERSION) return undefined;
  const at = options.migration?.at;
  assertRoom(file, options.migration?.freeBytes ?? diskBytes(path.dirname(file)), filled);
  at?.('before-copy');
  // What stands in the log comes into the file; the last connection that closes removes the log.
  const db = connect(file);
  const [log] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  db.close();
  if (log?.busy !== 0)
    throw new MeshError('store_failed', `${file} is being read by another program. End it and start again.`);
  const copy = keepCopy(file, { schema: from, wallMs, onWritten: () => at?.('copy-written') });
  at?.('copied');
  return copy;
}

function openDatabase(file: string, options: FileOptions, wallMs: number): Database.Database {
  const db = connect(file);
  try {
    db.pragma('foreign_keys = ON');
    db.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`);
    const before = schemaVersion(db);
    migrate(db, { wallMs, onStep: () => options.migration?.at?.('step-done') });
    // The log holds the whole migration: left there, it would be played into a copy that is put back by hand.
    if (schemaVersion(db) !== before) db.pragma('wal_checkpoint(TRUNCATE)');
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.pragma('temp_store = MEMORY'); // not before: a step sorts whole tables
    db.prepare("INSERT INTO meta VALUES ('network', ?) ON CONFLICT DO NOTHING").run(options.network);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens the database, creating it if there is none.
 * Throws MeshError: `store_locked` (another daemon, or this process already), `store_newer`, `store_damaged` (not a
 * database, cut short, of another program, or with a damaged log), `bad_option` (of another network), `data_folder`
 * (cannot be written), `store_failed` (the disk, or no room for the copy before a migration).
 */
export function openFile(options: FileOptions): OpenFile {
  let lock: Database.Database | undefined;
  try {
    const file = prepareFile(options.path);
    const held = takeLock(file);
    lock = held;
    finishCreation(file);
    const judged = judge(file, options);
    const wallMs = options.migration?.wallMs ?? Date.now();
    const copy = copyBefore(file, judged, options, wallMs);
    const db = openDatabase(file, options, wallMs);
    options.migration?.at?.('migrated');
    if (copy !== undefined)
      options.onMigrated?.({
        from: judged.version,
        to: SCHEMA_VERSION,
        copy,
        goBack: goBackText(file, copy),
      });
    const close = (): void => {
      db.close();
      held.close();
    };
    return { db, close };
  } catch (error) {
    lock?.close();
    throw openFailure(error, options.path);
  }
}
