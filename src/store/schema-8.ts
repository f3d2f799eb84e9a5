/**
 * Step 8 of the schema: which messages are records of feeds, and edits and deletes by arrival number. It rewrites no message
 * but those records.
 *
 * Choices:
 * - A column and an index over the rows that have it, and no table of what survives: it goes with its message, also where
 *   a damaged database is read, and costs other messages nothing.
 * - In feeds nothing is edited or deleted: what was taken for an edit or a delete there is one no more, and what was deleted is
 *   wanted again.
 */
import { AMENDS } from '../core/message/amend.ts';
import { CONTENT } from './schema-4.ts';

export const SCHEMA_8 = `
ALTER TABLE message ADD COLUMN feed INTEGER NOT NULL DEFAULT 0;

UPDATE message SET feed = 1
WHERE tag IN (SELECT tag FROM channel WHERE name LIKE '@%') AND channel IN (SELECT id FROM channel WHERE name LIKE '@%');

CREATE INDEX message_feed ON message (channel, kind) WHERE feed = 1;

DELETE FROM amendment WHERE channel IN (SELECT id FROM channel WHERE name LIKE '@%');
UPDATE message SET amends = ${AMENDS.nothing} WHERE feed = 1 AND amends <> ${AMENDS.nothing};
UPDATE message SET content = ${CONTENT.wanted} WHERE feed = 1 AND content = ${CONTENT.deleted};

CREATE INDEX message_amending ON message (channel) WHERE amends <> ${AMENDS.nothing}; -- with the row number: (channel, arrival)

-- What is superseded goes when the store is opened: sums and costs change with it.
INSERT INTO meta SELECT 'feeds_due', 1 FROM message WHERE feed = 1 LIMIT 1;
`;
