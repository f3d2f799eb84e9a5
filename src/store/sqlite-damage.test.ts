/** A store over damaged bytes: whatever is asked of it, it answers with what is genuine or refuses with a code. */
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { MeshError } from '../core/errors.ts';
import { MINUTE_END, type PersistOp } from '../core/persistence.ts';
import { openStore, type SqliteStore } from './sqlite.ts';
import { cleanUp, lay, MADE, MESSAGES, me, NOW_MS, other, PAGE, stores } from './testing/damage.ts';
import {
  dropped,
  joined,
  NETWORK,
  nodeVerify,
  PEER,
  pruned,
  published,
  received,
  retained,
  sha256,
  signedMessage,
  tagOf,
} from './testing/messages.ts';

afterEach(cleanUp);

const IDS = MESSAGES.map(({ message }) => message.id);
const tag = tagOf('dev');
const START = { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(0) };
const END = { time: { timeMs: 2 ** 47 - 1, counter: 0xffff }, id: new Uint8Array(33).fill(0xff) };
const WINDOW = { tag, fromMinute: 0, untilMinute: MINUTE_END };
const RANGE = { from: START, until: END };

/** Everything that a daemon asks, each call for itself. */
function calls(store: SqliteStore): (() => unknown)[] {
  const ops: readonly PersistOp[] = [
    ...[
      joined('dev'),
      joined('new'),
      retained('ops', { messages: 5 }),
      received(signedMessage(other, { nonce: 1 })),
    ],
    published(signedMessage(me, { nonce: 2 }), 'key 5'),
    published(signedMessage(me, { nonce: 3 }), 'new key'),
    { kind: 'delivery', ids: MESSAGES.map(({ message }) => message.idText), state: 'stored', by: PEER },
    { kind: 'expire', wallMs: NOW_MS },
    ...[
      dropped('dev', 0),
      pruned('ops', { floorHour: 3 }),
      { kind: 'record-sequence', sequence: 200 } as const,
    ],
  ];
  return [
    () => store.restore(),
    () => store.channels(),
    () => store.lastArrival(),
    () => store.outboxSize(9),
    () => store.readPage({ channel: 'dev', limit: 99, wallMs: NOW_MS }),
    () => store.readArrivals({ after: 0, limit: 99, wallMs: NOW_MS }),
    ...MESSAGES.map(
      ({ message }) =>
        () =>
          store.readMessage(message.idText),
    ),
    () => store.known({ from: new Uint8Array(32), until: new Uint8Array(32).fill(0xff) }, 99),
    () => store.read({ kind: 'has', ids: IDS }),
    () => store.read({ kind: 'messages', ids: IDS }),
    () => store.read({ kind: 'wanted', afterArrival: 0, limit: 9 }),
    () => store.read({ kind: 'usage' }),
    () => store.read({ kind: 'hours', tag, fromHour: 0, limit: 9 }),
    () => store.read({ kind: 'sums', windows: [WINDOW] }),
    () => store.read({ kind: 'split', tag, ranges: [{ ...RANGE, size: 4 }] }),
    () => store.read({ kind: 'ids', tag, ranges: [RANGE], limit: 99 }),
    () => store.read({ kind: 'page', channel: 'dev', limit: 99, wallMs: NOW_MS }),
    () => store.read({ kind: 'outbox', afterArrival: 0, limit: 99 }),
    () => store.read({ kind: 'idempotency', identity: me.id, key: 'key 5' }),
    () => store.read({ kind: 'head', identity: me.id, channel: 'dev', horizonMs: NOW_MS }),
    () => store.scrub.state(),
    () => store.scrub.page(nodeVerify, { messages: 99, bytes: 1e9, wallMs: NOW_MS }),
    () => store.scrub.damaged(),
    ...ops.map((op) => () => store.transact([[op]])),
  ];
}

