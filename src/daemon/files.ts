/**
 * Small files that must survive a crash whole: keys and `api.json`. Content goes into a temporary file beside the
 * target, is flushed to the disk, takes its name in one step, and the folder is flushed too: after a crash the name
 * leads to the whole content or to nothing.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** True if `error` is a file system error with this code. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** Flushes a folder's entries. Windows cannot open a folder for this and keeps its own journal. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Creates a folder, and those above it, for the owner only, durably. One that exists keeps its mode. */
export function makeFolderDurably(folder: string): void {
  const first = fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = path.dirname(path.resolve(first));
  for (let above = path.resolve(folder); above !== top; ) {
    above = path.dirname(above);
    syncFolder(above);
  }
}

function writeFlushed(file: string, text: string): void {
  const fd = fs.openSync(file, 'wx', 0o600);
  try {
    fs.writeFileSync(fd, text);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function temporaryBeside(file: string): string {
  return `${file}.${randomBytes(6).toString('hex')}.tmp`;
}

/**
 * Creates `file` with mode 0600, durably. An existing file is never touched: throws the file system's `EEXIST`.
 * Where the file system has no hard links, the name is taken before the content is there, so a crash in between leaves
 * a file that is incomplete; it is then refused at the next start, not overwritten.
 */
export function createFileDurably(file: string, text: string): void {
  const temporary = temporaryBeside(file);
  writeFlushed(temporary, text);
  try {
    fs.linkSync(temporary, file);
  } catch (error) {
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL')) throw error;
    writeFlushed(file, text);
  } finally {
    fs.unlinkSync(temporary);
  }
  syncFolder(path.dirname(file));
}

/** Writes `file` with mode 0600 in place of what was there, in one step and durably. */
export function replaceFileDurably(file: string, text: string): void {
  const temporary = temporaryBeside(file);
  try {
    writeFlushed(temporary, text);
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(path.dirname(file));
}
