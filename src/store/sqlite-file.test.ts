import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MeshError } from '../core/errors.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import { IDEMPOTENCY_MS, type PersistOp, PRUNE_STEP } from '../core/persistence.ts';
import { APPLICATION_ID, MIGRATIONS, migrate, SCHEMA_VERSION, schemaVersion } from './migrations.ts';
import { createSqliteStore, openStore } from './sqlite.ts';
import { openFile } from './sqlite-file.ts';
import {
  createAuthor,
  joined,
  left,
  NETWORK,
  pruned,
  published,
  received,
  retained,
  sha256,
  signedMessage,
  WALL_MS,
} from './testing/messages.ts';

const ann = createAuthor(1);
const folders: string[] = [];
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-file-'));
  folders.push(folder);
  return folder;
}

function open(file: string, options: { network?: string; onWarning?: (text: string) => void } = {}) {
  const store = openStore({ path: file, network: NETWORK, sha256, ...options });
  closers.push(() => store.close());
  return store;
}

function failure(code: string, detail = '') {
  return expect.objectContaining({ code, detail: expect.stringContaining(detail) });
}

/** Changes a closed database behind the store's back. */
function edit(file: string, change: (db: Database.Database) => void): void {
  const db = new Database(file);
  change(db);
  db.close();
}

/** A closed store with these messages. */
function storeWith(messages: readonly VerifiedMessage[]): string {
  const file = path.join(newFolder(), 'store.db');
  const store = open(file);
  store.transact([[joined('dev')], messages.map((message) => received(message))]);
  store.close();
  return file;
}

describe('a new store', () => {
  it('makes its folder and files for this user only, and leaves modes that it finds', () => {
    const file = path.join(newFolder(), 'deep', 'er', 'store.db');
    const mode = (name: string): string => (fs.statSync(name).mode & 0o777).toString(8);
    const store = open(file);
    store.transact([[joined('dev')]]);
    expect(mode(path.dirname(file))).toBe('700');
    expect(mode(path.dirname(path.dirname(file)))).toBe('700');
    const files = fs.readdirSync(path.dirname(file)).sort();
    expect(files).toEqual(['store.db', 'store.db-shm', 'store.db-wal', 'store.db.lock']);
    for (const name of files) expect(mode(path.join(path.dirname(file), name)), name).toBe('600');
    store.close();
    fs.chmodSync(file, 0o640);
    open(file);
    expect(mode(file)).toBe('640');
  });

  it('writes through to the disk on every commit', () => {
    const { db, close } = openFile({ path: path.join(newFolder(), 'store.db'), network: NETWORK });
    closers.push(close);
    const pragma = (name: string) => db.pragma(name, { simple: true });
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', 2, 1]);
    expect([pragma('user_version'), pragma('application_id')]).toEqual([SCHEMA_VERSION, APPLICATION_ID]);
  });
});

