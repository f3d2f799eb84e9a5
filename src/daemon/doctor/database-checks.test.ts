import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SCHEMA_VERSION } from '../../store/migrations.ts';
import type { StatusView } from '../gate.ts';
import { BESIDE } from '../legacy/place.ts';
import {
  checkCopies,
  checkDatabase,
  checkDatabaseFiles,
  checkDatabaseSize,
  checkIntegrity,
} from './database-checks.ts';
import type { Finding } from './finding.ts';
import {
  listing,
  makeDatabase,
  runMend,
  running,
  STATUS,
  type SubjectOptions,
  subjectOf,
  tempFolder,
} from './testing/subject.ts';

interface Checked {
  readonly files: Finding;
  readonly header: Finding;
  readonly inside: Finding;
  readonly size: Finding;
}

/** All checks of a folder's database, which must leave the folder as it was. */
async function check(folder: string, options: SubjectOptions = {}): Promise<Checked> {
  const before = listing(folder);
  const subject = await subjectOf(folder, options);
  const checked = {
    files: checkDatabaseFiles(subject),
    header: checkDatabase(subject),
    inside: await checkIntegrity(subject),
    size: checkDatabaseSize(subject),
  };
  expect(listing(folder)).toEqual(before);
  return checked;
}

const states = (checked: Checked) => Object.values(checked).map(({ state }: Finding) => state);

function scene(options: Parameters<typeof makeDatabase>[1] = {}): { folder: string; file: string } {
  const folder = tempFolder();
  const file = path.join(folder, 'store.db');
  makeDatabase(file, options);
  fs.writeFileSync(`${file}.lock`, '', { mode: 0o600 });
  return { folder, file };
}

/** Overwrites bytes of a file in place. */
function scribble(file: string, at: number, bytes: Uint8Array): void {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, at);
  fs.closeSync(fd);
}

const RETENTION: StatusView['retention'] = {
  joined: { days: 1, messages: 1, bytes: 1 },
  carried: { days: 1, bytes: 1 },
  carriedBytesAll: 1,
  bytesAll: 1,
};

