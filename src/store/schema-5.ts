/**
 * Step 5 of the schema: which message of an author follows which, and what proves that an author has told two stories.
 *
 * Choices:
 * - What follows a message stands in a small table of its own: to write it into `message` would rewrite rows with their
 *   content. Both tables of chains go by arrival numbers, which are never used twice.
 * - `chain_gap` has one row for each (prev, channel, author): thousands of messages that name the same missing one cost no
 *   more than the first.
 * - Chains of what was stored before this step are not looked at: that would read every row.
 */
export const SCHEMA_5 = `
-- the message that came first of those that name this one as the one before
CREATE TABLE chain_next (arrival INTEGER PRIMARY KEY, next INTEGER NOT NULL) STRICT;

-- messages that name one before that is not known here
CREATE TABLE chain_gap (
  arrival INTEGER PRIMARY KEY,
  prev BLOB NOT NULL,
  channel INTEGER NOT NULL,
  author INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX chain_gap_prev ON chain_gap (prev, channel, author);

-- two messages that name the same one before: signed bytes and signatures, kept when the messages are gone
CREATE TABLE equivocation (
  channel INTEGER NOT NULL,
  author INTEGER NOT NULL,
  first_bytes BLOB NOT NULL,
  first_signature BLOB NOT NULL,
  second_bytes BLOB NOT NULL,
  second_signature BLOB NOT NULL,
  PRIMARY KEY (channel, author)
) STRICT, WITHOUT ROWID;
`;
