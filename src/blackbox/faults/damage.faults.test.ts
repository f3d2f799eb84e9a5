/**
 * A database whose bytes went bad on the disk: it is noticed, said, never written over, and what can be read of it is in
 * a new one, into which a neighbour gives the rest.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { framesOf, type LogFrame, withBit } from '../testing/log-frames.ts';
import { MeshProcess, runMesh } from '../testing/mesh-process.ts';
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

/** Starts on damaged files: they are kept, all that is readable is there at once, and the neighbour gives the rest. */
async function expectRecovered({ mesh, neighbour, identity, ids }: Case, why: RegExp): Promise<void> {
  const before = contentsOf(mesh.data, isDatabase).split('\n').sort();
  await mesh.restart();
  const { problems, identity: now, channels } = await mesh.client.status();
  expect(now).toBe(identity);
  expect(channels.filter(({ joined }) => joined).map(({ channel }) => channel)).toContain(CHANNEL);
  expect(problems).toMatchObject([{ code: 'store_recovered', detail: expect.stringMatching(why) }]);
  const [kept = ''] = keptIn(mesh);
  expect(problems[0]?.detail).toContain(kept);
  const files = contentsOf(path.join(mesh.data, kept), isDatabase).split('\n').sort();
  expect(files).toEqual(before);
  await until('all are there', async () => {
    const found = new Set((await mesh.read(CHANNEL)).map(({ id }) => id));
    return ids.every((id) => found.has(id));
  });
  // What is published from here on goes to the neighbour, and is no equivocation there.
  const { id } = await mesh.client.publish({ channel: CHANNEL, body: 'after the recovery' });
  await until('the neighbour has it', () => has(neighbour, id));
  await mesh.stop();
  const lines = await doctorLines(mesh);
  expect(lines.filter(({ state }) => state === 'fail')).toEqual([]);
  const folder = lines.find(({ check, state }) => check === 'database-files' && state === 'warn');
  expect(folder?.what).toContain(kept);
  expect(spawnSync('/bin/sh', ['-c', /rm -r .*$/m.exec(folder?.mend ?? '')?.[0] ?? 'false']).status).toBe(0);
  expect(keptIn(mesh)).toEqual([]);
  await mesh.restart();
  expect((await mesh.client.status()).problems).toEqual([]);
  await Promise.all([mesh.stop(), neighbour.stop()]);
}

function keptIn(mesh: MeshProcess): string[] {
  return fs.readdirSync(mesh.data).filter((name) => name.startsWith('store.db.damaged-'));
}

describe('a damaged write-ahead log', () => {
  it.each([
    ['header', /damaged in its header/],
    ['frame', /damaged at frame \d+,.*at least \d+ commits/],
  ])('in a %s loses nothing of the commits behind it', async (where, why) => {
    const found = await killed();
    const log = fs.readFileSync(store(found.mesh, '-wal'));
    const frames = framesOf(log);
    const commits = frames.flatMap(({ isCommit }, i) => (isCommit ? [i] : []));
    expect(commits.length).toBeGreaterThan(8);
    const middle = frames[commits[4] as number] as LogFrame;
    fs.writeFileSync(store(found.mesh, '-wal'), withBit(log, where === 'header' ? 9 : middle.end - 1));
    await expectRecovered(found, why);
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
  it.each([
    ['messages', 'message', /malformed|corrupt|damaged/],
    ['idempotency keys', 'idempotency', /Not whole: .*idempotency keys/],
    ['ends of chains', 'author', /Not whole: .*ends of chains/],
    ['names of channels', 'sqlite_autoindex_channel_1', /2 joined channels/],
  ])('is recovered from by the next start: %s', async (_, table, why) => {
    const found = await killed();
    spoil(store(found.mesh), table);
    await expectRecovered(found, why);
  });

  it('can be moved away as doctor says, and the neighbour gives the messages again', async () => {
    const found = await killed();
    spoil(store(found.mesh), 'message');
    await mend(found, await mendOf(found.mesh, /damaged|not readable/));
  });

  it('within a message hides that one alone, and what a neighbour has comes again', async () => {
    const { mesh, neighbour } = await killed();
    spoilBytes(mesh, ['message 2', 'message 3']);
    await mesh.restart();
    // Reading it is enough to find it; doctor reads all.
    expect((await mesh.read(CHANNEL)).length).toBeLessThan(8);
    const line = (await doctorLines(mesh)).find(({ check }) => check === 'scrub');
    expect(line?.state).toMatch(/ok|warn/);
    await mesh.logged('the log says so', ({ phrase }) => phrase === 'stored messages are damaged');
    await until('all are back', async () => (await mesh.read(CHANNEL)).length === 8);
    expect((await mesh.read(CHANNEL)).map(({ body }) => body).sort()).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((n) => `message ${n}`),
    );
    await until('nothing is wrong any more', async () => (await mesh.client.status()).problems.length === 0);
    const { scrub } = await mesh.client.status();
    expect(scrub).toMatchObject({ damaged: [], structure: '', ended: expect.any(String) });
    await Promise.all([mesh.stop(), neighbour.stop()]);
  });

  it('within an own message that nobody had confirmed is told as a loss, until it is sent again', async () => {
    const mesh = await MeshProcess.start();
    for (const body of ['first', 'the second one', 'third'])
      await mesh.client.publish({ channel: CHANNEL, body });
    await mesh.stop();
    spoilBytes(mesh, ['the second one']);
    // No daemon runs: doctor reads the database itself.
    expect((await doctorLines(mesh)).find(({ check }) => check === 'scrub')).toMatchObject({
      state: 'fail',
      what: expect.stringMatching(/1 stored message of 3 is damaged: .*nobody had confirmed/),
      mend: expect.stringContaining('send it again'),
    });
    await mesh.restart();
    expect((await mesh.read(CHANNEL)).map(({ body }) => body)).toEqual(['first', 'third']);
    const { problems, scrub, outbox } = await mesh.client.status();
    expect(problems).toMatchObject([
      { code: 'messages_damaged', detail: expect.stringMatching(/nobody had/) },
    ]);
    expect([scrub.damaged, outbox]).toEqual([[{ channel: CHANNEL, messages: 1, unconfirmed: 1 }], 3]);
    const { stdout } = await runMesh(['status', '--data', mesh.data], { env: ANY_PORTS });
    expect(stdout).toContain('1 damaged message not back yet');
    await mesh.stop();
  });
});

/** One wrong bit in each of these texts, in a database that nobody has open. */
function spoilBytes(mesh: MeshProcess, texts: readonly string[]): void {
  const db = new Database(store(mesh));
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  let bytes: Buffer = fs.readFileSync(store(mesh));
  for (const text of texts) {
    const at = bytes.indexOf(text);
    expect([at > 0, bytes.indexOf(text, at + 1)]).toEqual([true, -1]);
    bytes = withBit(bytes, at);
  }
  fs.writeFileSync(store(mesh), bytes);
}

interface DoctorLine {
  readonly check: string;
  readonly state: string;
  readonly what: string;
  readonly mend: string;
}

async function doctorLines(mesh: MeshProcess): Promise<DoctorLine[]> {
  const { stdout } = await runMesh(['doctor', '--scrub', '--json', '--data', mesh.data], { env: ANY_PORTS });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as DoctorLine);
}
