/** Real temporary folders for the checks of `mesh doctor`, and subjects that need no daemon. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished } from 'vitest';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../../store/migrations.ts';
import type { Finding } from '../finding.ts';
import {
  createSubject,
  type DaemonAddress,
  type DaemonAnswer,
  type DaemonStatus,
  type Subject,
} from '../subject.ts';
import type { System } from '../system.ts';

/** Contacts nobody, listens nowhere. */
export const QUIET = { HOST: '127.0.0.1', PORT: '0', MESH_API_PORT: '0', MESH_BOOTSTRAP_URL: '' } as const;
/** 20 November 2026 */
export const NOW_MS = Date.UTC(2026, 10, 20);

/** A folder of mode 0700 that is deleted after the test. */
export function tempFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh doctor-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface SubjectOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly system?: Partial<System>;
}

/** A subject without a daemon. */
export async function subjectOf(
  dataFolder: string,
  { env = {}, system }: SubjectOptions = {},
): Promise<Subject> {
  const ask = async (): Promise<DaemonAnswer> => ({ ok: false, detail: 'The test has no daemon.' });
  return createSubject({
    ...{ dataFolder, cwd: dataFolder, ask, env: { ...QUIET, ...env } },
    ...(system && { system }),
  });
}

export const STATUS: DaemonStatus = {
  version: '0.1.0',
  network: 'openclaw',
  peer: 'peer',
  identity: 'identity',
  role: 'leaf',
  started: new Date(NOW_MS - 3_600_000).toISOString(),
  listen: { peer: 'ws://127.0.0.1:1', api: 'http://127.0.0.1:2' },
  links: [],
  sources: [],
  problems: [],
};

/** The same subject with a daemon that answers. */
export function running(
  subject: Subject,
  status: Partial<DaemonStatus> = {},
  addresses: readonly DaemonAddress[] = [],
): Subject {
  const { pid } = process;
  return {
    ...subject,
    presence: { kind: 'running', url: 'http://127.0.0.1:2', pid, lock: { state: 'held', pids: [pid] } },
    answer: { ok: true, status: { ...STATUS, ...status }, addresses },
  };
}

/** A database as an orderly stop leaves it: WAL mode, and no file beside it. */
export function makeDatabase(
  file: string,
  { schema = SCHEMA_VERSION, application = APPLICATION_ID, network = 'openclaw', rows = 0 } = {},
): void {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma(`application_id = ${application}`);
  db.exec('CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL); CREATE TABLE filler (bytes BLOB)');
  db.prepare("INSERT INTO meta VALUES ('network', ?)").run(network);
  const insert = db.prepare('INSERT INTO filler VALUES (randomblob(3000))');
  for (let at = 0; at < rows; at++) insert.run();
  db.pragma(`user_version = ${schema}`);
  db.close();
  fs.chmodSync(file, 0o600);
}

/** Names and modes of everything in a folder: equal before and after, nothing was made, removed or changed. */
export function listing(folder: string): string[] {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return ['', ...names].map((name) => {
    const { mode, size, mtimeMs } = fs.statSync(path.join(folder, name));
    return `${name} ${mode.toString(8)} ${size} ${mtimeMs}`;
  });
}

/** Types the command of a finding into a shell, as a person would. */
export function runMend({ command }: Finding): void {
  expect(command).not.toBe('');
  const { status, stderr } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

/** The pid of a process that has ended. */
export function deadPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}