describe('opening what cannot be used', () => {
  it('refuses a newer schema and changes no byte, not even out of the write-ahead log', () => {
    const source = storeWith([signedMessage(ann)]);
    const writer = new Database(source);
    writer.pragma('wal_autocheckpoint = 0');
    writer.pragma('journal_mode = WAL');
    writer.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    // A copy taken while the writer is open is what a killed writer leaves: the new version stands in the log only.
    const folder = newFolder();
    const file = path.join(folder, 'store.db');
    for (const end of ['', '-wal']) fs.copyFileSync(source + end, file + end);
    writer.close();
    const names = () => fs.readdirSync(folder).sort();
    const read = () => ['', '-wal'].map((end) => fs.readFileSync(file + end));
    const before = read();
    expect(before[1]?.length).toBeGreaterThan(0);
    const detail = `schema ${SCHEMA_VERSION + 1}`;
    expect(() => open(file)).toThrow(failure('store_newer', detail));
    expect(() => open(file)).toThrow(failure('store_newer', detail));
    expect(read()).toEqual(before);
    expect(names()).toEqual(['store.db', 'store.db-wal', 'store.db.lock']);
  });

  it.each(['newer', 'other network', 'other program'])('leaves no file beside what it refuses: %s', (why) => {
    const file = storeWith([signedMessage(ann)]);
    const change = why === 'newer' ? `user_version = ${SCHEMA_VERSION + 1}` : 'application_id = 7';
    if (why !== 'other network') edit(file, (db) => db.pragma(change));
    const files = () =>
      fs.readdirSync(path.dirname(file)).map((name) => fs.readFileSync(path.join(file, '..', name)));
    const before = files();
    expect(before).toHaveLength(2);
    expect(() => open(file, why === 'other network' ? { network: 'other' } : {})).toThrow(MeshError);
    expect(files()).toEqual(before);
  });

  it('refuses the database of another network and says which', () => {
    const file = storeWith([]);
    const before = fs.readFileSync(file);
    expect(() => open(file, { network: 'other' })).toThrow(failure('bad_option', `"${NETWORK}"`));
    expect(fs.readFileSync(file)).toEqual(before);
    expect(open(file).restore().joined).toMatchObject([{ channel: 'dev' }]);
  });

  it.each([
    ['text', (file: string) => fs.writeFileSync(file, 'this is no database at all\n'.repeat(300))],
    ['zeros', (file: string) => fs.writeFileSync(file, new Uint8Array(8192))],
    ['a file that was cut short', (file: string) => fs.truncateSync(file, 8192)],
    [
      'a file whose first page was overwritten',
      (file: string) => {
        const handle = fs.openSync(file, 'r+');
        fs.writeSync(handle, Buffer.alloc(3000, 0xa5), 0, 3000, 100);
        fs.closeSync(handle);
      },
    ],
    [
      'a database of another program',
      (file: string) => {
        fs.rmSync(file);
        edit(file, (db) => db.exec('CREATE TABLE things (x)'));
      },
    ],
    ['a store without its tables', (file: string) => edit(file, (db) => db.exec('DROP TABLE hour_sum'))],
  ])('calls %s damaged', (_, damage) => {
    const file = storeWith([signedMessage(ann)]);
    damage(file);
    expect(() => open(file)).toThrow(failure('store_damaged', file));
    expect(() => open(file)).toThrow(failure('store_damaged', file));
  });

  it('takes an empty file for a new store', () => {
    const file = path.join(newFolder(), 'store.db');
    fs.writeFileSync(file, '');
    expect(open(file).lastArrival()).toBe(0);
  });

  it.each([
    ['a folder', (folder: string) => folder],
    ['below a file', (folder: string) => path.join(folder, 'file', 'store.db')],
    ['below a place where nothing can be made', () => '/proc/nowhere/store.db'],
  ])('says that the data folder cannot be used for a path that is %s', (_, pathIn) => {
    const folder = newFolder();
    fs.writeFileSync(path.join(folder, 'file'), '');
    expect(() => open(pathIn(folder))).toThrow(failure('data_folder'));
  });
});

describe('migrations', () => {
  it('run once each, and a failing one leaves the file as the last good one left it', () => {
    const db = new Database(':memory:');
    closers.push(() => db.close());
    const first = { title: 'one', run: 'CREATE TABLE a (x); INSERT INTO a VALUES (1);' };
    const broken = { title: 'two', run: 'INSERT INTO a VALUES (2); INSERT INTO missing VALUES (1);' };
    const insert = (to: Database.Database, wallMs: number) =>
      to.prepare('INSERT INTO a VALUES (?)').run(wallMs);
    expect(() => migrate(db, { wallMs: 3, migrations: [first, broken] })).toThrow(/missing/);
    expect(schemaVersion(db)).toBe(1);
    migrate(db, { wallMs: 3, migrations: [first, { title: 'two', run: insert }] });
    expect(db.prepare('SELECT x FROM a').pluck().all()).toEqual([1, 3]);
    expect(schemaVersion(db)).toBe(2);
  });

  it('are finished after a crash between the making of the file and the first of them', () => {
    const file = path.join(newFolder(), 'store.db');
    edit(file, (db) => db.pragma('journal_mode = WAL'));
    expect(fs.statSync(file).size).toBeGreaterThan(0);
    expect(open(file).lastArrival()).toBe(0);
    expect(MIGRATIONS).toHaveLength(SCHEMA_VERSION);
  });
});

describe('a first start that was killed', () => {
  it.each([0, 4096])(
    'while the file got its first page leaves %d bytes and a journal, which the next one rolls back',
    (bytes) => {
      const file = path.join(newFolder(), 'store.db');
      edit(file, (db) => db.pragma('application_id = 1'));
      edit(file, (db) => db.pragma('application_id = 0'));
      fs.truncateSync(file, bytes);
      // The header of a journal that was flushed: magic, no pages saved, a nonce, no pages before, sector, page size.
      const journal = Buffer.alloc(512);
      Buffer.from('d9d505f920a163d7', 'hex').copy(journal);
      journal.writeUInt32BE(0x1234, 12);
      journal.writeUInt32BE(512, 20);
      journal.writeUInt32BE(4096, 24);
      fs.writeFileSync(`${file}-journal`, journal);
      expect(open(file).lastArrival()).toBe(0);
      expect(fs.existsSync(`${file}-journal`)).toBe(false);
    },
  );
});

