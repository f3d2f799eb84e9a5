/**
 * A database whose bytes went bad on the disk: it is noticed, said, never written over, and the advice that is printed
 * leads to a daemon that works and has its messages again from a neighbour.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../core/errors.ts';
import { framesOf, type LogFrame, withBit } from '../testing/log-frames.ts';
import { MeshProcess, type Output, runMesh } from '../testing/mesh-process.ts';
import { contentsOf } from '../testing/traces.ts';
import { until } from '../testing/wait.ts';

const CHANNEL = '#damage';

interface Case {
  readonly mesh: MeshProcess;
  readonly neighbour: MeshProcess;
  readonly identity: string;
  /** of all messages */
  readonly ids: readonly string[];
}

const ANY_PORTS = { PORT: '0', MESH_API_PORT: '0' };

/** A daemon with messages of its own and of its neighbour, killed: the newest stand in the log only. */
async function killed(): Promise<Case> {
  const neighbour = await MeshProcess.start();
  const mesh = await MeshProcess.start({ peers: [neighbour.url] });
  await Promise.all([neighbour, mesh].map((one) => one.client.join(CHANNEL)));
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) {
    const from = i % 2 === 0 ? mesh : neighbour;
    const { id } = await from.client.publish({ channel: CHANNEL, body: `message ${i}` });
    await until('both have it', async () =>
      (await Promise.all([has(mesh, id), has(neighbour, id)])).every(Boolean),
    );
    ids.push(id);
  }
  const { identity } = await mesh.client.status();
  await mesh.kill();
  return { mesh, neighbour, identity, ids };
}

async function has(mesh: MeshProcess, id: string): Promise<boolean> {
  return (await mesh.client.messages({ channel: CHANNEL })).some((message) => message.id === id);
}

const store = (mesh: MeshProcess, end = ''): string => path.join(mesh.data, `store.db${end}`);
const isDatabase = (name: string): boolean => /^store\.db(?:-wal)?$/.test(name);

function expectRefused(output: Output, detail: RegExp): void {
  const said = output.stderr.replace(/\s+/g, ' ');
  expect(said).toContain(ERRORS.store_damaged.title);
  expect(said).toContain(ERRORS.store_damaged.do);
  expect(said).toMatch(detail);
  expect(output.code).toBe(1);
}

/** The command that `mesh doctor` prints for a database that cannot be used. */
async function mendOf(mesh: MeshProcess, what: RegExp): Promise<string> {
  const { stdout, code } = await runMesh(['doctor', '--json', '--data', mesh.data], {
    env: ANY_PORTS,
  });
  expect(code).not.toBe(0);
  const lines = stdout.trimEnd().split('\n');
  const failed = lines.map((line) => JSON.parse(line)).find(({ state }) => state === 'fail');
  expect(failed.what).toMatch(what);
  expect(failed.mend).toContain('messages are fetched again from neighbours');
  return /mkdir -m 700 .*$/m.exec(failed.mend)?.[0] ?? 'false';
}

/** Does what doctor says; then the daemon is who it was, and has its messages again. */
async function mend({ mesh, neighbour, identity, ids }: Case, command: string): Promise<void> {
  const before = contentsOf(mesh.data, isDatabase).split('\n').sort();
  expect(spawnSync('/bin/sh', ['-c', command]).status, command).toBe(0);
  const [away = ''] = fs.readdirSync(mesh.data).filter((name) => name.includes('.damaged'));
  expect(contentsOf(path.join(mesh.data, away), isDatabase).split('\n').sort()).toEqual(before);
  await mesh.restart();
  expect((await mesh.client.status()).identity).toBe(identity);
  await mesh.client.join(CHANNEL);
  await until('all are fetched again', async () => {
    const found = new Set((await mesh.read(CHANNEL)).map(({ id }) => id));
    return ids.every((id) => found.has(id));
  });
  await Promise.all([mesh.stop(), neighbour.stop()]);
}