describe('a database', () => {
  it('after an orderly stop is read to its last page, and nothing appears beside it', async () => {
    const { folder } = scene({ rows: 50 });
    const checked = await check(folder);
    expect(states(checked)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(checked.header.what).toContain(`schema ${SCHEMA_VERSION}`);
    expect(checked.files.what).toContain('store.db, store.db.lock');
  });

  it('that is not there yet is no fault', async () => {
    expect(states(await check(tempFolder()))).toEqual(Array(4).fill('skipped'));
  });

  it('whose first start broke off is no fault', async () => {
    const { folder, file } = scene();
    fs.writeFileSync(file, '');
    expect(states(await check(folder))).toEqual(['ok', 'ok', 'skipped', 'ok']);
    const db = new Database(file);
    db.pragma('journal_mode = WAL');
    db.close();
    expect((await check(folder)).header).toMatchObject({
      state: 'ok',
      what: expect.stringContaining('no tables yet'),
    });
  });

  it('that others can read or write, lock included, until the named commands are run', async () => {
    const { folder, file } = scene();
    fs.chmodSync(file, 0o644);
    expect((await check(folder)).files).toMatchObject({ state: 'warn', command: `chmod 600 '${file}'` });
    fs.chmodSync(`${file}.lock`, 0o666);
    const { files } = await check(folder);
    expect(files).toMatchObject({
      state: 'fail',
      command: `chmod 600 '${file}' && chmod 600 '${file}.lock'`,
    });
    runMend(files);
    expect((await check(folder)).files.state).toBe('ok');
  });

  it('of a newer version, of another program, or of no program at all', async () => {
    const newer = await check(scene({ schema: SCHEMA_VERSION + 1 }).folder);
    expect(newer.header).toMatchObject({
      state: 'fail',
      what: expect.stringContaining(`schema ${SCHEMA_VERSION + 1}`),
    });
    expect((await check(scene({ schema: SCHEMA_VERSION - 1 }).folder)).header).toMatchObject({
      state: 'ok',
      what: expect.stringContaining(`brings to ${SCHEMA_VERSION}`),
    });
    expect((await check(scene({ application: 1 }).folder)).header.what).toContain('another program');
    const letter = scene();
    fs.writeFileSync(letter.file, 'This is a letter. '.repeat(100));
    const checked = await check(letter.folder);
    expect([checked.header.state, checked.inside.state]).toEqual(['fail', 'fail']);
    expect(checked.header.what).toContain('no SQLite database');
  });

  it('of another network', async () => {
    const { folder } = scene({ network: 'other' });
    expect((await check(folder)).inside).toMatchObject({
      state: 'fail',
      what: expect.stringContaining('"other"'),
    });
    expect((await check(folder, { env: { MESH_NETWORK: 'other' } })).inside.state).toBe('ok');
  });

  it('that lost its end, or of which a page is damaged', async () => {
    const { folder, file } = scene({ rows: 50 });
    const { size } = fs.statSync(file);
    scribble(file, size - 4096, Buffer.alloc(4096, 0xff));
    const damaged = await check(folder);
    expect(damaged.header.state).toBe('ok');
    expect(damaged.inside).toMatchObject({ state: 'fail', mend: expect.stringContaining('backup') });
    fs.truncateSync(file, size - 4096);
    expect((await check(folder)).header).toMatchObject({
      state: 'fail',
      what: expect.stringContaining('its end is lost'),
    });
  });

  it('after a kill -9 is left to the next start, since half of it stands in the journal', async () => {
    const { folder, file } = scene();
    const killed = tempFolder();
    const db = new Database(file);
    onTestFinished(() => void db.close());
    db.exec('CREATE TABLE later (x)');
    for (const name of ['store.db', 'store.db-wal', 'store.db-shm'])
      fs.copyFileSync(path.join(folder, name), path.join(killed, name));
    for (const name of fs.readdirSync(killed)) fs.chmodSync(path.join(killed, name), 0o600);
    const checked = await check(killed);
    expect(states(checked)).toEqual(['ok', 'ok', 'skipped', 'ok']);
    expect(checked.inside.what).toContain('did not end in order');
  });

  it('in use is not read, and a large one neither', async () => {
    const { folder, file } = scene();
    const subject = await subjectOf(folder);
    expect((await checkIntegrity(running(subject))).what).toContain('while the daemon runs');
    expect((await checkIntegrity(subject, 100)).what).toContain('not read as a whole');
    const lock = new Database(`${file}.lock`);
    onTestFinished(() => void lock.close());
    lock.exec('BEGIN EXCLUSIVE');
    expect((await checkIntegrity(subject)).what).toContain('somebody else');
  });

  it('near the limit of MESH_STORE_BYTES is told with both sizes', async () => {
    const { folder } = scene({ rows: 400 });
    const { size } = await check(folder, { env: { MESH_STORE_BYTES: '1MiB' } });
    expect(size).toMatchObject({
      state: 'warn',
      what: expect.stringMatching(/has 1\.\d MiB.*allows 1\.0 MiB/),
    });
  });

  it('has the limit of the daemon that runs, and fails where that one refuses to send', async () => {
    const { folder } = scene({ rows: 400 });
    const subject = await subjectOf(folder, { env: { MESH_STORE_BYTES: '1MiB' } });
    const retention = { ...RETENTION, bytesAll: 8 * 1024 ** 2 };
    expect(checkDatabaseSize(running(subject, { retention }))).toMatchObject({
      state: 'ok',
      what: expect.stringContaining('running daemon keeps at most 8.0 MiB'),
    });
    const at = STATUS.started;
    const problems = [{ code: 'store_full', detail: 'x', at }] as const;
    expect(checkDatabaseSize(running(subject, { retention, problems: [...problems] }))).toMatchObject({
      state: 'fail',
      what: expect.stringContaining('sending is refused'),
      mend: expect.stringMatching(/only by age.*raise MESH_STORE_BYTES/),
    });
  });

  it('that is damaged is moved away with its journal by the command, and the sentence says what follows', async () => {
    const { folder, file } = scene();
    fs.writeFileSync(file, 'This is a letter. '.repeat(100), { mode: 0o600 });
    fs.writeFileSync(`${file}-wal`, '');
    const { header } = await check(folder);
    expect(header.mend).toMatch(
      /new database of all that can be read.*store\.db, store\.db-wal and store\.db-shm.*start empty/,
    );
    expect(header.command).toContain(`mv '${file}' '${file}-wal' '${file}.damaged'`);
    runMend(header);
    expect(fs.readdirSync(folder).sort()).toEqual(['store.db.damaged', 'store.db.lock']);
  });

  it('of another program that MESH_STORE_PATH names stays where it is', async () => {
    const { folder, file } = scene({ application: 1 });
    fs.renameSync(file, path.join(folder, 'other.db'));
    const env = { MESH_STORE_PATH: path.join(folder, 'other.db') };
    expect((await check(folder, { env })).header).toMatchObject({ state: 'fail', command: '' });
  });

  it('of which migrations left copies names them with size and date, and how to go back', async () => {
    const { folder, file } = scene();
    expect(checkCopies(await subjectOf(folder))).toEqual([]);
    const copy = `${file}.schema4-20251009T143000Z.bak`;
    fs.writeFileSync(copy, 'x'.repeat(2048));
    const [found] = checkCopies(await subjectOf(folder));
    expect(found).toMatchObject({ check: 'database-files', state: 'ok' });
    expect(found?.what).toContain(`1 copy from before`);
    expect(found?.what).toContain(`${copy} (2.0 KiB, of 2025-10-09 14:30 UTC)`);
    expect(found?.what).toMatch(/may be deleted once.*stop the daemon, move .*store\.db-shm.*rename/);
  });

  it('beside one of mesh/1 is ours, and the old one is nobody’s fault', async () => {
    const folder = tempFolder();
    const old = path.join(folder, 'mesh.db');
    makeDatabase(old, { application: 0, schema: 0 });
    const env = { MESH_STORE_PATH: old };
    expect((await check(folder, { env })).header).toMatchObject({
      state: 'skipped',
      what: expect.stringContaining('mesh/1'),
    });
    makeDatabase(`${old}${BESIDE}`);
    expect((await check(folder, { env })).header).toMatchObject({
      state: 'ok',
      what: expect.stringContaining(`${old}${BESIDE} has schema`),
    });
  });
});
