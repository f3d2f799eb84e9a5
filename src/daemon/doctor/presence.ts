/**
 * Does a daemon run on this data folder? Two witnesses: `api.json`, which a killed daemon leaves behind, and the lock on
 * the database, which the system drops with its process. A process number alone proves nothing, because numbers are
 * given again; so a daemon counts as running only if the process of `api.json` also holds the lock or its port. Only
 * then is the token sent there.
 *
 * The lock file is opened by SQLite and read-only: that changes nothing and makes no file, since its journal is in memory.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { isForbidden, readSmall } from './files.ts';
import { isAlive, listenersOf, lockHolders } from './proc.ts';
import type { System } from './system.ts';

export interface Lock {
  /** `unknown`: it could not be looked at */
  readonly state: 'free' | 'held' | 'unknown';
  /** who holds it, as far as the system says so */
  readonly pids: readonly number[];
}

export type Presence =
  | { readonly kind: 'none'; readonly lock: Lock }
  | { readonly kind: 'running'; readonly lock: Lock; readonly url: string; readonly pid: number }
  /** `api.json` was left behind; `why` begins in the middle of a sentence */
  | { readonly kind: 'stale'; readonly lock: Lock; readonly why: string }
  /** this user may not look */
  | { readonly kind: 'unknown'; readonly lock: Lock }
  /** the database is in use and no `api.json` leads to who uses it */
  | { readonly kind: 'hidden'; readonly lock: Lock; readonly why: string };

export const API_FILE = 'api.json';
/** Ours has about 120 bytes. */
const API_BYTES_MAX = 4096;

type ApiFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'bad'; readonly why: string }
  | { readonly kind: 'there'; readonly url: string; readonly pid: number };

function parseApiFile(text: string): { url: string; pid: number } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // the caller says that it is none of ours
  }
  if (typeof value !== 'object' || value === null || !('url' in value) || !('pid' in value)) return undefined;
  const { url, pid } = value;
  if (typeof url !== 'string' || !/^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d{1,5}$/.test(url))
    return undefined;
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 ? { url, pid } : undefined;
}

function readApiFile(dataFolder: string): ApiFile {
  const found = readSmall(path.join(dataFolder, API_FILE), API_BYTES_MAX);
  if (found.kind === 'missing') return found;
  if (found.kind === 'unreadable' && isForbidden(found.why)) return { kind: 'closed' };
  if (found.kind === 'unreadable') return { kind: 'bad', why: `cannot be read (${found.why})` };
  const parsed = parseApiFile(found.text);
  return parsed === undefined
    ? { kind: 'bad', why: 'names no address and process' }
    : { kind: 'there', ...parsed };
}

/** Looks whether somebody holds the lock of a database. */
export function lookAtLock(system: System, storePath: string): Lock {
  const file = `${storePath}.lock`;
  let stats: fs.Stats | undefined;
  try {
    stats = fs.statSync(file, { throwIfNoEntry: false });
  } catch {
    return { state: 'unknown', pids: [] }; // not ours to look at
  }
  if (stats === undefined) return { state: 'free', pids: [] };
  const pids = lockHolders(system.proc, stats.ino);
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: 0 });
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return { state: 'free', pids: [] };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) return { state: 'held', pids };
    return pids.length > 0 ? { state: 'held', pids } : { state: 'unknown', pids: [] };
  } finally {
    db?.close();
  }
}

/** Whether the process that `api.json` names is the daemon that wrote it. */
function isProven(system: System, { url, pid }: { url: string; pid: number }, lock: Lock): boolean {
  if (lock.pids.includes(pid)) return true;
  const listeners = listenersOf(system.proc, Number(new URL(url).port));
  if (listeners.pids.includes(pid)) return true;
  // Where the system names nobody, a lock that is held has to do.
  return lock.state === 'held' && lock.pids.length === 0;
}

/** Sends nothing and writes nothing. */
export function lookForDaemon(system: System, dataFolder: string, storePath: string): Presence {
  const lock = lookAtLock(system, storePath);
  const api = readApiFile(dataFolder);
  if (api.kind === 'missing') {
    return lock.state === 'held' ? { kind: 'hidden', lock, why: 'is missing' } : { kind: 'none', lock };
  }
  if (api.kind === 'closed') return { kind: 'unknown', lock };
  const left = (why: string): Presence => ({ kind: lock.state === 'held' ? 'hidden' : 'stale', lock, why });
  if (api.kind === 'bad') return left(api.why);
  const { url, pid } = api;
  if (!isAlive(pid)) return left(`names process ${pid}, which does not run`);
  if (isProven(system, api, lock)) return { kind: 'running', lock, url, pid };
  return left(`names process ${pid}, which is not its daemon any more`);
}
