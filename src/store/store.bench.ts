/**
 * Cost of the store. `MESH_BENCH_MESSAGES=1000000` fills it first; without it 20,000 messages are in it. A batch is one
 * group commit of 256 messages of 400 bytes; its time contains one fsync, so compare it with `an empty commit`.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { MINUTE_END, type PersistOp, type Query } from '../core/persistence.ts';
import { createMemoryStore } from './memory.ts';
import { openStore } from './sqlite.ts';
import type { Store } from './store.ts';
import {
  createAuthor,
  NETWORK,
  published,
  received,
  sha256,
  tagOf,
  unsignedMessage,
  WALL_MS,
} from './testing/messages.ts';

const FILL = Number(process.env.MESH_BENCH_MESSAGES ?? 20_000);
const CHANNELS = 5;
const HOURS = 90 * 24;
const authors = Array.from({ length: 50 }, (_, i) => createAuthor(i));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-bench-'));
const store = openStore({ path: path.join(folder, 'store.db'), network: NETWORK, sha256 });
const memory = createMemoryStore({ network: NETWORK, sha256 });
const body = 'x'.repeat(238);
let made = 0;

/** Message number `made`: dated `timeMs`, with a wire item of 400 bytes. */
function next(timeMs: number) {
  const n = made++;
  const author = authors[n % authors.length] as (typeof authors)[0];
  const text = `${body}${String(n).padStart(8, '0')}`;
  return unsignedMessage(author, { channel: `dev${n % CHANNELS}`, time: { timeMs }, body: text });
}

function batch(timeOf: (n: number) => number): PersistOp[] {
  return Array.from({ length: LIMITS.commitMessagesMax }, (_, i) => received(next(timeOf(i))));
}

/** Batches made beforehand: making them takes longer than storing them. */
function prepared(count: number, timeOf: (n: number) => number): () => PersistOp[] {
  const batches = Array.from({ length: count }, () => batch(timeOf));
  return () => batches.pop() ?? batch(timeOf);
}

const live = (n: number): number => WALL_MS + made * 20 + (n % 7);
const history = (): number => WALL_MS - Math.floor(Math.random() * HOURS * 3_600_000);

function fill(target: Store): void {
  const step = Math.max(1, Math.floor((HOURS * 3_600_000) / FILL));
  while (made < FILL) target.transact([batch((i) => WALL_MS - (FILL - made - i) * step)]);
  target.transact([[{ kind: 'expire', wallMs: WALL_MS }]]);
}

fill(store);
const stored = store.readArrivals({ after: 0, limit: 1000, wallMs: 0, channels: ['dev0', 'dev1'] });
const ids = stored.map(({ message }) => message.message.id).slice(0, 256);
const nowMinute = WALL_MS / 60_000;
afterAll(() => {
  store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Every batch is made before the measurement, so a run has a fixed length. */
const ROUNDS = { iterations: 100, time: 0, warmupIterations: 10, warmupTime: 0 };
const BATCHES = ROUNDS.iterations + ROUNDS.warmupIterations;

it('transact', { timeout: 300_000 }, async ({ bench }) => {
  const liveBatch = prepared(BATCHES, live);
  const oldBatch = prepared(BATCHES, history);
  const ownBatch = prepared(BATCHES, live);
  const memoryBatch = prepared(BATCHES, live);
  const known = stored.slice(0, 256).map(({ message }) => received(message));
  const publish = (op: PersistOp): PersistOp =>
    op.kind === 'message' ? published(op.message, op.message.message.idText) : op;
  let sequence = 0;
  await bench.compare(
    bench('an empty commit (one fsync)', () => {
      store.transact([[{ kind: 'record-sequence', sequence: ++sequence }]]);
    }),
    bench('256 new messages of now', () => void store.transact([liveBatch()])),
    bench('256 new messages of 90 days, in no order', () => void store.transact([oldBatch()])),
    bench('256 own messages with keys', () => void store.transact([ownBatch().map(publish)])),
    bench('256 messages that are stored already', () => void store.transact([known])),
    bench('256 new messages in memory', () => void memory.transact([memoryBatch()])),
    ROUNDS,
  );
});

it('read', { timeout: 300_000 }, async ({ bench }) => {
  const windows = (fromMinute: number, untilMinute: number) =>
    Array.from({ length: CHANNELS }, (_, i) => ({ tag: tagOf(`dev${i}`), fromMinute, untilMinute }));
  const ask = (name: string, query: Query) => bench(name, () => void store.read(query));
  const until = nowMinute - 2;
  await bench.compare(
    ask('has, 256 ids', { kind: 'has', ids }),
    ask('messages, 256 ids', { kind: 'messages', ids }),
    ask('sums of 5 channels, everything', { kind: 'sums', windows: windows(0, MINUTE_END) }),
    ask('sums of 5 channels, 90 days', { kind: 'sums', windows: windows(0, until) }),
    ask('sums of 5 channels, 7 days', { kind: 'sums', windows: windows(nowMinute - 7 * 1440, until) }),
    ask('an outbox page', { kind: 'outbox', afterArrival: 0, limit: LIMITS.outboxPage }),
    bench('a page of 100', () => void store.readPage({ channel: 'dev1', limit: 100, wallMs: WALL_MS })),
    { time: 500 },
  );
});
