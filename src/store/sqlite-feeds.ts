/** The records of feeds in the store: what supersedes what. Fact 12 of `core/persistence.ts`. */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { supersededOf } from '../core/channel/feed.ts';
import type { Position } from '../core/persistence.ts';
import type { Removal } from './sqlite-removal.ts';
import { columnTime, plain } from './sqlite-rows.ts';

interface RecordRow {
  readonly arrival: number;
  readonly time: Bytes;
  readonly id: Bytes;
  readonly expiresMs: number;
}

/** A record that comes, under no number yet. */
interface Candidate extends Position {
  readonly kind: number;
  readonly expiresMs: number;
}

function statements(db: Database) {
  return {
    records: db.prepare<[number, number], RecordRow>(
      `SELECT arrival, time, id, expires AS expiresMs FROM message INDEXED BY message_feed
       WHERE feed = 1 AND channel = ? AND kind = ?`,
    ),
    takeDue: db.prepare("DELETE FROM meta WHERE key = 'feeds_due'"),
    kinds: db.prepare<[], { channel: number; kind: number }>(
      'SELECT DISTINCT channel, kind FROM message INDEXED BY message_feed WHERE feed = 1',
    ),
  };
}

export class Feeds {
  readonly #removal: Removal;
  readonly #statements;

  constructor(db: Database, removal: Removal) {
    this.#removal = removal;
    this.#statements = statements(db);
  }

  #records(channel: number, kind: number) {
    const rows = this.#statements.records.all(channel, kind);
    return rows.map((row) => ({ ...row, time: columnTime(row.time), id: plain(row.id) }));
  }

  /** Removes what a new record supersedes. @param channel `undefined` for one of which nothing is known
   *  @returns false if the record is superseded itself */
  admit(channel: number | undefined, { kind, time, id, expiresMs }: Candidate): boolean {
    const known = channel === undefined ? [] : this.#records(channel, kind);
    const candidate = { arrival: 0, time, id, expiresMs };
    const gone = supersededOf(kind, [...known, candidate]);
    if (gone.includes(candidate)) return false;
    for (const { arrival } of gone) this.#removal.supersede(arrival);
    return true;
  }

  /** Applies the rule to what a new schema found in the file. Inside a transaction. */
  applyDue(): void {
    if (this.#statements.takeDue.run().changes === 0) return;
    for (const { channel, kind } of this.#statements.kinds.all())
      for (const { arrival } of supersededOf(kind, this.#records(channel, kind)))
        this.#removal.supersede(arrival);
  }
}
