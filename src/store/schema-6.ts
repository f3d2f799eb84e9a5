/**
 * Step 6 of the schema: messages whose stored bytes were found damaged and that are to be fetched again.
 *
 * Such a row is `wanted` like one whose content was put off; what tells it apart is its line here, which goes with the row:
 * when the message has come again it has a new one, and retention removes both.
 */
export const SCHEMA_6 = `
-- found: when, ms
CREATE TABLE damaged (
  arrival INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,
  found INTEGER NOT NULL
) STRICT;
`;
