import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, expect, it } from 'vitest';
import { openStore } from './sqlite.ts';
import { findCopies } from './sqlite-copy.ts';
import { openFile } from './sqlite-file.ts';
import { cleanUp, failure, held, newFolder, other, stores } from './testing/damage.ts';
import { writeOldDatabase } from './testing/legacy-schemas.ts';
import { joined, NETWORK, received, sha256, signedMessage } from './testing/messages.ts';
import { MARK } from './testing/removals.ts';

afterEach(cleanUp);

/** The schema that zeroed nothing. */
const BEFORE = 9;
const KEPT = signedMessage(other, { body: 'kept' });

/** @returns a closed database of before, with free pages that still hold what was removed */
function dirtyFile(): string {
  const file = path.join(newFolder(), 'store.db');
  const gone = Array.from({ length: 100 }, (_, nonce) =>
    signedMessage(other, { nonce, body: MARK.repeat(nonce % 2 === 0 ? 8500 : 100) }),
  );
  writeOldDatabase(file, BEFORE, [joined('dev'), received(KEPT), ...gone.map(received)]);
  const db = new Database(file);
  db.exec("DELETE FROM message WHERE body LIKE 'R%'");
  expect(db.pragma('freelist_count', { simple: true })).toBeGreaterThan(700);
  db.close();
  expect(fs.readFileSync(file).includes(MARK)).toBe(true);
  return file;
}

it('leaves nothing of what an earlier version removed in pages that are free', () => {
  const file = dirtyFile();
  const store = openStore({ path: file, network: NETWORK, sha256 });
  stores.push(store);
  expect([...held(store).keys()]).toEqual([KEPT.message.idText]);
  store.close();
  const db = new Database(file, { readonly: true });
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  db.close();
  const bytes = fs.readFileSync(file);
  for (let at = 0; at < bytes.length; at += 4096)
    if (bytes[at] === 0) expect(bytes.subarray(at, at + 4096).includes(MARK)).toBe(false);
  const [copy = ''] = findCopies(file);
  expect(fs.readFileSync(copy).includes(MARK)).toBe(true);
});

it('asks for the room that the zeros take in the log', () => {
  const file = dirtyFile();
  const size = fs.statSync(file).size;
  const open = () => openFile({ path: file, network: NETWORK, migration: { freeBytes: 2 * size } });
  expect(open).toThrow(failure('store_failed', 'no room'));
  expect(findCopies(file)).toEqual([]);
});
