/**
 * The store on SQLite. One writer, no other process; every `transact` is one transaction whose fsync is done when it
 * returns. `sqlite-file.ts` opens and guards the file, `migrations.ts` holds the schema, `sqlite-writer.ts` applies
 * operations with `sqlite-removal.ts`, `sqlite-ledger.ts` gathers what `sqlite-sums.ts` and `sqlite-authors.ts` count,
 * `sqlite-reader.ts` and `sqlite-pages.ts` answer.
 *
 * Everything that SQLite refuses at run time (disk full, read error) becomes `MeshError('store_failed')` with nothing of
 * the call applied; the store stays usable. A broken argument is a RangeError (`check.ts`).
 */
import type { Database } from 'better-sqlite3';
import { MeshError } from '../core/errors.ts';
import { createMessageContext, type Sha256 } from '../core/message/message.ts';
import type { PersistOp, PersistResult, Query, QueryAnswer } from '../core/persistence.ts';
import { checkPage, checkQuery, createOpCheck } from './check.ts';
import type { InboxStore } from './inbox-store.ts';
import { Authors } from './sqlite-authors.ts';
import type { Migrated } from './sqlite-copy.ts';
import { openFile, readFreeBytes, runFailure } from './sqlite-file.ts';
import { createInboxStore } from './sqlite-inbox.ts';
import { Interned } from './sqlite-intern.ts';
import { createKnown } from './sqlite-known.ts';
import { Ledger } from './sqlite-ledger.ts';
import { Pages } from './sqlite-pages.ts';
import { Reader } from './sqlite-reader.ts';
import { readRestored } from './sqlite-restore.ts';
import { Sums } from './sqlite-sums.ts';
import { Writer } from './sqlite-writer.ts';
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
  /** the end of the write-ahead log was left out, one sentence; at most once, before `openStore` returns */
  readonly onTorn?: (text: string) => void;
}

/** The store of a daemon: messages, and what it remembers for its agent. */
export interface SqliteStore extends Store {
  readonly inbox: InboxStore;
}

/**
 * Opens or creates the store. Throws MeshError `store_locked`, `store_newer`, `store_damaged`, `bad_option` (database of
 * another network), `data_folder` or `store_failed`; `sqlite-file.ts` says when.
 */
export function openStore(options: StoreOptions): SqliteStore {
  const file = openFile(options);
  try {
    return createSqliteStore(file.db, options, file.close);
  } catch (error) {
    file.close();
    if (error instanceof MeshError) throw error;
    throw new MeshError('store_damaged', `${options.path}: ${String(error)}`, { cause: error });
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
  const checkOp = createOpCheck(options);
  const interned = new Interned(db);
  const sums = new Sums(db);
  const authors = new Authors(db, interned);
  const ledger = new Ledger(db, { sums, authors });
  const writer = new Writer(db, { interned, sums, authors, ledger });
  const freeBytes = (): number => readFreeBytes(db);
  const pages = new Pages(db, { interned, context, onWarning });
  const reader = new Reader(db, { interned, sums, authors, pages, context, onWarning, freeBytes });
  const known = createKnown(db);

  const guarded = <T>(work: () => T): T => {
    if (!db.open) throw new MeshError('store_failed', 'the store is closed');
    try {
      return work();
    } catch (error) {
      throw runFailure(error);
    }
  };
  const transaction = createTransaction(db, writer);

  return {
    transact: (effects) => {
      for (const ops of effects) ops.forEach(checkOp);
      return guarded(() => transaction(effects));
    },
    read: (query: Query): QueryAnswer => {
      checkQuery(query);
      return guarded(() => reader.read(query));
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
    readMessage: (id) => guarded(() => pages.message(id)),
    known: (range, limit) => guarded(() => known(range, limit)),
    channels: () => guarded(() => pages.channels()),
    lastArrival: () => guarded(() => pages.lastArrival()),
    outboxSize: (most) => guarded(() => pages.outboxSize(most)),
    inbox: createInboxStore(db, guarded),
    close: () => {
      if (db.open) close();
    },
  };
}

type Effects = readonly (readonly PersistOp[])[];

/** All operations of a call in one transaction, or none. */
function createTransaction(db: Database, writer: Writer): (effects: Effects) => PersistResult[][] {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  return (effects) => {
    if (effects.every((ops) => ops.length === 0)) return effects.map(() => []);
    begin.run();
    try {
      const results = effects.map((ops) => ops.map((op) => writer.apply(op)));
      writer.finish();
      commit.run();
      return results;
    } catch (error) {
      if (db.inTransaction) rollback.run(); // some failures, a full disk among them, have rolled back already
      writer.reset();
      throw error;
    }
  };
}
