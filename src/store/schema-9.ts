/**
 * A step of the schema: the hour since 1970 since which leaves of ours keep a channel, and own messages for which one more
 * keeper is to be found (`alone`).
 */
export const SCHEMA_9 = `
CREATE TABLE leaf_floor (tag BLOB PRIMARY KEY, hour INTEGER NOT NULL) STRICT;

ALTER TABLE own ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;
CREATE INDEX own_alone ON own (arrival) WHERE alone = 1;
`;
