/**
 * The schema of the database, as numbered steps. `PRAGMA user_version` says which of them a file has seen; each runs in
 * a transaction of its own together with the new number, so a crash leaves a file between two steps, never inside one.
 *
 * Rules:
 * 1. A step that was released is never changed; a change of the schema is a new step at the end.
 * 2. Steps run while the store's lock is held and before anything else reads the file.
 * 3. Before the first step runs on a file that holds data, `sqlite-copy.ts` keeps a copy of it.
 */
import type { Database } from 'better-sqlite3';
import { APPLICATION_ID, SCHEMA_1 } from './schema-1.ts';
import { migrateTo2 } from './schema-2.ts';
import { SCHEMA_3 } from './schema-3.ts';
import { migrateTo4 } from './schema-4.ts';
import { SCHEMA_5 } from './schema-5.ts';
import { SCHEMA_6 } from './schema-6.ts';
import { SCHEMA_7 } from './schema-7.ts';
import { SCHEMA_8 } from './schema-8.ts';
import { SCHEMA_9 } from './schema-9.ts';
import { migrateTo10 } from './schema-10.ts';

export { APPLICATION_ID };

export interface Migration {
  /** one sentence for logs */
  readonly title: string;
  /** statements, or a function that runs in the transaction; `wallMs` is now */
  readonly run: string | ((db: Database, wallMs: number) => void);
}

/** Step `n` stands at index `n - 1`. */
export const MIGRATIONS: readonly Migration[] = [
  { title: 'messages, sums and peers', run: SCHEMA_1 },
  { title: 'what everything costs, headers without content, ends of chains', run: migrateTo2 },
  { title: 'contacts, what wakes an agent, and its inbox', run: SCHEMA_3 },
  { title: 'edits and deletes', run: migrateTo4 },
  { title: 'chains of authors and proofs of equivocation', run: SCHEMA_5 },
  { title: 'messages that were found damaged', run: SCHEMA_6 },
  { title: 'how long owners of mailboxes were linked', run: SCHEMA_7 },
  { title: 'records of feeds; edits and deletes by arrival', run: SCHEMA_8 },
  { title: 'how far back leaves keep channels, own messages with one keeper', run: SCHEMA_9 },
  { title: 'pages that hold nothing any more are zeros', run: migrateTo10 },
];

/** The number that a file has after the last step. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The number of the last step that this file has seen, 0 for an empty one. */
export function schemaVersion(db: Database): number {
  return db.pragma('user_version', { simple: true }) as number;
}

export interface MigrateOptions {
  /** now, ms since 1970 */
  readonly wallMs: number;
  readonly migrations?: readonly Migration[];
  /** called inside each step's transaction, when all its work is done */
  readonly onStep?: (version: number) => void;
}

/**
 * Brings the file to the newest schema. Throws what SQLite throws; then the file has the schema of the last step that
 * succeeded.
 */
export function migrate(db: Database, options: MigrateOptions): void {
  const { wallMs, migrations = MIGRATIONS, onStep } = options;
  for (let version = schemaVersion(db); version < migrations.length; version++) {
    const { run } = migrations[version] as Migration;
    db.transaction(() => {
      if (typeof run === 'string') db.exec(run);
      else run(db, wallMs);
      db.pragma(`user_version = ${version + 1}`);
      onStep?.(version + 1);
    }).exclusive();
  }
}
