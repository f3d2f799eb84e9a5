/** A filled database, ways to damage it, and to open it as a start does; for tests of recoveries. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import type { Recovered, RecoverOptions } from '../recovery.ts';
import { openStore, type SqliteStore } from '../sqlite.ts';
import {
  carried,
  createAuthor,
  dropped,
  joined,
  NETWORK,
  nodeVerify,
  PEER,
  published,
  putOff,
  received,
  retained,
  sha256,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';

/** Numbers that look like chance and are the same each time. */
export function chance(seed: number): (below: number) => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return state % below;
  };
}

/** Closes stores and deletes folders; to be called after each test. */
export function cleanUp(): void {
  for (const store of stores.splice(0)) store.close();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
}

export const [me, other, third] = [createAuthor(1), createAuthor(2), createAuthor(3)];
export const NOW_MS = WALL_MS + 3_600_000;
export const OPTIONS = {
  verify: nodeVerify,
  identities: () => [me.publicKey],
  wallMs: NOW_MS,
} as const;
const folders: string[] = [];
export const stores: SqliteStore[] = [];

export function newFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-recovery-'));
  folders.push(folder);
  return folder;
}

/** 60 messages of others and 12 own ones: short, and long enough for pages of their own. */
export const MESSAGES: readonly VerifiedMessage[] = Array.from({ length: 72 }, (_, n) =>
  signedMessage(n % 6 === 5 ? me : n % 2 === 0 ? other : third, {
    channel: n % 3 === 0 ? 'ops' : 'dev',
    body: `${n} ${'x'.repeat(n % 7 === 0 ? 6000 : 40)}`,
    time: { timeMs: WALL_MS + n * 1000 },
  }),
);
export const OWN = MESSAGES.filter((_, n) => n % 6 === 5);
export const CONFIRMED = OWN.slice(0, 6).map(({ message }) => message.idText);
export const WANTED = signedMessage(other, { body: 'later' });
export const DROPPED = signedMessage(third, { channel: 'full', body: 'y'.repeat(5000) });

function fill(store: SqliteStore): void {
  store.transact([
    [
      ...[joined('dev'), joined('ops'), retained('ops', { ageMs: 5_000_000, pinned: true })],
      ...MESSAGES.map((message, n) => (n % 6 === 5 ? published(message, `key ${n}`) : received(message))),
      { kind: 'delivery', ids: CONFIRMED, state: 'stored', by: PEER, alone: true },
      ...[putOff(WANTED), received(DROPPED), dropped('full', 0), carried('carried', WALL_MS * 2, 7)],
      { kind: 'leaf-floor', tag: tagOf('dev'), hour: 9 },
      {
        kind: 'mailbox',
        peer: PEER,
        tags: [tagOf('dev'), tagOf('ops')],
        untilMs: WALL_MS * 2,
        linkedMs: 5,
        group: '10.1',
      },
      { kind: 'address', url: 'ws://peer.example:5000/', peer: PEER, provenMs: WALL_MS },
      { kind: 'record-sequence', sequence: 99 },
    ],
  ]);
  store.inbox.setContact(me.id, { other: other.id, tier: 'allowed', name: 'other', sinceMs: 5 });
  store.inbox.setWake(me.id, { channel: 'dev', mode: 'always', names: ['me'], after: 3, sinceMs: 4 });
}

/** A closed database, and one whose last commits stand in the log. */
export const MADE = (() => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-recovery-'));
  const file = path.join(folder, 'store.db');
  const store = openStore({ path: file, network: NETWORK, sha256 });
  fill(store);
  const log = fs.readFileSync(`${file}-wal`);
  const [head, bytes] = [fs.readFileSync(file), log];
  store.close();
  const closed = fs.readFileSync(file);
  fs.rmSync(folder, { recursive: true });
  return { closed, head, log: bytes };
})();
export const PAGE = 4096;
export const PAGES = MADE.closed.length / PAGE;

/** Lays files down. @returns the database */
export function lay(database: Buffer, log?: Buffer): string {
  const file = path.join(newFolder(), 'store.db');
  fs.writeFileSync(file, database, { mode: 0o600 });
  if (log) fs.writeFileSync(`${file}-wal`, log, { mode: 0o600 });
  return file;
}

export interface Opened {
  readonly store: SqliteStore;
  readonly done: Recovered | undefined;
}

export function open(file: string, more: Partial<RecoverOptions> = {}): Opened {
  let done: Recovered | undefined;
  const store = openStore({
    ...{ path: file, network: NETWORK, sha256, recovery: { ...OPTIONS, ...more } },
    onRecovered: (recovered) => {
      done = recovered;
    },
  });
  stores.push(store);
  return { store, done };
}

export const failure = (code: string, detail: string) =>
  expect.objectContaining({ code, detail: expect.stringContaining(detail) });

/** Everything that is held, by id. */
export function held(store: SqliteStore, channels = ['dev', 'ops', 'full']): Map<string, number> {
  const page = store.readArrivals({ after: 0, limit: 999, wallMs: NOW_MS, channels });
  return new Map(page.map(({ message, arrival }) => [message.message.idText, arrival]));
}

/** What a store says in order and in sums has to be the same. */
export function expectConsistent(file: string): void {
  const db = new Database(file, { readonly: true });
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  const tags = db.prepare('SELECT id, count FROM tag').all() as { id: number; count: number }[];
  for (const { id, count } of tags) {
    const rows = db.prepare('SELECT count(*) FROM message WHERE tag = ?').pluck().get(id);
    const hours = db.prepare('SELECT ifnull(sum(count), 0) FROM hour_sum WHERE tag = ?').pluck().get(id);
    expect([rows, hours]).toEqual([count, count]);
  }
  db.close();
}

export const SOUND = (() => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-recovery-')), 'store.db');
  fs.writeFileSync(file, MADE.closed);
  const store = openStore({ path: file, network: NETWORK, sha256 });
  const head = { kind: 'head', identity: me.id, channel: 'dev', horizonMs: NOW_MS } as const;
  const use = store.read({ kind: 'usage' });
  const about = {
    held: held(store),
    restored: store.restore(),
    channels: store.channels(),
    head: store.read(head),
    usage: use.kind === 'usage' && use.tags,
    last: store.lastArrival(),
  };
  store.close();
  fs.rmSync(path.dirname(file), { recursive: true });
  return { ...about, ask: head };
})();

/** Number of the page that a table or index begins with. */
export function rootOf(table: string): number {
  const file = lay(MADE.closed);
  const db = new Database(file, { readonly: true });
  const root = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table) as number;
  db.close();
  return root;
}
