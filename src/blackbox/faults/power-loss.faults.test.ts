/**
 * Power loss: the log of a daemon's database is cut where a disk may have left it. Whatever was acknowledged before is
 * there, and of what came later each message is there as a whole or not at all.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../crypto/index.ts';
import { openStore } from '../../store/index.ts';
import { judgeLog } from '../../store/sqlite-log.ts';
import { Author, NETWORK, pushOf } from '../testing/author.ts';
import { framesOf, type LogFrame, lay, type Moment, momentOf } from '../testing/log-frames.ts';
import { MeshProcess, makeFolder } from '../testing/mesh-process.ts';
import { RawPeer } from '../testing/raw-peer.ts';
import { until } from '../testing/wait.ts';

const CHANNEL = '#power';

/** What a daemon had told when its log was so long. */
interface Told {
  readonly logBytes: number;
  readonly ids: readonly string[];
}

/** all that was written, in the moment before the process died */
let last: Moment;
let frames: readonly LogFrame[];
/** where cuts are laid out, one after the other */
const folder = makeFolder();
const told: Told[] = [];
/** every message that was sent */
const sent = new Map<string, string>();

/** Clients publish, one after the other, and a leaf pushes a few at once in between: acknowledged is what either was told. */
beforeAll(async () => {
  const mesh = await MeshProcess.start();
  const leaf = await RawPeer.link(mesh);
  const author = new Author();
  const ids: string[] = [];
  const note = (): void => {
    told.push({ logBytes: fs.statSync(path.join(mesh.data, 'store.db-wal')).size, ids: [...ids] });
  };
  await mesh.client.join(CHANNEL);
  note();
  for (let i = 0; i < 6; i++) {
    const body = `published ${i} ${'x'.repeat(i * 900)}`;
    const { id } = await mesh.client.publish({ channel: CHANNEL, body });
    sent.set(id, body);
    ids.push(id);
    note();
    const pushed = [0, 1].map((n) => author.write({ channel: CHANNEL, body: `pushed ${i} ${n}` }));
    for (const { idText, body: text } of pushed) sent.set(idText, text);
    leaf.send(pushOf(pushed.map(({ wire }) => wire)));
    await until('both are stored', () => pushed.every(({ idText }) => leaf.stored.has(idText)));
    ids.push(...pushed.map(({ idText }) => idText));
    note();
  }
  await mesh.kill();
  last = momentOf(mesh.data);
  frames = framesOf(last.log);
});

/** What the longest log of this length was told to hold. */
const acknowledgedAt = (bytes: number): readonly string[] =>
  told.findLast(({ logBytes }) => logBytes <= bytes)?.ids ?? [];

/** Opens it as a daemon does, and reads everything. Throws if anything of it is half. */
function readAll(file: string): Map<string, string> {
  const store = openStore({ path: file, network: NETWORK, sha256 });
  try {
    const page = store.readPage({ channel: CHANNEL, limit: 1000, wallMs: 0 });
    const found = new Map(page.map(({ message: { message } }) => [message.idText, message.body]));
    const row = store.channels().find(({ channel }) => channel === CHANNEL);
    expect(row?.messages ?? 0).toBe(found.size);
    return found;
  } finally {
    store.close();
  }
}

/** All that was acknowledged when the log had `bytes`, and nothing that was not sent. */
function expectHeld(moment: Moment, bytes: number, what: string): void {
  const file = lay(moment, folder);
  const found = readAll(file);
  const lost = acknowledgedAt(bytes).filter((id) => found.get(id) !== sent.get(id));
  expect(lost, `acknowledged and lost, ${what}`).toEqual([]);
  expect([...found].filter(([id, body]) => sent.get(id) !== body)).toEqual([]);
  const db = new Database(file, { readonly: true });
  expect(db.pragma('quick_check', { simple: true }), what).toBe('ok');
  db.close();
}

const cutAt = (bytes: number, tail: Buffer = Buffer.alloc(0)): Moment => ({
  database: last.database,
  log: Buffer.concat([last.log.subarray(0, bytes), tail]),
});