/** No call ends in anything but an answer or an error of the table, and no message is served that was not stored. */
function expectHonest(store: SqliteStore): void {
  for (const call of calls(store)) {
    try {
      call();
    } catch (error) {
      expect(error, call.toString()).toBeInstanceOf(MeshError);
    }
  }
  for (const { message } of MESSAGES) {
    try {
      const found = store.readMessage(message.idText)?.message.message;
      if (found !== undefined) expect([found.body, found.wire]).toEqual([message.body, message.wire]);
    } catch (error) {
      expect(error).toBeInstanceOf(MeshError);
    }
  }
}

function openDamaged(file: string): SqliteStore | undefined {
  try {
    const store = openStore({ path: file, network: NETWORK, sha256 });
    stores.push(store);
    return store;
  } catch (error) {
    expect(error).toBeInstanceOf(MeshError);
    return undefined;
  }
}

/** What may stand where anything else should. */
const VALUES = [
  'NULL',
  '-1',
  '7',
  '9007199254740993',
  '1.5',
  "'text'",
  "X'00'",
  'zeroblob(8)',
  'zeroblob(32)',
  "X'ff00000000000000'",
];
const COLUMNS = [
  ...['id', 'tag', 'channel', 'kind', 'author', 'time', 'expires', 'bytes', 'signature', 'signature_crc'].map(
    (column) => ['message', column] as const,
  ),
  ...['body', 'payload', 'content'].map((column) => ['message', column] as const),
  ...['count', 'sum', 'messages', 'cost', 'floor', 'bytes'].map((column) => ['tag', column] as const),
  ...['count', 'sum', 'messages', 'cost'].map((column) => ['hour_sum', column] as const),
  ...['count', 'sum'].map((column) => ['minute_sum', column] as const),
  ...['state', 'stored_by', 'key'].map((column) => ['own', column] as const),
  ...['messages', 'content', 'time', 'id', 'own'].map((column) => ['author', column] as const),
  ...['name', 'tag', 'joined', 'messages'].map((column) => ['channel', column] as const),
  ...['id', 'fingerprint'].map((column) => ['idempotency', column] as const),
  ['public_key', 'bytes'] as const,
  ['mailbox', 'tags'] as const,
  ['carried', 'until'] as const,
  ['leaf_floor', 'hour'] as const,
  ['address', 'peer'] as const,
  ['meta', 'value'] as const,
];

/** Sets a column of every third row to a value that its type forbids. */
function spoil(file: string, table: string, column: string, value: string): void {
  const db = new Database(file);
  db.unsafeMode(true);
  db.pragma('foreign_keys = OFF');
  db.pragma('writable_schema = ON');
  db.prepare(
    `UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ' STRICT', ''), ', WITHOUT ROWID', ' WITHOUT ROWID'), ' NOT NULL', '') WHERE name = ?`,
  ).run(table);
  db.pragma('schema_version = 999');
  db.close();
  const changed = new Database(file);
  changed.pragma('foreign_keys = OFF');
  changed.exec(`UPDATE OR IGNORE ${table} SET ${column} = ${value}`);
  changed.close();
}

describe('a store whose rows hold what their columns forbid', () => {
  it.each(COLUMNS)('answers or refuses: %s.%s', (table, column) => {
    // All values in each column would take minutes: they take turns, and NULL, the likeliest, has every other one.
    const turn = COLUMNS.findIndex((one) => one[0] === table && one[1] === column);
    const value = turn % 2 === 0 ? 'NULL' : (VALUES[1 + ((turn >> 1) % (VALUES.length - 1))] as string);
    const file = lay(MADE.closed);
    spoil(file, table, column, value);
    const store = openDamaged(file);
    if (store !== undefined) expectHonest(store);
  });
});

describe('a store over damaged pages', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))('answers or refuses: seed %i', (seed) => {
    const bytes = Buffer.from(MADE.closed);
    let state = seed * 7919 + 17;
    const next = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    // Not the first page: without it nothing opens.
    for (let i = 0; i < 1 + next(20); i++) bytes[PAGE + next(bytes.length - PAGE)] = next(256);
    const store = openDamaged(lay(bytes));
    if (store !== undefined) expectHonest(store);
  });
});
