import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../crypto/index.ts';
import { openStore } from './index.ts';
import {
  insertLegacy,
  legacyMessage,
  legacyMessages,
  makeLegacy,
  SHAPES,
  traceOf,
} from './legacy.fixture.ts';
import { discardOldCopies, examineLegacy, type LegacySource } from './legacy-file.ts';
import { LegacyReader } from './legacy-reader.ts';

let base: string;
/** where mesh/1 lived, and where copies may be made */
let old: string;
let data: string;
let file: string;

beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-legacy-'));
  [old, data] = [path.join(base, 'old'), path.join(base, 'data')];
  for (const folder of [old, data]) fs.mkdirSync(folder);
  file = path.join(old, 'mesh.db');
});
afterEach(() => fs.rmSync(base, { recursive: true }));

async function source(): Promise<LegacySource> {
  const examined = await examineLegacy(file, data);
  if (examined.kind !== 'legacy') throw new Error(JSON.stringify(examined));
  return examined.source;
}

function bodies(from: LegacySource): string[] {
  const reader = LegacyReader.open(from);
  try {
    return [...reader.runs({ channel: 'lobby' })].flat().map((row) => row.body);
  } finally {
    reader.close();
  }
}

const kind = async () => (await examineLegacy(file, data)).kind;

describe('a database of mesh/1', () => {
  it('is recognised and read, and nothing in it or beside it changes', async () => {
    makeLegacy(file);
    fs.chmodSync(file, 0o644);
    const before = traceOf(old);
    const found = await source();
    expect(found).toMatchObject({ file, readFile: file, copyFolder: undefined });
    expect(bodies(found)).toEqual(['message 2', 'message 1', 'message 0']);
    expect(traceOf(old)).toEqual(before);
    expect(fs.readdirSync(data)).toEqual([]);
  });

  it('can be read where nothing can be written', async () => {
    makeLegacy(file);
    fs.chmodSync(file, 0o400);
    fs.chmodSync(old, 0o500);
    expect(bodies(await source())).toHaveLength(3);
    fs.chmodSync(old, 0o700);
  });

  it('is read while its daemon writes, and neither waits for the other', async () => {
    makeLegacy(file);
    const writer = new Database(file, { timeout: 0 });
    writer.exec('BEGIN IMMEDIATE');
    insertLegacy(writer, [legacyMessage(9)]);
    const found = await source();
    expect(bodies(found)).toHaveLength(3);
    writer.exec('COMMIT'); // with no patience at all: no lock of ours is left
    expect(bodies(found)[0]).toBe('message 9');
    writer.close();
    expect(fs.readdirSync(old)).toEqual(['mesh.db']);
  });

  it('in WAL mode is read from a copy, with what only the WAL has', async () => {
    makeLegacy(file);
    const writer = new Database(file);
    writer.pragma('journal_mode = WAL');
    insertLegacy(writer, [legacyMessage(9)]);
    const before = traceOf(old);
    expect(fs.statSync(`${file}-wal`).size).toBeGreaterThan(0);
    const found = await source();
    expect(bodies(found)).toEqual(['message 9', 'message 2', 'message 1', 'message 0']);
    expect(traceOf(old)).toEqual(before);
    expect(found.readFile.startsWith(data)).toBe(true);
    expect(fs.statSync(found.readFile).mode & 0o777).toBe(0o600);
    writer.close(); // folds the WAL in
    const closed = traceOf(old);
    expect(bodies(await source())).toHaveLength(4);
    expect(traceOf(old)).toEqual(closed);
    expect(fs.readdirSync(old)).toEqual(['mesh.db']);
  });

  it('whose daemon was killed in a commit is rolled back in a copy, never in place', async () => {
    makeLegacy(file, legacyMessages(2000, { body: 'x'.repeat(400) }));
    // A cache of one page makes SQLite write into the file before the commit; then the process dies.
    const program = `
      const db = new (require('better-sqlite3'))(process.argv[1]);
      db.pragma('cache_size = 1'); db.pragma('cache_spill = 1');
      db.exec("BEGIN; UPDATE mesh_messages SET body = 'half done'");
      process.kill(process.pid, 'SIGKILL');`;
    spawnSync(process.execPath, ['-e', program, file], { cwd: import.meta.dirname });
    expect(fs.readdirSync(old)).toEqual(['mesh.db', 'mesh.db-journal']);
    const before = traceOf(old);
    const found = await source();
    expect(found.copyFolder).toBeDefined();
    expect(new Set(bodies(found))).toEqual(new Set(['x'.repeat(400)]));
    expect(traceOf(old)).toEqual(before);
  });

  it('leaves copies that a later run deletes, all but its own', async () => {
    makeLegacy(file);
    const db = new Database(file);
    db.pragma('journal_mode = WAL');
    db.close();
    const [first, second] = [await source(), await source()];
    fs.writeFileSync(path.join(data, 'store.db'), '');
    discardOldCopies(data, second.copyFolder);
    expect(fs.existsSync(first.readFile)).toBe(false);
    expect(bodies(second)).toHaveLength(3);
    discardOldCopies(data, undefined);
    expect(fs.readdirSync(data)).toEqual(['store.db']);
  });
});

