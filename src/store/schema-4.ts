/**
 * Step 4 of the schema: edits and deletes. It rewrites no message but those that are one.
 *
 * Choices:
 * - `message.amends` says that a message edits or deletes others ({@link AMENDS}). Clients are shown posts of their own only,
 *   so the indexes that they are served from leave those out, however many there are.
 * - `amendment` has a row for each target of an edit or a delete, known here or not: whichever comes first, one look at it
 *   finds the other. Author and channel come before time, so nobody makes others' targets slow to look up, and the latest
 *   delete, which is the one to ask, is found in one step.
 * - One index tells of every header without content what became of the content.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { AMENDS, amendsOf, targetsOf } from '../core/message/amend.ts';
import { isMesh1Header } from '../core/message/mesh1-record.ts';
import { MESSAGE_KIND, readHeader } from '../core/message/message.ts';
import { CborError } from '../core/wire/cbor.ts';

export { CONTENT_OCTETS, HEADER_OCTETS } from './schema-2.ts';

/** Values of `message.content`. */
export const CONTENT = { held: 0, wanted: 1, dropped: 2, deleted: 3 } as const;

/** What clients are shown, as the partial indexes and the statements that walk them both say it. */
export const IS_SHOWN = `kind = ${MESSAGE_KIND.post} AND content = ${CONTENT.held} AND amends = ${AMENDS.nothing}`;

const TABLES = `
ALTER TABLE message ADD COLUMN amends INTEGER NOT NULL DEFAULT ${AMENDS.nothing};

-- target: id of the message that is edited or deleted; amends: which of the two; time and id: of the edit or delete
CREATE TABLE amendment (
  target BLOB NOT NULL,
  amends INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  author INTEGER NOT NULL,
  time BLOB NOT NULL,
  id BLOB NOT NULL,
  arrival INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  PRIMARY KEY (target, amends, channel, author, time, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX amendment_arrival ON amendment (arrival);
`;

/** After the tables were filled. */
const INDEXES = `
DROP INDEX message_shown;
DROP INDEX message_page;
DROP INDEX message_dropped;
CREATE INDEX message_shown ON message (channel) WHERE ${IS_SHOWN}; -- with the row number: (channel, arrival)
CREATE INDEX message_page ON message (channel, time, id) WHERE ${IS_SHOWN};
CREATE INDEX message_header ON message (arrival, content) WHERE content <> ${CONTENT.held};
`;

interface OldRow {
  readonly arrival: number;
  readonly id: Bytes;
  readonly channel: number;
  readonly author: number;
  readonly time: Bytes;
  readonly bytes: Bytes;
  readonly content: number;
  readonly octets: number;
}

/** Messages looked at together. */
const PAGE = 1000;

/** What a row of before amends, and its targets. Of one without content it is not known whether it had any: no delete. */
function amendment({ bytes, content, octets }: OldRow): { amends: number; targets: readonly Bytes[] } {
  const none = { amends: AMENDS.nothing, targets: [] };
  if (isMesh1Header(bytes)) return none;
  try {
    const { fields } = readHeader(bytes);
    const amends = amendsOf({ ...fields, isEmpty: content === CONTENT.held && octets === 0 });
    return { amends, targets: targetsOf(fields.refs, amends) };
  } catch (error) {
    if (error instanceof CborError) return none; // damaged: it is treated as not there
    throw error;
  }
}

export function migrateTo4(db: Database): void {
  db.exec(TABLES);
  const page = db.prepare<[number, number], OldRow>(
    `SELECT arrival, id, channel, author, time, bytes, content, octet_length(body) + octet_length(payload) AS octets
     FROM message WHERE arrival > ? ORDER BY arrival LIMIT ?`,
  );
  const set = db.prepare<[number, number]>('UPDATE message SET amends = ? WHERE arrival = ?');
  const add = db.prepare<[Bytes, number, number, number, Bytes, Bytes, number]>(
    'INSERT OR IGNORE INTO amendment VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  for (let rows = page.all(0, PAGE); rows.length > 0; rows = page.all(rows.at(-1)?.arrival ?? 0, PAGE))
    for (const row of rows) {
      const { amends, targets } = amendment(row);
      if (amends === AMENDS.nothing) continue;
      set.run(amends, row.arrival);
      for (const target of targets)
        add.run(target, amends, row.channel, row.author, row.time, row.id, row.arrival);
    }
  db.exec(INDEXES);
  // They are carried out when the store is opened: sums and costs change with it.
  db.exec(`INSERT INTO meta SELECT 'deletes_due', 1 FROM amendment WHERE amends = ${AMENDS.deletes} LIMIT 1`);
}
