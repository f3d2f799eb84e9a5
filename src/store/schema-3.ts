/**
 * Step 3 of the schema: who may wake the agent of an identity, where, and the inbox that its client takes from.
 *
 * Choices:
 * - Identities, authors and messages are stored whole, not interned: these tables are small, and what retention forgets
 *   of messages and names must not reach into them.
 * - The inbox is the ledger of turns as well: the indexes `inbox_contact` and `inbox_channel` count them by time. A row
 *   therefore outlives its message.
 * - `state` and `reason` are the words of the API: nobody sums over them, and a row can be read by eye.
 */
export const SCHEMA_3 = `
-- tier is a word, so that others can follow; name is '' for none
CREATE TABLE contact (
  identity BLOB NOT NULL,
  other BLOB NOT NULL,
  tier TEXT NOT NULL,
  name TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (identity, other)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX contact_name ON contact (identity, name) WHERE name <> '';

-- after, since: arrival number and time, ms, from which on the channel wakes; names: JSON list
CREATE TABLE wake (
  identity BLOB NOT NULL,
  channel TEXT NOT NULL,
  mode TEXT NOT NULL,
  names TEXT NOT NULL,
  after INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (identity, channel)
) STRICT, WITHOUT ROWID;

-- arrival number up to which messages were looked at
CREATE TABLE inbox_cursor (identity BLOB PRIMARY KEY, arrival INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- at: when it was decided, ms; turns: what it counts in the budget, at the time turn_at: that of the decision, later
-- that of the hand-over; retried: handed over once more under another id; answered_key: idempotency key of a part of the
-- answer to another message that answers this one too, '' for none
CREATE TABLE inbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  identity BLOB NOT NULL,
  message BLOB NOT NULL,
  channel TEXT NOT NULL,
  author BLOB NOT NULL,
  at INTEGER NOT NULL,
  why TEXT NOT NULL,
  hops INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  retried INTEGER NOT NULL DEFAULT 0,
  turns INTEGER NOT NULL,
  turn_at INTEGER NOT NULL,
  answers INTEGER NOT NULL DEFAULT 0,
  answered_key TEXT NOT NULL DEFAULT '',
  UNIQUE (identity, message)
) STRICT;
CREATE INDEX inbox_open ON inbox (identity, number) WHERE state IN ('waiting', 'handed');
CREATE INDEX inbox_page ON inbox (identity, number);
CREATE INDEX inbox_contact ON inbox (identity, author, turn_at) WHERE turns > 0;
CREATE INDEX inbox_channel ON inbox (identity, channel, turn_at) WHERE turns > 0;
CREATE INDEX inbox_age ON inbox (at);
`;
