/** A step of the schema: how long the owner of a mailbox has been linked in all, ms, and the address group it asked from. */
export const SCHEMA_7 = `
ALTER TABLE mailbox ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN address_group TEXT NOT NULL DEFAULT '';
`;
