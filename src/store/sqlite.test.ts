import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { addSum, fromBase64url } from '../core/bytes.ts';
import { MINUTE_END } from '../core/persistence.ts';
import { createMemoryStore } from './memory.ts';
import { openStore, type SqliteStore } from './sqlite.ts';
import type { Store } from './store.ts';
import { describeStore } from './testing/acceptance.ts';
import { NETWORK, sha256, tagOf } from './testing/messages.ts';
import { BATCH, numbered, PROCESS_FILE } from './testing/process.ts';
import { overview, reads, reveal, transactions } from './testing/random.ts';

const folders: string[] = [];
const stores: Store[] = [];
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const store of stores.splice(0)) store.close();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

function newPath(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-store-'));
  folders.push(folder);
  return path.join(folder, 'store.db');
}

function open(file: string): SqliteStore {
  const store = openStore({ path: file, network: NETWORK, sha256 });
  stores.push(store);
  return store;
}

/** A process of `testing/process.ts` and its lines. */
function start(file: string, ...args: string[]) {
  const child = spawn(process.execPath, [PROCESS_FILE, file, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value as string | undefined };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describeStore('the SQLite store', () => {
  const file = newPath();
  let store = open(file);
  const reopen = () => {
    store.close();
    store = open(file);
    return store;
  };
  return {
    store,
    reopen,
    damage: (id) => {
      store.close();
      const db = new Database(file);
      // Of the same length, so that what it costs stays the same.
      db.prepare("UPDATE message SET body = replace(body, 'b', 'p') WHERE id = ?").run(fromBase64url(id));
      db.close();
      return reopen();
    },
  };
});

describe('the SQLite store and its twin', () => {
  // Eighty databases on the disk: half a minute is not enough where that is busy.
  it('give the same answers after any operations', { timeout: 180_000 }, () => {
    const property = fc.property(transactions, reads, (calls, questions) => {
      const file = newPath();
      const [store, twin] = [open(file), createMemoryStore({ network: NETWORK, sha256 })];
      for (const effects of calls) {
        expect(store.transact(effects)).toEqual(twin.transact(effects));
        for (const ask of questions) expect(reveal(ask(store))).toEqual(reveal(ask(twin)));
      }
      expect(overview(store)).toEqual(overview(twin));
      store.close();
      expect(overview(open(file))).toEqual(overview(twin));
    });
    fc.assert(property, { numRuns: 80 });
  });
});

describe('two stores on one file', () => {
  it('refuses a second open in the same process, also by another name of the file', () => {
    const file = newPath();
    const store = open(file);
    const link = path.join(path.dirname(file), 'link.db');
    fs.symlinkSync(file, link);
    for (const name of [file, link, file])
      expect(() => open(name)).toThrow(expect.objectContaining({ code: 'store_locked' }));
    expect(store.lastArrival()).toBe(0);
    store.close();
    expect(open(link).lastArrival()).toBe(0);
  });

  it('refuses a second process, and takes over at once when the first is killed', async () => {
    const file = newPath();
    const first = start(file, 'hold');
    expect(await first.line()).toBe('open');
    expect(() => open(file)).toThrow(expect.objectContaining({ code: 'store_locked' }));
    expect(await start(file, 'hold').line()).toBe('store_locked');
    await kill(first.child);
    const store = open(file);
    expect(await start(file, 'hold').line()).toBe('store_locked');
    expect(store.lastArrival()).toBe(0);
  });
});

describe('a process that is killed while it writes', () => {
  /** What must hold of a file whose writer has acknowledged all messages before `acknowledged`. */
  function judge(file: string, acknowledged: number): number {
    const store = open(file);
    const last = store.lastArrival();
    expect(last % BATCH, 'batches are whole').toBe(0);
    expect(last).toBeGreaterThanOrEqual(acknowledged);
    const page = store.readArrivals({ after: 0, limit: last, wallMs: 0 });
    const alive = Array.from({ length: last }, (_, n) => n).filter((n) => n % 8 !== 7);
    expect(page.map(({ message }) => Number(message.message.body))).toEqual(alive);
    expect(page.every(({ delivery }) => delivery?.state === 'relayed')).toBe(true);
    const sum = new Uint8Array(32);
    for (const { message } of page) addSum(sum, message.message.id);
    const window = { tag: tagOf('dev'), fromMinute: 0, untilMinute: MINUTE_END };
    const answer = store.read({ kind: 'sums', windows: [window] });
    expect(answer).toMatchObject({ sums: [{ count: alive.length, sum }] });
    expect(store.channels()).toMatchObject([{ messages: alive.length }]);
    store.close();
    const db = new Database(file, { readonly: true });
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    db.close();
    return last;
  }

  it('loses nothing that was acknowledged and leaves no half transaction', async () => {
    const file = newPath();
    let next = 0;
    for (const acks of [1, 7, 3, 12]) {
      const { child, line } = start(file, 'write', String(next));
      let acknowledged = next;
      for (let i = 0; i < acks; i++) acknowledged = Number((await line())?.replace('ack ', ''));
      await kill(child);
      for (let more = await line(); more?.startsWith('ack '); more = await line())
        acknowledged = Number(more.replace('ack ', ''));
      expect(acknowledged).toBeGreaterThanOrEqual(next + acks * BATCH);
      next = judge(file, acknowledged);
    }
    const repeated = open(file).read({
      kind: 'idempotency',
      identity: numberedAuthor(),
      key: `key ${next - 1}`,
    });
    expect(repeated).toMatchObject({ found: { id: numbered(next - 1).message.idText } });
  });
});

function numberedAuthor(): string {
  return Buffer.from(numbered(0).message.author).toString('base64url');
}
