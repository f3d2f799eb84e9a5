/**
 * What a heartbeat costs over a real SQLite store: processor time for the fingerprint over all shared channels, where all sums
 * are read and hashed (as without memory of them), where nothing has changed, and where something has.
 *
 * Run: node tools/measure-heartbeat.ts [channels]   (4096 by default, with ten messages each)
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Shared } from '../src/core/interest/link-interest.ts';
import type { Link } from '../src/core/link/link.ts';
import type { PersistOp, Query, QueryAnswer } from '../src/core/persistence.ts';
import { combine, fingerprint } from '../src/core/sync/fingerprint.ts';
import { Sums } from '../src/core/sync/sums.ts';
import { openStore } from '../src/store/sqlite.ts';
import type { Store } from '../src/store/store.ts';
import {
  createAuthor,
  NETWORK,
  received,
  sha256,
  tagOf,
  unsignedMessage,
  WALL_MS,
} from '../src/store/testing/messages.ts';
import { median, short } from './bench/statistics.ts';

type Answer = Extract<QueryAnswer, { kind: 'sums' }>;
type Ask = (query: Extract<Query, { kind: 'sums' }>) => Answer;

const MINUTE = 60_000;
const NOW = WALL_MS / MINUTE;
const OF_CHANNEL = 10;
const ROUNDS = 31;
const author = createAuthor(1);
let made = 0;

/** A message of that minute for the channel. */
function message(channel: number, minute: number): PersistOp {
  const time = { timeMs: minute * MINUTE };
  return received(unsignedMessage(author, { channel: `dev${channel}`, time, nonce: made++ }));
}

/** Ten messages in each channel, an hour apart. */
function fill(store: Store, channels: number): void {
  for (let hour = OF_CHANNEL; hour > 0; hour--)
    store.transact([Array.from({ length: channels }, (_, n) => message(n, NOW - 60 * hour))]);
  store.transact([[{ kind: 'expire', wallMs: WALL_MS }]]);
}

/** All sums are read, and all fingerprints made. */
function readAll(ask: Ask, shared: readonly Shared[], untilMinute: number): Uint8Array {
  const windows = shared.map(({ tag, floorHour }) => ({ tag, fromMinute: floorHour * 60, untilMinute }));
  const { sums } = ask({ kind: 'sums', windows });
  return combine(
    sha256,
    sums.map((sum, i) => ({ tag: shared[i]?.tag ?? '', fingerprint: fingerprint(sha256, sum) })),
  );
}

/** Milliseconds of processor time. */
function timed(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function report(name: string, before: () => void, work: () => void): void {
  const all = Array.from({ length: ROUNDS }, () => {
    before();
    return timed(work);
  });
  console.log(`${name.padEnd(48)} ${short(median(all)).padStart(8)} ms`);
}

function measure(store: Store, channels: number): void {
  fill(store, channels);
  const ask: Ask = (query) => store.read(query) as Answer;
  const tags = Array.from({ length: channels }, (_, n) => tagOf(`dev${n}`));
  const inOrder = tags.sort((a, b) =>
    Buffer.compare(Buffer.from(a, 'base64url'), Buffer.from(b, 'base64url')),
  );
  const shared = inOrder.map((tag) => ({ tag, floorHour: 0 }));
  const sums = new Sums({ config: { sha256 } } as ConstructorParameters<typeof Sums>[0], {
    interest: { sharedWith: () => shared },
    read: (_, query, _until, then) => then(ask(query)),
  });
  const link = { id: 1 } as unknown as Link;
  sums.up(link);
  let until = NOW;
  let print: Uint8Array = new Uint8Array();
  const beat = (): void =>
    sums.ofBeat(link, until, (compared) => {
      print = compared.fingerprint;
    });
  const change = (count: number) => () =>
    void store.transact([
      Array.from({ length: count }, (_, n) => message((made + n * 41) % channels, NOW - 1)),
    ]);
  console.log(`${channels} channels, ${OF_CHANNEL} messages each, medians of ${ROUNDS}`);
  report(
    'all sums are read',
    () => until++,
    () => void readAll(ask, shared, until),
  );
  beat();
  report('nothing has changed, a minute later', () => until++, beat);
  for (const count of [1, 10, 100]) report(`a message each in ${count} of them`, change(count), beat);
  if (Buffer.compare(print, readAll(ask, shared, until)) !== 0) throw new Error('another fingerprint');
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-heartbeat-'));
const store = openStore({ path: path.join(folder, 'store.db'), network: NETWORK, sha256 });
try {
  measure(store, Number(process.argv[2] ?? 4096));
} finally {
  store.close();
  fs.rmSync(folder, { recursive: true, force: true });
}
