/**
 * Step 2 of the schema: what everything costs, content that is put off or dropped, where the chains of identities end,
 * and what retention needs. It changes the file in place and rewrites no message.
 *
 * Choices:
 * - `content` says what a row of `message` still has: everything (`held`) or only the signed header. The
 *   indexes that clients are served from hold rows with content only.
 * - `message.source` is neither written nor read any more: an own message is one with a row in `own`. To drop the column
 *   would rewrite every row.
 * - `author` has a row for each author of a channel: what its content costs and where its chain ends. It stands for the
 *   indexes (channel, author) of step 1, which were walked for the end of a chain: an index lasts no longer than its
 *   message. Rows of strangers go with their last message, those of identities that publish here stay.
 * - `author_weight` finds the heaviest author of a tag, `message_held` the oldest content of an author.
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, compare } from '../core/bytes.ts';
import { MESSAGE_KIND } from '../core/message/message.ts';
import { ROW_BYTES } from '../core/persistence.ts';
import { HEAVY_BYTES, HOUR_MINUTES, timeBound } from './buckets.ts';

/** Values of `message.content`; `schema-4.ts` has one more. */
const CONTENT = { held: 0, wanted: 1, dropped: 2 } as const;

/** What clients are shown; `schema-4.ts` leaves more out. */
const IS_SHOWN = `kind = ${MESSAGE_KIND.post} AND content = ${CONTENT.held}`;

const TABLES = `
ALTER TABLE message ADD COLUMN content INTEGER NOT NULL DEFAULT ${CONTENT.held};

-- messages of others and what they cost, what own ones cost: bytes as persistence.ts counts them; floor that pruning
-- has set: hours since 1970, 0 for none
ALTER TABLE tag ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tag ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tag ADD COLUMN own_cost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tag ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tag_idle ON tag (id) WHERE count = 0;

-- rows of author; what neither they nor a join refer to is forgotten
ALTER TABLE channel ADD COLUMN authors INTEGER NOT NULL DEFAULT 0;
CREATE INDEX channel_tag ON channel (tag);
CREATE INDEX channel_idle ON channel (id) WHERE joined = 0 AND authors = 0;

-- messages of others and what they cost
ALTER TABLE hour_sum ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hour_sum ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;
CREATE INDEX minute_age ON minute_sum (start);

-- messages: all that are known; content: octets of the content of those that came from others; time and id: where the
-- chain ends; own: something was published here
CREATE TABLE author (
  author INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  tag INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  content INTEGER NOT NULL,
  time BLOB NOT NULL,
  id BLOB NOT NULL,
  own INTEGER NOT NULL,
  PRIMARY KEY (author, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX author_weight ON author (tag, content) WHERE content >= ${HEAVY_BYTES};
CREATE INDEX author_own ON author (author) WHERE own = 1;

-- the idempotency key of the message, '' for none
ALTER TABLE own ADD COLUMN key TEXT NOT NULL DEFAULT '';
-- created: time of the message, ms; gone: it was removed
ALTER TABLE idempotency ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE idempotency ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;

ALTER TABLE carried ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
CREATE TABLE retention (
  channel INTEGER PRIMARY KEY REFERENCES channel ON DELETE CASCADE,
  age INTEGER, messages INTEGER, bytes INTEGER, pinned INTEGER
) STRICT;
`;

/** After the tables were filled: what was dropped here served to fill them. */
const INDEXES = `
DROP INDEX message_shown;
DROP INDEX message_page;
DROP INDEX message_author;
DROP INDEX message_own;
CREATE INDEX message_shown ON message (channel) WHERE ${IS_SHOWN}; -- with the row number: (channel, arrival)
CREATE INDEX message_page ON message (channel, time, id) WHERE ${IS_SHOWN};
CREATE INDEX message_held ON message (channel, author, time) WHERE content = ${CONTENT.held};
CREATE INDEX message_wanted ON message (arrival) WHERE content = ${CONTENT.wanted};
CREATE INDEX message_dropped ON message (arrival) WHERE content = ${CONTENT.dropped};
CREATE INDEX idempotency_age ON idempotency (created) WHERE gone = 1;

-- peers that messages came from
DELETE FROM public_key
WHERE NOT EXISTS (SELECT 1 FROM author WHERE author = public_key.id)
  AND NOT EXISTS (SELECT 1 FROM idempotency WHERE identity = public_key.id);
`;

/** Octets of a row's content and of its header, for the table alias `m`. */
export const CONTENT_OCTETS = '(octet_length(m.body) + octet_length(m.payload))';
export const HEADER_OCTETS = `(octet_length(m.bytes) + octet_length(m.signature) + ${ROW_BYTES})`;

