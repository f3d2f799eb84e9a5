/**
 * Step 1 of the schema: messages, sums and peers. It was released and is never changed; `migrations.ts` tells the rules
 * and `schema-2.ts` what has become of it.
 *
 * Choices, with what was measured or rejected:
 * - Ids are BLOBs in ordinary rowid tables: WITHOUT ROWID doubled the cost of inserts with random 32-byte keys. The small
 *   tables with integer keys (sums, idempotency) do use it.
 * - Times are 8 big-endian bytes: they exceed 2^53 and better-sqlite3 would round them; bytes sort like the times.
 * - Channels, tags and public keys are interned as integers, which keeps the indexes of `message` small.
 * - Tag and channel are two columns: a tag is 64 bits of a hash and two names with one tag can be made on purpose.
 *   Catch-up speaks of tags, display of names.
 * - Clients are shown one kind of message, so `message_shown` and `message_page` hold no others: a flood of other kinds
 *   costs a reader nothing. Catch-up (`message_order`) is about all kinds.
 * - No foreign keys from `message` to the interned tables: the checks cost time.
 */

/** "mesh" in ASCII: tells our files from those of other programs. */
export const APPLICATION_ID = 0x6d657368;

export const SCHEMA_1 = `
PRAGMA application_id = ${APPLICATION_ID};

-- network, minute_floor (minute sums are complete from here on), record_sequence
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

-- authors, identities and peers: 32 bytes
CREATE TABLE public_key (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL UNIQUE) STRICT;

-- count and sum over all messages of the tag
CREATE TABLE tag (
  id INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL UNIQUE,
  count INTEGER NOT NULL DEFAULT 0,
  sum BLOB NOT NULL DEFAULT (zeroblob(32))
) STRICT;

CREATE TABLE channel (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  tag INTEGER NOT NULL REFERENCES tag,
  joined INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX channel_joined ON channel (id) WHERE joined = 1;

CREATE TABLE message (
  arrival INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE,
  tag INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  author INTEGER NOT NULL,
  time BLOB NOT NULL,
  expires INTEGER NOT NULL,
  source INTEGER,                 -- public key of the peer it came from, NULL for own messages
  bytes BLOB NOT NULL,            -- signed bytes: the id is their hash, and they hold the hash of body and payload
  signature BLOB NOT NULL,
  signature_crc INTEGER NOT NULL, -- the id does not cover the signature
  body TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;
CREATE INDEX message_order ON message (tag, time, id);
CREATE INDEX message_shown ON message (channel) WHERE kind = 1; -- with the row number: (channel, arrival)
CREATE INDEX message_page ON message (channel, time, id) WHERE kind = 1;
CREATE INDEX message_author ON message (channel, author, time);
CREATE INDEX message_own ON message (channel, author) WHERE source IS NULL;
CREATE INDEX message_expires ON message (expires) WHERE expires > 0;

-- own messages; state is 0 queued, 1 relayed, 2 stored; stored_by holds 32 bytes for each peer
CREATE TABLE own (
  arrival INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,
  state INTEGER NOT NULL,
  stored_by BLOB NOT NULL
) STRICT;
CREATE INDEX own_waiting ON own (arrival) WHERE state < 2;

-- outlives the message: a request that is repeated after its message expired must not publish again
CREATE TABLE idempotency (
  identity INTEGER NOT NULL,
  key TEXT NOT NULL,
  id BLOB NOT NULL,
  fingerprint BLOB NOT NULL,
  PRIMARY KEY (identity, key)
) STRICT, WITHOUT ROWID;

-- sums over the messages of a tag; start is a minute since 1970
CREATE TABLE hour_sum (
  tag INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, sum BLOB NOT NULL,
  PRIMARY KEY (tag, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE minute_sum (
  tag INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, sum BLOB NOT NULL,
  PRIMARY KEY (tag, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE carried (tag BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT;
CREATE TABLE mailbox (peer BLOB PRIMARY KEY, tags BLOB NOT NULL, until INTEGER NOT NULL) STRICT;
CREATE TABLE address (url TEXT PRIMARY KEY, peer BLOB NOT NULL, proven INTEGER NOT NULL) STRICT;
CREATE INDEX address_age ON address (proven DESC, url);

INSERT INTO meta VALUES ('minute_floor', 0), ('record_sequence', 0);
`;
