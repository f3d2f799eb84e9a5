import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { HOUR } from '../core/limits.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import type { PersistOp, QueryAnswer } from '../core/persistence.ts';
import { FIRST, INFINITY, startOfMinute } from '../core/sync/negentropy/bounds.ts';
import { SCHEMA_VERSION } from './migrations.ts';
import { openStore } from './sqlite.ts';
import { COPIES_MAX, findCopies, type Migrated } from './sqlite-copy.ts';
import { type FileOptions, type MigrationPoint, openFile } from './sqlite-file.ts';
import type { Store } from './store.ts';
import {
  carried,
  createAuthor,
  joined,
  NETWORK,
  published,
  received,
  sha256,
  signedMessage,
  tagOf,
  WALL_MS,
} from './testing/messages.ts';
import { PROCESS_FILE } from './testing/process.ts';
import { reveal, useOf } from './testing/random.ts';
import { writeSchema1 } from './testing/schema-1.ts';

const [ann, bob, cem] = [createAuthor(1), createAuthor(2), createAuthor(3)];
const folders: string[] = [];
const stores: { close(): void }[] = [];

afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

function newPath(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-migrate-'));
  folders.push(folder);
  return path.join(folder, 'store.db');
}

function open(file: string, onMigrated?: (migrated: Migrated) => void): Store {
  const store = openStore({ path: file, network: NETWORK, sha256, ...(onMigrated && { onMigrated }) });
  stores.push(store);
  return store;
}

/** With the fault points that only tests have. */
function openWith(file: string, migration: FileOptions['migration']): void {
  stores.push(openFile({ path: file, network: NETWORK, ...(migration && { migration }) }));
}

function at(minutes: number, author = ann, draft: object = {}) {
  return signedMessage(author, { time: { timeMs: WALL_MS + minutes * 60_000 }, ...draft });
}

const refs = (relation: number, ...targets: readonly VerifiedMessage[]) =>
  targets.map(({ message: { id } }) => ({ relation, id }));

/** Deletes and edits of every author, before and after what they name, and one that does not count. */
const AMENDING: readonly PersistOp[] = (() => {
  const [early, late, own, kept] = [at(11, bob), at(12, bob), at(13), at(14, cem)];
  return [
    received(at(20, bob, { body: '', refs: refs(4, early, late, kept), kind: 9 })),
    ...[late, kept].map(received),
    received(early),
    published(own, 'regretted'),
    published(at(21, ann, { body: '', refs: refs(4, own) })),
    received(at(22, cem, { body: 'better', refs: refs(3, kept) })),
    received(at(23, cem, { body: 'with text', refs: refs(4, kept) })),
  ];
})();

/** Others and own ones, chains whose clock was set back, and what stays without a message. */
const OPS: readonly PersistOp[] = (() => {
  const own = [at(-90), at(90), at(-5, ann, { body: 'ünï', payload: new Uint8Array(9) })];
  const ids = own.slice(0, 2).map(({ message }) => message.idText);
  return [
    joined('dev'),
    joined('empty'),
    carried('carried', WALL_MS, 0),
    received(at(-200, ann)),
    published(own[0] as (typeof own)[0], 'first'),
    published(own[1] as (typeof own)[0], 'second'),
    published(own[2] as (typeof own)[0]),
    { kind: 'delivery', ids, state: 'stored', by: '' },
    ...[at(-4), at(-3), at(-100)].map(received),
    ...Array.from({ length: 30 }, (_, i) => received(at(i * 7 - 150, bob, { body: 'b'.repeat(i * 30) }))),
    ...[at(5, cem), at(5, cem, { nonce: 1 }), at(5, cem, { nonce: 2, kind: 9 })].map(received),
    published(at(1, cem, { channel: 'ops', expiresMs: WALL_MS + HOUR }), 'key'),
    received(at(2, bob, { channel: 'ops' })),
    ...AMENDING,
  ];
})();

function legacyFile(): string {
  const file = newPath();
  writeSchema1(file, OPS).close();
  return file;
}

const IDS = OPS.flatMap((op) => ('message' in op ? [op.message.message] : []));

