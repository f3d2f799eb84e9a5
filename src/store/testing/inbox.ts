/** The inbox store on a database in memory, with the schema of the real one. */
import Database from 'better-sqlite3';
import type { InboxStore } from '../inbox-store.ts';
import { migrate } from '../migrations.ts';
import { runFailure } from '../sqlite-file.ts';
import { createInboxStore } from '../sqlite-inbox.ts';

export function openInboxStore(): InboxStore {
  const db = new Database(':memory:');
  migrate(db, { wallMs: 0 });
  return createInboxStore(db, (work) => {
    try {
      return work();
    } catch (error) {
      throw runFailure(error);
    }
  });
}
