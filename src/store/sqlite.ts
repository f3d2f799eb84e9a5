/**
 * The store on SQLite. One writer, no other process; every `transact` is one transaction whose fsync is done when it
 * returns. `sqlite-file.ts` opens and guards the file, `migrations.ts` holds the schema, `sqlite-writer.ts` applies
 * operations with `sqlite-removal.ts`, `sqlite-ledger.ts` gathers what `sqlite-sums.ts` and `sqlite-authors.ts` count,
 * `sqlite-reader.ts` and `sqlite-pages.ts` answer.
 *
 * Everything that SQLite refuses at run time (disk full, read error) becomes `MeshError('store_failed')` with nothing of
 * the call applied; the store stays usable. A broken argument is a RangeError (`check.ts`).
 */
import fs from 'node:fs';
import { type Database, SqliteError } from 'better-sqlite3';
import { MeshError } from '../core/errors.ts';
import { createMessageContext, type Sha256 } from '../core/message/message.ts';
import type { Query, QueryAnswer } from '../core/persistence.ts';
import { checkPage, checkQuery, createOpCheck } from './check.ts';
import type { InboxStore } from './inbox-store.ts';
import {
  finishRecovery,
  markDamaged,
  type Recovered,
  type RecoverOptions,
  readMark,
  recover,
} from './recovery.ts';
import type { ScrubStore } from './scrub-store.ts';
import { createEquivocation } from './sqlite-chains.ts';
import { Changes } from './sqlite-changes.ts';
import type { Migrated } from './sqlite-copy.ts';
import { openFile, readFreeBytes, runFailure, takeLock } from './sqlite-file.ts';
import { createInboxStore } from './sqlite-inbox.ts';
import { createKnown } from './sqlite-known.ts';
import { Pages } from './sqlite-pages.ts';
import { Reader } from './sqlite-reader.ts';
import { readRestored } from './sqlite-restore.ts';
import { createScrubStore } from './sqlite-scrub.ts';
import { createWriter, type Writer } from './sqlite-writer.ts';
import type { Store } from './store.ts';

export interface StoreOptions {
  /** the database file; folder (0700) and file (0600) are made if they are not there */
  readonly path: string;
  /** a database belongs to one network for good */
  readonly network: string;
  readonly sha256: Sha256;
  /** a row was found damaged and is treated as not there; at most once per call of the store */
  readonly onWarning?: (text: string) => void;
  /** the database was brought to a newer schema, and where its copy is; at most once, before `openStore` returns */
  readonly onMigrated?: (migrated: Migrated) => void;
  /** lets a damaged database be replaced by what can be read of it; left out: it is refused */
  readonly recovery?: Omit<RecoverOptions, 'network' | 'sha256'>;
  /** that was done; at most once, before `openStore` returns */
  readonly onRecovered?: (recovered: Recovered) => void;
  /** damage was met that is not that of one row; may be said often */
  readonly onStructure?: (text: string) => void;
  /** the end of the write-ahead log was left out, one sentence; at most once, before `openStore` returns */
  readonly onTorn?: (text: string) => void;
}

/** The store of a daemon: messages, and what it remembers for its agent. */
export interface SqliteStore extends Store {
  readonly inbox: InboxStore;
  readonly scrub: ScrubStore;
}

/**
 * Opens or creates the store. Throws MeshError `store_locked`, `store_newer`, `store_damaged`, `bad_option` (database of
 * another network), `data_folder` or `store_failed`; `sqlite-file.ts` says when. With `recovery`, `store_damaged` only
 * where `recovery.ts` refuses.
 */
export function openStore(options: StoreOptions): SqliteStore {
  const { recovery } = options;
  return recovery === undefined ? openOnce(options) : openRecovering(options, recovery);
}

/** A table that is missing is damage too; a disk that refuses is not. Mistakes of the program pass unchanged. */
function openingFailure(error: unknown, file: string): unknown {
  if (!(error instanceof SqliteError)) return error;
  const code = /^SQLITE_(?:ERROR|CORRUPT|NOTADB)/.test(error.code) ? 'store_damaged' : 'store_failed';
  return new MeshError(code, `${file}: ${error.message}`, { cause: error });
}

/** A database up to this size is read as a whole before it is used (guess: a tenth of a second). */
const CHECK_BYTES_MAX = 32 * 1024 * 1024;

function assertSound(db: Database): void {
  const bytes =
    (db.pragma('page_count', { simple: true }) as number) *
    (db.pragma('page_size', { simple: true }) as number);
  if (bytes > CHECK_BYTES_MAX) return;
  const found = db.pragma('quick_check(1)', { simple: true });
  if (found !== 'ok')
    throw new MeshError('store_damaged', `${db.name} is damaged: ${String(found).replace(/\s+/g, ' ')}.`);
}

function isDamage(error: unknown): error is MeshError {
  return error instanceof MeshError && error.code === 'store_damaged';
}