/** All that a store can be asked about {@link OPS}. */
function everything(store: Store): unknown {
  const names = ['dev', 'ops', 'empty'];
  return reveal({
    state: store.restore(),
    channels: store.channels(),
    use: useOf(store),
    outbox: store.read({ kind: 'outbox', afterArrival: 0, limit: 99 }),
    messages: IDS.map(({ idText }) => store.readMessage(idText)),
    tombstones: store.read({ kind: 'tombstones', ids: IDS.map(({ id }) => id) }),
    holdings: store.read({ kind: 'has', ids: IDS.map(({ id }) => id) }),
    arrivals: store.readArrivals({ after: 0, limit: 99, wallMs: 0 }),
    pages: names.map((channel) => store.readPage({ channel, limit: 99, wallMs: 0 })),
    hours: names.map((name) => store.read({ kind: 'hours', tag: tagOf(name), fromHour: 0, limit: 99 })),
    sums: names.map((name) =>
      store.read({
        kind: 'split',
        tag: tagOf(name),
        ranges: [FIRST, startOfMinute(WALL_MS / 60_000 - 60)].map((from) => ({
          from,
          until: INFINITY,
          size: 1,
        })),
      }),
    ),
    heads: names.map((channel) =>
      [ann, bob, cem].map(({ id }) =>
        store.read({ kind: 'head', identity: id, channel, horizonMs: WALL_MS }),
      ),
    ),
    keys: ['first', 'second', 'key'].map((key) =>
      [ann, cem].map(({ id }) => store.read({ kind: 'idempotency', identity: id, key })),
    ),
  });
}

/** What a new store knows after {@link OPS}. */
function expected(): unknown {
  const store = open(newPath());
  store.transact([OPS]);
  return everything(store);
}

function assertSound(file: string): void {
  const db = new Database(file, { readonly: true });
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(db.pragma('foreign_key_check')).toEqual([]);
  db.close();
}

function versionOf(file: string): number {
  const db = new Database(file, { readonly: true });
  const version = db.pragma('user_version', { simple: true }) as number;
  db.close();
  return version;
}