describe('a full disk', () => {
  it('fails the whole call and nothing else', () => {
    const { db, close } = openFile({ path: path.join(newFolder(), 'store.db'), network: NETWORK });
    const store = createSqliteStore(db, { network: NETWORK, sha256 }, close);
    closers.push(() => store.close());
    const big = (n: number) => signedMessage(createAuthor(n), { channel: `c${n}`, body: 'x'.repeat(30_000) });
    store.transact([[joined('dev'), published(big(1), 'k')]]);
    const before = [store.channels(), store.restore(), store.lastArrival()];
    const pages = db.pragma('page_count', { simple: true }) as number;
    db.pragma(`max_page_count = ${pages + 8}`);
    const effects = [[joined('later'), received(big(2))], [published(big(3), 'k3')]];
    expect(() => store.transact(effects)).toThrow(failure('store_failed', 'SQLITE_FULL'));
    expect([store.channels(), store.restore(), store.lastArrival()]).toEqual(before);
    expect(store.transact([[joined('small')]])).toEqual([[{ kind: 'done' }]]);
    db.pragma(`max_page_count = ${pages + 1000}`);
    expect(store.transact(effects)).toMatchObject([[{}, { arrival: 2 }], [{ arrival: 3 }]]);
    expect(store.restore().joined.map(({ channel }) => channel)).toEqual(['dev', 'later', 'small']);
    expect(store.readPage({ channel: 'c3', limit: 5, wallMs: WALL_MS })).toHaveLength(1);
  });
});

describe('the room that is left', () => {
  it('is that of the disk and of the free pages in the file', () => {
    const { db, close } = openFile({ path: path.join(newFolder(), 'store.db'), network: NETWORK });
    const store = createSqliteStore(db, { network: NETWORK, sha256 }, close);
    closers.push(() => store.close());
    const messages = Array.from({ length: 40 }, (_, nonce) =>
      signedMessage(ann, { nonce, body: 'x'.repeat(30_000) }),
    );
    store.transact([messages.map(received)]);
    const { bavail, bsize } = fs.statfsSync(path.dirname(db.name));
    const free = () => {
      const answer = store.read({ kind: 'usage' });
      return answer.kind === 'usage' ? answer.freeBytes : 0;
    };
    // Other processes write too: half of the disk is a safe border.
    expect(free()).toBeGreaterThan((bavail * bsize) / 2);
    vi.spyOn(fs, 'statfsSync').mockImplementation(() => ({ bavail: 3, bsize: 1000 }) as fs.StatsFs);
    const before = free();
    store.transact([[pruned('dev')]]);
    expect(before).toBeGreaterThanOrEqual(3000);
    expect(free() - before).toBeGreaterThan(40 * 30_000);
    vi.spyOn(fs, 'statfsSync').mockImplementation(() => {
      throw new Error('ENOSYS');
    });
    expect(free()).toBe(Number.MAX_SAFE_INTEGER);
    vi.restoreAllMocks();
  });
});

