/**
 * Step 10 of the schema: pages that hold nothing any more are zeros. Recovery takes messages also out of pages that no tree
 * leads to; without this it would find what was removed in them (`docs/decisions/0034-scrub-and-recovery.md`).
 *
 * Choices:
 * - From here on SQLite zeroes what it frees (`secure_delete`, set by `sqlite-file.ts` for each connection). What was freed
 *   before is filled once: a table takes all the free pages, and is dropped. That costs what is free; `VACUUM` was rejected,
 *   because it costs all there is, and twice the room.
 * - The column holds nothing and takes no room. It puts a word into the description of the table `message`, without which
 *   nothing can be recovered: so wherever something can, it is known whether the file has seen this step, also if its
 *   header is lost.
 */
import type { Database } from 'better-sqlite3';

/** Stands in the description of the table `message` of a file that has seen this step. */
export const ZEROED = 'freed_is_zeroed';

/** Pages that are filled at a time: 4 MiB of usual ones. */
const PAGES_AT_ONCE = 1024;
/** Bytes of a row of zeros in its last page that are no part of it: the number of the next page. */
const POINTER_BYTES = 4;

export function migrateTo10(db: Database): void {
  const pageBytes = db.pragma('page_size', { simple: true }) as number;
  const freePages = (): number => db.pragma('freelist_count', { simple: true }) as number;
  db.pragma('secure_delete = ON');
  db.exec('CREATE TABLE filler (zeros BLOB NOT NULL) STRICT');
  const fill = db.prepare<[number]>('INSERT INTO filler VALUES (zeroblob(?))');
  for (let free = freePages(); free > 0; free = freePages())
    fill.run(Math.min(free, PAGES_AT_ONCE) * (pageBytes - POINTER_BYTES));
  db.exec(`
DROP TABLE filler;
ALTER TABLE message ADD COLUMN ${ZEROED} INTEGER GENERATED ALWAYS AS (1) VIRTUAL;
`);
}