function openRecovering(options: StoreOptions, recovery: NonNullable<StoreOptions['recovery']>): SqliteStore {
  const { network, sha256, onRecovered } = options;
  // A dangling link leads to where the database is to be.
  const file = fs.existsSync(options.path) ? fs.realpathSync(options.path) : options.path;
  const onStructure = (text: string): void => markDamaged(file, text);
  const given = { ...options, onStructure };
  const locked = <T>(work: () => T): T => {
    const lock = takeLock(file);
    try {
      return work();
    } finally {
      lock.close();
    }
  };
  if (fs.existsSync(`${file}.recovered`)) locked(() => finishRecovery(file, recovery.wallMs ?? Date.now()));
  const mark = readMark(file);
  try {
    if (mark !== undefined) throw new MeshError('store_damaged', mark);
    return openOnce(given, assertSound);
  } catch (error) {
    if (!isDamage(error) || !fs.existsSync(file)) throw error;
    const done = recoverOr(mark, options, () =>
      locked(() => recover(file, error.detail, { ...recovery, network, sha256 })),
    );
    if (done !== undefined) onRecovered?.(done);
    else if (mark === undefined) throw error;
    return openOnce(given);
  }
}

/** Where the database may still be of use, a recovery that is refused is no reason not to open it. */
function recoverOr(
  mark: string | undefined,
  { onWarning }: StoreOptions,
  work: () => Recovered | undefined,
): Recovered | undefined {
  try {
    return work();
  } catch (error) {
    if (mark === undefined || !isDamage(error)) throw error;
    onWarning?.(error.detail);
    return undefined;
  }
}

function openOnce(options: StoreOptions, check?: (db: Database) => void): SqliteStore {
  const file = openFile(options);
  try {
    check?.(file.db);
    return createSqliteStore(file.db, options, file.close);
  } catch (error) {
    file.close();
    throw openingFailure(error, options.path);
  }
}

/** The store over an open, migrated database. @param close gives the file back; called once */
export function createSqliteStore(
  db: Database,
  options: Omit<StoreOptions, 'path'>,
  close: () => void,
): SqliteStore {
  const context = createMessageContext(options.network, options.sha256);
  const onWarning = options.onWarning ?? (() => undefined);
  const onStructure = options.onStructure ?? (() => undefined);
  const checkOp = createOpCheck(options);
  const { writer, ledger, ...parts } = createWriter(db, context);
  const inTransaction = createTransaction(db, writer);
  const inSnapshot = createSnapshot(db);
  inTransaction(() => writer.applyDue());
  const freeBytes = (): number => readFreeBytes(db);
  const pages = new Pages(db, { interned: parts.interned, context, onWarning });
  const reader = new Reader(db, { ...parts, pages, context, onWarning, freeBytes });
  const changes = new Changes(db, pages);
  const known = createKnown(db);
  const equivocation = createEquivocation(db, context);

  const guarded = <T>(work: () => T): T => {
    if (!db.open) throw new MeshError('store_failed', 'the store is closed');
    try {
      return work();
    } catch (error) {
      const failure = runFailure(error);
      if (isDamage(failure)) onStructure(failure.detail);
      throw failure;
    }
  };

  return {
    transact: (effects) => {
      for (const ops of effects) ops.forEach(checkOp);
      return guarded(() => {
        if (effects.every((ops) => ops.length === 0)) return effects.map(() => []);
        return inTransaction(() => effects.map((ops) => ops.map((op) => writer.apply(op))));
      });
    },
    read: (query: Query): QueryAnswer => {
      checkQuery(query);
      return guarded(() => inSnapshot(query, () => reader.read(query)));
    },
    restore: () => guarded(() => readRestored(db)),
    readPage: (page) => {
      checkPage(page.limit, page.wallMs);
      return guarded(() => pages.page(page));
    },
    readArrivals: (page) => {
      checkPage(page.limit, page.wallMs, page.after);
      return guarded(() => pages.arrivals(page));
    },
    readChanges: (page) => {
      checkPage(page.limit, page.wallMs, page.after);
      return guarded(() => changes.read(page));
    },
    readMessage: (id) => guarded(() => pages.message(id)),
    known: (range, limit) => guarded(() => known(range, limit)),
    equivocation: (channel, author) => guarded(() => equivocation(channel, author)),
    channels: () => guarded(() => pages.channels()),
    lastArrival: () => guarded(() => pages.lastArrival()),
    outboxSize: (most) => guarded(() => pages.outboxSize(most)),
    inbox: createInboxStore(db, guarded),
    scrub: createScrubStore(db, { context, ledger, guarded, transact: inTransaction, onStructure }),
    close: () => {
      if (db.open) close();
    },
  };
}

/** All of the work in one transaction, or none. */
function createTransaction(db: Database, writer: Writer): <T>(work: () => T) => T {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  return (work) => {
    begin.run();
    try {
      const result = work();
      writer.finish();
      commit.run();
      return result;
    } catch (error) {
      if (db.inTransaction) rollback.run(); // some failures, a full disk among them, have rolled back already
      writer.reset();
      throw error;
    }
  };
}

/** From so many look-ups on a transaction is cheaper than a lock of the file for each of them (measured: 2 us). */
const SNAPSHOT_MIN = 3;

function lookUps(query: Query): number {
  return 'ids' in query ? query.ids.length : 'windows' in query ? query.windows.length : 1;
}

/** The look-ups of a query under one lock of the file. */
function createSnapshot(db: Database): <T>(query: Query, look: () => T) => T {
  const begin = db.prepare('BEGIN');
  const end = db.prepare('COMMIT');
  return (query, look) => {
    if (lookUps(query) < SNAPSHOT_MIN) return look();
    begin.run();
    try {
      return look();
    } finally {
      if (db.inTransaction) end.run();
    }
  };
}