describe('what nothing refers to any more', () => {
  const rows = (db: Database.Database) =>
    [
      'public_key',
      'tag',
      'channel',
      'author',
      'message',
      'own',
      'idempotency',
      'hour_sum',
      'minute_sum',
      'retention',
    ].map((table) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  const expire = (wallMs: number): PersistOp => ({ kind: 'expire', wallMs });

  it('is gone from the file when the last message of a stranger is', () => {
    const { db, close } = openFile({ path: path.join(newFolder(), 'store.db'), network: NETWORK });
    const store = createSqliteStore(db, { network: NETWORK, sha256 }, close);
    closers.push(() => store.close());
    const empty = rows(db);
    const strangers = Array.from({ length: 20 }, (_, i) =>
      signedMessage(createAuthor(100 + i), { channel: `c${i % 3}`, time: { timeMs: WALL_MS + i } }),
    );
    store.transact([[joined('c0'), retained('c0', { bytes: 1 }), ...strangers.map(received)]]);
    store.transact([[pruned('c0', { floorHour: 7 }), pruned('c1'), left('c0')]]);
    // Keys at once, names with the next \`expire\`: c2 is left with its seven authors.
    expect(rows(db).slice(0, 4)).toEqual([6, 3, 3, 6]);
    store.transact([[expire(WALL_MS)]]);
    expect(rows(db).slice(0, 4)).toEqual([6, 1, 1, 6]);
    store.transact([[pruned('c2'), expire(WALL_MS)]]);
    expect(rows(db)).toEqual(empty);
  });

  it('is kept of an identity that publishes here: where its chains end', () => {
    const { db, close } = openFile({ path: path.join(newFolder(), 'store.db'), network: NETWORK });
    const store = createSqliteStore(db, { network: NETWORK, sha256 }, close);
    closers.push(() => store.close());
    const mortal = { expiresMs: WALL_MS };
    store.transact([[published(signedMessage(ann, mortal), 'key'), expire(WALL_MS)]]);
    expect(rows(db)).toEqual([1, 1, 1, 1, 0, 0, 1, 0, 0, 0]);
    store.transact([[expire(WALL_MS + IDEMPOTENCY_MS)]]);
    expect(rows(db)).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('goes some at a time, and minutes of long ago too', () => {
    const { db, close } = openFile({ path: path.join(newFolder(), 'store.db'), network: NETWORK });
    const store = createSqliteStore(db, { network: NETWORK, sha256 }, close);
    closers.push(() => store.close());
    const names = Array.from({ length: PRUNE_STEP + 2 }, (_, i) => `n${i}`);
    store.transact([names.flatMap((name) => [joined(name), left(name)])]);
    const add = db.prepare('INSERT INTO minute_sum VALUES (9, ?, 1, zeroblob(32))');
    for (let minute = 0; minute < 5000; minute++) add.run(minute);
    const left1 = () => [rows(db)[1], rows(db)[2], rows(db)[8]];
    store.transact([[expire(WALL_MS)]]);
    expect(left1()).toEqual([2, 2, 904]);
    store.transact([[expire(WALL_MS)]]);
    expect(left1()).toEqual([0, 0, 0]);
  });
});

describe('a damaged row', () => {
  const messages = Array.from({ length: 5 }, (_, i) =>
    signedMessage(ann, { body: `body ${i}`, payload: new Uint8Array([i]), time: { timeMs: WALL_MS + i } }),
  );

  it.each([
    ['signed bytes', "bytes = X'00'"],
    ['signed bytes of another message', 'bytes = (SELECT bytes FROM message WHERE arrival = 1)'],
    ['signature', 'signature = zeroblob(64)'],
    ['signature length', 'signature = zeroblob(0)'],
    ['body', "body = 'other'"],
    ['payload', 'payload = zeroblob(2)'],
    ['id', 'id = zeroblob(32)'],
  ])('with other %s is treated as not there and reported once per call', (_, change) => {
    const file = storeWith(messages);
    edit(file, (db) =>
      db.exec(
        `UPDATE message SET ${change} WHERE arrival IN (3, 4)`.replace(
          / IN \(3, 4\)$/,
          change.startsWith('id') ? ' = 3' : '$&',
        ),
      ),
    );
    const warnings: string[] = [];
    const store = open(file, { onWarning: (text) => warnings.push(text) });
    const bodies = (list: readonly { message: VerifiedMessage }[]) =>
      list.map(({ message }) => message.message.body);
    const good = messages.filter((_message, i) => i !== 2 && (i !== 3 || change.startsWith('id')));
    const all = good.map(({ message }) => message.body);
    expect(bodies(store.readPage({ channel: 'dev', limit: 3, wallMs: WALL_MS }))).toEqual(all.slice(-3));
    expect(warnings).toHaveLength(1);
    expect(bodies(store.readArrivals({ after: 0, limit: 9, wallMs: WALL_MS }))).toEqual(all);
    expect(warnings).toHaveLength(2);
    const answer = store.read({ kind: 'messages', ids: messages.map(({ message }) => message.id) });
    expect(answer.kind === 'messages' && answer.messages.filter((one) => one !== undefined)).toHaveLength(
      all.length,
    );
    expect(store.readMessage(messages[2]?.message.idText ?? '')).toBeUndefined();
    expect(warnings.at(-1)).toContain('damaged');
  });
});