describe('what is no database of mesh/1', () => {
  it('is told apart: nothing, ours, of others, no database', async () => {
    expect(await kind()).toBe('absent');
    fs.writeFileSync(file, '');
    expect(await kind()).toBe('absent');
    for (const text of [
      'SQLite format 3\0',
      'A letter. '.repeat(100),
      `SQLite format 3\0${'x'.repeat(5000)}`,
    ]) {
      fs.writeFileSync(file, text);
      expect(await kind()).toBe('other');
    }
    fs.rmSync(file);
    const store = openStore({ path: file, network: 'test', sha256 });
    expect(await kind()).toBe('ours');
    store.close();
    expect(await kind()).toBe('ours');
  });

  it.each([
    ['tables of its own', 'CREATE TABLE bookmarks (url TEXT)'],
    ['an application id', `PRAGMA application_id = 7; ${SHAPES.mesh1}`],
    ['nothing but a page', 'PRAGMA user_version = 1'],
  ])('is of another program with %s, and stays as it is', async (_what, sql) => {
    const db = new Database(file);
    db.exec(sql);
    db.close();
    const before = traceOf(old);
    expect(await kind()).toBe('other');
    expect(traceOf(old)).toEqual(before);
  });

  it('is ours too if it was stopped before its first checkpoint, or in WAL mode with another owner', async () => {
    const db = new Database(file);
    db.pragma('journal_mode = WAL');
    db.pragma(`application_id = ${0x6d657368}`);
    expect(await kind()).toBe('ours');
    db.pragma('application_id = 0');
    db.exec('CREATE TABLE bookmarks (url TEXT)');
    expect(await kind()).toBe('other');
    expect(fs.readdirSync(data)).toEqual([]);
    db.close();
  });

  it('is unreadable with a reason: a folder, and a file that is locked or damaged beyond its header', async () => {
    fs.mkdirSync(file);
    expect(await examineLegacy(file, data)).toEqual({ kind: 'unreadable', why: 'it is not a file' });
    fs.rmdirSync(file);
    makeLegacy(file);
    const holder = new Database(file);
    holder.exec('BEGIN EXCLUSIVE');
    expect(await examineLegacy(file, data)).toEqual({ kind: 'unreadable', why: 'database is locked' });
    holder.exec('COMMIT');
    holder.close();
    fs.writeFileSync(file, fs.readFileSync(file).fill(0xff, 100, 4096));
    expect(await kind()).toBe('other');
    expect(await examineLegacy(path.join(file, 'below'), data)).toEqual({ kind: 'absent' });
  });
});