describe('a database of schema 1', () => {
  it('knows after the migration what a new store knows', () => {
    const file = legacyFile();
    const store = open(file);
    expect(everything(store)).toEqual(expected());
    store.close();
    assertSound(file);
  });

  it('counts on from there as a new store does', () => {
    const [store, twin] = [open(legacyFile()), open(newPath())];
    twin.transact([OPS]);
    const drop: PersistOp = { kind: 'drop', tag: tagOf('dev'), keepBytes: 3000, freeBytes: 9e9 };
    const after = { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(0) };
    const hour = WALL_MS / HOUR;
    const prune = { kind: 'prune' as const, tag: tagOf('dev'), ownBeforeHour: hour, floorHour: hour, after };
    const more: PersistOp[][] = [
      [drop],
      [{ ...prune, beforeHour: hour }],
      [{ kind: 'expire', wallMs: WALL_MS + HOUR }],
      [received(at(-7, bob)), published(at(-6), 'first')],
      [{ ...prune, beforeHour: hour + 9, ownBeforeHour: hour + 9 }],
    ];
    for (const ops of more) {
      expect(store.transact([ops])).toEqual(twin.transact([ops]));
      expect(everything(store)).toEqual(everything(twin));
    }
  });

  it('is copied before it is changed, and the copy can be put back', () => {
    const file = legacyFile();
    const before = fs.readFileSync(file);
    const notes: Migrated[] = [];
    open(file, (migrated) => notes.push(migrated)).close();
    const [copy = ''] = findCopies(file);
    expect(notes).toMatchObject([{ from: 1, to: SCHEMA_VERSION, copy }]);
    expect(notes[0]?.goBack).toContain(`rename ${copy} to ${file}`);
    expect(path.basename(copy)).toMatch(/^store\.db\.schema1-\d{8}T\d{6}Z\.bak$/);
    expect(fs.statSync(copy).mode & 0o777).toBe(0o600);
    expect(fs.readFileSync(copy)).toEqual(before);
    expect(versionOf(file)).toBe(SCHEMA_VERSION);
    fs.rmSync(file);
    fs.renameSync(copy, file);
    expect(versionOf(file)).toBe(1);
    expect(everything(open(file))).toEqual(expected());
  });

  it('is copied with what stands in its log only', () => {
    const [source, file] = [newPath(), newPath()];
    const writer = writeSchema1(source, OPS);
    for (const end of ['', '-wal']) fs.copyFileSync(source + end, file + end);
    writer.close();
    expect(fs.statSync(file).size).toBeLessThan(fs.statSync(`${file}-wal`).size);
    expect(everything(open(file))).toEqual(expected());
    const [copy = ''] = findCopies(file);
    expect(versionOf(copy)).toBe(1);
    const db = new Database(copy, { readonly: true });
    expect(db.prepare('SELECT count(*) FROM message').pluck().get()).toBe(IDS.length);
    db.close();
  });

  it('is copied once: neither a new file nor the next start makes a copy', () => {
    const [fresh, file] = [newPath(), legacyFile()];
    const notes: Migrated[] = [];
    open(fresh, (migrated) => notes.push(migrated));
    for (let i = 0; i < 2; i++) open(file, (migrated) => notes.push(migrated)).close();
    expect(notes).toHaveLength(1);
    expect([findCopies(fresh).length, findCopies(file).length]).toEqual([0, 1]);
  });

  it(`is copied again after a failed step, and the ${COPIES_MAX} newest copies are kept, whatever the clock says`, () => {
    const file = legacyFile();
    const fail = (wallMs: number) =>
      openWith(file, {
        wallMs,
        at: (point) => {
          if (point === 'step-done') throw new Error('the power went');
        },
      });
    const days = [0, 365, 366, 1].map((day) => WALL_MS + day * 24 * HOUR);
    for (const wallMs of days) expect(() => fail(wallMs)).toThrow('the power went');
    const names = findCopies(file).map((name) => path.basename(name));
    expect(names).toEqual(['store.db.schema1-20251015T000000Z.bak', 'store.db.schema1-20261015T000000Z.bak']);
    expect(versionOf(file)).toBe(1);
    expect(everything(open(file))).toEqual(expected());
  });

  it('is left as it is if there is no room for the copy', () => {
    const file = legacyFile();
    const before = [fs.readdirSync(path.dirname(file)).length, fs.readFileSync(file)];
    const open1 = () => openWith(file, { freeBytes: before[1] instanceof Buffer ? before[1].length : 0 });
    expect(open1).toThrow(expect.objectContaining({ code: 'store_failed' }));
    expect(open1).toThrow(/no room for the copy .* Nothing was changed\. Free disk space/);
    expect(fs.readFileSync(file)).toEqual(before[1]);
    expect(findCopies(file)).toEqual([]);
    expect(everything(open(file))).toEqual(expected());
  });

  it('is left as it is if the copy cannot be written', () => {
    const file = legacyFile();
    const at = (point: MigrationPoint) => {
      if (point === 'copy-written') throw Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' });
    };
    const before = fs.readFileSync(file);
    expect(() => openWith(file, { at })).toThrow(
      expect.objectContaining({ code: 'store_failed', detail: expect.stringContaining('ENOSPC') }),
    );
    expect(fs.readFileSync(file)).toEqual(before);
    expect(fs.readdirSync(path.dirname(file)).filter((name) => name.includes('.bak'))).toEqual([]);
  });

  it.each<[MigrationPoint, number, number]>([
    ['before-copy', 1, 0],
    ['copy-written', 1, 0],
    ['copied', 1, 1],
    ['step-done', 1, 1],
    ['migrated', SCHEMA_VERSION, 1],
  ])('has everything after a kill at the moment "%s"', async (point, version, copies) => {
    const file = legacyFile();
    const child = spawn(process.execPath, [PROCESS_FILE, file, 'migrate', point], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const parts = fs.readdirSync(path.dirname(file)).filter((name) => name.endsWith('.part'));
    expect(parts).toHaveLength(point === 'copy-written' ? 1 : 0);
    expect(findCopies(file)).toHaveLength(copies);
    for (const copy of findCopies(file)) assertSound(copy);
    const notes: Migrated[] = [];
    const store = open(file, (migrated) => notes.push(migrated));
    expect(notes).toHaveLength(version === SCHEMA_VERSION ? 0 : 1);
    expect(everything(store)).toEqual(expected());
    store.close();
    assertSound(file);
    expect(fs.readdirSync(path.dirname(file)).filter((name) => name.endsWith('.part'))).toEqual([]);
    const answer = open(file).read({ kind: 'usage' }) as Extract<QueryAnswer, { kind: 'usage' }>;
    expect(answer.freeBytes).toBeGreaterThan(0);
  });
});
