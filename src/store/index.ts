/** Public names of the store. The simulator imports `memory.ts` directly: it must not load SQLite. */
export type { ContactRow, InboxRow, InboxStore, NewInboxRow, WakeRow } from './inbox-store.ts';
export { createMemoryStore, type MemoryStore } from './memory.ts';
export { findKept, type Recovered } from './recovery.ts';
export type { DamagedChannel, ScrubPage, ScrubState, ScrubStore } from './scrub-store.ts';
export { openStore, type SqliteStore, type StoreOptions } from './sqlite.ts';
export type { Migrated } from './sqlite-copy.ts';
export type { ChannelRow, IdRange, KnownMessage, Statement, Store, StoredMessage } from './store.ts';