const AUTHORS = `
INSERT INTO author
SELECT m.author, m.channel, m.tag, count(*), sum(iif(o.arrival IS NULL, ${CONTENT_OCTETS}, 0)),
  max(m.time), zeroblob(0), max(o.arrival IS NOT NULL)
FROM message m INDEXED BY message_author LEFT JOIN own o ON o.arrival = m.arrival
GROUP BY m.channel, m.author;

UPDATE author SET id = (
  SELECT max(m.id) FROM message m INDEXED BY message_author
  WHERE m.channel = author.channel AND m.author = author.author AND m.time = author.time);

UPDATE channel SET authors = a.count
FROM (SELECT channel, count(*) AS count FROM author GROUP BY channel) a WHERE a.channel = channel.id;

UPDATE own SET key = i.key
FROM idempotency i JOIN message m ON m.id = i.id WHERE m.arrival = own.arrival;

UPDATE idempotency SET gone = NOT EXISTS (
  SELECT 1 FROM message m JOIN own o ON o.arrival = m.arrival WHERE m.id = idempotency.id);
`;

interface End {
  readonly arrival: number;
  readonly time: Bytes;
  readonly id: Bytes;
}

/** Chains that were continued here end at the last own message, or at what came from elsewhere after it and is later. */
function endChains(db: Database): void {
  const chains = db
    .prepare<[], { channel: number; author: number }>('SELECT channel, author FROM author WHERE own = 1')
    .all();
  const members = db.prepare<[number, number], End & { own: number }>(
    `SELECT m.arrival, m.time, m.id, o.arrival IS NOT NULL AS own
     FROM message m INDEXED BY message_author LEFT JOIN own o ON o.arrival = m.arrival
     WHERE m.channel = ? AND m.author = ? ORDER BY m.arrival`,
  );
  const set = db.prepare<[Bytes, Bytes, number, number]>(
    'UPDATE author SET time = ?, id = ? WHERE channel = ? AND author = ?',
  );
  for (const { channel, author } of chains) {
    let end: End | undefined;
    for (const row of members.iterate(channel, author))
      if (!end || row.own || (compare(row.time, end.time) || compare(row.id, end.id)) > 0) end = row;
    if (end) set.run(end.time, end.id, channel, author);
  }
}

/** Rows of `hour_sum` looked at together. */
const PAGE = 1000;

/** What the messages of each hour and tag cost. */
function countBytes(db: Database): void {
  const hours = db.prepare<[number, number, number], { tag: number; start: number }>(
    'SELECT tag, start FROM hour_sum WHERE (tag, start) > (?, ?) ORDER BY tag, start LIMIT ?',
  );
  const use = db.prepare<[number, Bytes, Bytes], { messages: number; bytes: number; own: number }>(
    `SELECT count(*) - count(o.arrival) AS messages,
       ifnull(sum(iif(o.arrival IS NULL, ${HEADER_OCTETS} + ${CONTENT_OCTETS}, 0)), 0) AS bytes,
       ifnull(sum(iif(o.arrival IS NULL, 0, ${HEADER_OCTETS} + ${CONTENT_OCTETS})), 0) AS own
     FROM message m INDEXED BY message_order LEFT JOIN own o ON o.arrival = m.arrival
     WHERE m.tag = ? AND m.time >= ? AND m.time < ?`,
  );
  const setHour = db.prepare<[number, number, number, number]>(
    'UPDATE hour_sum SET messages = ?, cost = ? WHERE tag = ? AND start = ?',
  );
  const addTag = db.prepare<[number, number, number, number]>(
    'UPDATE tag SET messages = messages + ?, cost = cost + ?, own_cost = own_cost + ? WHERE id = ?',
  );
  let last = { tag: 0, start: -1 };
  for (let more = true; more; ) {
    const page = hours.all(last.tag, last.start, PAGE);
    for (const { tag, start } of page) {
      const found = use.get(tag, timeBound(start), timeBound(start + HOUR_MINUTES));
      if (found === undefined) continue;
      setHour.run(found.messages, found.bytes, tag, start);
      addTag.run(found.messages, found.bytes, found.own, tag);
    }
    last = page.at(-1) ?? last;
    more = page.length === PAGE;
  }
}

/** @param wallMs requests of before count as made now: then none is forgotten too early */
export function migrateTo2(db: Database, wallMs: number): void {
  db.exec(TABLES);
  db.exec(AUTHORS);
  db.prepare('UPDATE idempotency SET created = ?').run(wallMs);
  endChains(db);
  countBytes(db);
  db.exec(INDEXES);
}