/** The frames of the transaction whose last frame is `end`, in the log. */
function transactionBefore(end: number): readonly LogFrame[] {
  const begin = frames.findLastIndex(({ isCommit }, i) => isCommit && i < end) + 1;
  return frames.slice(begin, end + 1);
}

const commits = (): number[] => frames.flatMap(({ isCommit }, i) => (isCommit ? [i] : []));

describe('a copy of database and log, opened again', () => {
  it('holds what was acknowledged, with the log cut behind each of its frames', () => {
    expect(told.length).toBe(13);
    expect(commits().length).toBeGreaterThanOrEqual(told.length);
    expect(readAll(lay(last)).size).toBe(sent.size);
    for (const [i, { end }] of frames.entries()) expectHeld(cutAt(end), end, `cut behind frame ${i}`);
  });

  it('holds it with the log cut within a frame, or with rubbish or zeros for an end', () => {
    const pieces = [Buffer.alloc(5000, 0xa5), Buffer.alloc(9000), last.log.subarray(0, 7000)];
    for (const [i, { begin, end }] of frames.entries()) {
      if (i % 4 !== 0) continue;
      expectHeld(cutAt(begin + 7 + ((i * 97) % (end - begin - 7))), begin, `cut within frame ${i}`);
      expectHeld(cutAt(begin, pieces[i % pieces.length]), begin, `rubbish from frame ${i} on`);
    }
  });

  it('holds it where the last transaction came to the disk in parts, in whatever order', () => {
    for (const commit of commits().slice(1)) {
      const { end } = frames[commit] as LogFrame;
      const parts = transactionBefore(commit);
      if (parts.length < 2) continue;
      const [first, middle] = [parts[0], parts[Math.floor(parts.length / 2)]] as [LogFrame, LogFrame];
      for (const missing of [first, middle]) {
        const moment = cutAt(end);
        moment.log.fill(0, missing.begin + 300, missing.end);
        const file = lay(moment);
        expect(judgeLog(file)).toMatchObject({ kind: 'torn', frame: frames.indexOf(missing) + 1 });
        expectHeld(moment, first.begin, `transaction ${commit} without a part`);
      }
    }
  });

  it('holds everything with the power gone in the middle of a checkpoint', () => {
    const file = lay(last);
    const db = new Database(file);
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
    const copied = fs.readFileSync(file);
    const pageBytes = last.log.readUInt32BE(8);
    const { end } = frames.at(-1) as LogFrame;
    const pages = Math.ceil(copied.length / pageBytes);
    for (let page = 0; page <= pages; page += 2) {
      // So many pages are copied, and one of them only in part.
      const part = Math.min(copied.length, page * pageBytes + 1000);
      const database = Buffer.concat([copied.subarray(0, part), last.database.subarray(part)]);
      expectHeld({ database, log: last.log }, end, `${page} pages copied`);
    }
  });
});

describe('a daemon on such a copy', () => {
  it('starts, has what was acknowledged, says that an end was left out, and goes on', async () => {
    const commit = commits().at(-1) as number;
    const moment = cutAt((frames[commit] as LogFrame).end);
    const [first] = transactionBefore(commit) as [LogFrame];
    moment.log.fill(0, first.begin + 300, first.end);
    const mesh = await MeshProcess.create();
    fs.mkdirSync(mesh.data, { mode: 0o700 });
    fs.copyFileSync(lay(moment), path.join(mesh.data, 'store.db'));
    fs.writeFileSync(path.join(mesh.data, 'store.db-wal'), moment.log);
    await mesh.restart();
    const shown = new Set((await mesh.read(CHANNEL)).map(({ id }) => id));
    expect(acknowledgedAt(first.begin).filter((id) => !shown.has(id))).toEqual([]);
    const notes = mesh.log.map(({ note }) => String(note));
    expect(notes.find((note) => /last commit in .* was left out.*power/s.test(note))).toBeDefined();
    const { id } = await mesh.client.publish({ channel: CHANNEL, body: 'after the power came back' });
    await mesh.stop();
    await mesh.restart();
    expect(await mesh.client.message(id)).toMatchObject({ body: 'after the power came back' });
    await mesh.stop();
  });
});
