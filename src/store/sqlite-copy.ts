/**
 * The copy that is kept of a database before its schema is changed: whoever goes back to the version of before needs it.
 *
 * The name is `<database>.schema<n>-<UTC date>.bak`. A copy is written as `….bak.part`, flushed to the disk and only then
 * renamed, so that an interrupted one is never taken for a whole one; what an interrupted one left is removed before the
 * next. The {@link COPIES_MAX} newest are kept.
 *
 * The file is copied while no connection to it is open: closing a file descriptor on it would drop SQLite's locks of the
 * whole process (POSIX). The store's own lock, on another file, is held. `VACUUM INTO` was rejected: it reads and writes
 * row by row, and a file system that shares blocks between files cannot help it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { MeshError } from '../core/errors.ts';

/** Copies kept of one database: the newest might be of a daemon that was started by mistake. */
export const COPIES_MAX = 2;
/** Room for a copy and for what the steps write, as a multiple of the database (measured: they write an eighth of it); for a
 *  recovered one and its log the same (guess). */
const ROOM_FACTOR = 1.25;
/** What is filled goes through the log, and what the log has no memory for goes through it twice. */
const FILLED_FACTOR = 2;

/** What is told about a migration. */
export interface Migrated {
  readonly from: number;
  readonly to: number;
  /** path of the copy */
  readonly copy: string;
  /** one sentence: how to go back to the version of before */
  readonly goBack: string;
}

/** Bytes that the disk of a folder has left for this user; Number.MAX_SAFE_INTEGER where the system does not say. */
export function diskBytes(folder: string): number {
  try {
    const { bavail, bsize } = fs.statfsSync(folder);
    return Math.min(Number.MAX_SAFE_INTEGER, bavail * bsize);
  } catch {
    return Number.MAX_SAFE_INTEGER; // nothing can be planned then
  }
}

/** What lacks for another database of this size beside it, in words; `undefined` if there is room.
 *  @param free bytes left, @param more bytes that are needed above that */
export function roomLacking(file: string, free: number, more = 0): string | undefined {
  const sizes = [file, `${file}-wal`].map((name) => fs.statSync(name, { throwIfNoEntry: false })?.size ?? 0);
  const needed = Math.ceil(ROOM_FACTOR * sizes.reduce((sum, size) => sum + size, 0)) + more;
  const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
  return free >= needed ? undefined : `${mib(needed)} are needed, ${mib(free)} are free`;
}

/**
 * Throws MeshError `store_failed` if there is no room for a copy. To be called before anything is changed.
 * @param free bytes that the disk has left, @param filled bytes that the steps fill with zeros
 */
export function assertRoom(file: string, free: number, filled: number): void {
  const lacking = roomLacking(file, free, FILLED_FACTOR * filled);
  if (lacking === undefined) return;
  throw new MeshError(
    'store_failed',
    `${file} must be changed for this version, and there is no room for the copy that is kept before: ${lacking}. Nothing was changed. Free disk space and start again, or start the version of before.`,
  );
}

/** When it was made, in UTC and without what file systems refuse: 20251009T000000Z. */
export function stamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Copies of a database, oldest first. */
export function findCopies(file: string): string[] {
  const folder = path.dirname(file);
  return fs
    .readdirSync(folder)
    .filter((name) => name.startsWith(`${path.basename(file)}.schema`) && /\d+-\d{8}T\d{6}Z\.bak$/.test(name))
    .sort((a, b) => (a.slice(-20) < b.slice(-20) ? -1 : 1))
    .map((name) => path.join(folder, name));
}

function sync(name: string): void {
  const handle = fs.openSync(name, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** Names in a folder, such as of what was made or renamed there, are durable when the folder is; Windows has no handles of folders and needs none. */
export function syncFolder(folder: string): void {
  if (process.platform !== 'win32') sync(folder);
}

export interface CopyOptions {
  /** number of the schema that the file has */
  readonly schema: number;
  /** now, ms since 1970 */
  readonly wallMs: number;
  /** for tests: called when everything is written, before the copy gets its name */
  readonly onWritten?: () => void;
}

/**
 * Copies a database whose log is empty and to which no connection is open.
 * Throws MeshError `store_failed` and leaves no part of a copy behind if the disk refuses. @returns path of the copy
 */
export function keepCopy(file: string, { schema, wallMs, onWritten }: CopyOptions): string {
  const copy = `${file}.schema${schema}-${stamp(wallMs)}.bak`;
  const part = `${copy}.part`;
  try {
    removeParts(file);
    fs.copyFileSync(file, part, fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL);
    fs.chmodSync(part, 0o600);
    sync(part);
    onWritten?.();
    fs.renameSync(part, copy);
    syncFolder(path.dirname(file));
  } catch (error) {
    fs.rmSync(part, { force: true });
    const because = error instanceof Error ? error.message : String(error);
    throw new MeshError(
      'store_failed',
      `${file} must be changed for this version, and the copy that is kept before could not be written: ${because}. Nothing was changed. Free disk space and start again, or start the version of before.`,
      { cause: error },
    );
  }
  // Not by name alone: the clock may have been set back since the others were made.
  const others = findCopies(file).filter((name) => name !== copy);
  for (const old of others.slice(0, 1 - COPIES_MAX)) fs.rmSync(old, { force: true });
  return copy;
}

function removeParts(file: string): void {
  const folder = path.dirname(file);
  for (const name of fs.readdirSync(folder))
    if (name.startsWith(`${path.basename(file)}.schema`) && name.endsWith('.bak.part'))
      fs.rmSync(path.join(folder, name), { force: true });
}

/** How to go back, for people. */
export function goBackText(file: string, copy: string): string {
  return `To go back to the version of before: stop the daemon, move ${file} away together with ${file}-wal and ${file}-shm if they are there, rename ${copy} to ${file}, and start the old version; messages stored since then are not there.`;
}
