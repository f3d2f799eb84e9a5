import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { openStore } from './sqlite.ts';
import { judgeLog } from './sqlite-log.ts';
import { createAuthor, joined, NETWORK, received, sha256, signedMessage } from './testing/messages.ts';

const PAGE_BYTES = 4096;
const FRAME_BYTES = PAGE_BYTES + 24;
const HEADER_BYTES = 32;
const ann = createAuthor(1);
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-log-'));
  folders.push(folder);
  return folder;
}

interface Left {
  readonly file: string;
  /** frames of the log, from 1, that commit */
  readonly commits: readonly number[];
}

/** What a store leaves that dies: a commit at its making, one for a channel, and one for each message. */
function left(messages = 5): Left {
  const source = path.join(newFolder(), 'store.db');
  const file = path.join(newFolder(), 'store.db');
  const store = openStore({ path: source, network: NETWORK, sha256 });
  store.transact([[joined('dev')]]);
  for (let i = 0; i < messages; i++) store.transact([[received(signedMessage(ann, { nonce: i }))]]);
  for (const end of ['', '-wal']) fs.copyFileSync(source + end, file + end);
  store.close();
  const log = fs.readFileSync(`${file}-wal`);
  const frames = (log.length - HEADER_BYTES) / FRAME_BYTES;
  const isCommit = (frame: number): boolean => log.readUInt32BE(at(frame) + 4) !== 0;
  return { file, commits: Array.from({ length: frames }, (_, i) => i + 1).filter(isCommit) };
}

/** First byte of a frame, from 1. */
const at = (frame: number): number => HEADER_BYTES + (frame - 1) * FRAME_BYTES;

function edit(file: string, change: (log: Buffer) => Buffer | undefined): void {
  const log = fs.readFileSync(`${file}-wal`);
  fs.writeFileSync(`${file}-wal`, change(log) ?? log);
}

function flip(file: string, place: number): void {
  edit(file, (log) => {
    log[place] = (log[place] as number) ^ 8;
    return undefined;
  });
}

/** How many messages SQLite finds by itself. */
function found(file: string): number {
  const db = new Database(file);
  const count = db.prepare('SELECT count(*) FROM message').pluck().get() as number;
  db.close();
  return count;
}

describe('a log that SQLite reads to its end', () => {
  it('is whole, and so is none, an empty one, and one that is shorter than a header', () => {
    const { file } = left();
    expect(judgeLog(file)).toEqual({ kind: 'whole' });
    for (const bytes of [31, 0]) {
      edit(file, (log) => log.subarray(0, bytes));
      expect(judgeLog(file)).toEqual({ kind: 'whole' });
    }
    fs.rmSync(`${file}-wal`);
    expect(judgeLog(file)).toEqual({ kind: 'whole' });
  });

  it('is whole wherever it is cut, for what is cut off was never confirmed', () => {
    const { file, commits } = left(3);
    const log = fs.readFileSync(`${file}-wal`);
    for (let frame = 1; frame <= (commits.at(-1) ?? 0); frame++)
      for (const more of [0, 5, 24, 2000]) {
        edit(file, () => log.subarray(0, at(frame) + more));
        expect(judgeLog(file)).toEqual({ kind: 'whole' });
      }
  });

  it('is whole with an older generation behind its end, and with a transaction that was rolled back', () => {
    const file = path.join(newFolder(), 'store.db');
    const copy = path.join(newFolder(), 'store.db');
    const db = new Database(file);
    db.pragma('journal_mode = WAL');
    db.pragma('cache_size = 5');
    db.exec('CREATE TABLE t (x)');
    const fill = (rows: number) =>
      db.exec(
        `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
         INSERT INTO t SELECT randomblob(3000) FROM n`,
      );
    for (let i = 0; i < 9; i++) fill(5);
    db.pragma('wal_checkpoint(RESTART)');
    fill(1); // over the first frames; behind them stand those of before
    const spilled = (): void => {
      db.exec('BEGIN');
      fill(30); // more than the cache holds, so that frames go into the log without a commit
      db.exec('ROLLBACK');
      fill(1);
    };
    for (const next of [() => undefined, spilled, spilled]) {
      next();
      for (const end of ['', '-wal']) fs.copyFileSync(file + end, copy + end);
      expect(judgeLog(copy)).toEqual({ kind: 'whole' });
    }
    db.close();
  });
});

describe('a log with a wrong frame', () => {
  it('is damaged where SQLite would drop more than the last commit: header, number, salt, checksum or content', () => {
    const [, second = 0, third = 0] = left().commits;
    const frame = second + 1;
    for (const place of [0, 4, 7, 8, 15, 16, 23, 24, 2000, FRAME_BYTES - 1]) {
      const { file, commits } = left();
      flip(file, at(frame) + place);
      const state = judgeLog(file);
      expect(state, `byte ${place}`).toMatchObject({ kind: 'damaged', frame });
      expect(state.kind === 'damaged' && state.commits).toBeGreaterThanOrEqual(commits.length - 3);
      expect(found(file)).toBe(0);
    }
    expect(third).toBeGreaterThan(frame);
  });

  it('is damaged where the frame that commits is the wrong one and one more commit follows', () => {
    const { file, commits } = left();
    const frame = commits.at(-2) as number;
    flip(file, at(frame) + 100);
    expect(judgeLog(file)).toEqual({ kind: 'damaged', frame, commits: 2 });
  });

  it('is torn where it is in the last commit, as after a power loss', () => {
    const { file, commits } = left();
    const frame = (commits.at(-2) as number) + 1;
    flip(file, at(frame) + 100);
    expect(judgeLog(file)).toEqual({ kind: 'torn', frame });
    expect(found(file)).toBe(commits.length - 3);
  });
});

describe('a log with a wrong header', () => {
  it.each([0, 3, 9, 17, 25])('at byte %d is damaged, for SQLite would drop all of it', (place) => {
    const { file, commits } = left();
    flip(file, place);
    expect(judgeLog(file)).toMatchObject({ kind: 'damaged', frame: 0 });
    expect(commits.length).toBe(7);
  });

  it('is whole if the database has everything that stands in it: it was just begun anew', () => {
    const { file } = left();
    const log = fs.readFileSync(`${file}-wal`);
    found(file); // closing copies everything into the database and removes the log
    fs.writeFileSync(`${file}-wal`, log);
    flip(file, 17);
    expect(judgeLog(file)).toEqual({ kind: 'whole' });
  });
});

describe('opening a store', () => {
  const open = (file: string, onTorn?: (text: string) => void) =>
    openStore({ path: file, network: NETWORK, sha256, ...(onTorn && { onTorn }) });

  it('refuses a damaged log and changes no byte of it', () => {
    const { file } = left();
    flip(file, 3000);
    const before = ['', '-wal'].map((end) => fs.readFileSync(file + end));
    for (let i = 0; i < 2; i++)
      expect(() => open(file)).toThrow(
        expect.objectContaining({
          code: 'store_damaged',
          detail: expect.stringMatching(/-wal is damaged at frame 1/),
        }),
      );
    expect(['', '-wal'].map((end) => fs.readFileSync(file + end))).toEqual(before);
  });

  it('takes a torn one, says so once, and has all commits but the last', () => {
    const { file, commits } = left();
    flip(file, at(commits.at(-1) as number) + 3);
    const said: string[] = [];
    const store = open(file, (text) => said.push(text));
    expect(said).toEqual([expect.stringContaining('power failure')]);
    expect(store.lastArrival()).toBe(commits.length - 3);
    store.close();
    open(file, (text) => said.push(text)).close();
    expect(said).toHaveLength(1);
  });
});