const start = (mesh: MeshProcess): Promise<Output> =>
  runMesh(['start', '--data', mesh.data], { env: ANY_PORTS });

describe('a damaged write-ahead log', () => {
  it('is refused, named and left alone where confirmed commits would be dropped; the way on works', async () => {
    const found = await killed();
    const { mesh } = found;
    const log = fs.readFileSync(store(mesh, '-wal'));
    const frames = framesOf(log);
    const commits = frames.flatMap(({ isCommit }, i) => (isCommit ? [i] : []));
    expect(commits.length).toBeGreaterThan(8);
    const middle = frames[commits[4] as number] as LogFrame;
    const places: readonly [place: number, said: RegExp][] = [
      [9, /in its header/],
      [middle.end - 1, /at frame \d+,.*at least \d+ commits/],
    ];
    for (const [place, said] of places) {
      fs.writeFileSync(store(mesh, '-wal'), withBit(log, place));
      const before = contentsOf(mesh.data, isDatabase);
      expectRefused(await start(mesh), said);
      expect(contentsOf(mesh.data, isDatabase)).toBe(before);
    }
    await mend(found, await mendOf(mesh, /store\.db-wal is damaged/));
  });
});

/** Rubbish over the root page of a table, in a database that nobody has open. */
function spoil(file: string, table: string): void {
  const db = new Database(file);
  db.pragma('wal_checkpoint(TRUNCATE)');
  const pageBytes = db.pragma('page_size', { simple: true }) as number;
  const root = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table) as number;
  db.close();
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (root - 1) * pageBytes);
  fs.closeSync(fd);
}

describe('a damaged page of the database', () => {
  it('stops the start where every start reads it, and the way on works', async () => {
    const found = await killed();
    spoil(store(found.mesh), 'message');
    expectRefused(await start(found.mesh), /malformed|corrupt/);
    await mend(found, await mendOf(found.mesh, /damaged|not readable/));
  });

  it('is a problem of the running daemon once it is read: nothing is acknowledged into it, the rest goes on', async () => {
    const mesh = await MeshProcess.start();
    const { id } = await mesh.client.publish({ channel: CHANNEL, body: 'before' });
    await mesh.stop();
    spoil(store(mesh), 'idempotency');
    await mesh.restart();
    const keyed = mesh.client.publish({ channel: CHANNEL, body: 'into it' }, { idempotencyKey: 'key' });
    await expect(keyed).rejects.toMatchObject({ code: 'store_failed' });
    const { problems } = await mesh.client.status();
    expect(problems).toMatchObject([{ code: 'store_damaged', detail: expect.stringMatching(/malformed/) }]);
    expect(await mesh.client.message(id)).toMatchObject({ body: 'before' });
    await mesh.client.publish({ channel: CHANNEL, body: 'beside it' });
    expect((await mesh.read(CHANNEL)).map(({ body }) => body)).toEqual(['before', 'beside it']);
    await mesh.stop();
  });

  it('within a message hides that one alone, and says so as long as the daemon runs', async () => {
    const mesh = await MeshProcess.start();
    for (const body of ['first', 'second', 'third']) await mesh.client.publish({ channel: CHANNEL, body });
    await mesh.stop();
    const bytes = fs.readFileSync(store(mesh));
    const at = bytes.indexOf('second');
    expect([at > 0, bytes.indexOf('second', at + 1)]).toEqual([true, -1]);
    fs.writeFileSync(store(mesh), withBit(bytes, at));
    await mesh.restart();
    expect((await mesh.read(CHANNEL)).map(({ body }) => body)).toEqual(['first', 'third']);
    const { problems } = await mesh.client.status();
    expect(problems).toMatchObject([{ code: 'store_damaged', detail: expect.stringMatching(/not there/) }]);
    const [line] = await mesh.logged('the log names it', ({ phrase }) => phrase.startsWith('damaged row'));
    expect(line?.text).toMatch(/^stored message \S{43} \(arrival \d+\)/);
    await mesh.stop();
  });
});
