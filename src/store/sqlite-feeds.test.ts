/** Feeds in files: records that an earlier version stored, damaged ones, and a database that is recovered. */
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { HOUR } from '../core/limits.ts';
import { RELATION } from '../core/message/message.ts';
import type { PersistOp } from '../core/persistence.ts';
import { FIRST, INFINITY } from '../core/sync/negentropy/bounds.ts';
import { markDamaged } from './recovery.ts';
import { CONTENT } from './schema-4.ts';
import { openStore, type SqliteStore } from './sqlite.ts';
import { cleanUp, expectConsistent, me, newFolder, open, other, stores } from './testing/damage.ts';
import { OLD_SCHEMAS, writeOldDatabase } from './testing/legacy-schemas.ts';
import {
  type Draft,
  joined,
  NETWORK,
  nodeVerify,
  published,
  received,
  sha256,
  signedMessage,
  tagOf,
  WALL_MS,
} from './testing/messages.ts';

afterEach(cleanUp);

/** The schema that knew nothing of them. */
const BEFORE_FEEDS = 7;

const FEED = `@${other.id}`;
const OWN_FEED = `@${me.id}`;

function record(minutes: number, draft: Draft = {}) {
  const time = { timeMs: WALL_MS + minutes * 60_000 };
  return signedMessage(other, { channel: FEED, kind: 20, time, body: `${minutes}`, ...draft });
}
const own = (minutes: number, kind = 20) =>
  signedMessage(me, { channel: OWN_FEED, kind, time: { timeMs: WALL_MS + minutes * 60_000 } });

const [old, middle, now] = [record(1), record(2), record(3)];
const certificates = [1, 2, 3].map((minutes) => record(minutes, { kind: 16 }));
const post = signedMessage(other);
const [ownOld, ownNow] = [own(1), own(2)];
const RECORDS = [middle, now, old, ...certificates, record(9, { expiresMs: WALL_MS + HOUR })];
const OPS: readonly PersistOp[] = [
  joined(FEED),
  ...[...RECORDS, post].map(received),
  published(ownOld, 'old'),
  published(ownNow, 'new'),
];

function openAt(file: string): SqliteStore {
  const store = openStore({ path: file, network: NETWORK, sha256 });
  stores.push(store);
  return store;
}

/** Everything that a superseded record could show in. */
function everything(store: SqliteStore): unknown {
  const tags = [FEED, OWN_FEED, 'dev'].map(tagOf);
  const use = store.read({ kind: 'usage' });
  return {
    use: use.kind === 'usage' && [...use.tags].sort((a, b) => (a.tag < b.tag ? -1 : 1)),
    sums: tags.map((tag) =>
      store.read({ kind: 'split', tag, ranges: [{ from: FIRST, until: INFINITY, size: 1 }] }),
    ),
    has: store.read({
      kind: 'has',
      ids: [...RECORDS, post, ownOld, ownNow].map(({ message }) => message.id),
    }),
    channels: store.channels().map(({ lastArrival: _, ...row }) => row),
    outbox: store.outboxSize(9),
    keys: ['old', 'new'].map((key) => store.read({ kind: 'idempotency', identity: me.id, key })),
    heads: store.read({ kind: 'head', identity: me.id, channel: OWN_FEED, horizonMs: WALL_MS }),
  };
}

function newStore(): SqliteStore {
  const store = openAt(path.join(newFolder(), 'store.db'));
  store.transact([OPS]);
  return store;
}

describe('a database of before', () => {
  it.each(OLD_SCHEMAS)('of schema %d loses what is superseded, and knows what a new one knows', (schema) => {
    const file = path.join(newFolder(), 'store.db');
    writeOldDatabase(file, schema, OPS);
    const store = openAt(file);
    expect(everything(store)).toEqual(everything(newStore()));
    expect(store.read({ kind: 'has', ids: [old, now].map(({ message }) => message.id) })).toEqual({
      kind: 'has',
      holdings: ['unknown', 'held'],
    });
    store.close();
    expectConsistent(file);
  });

  it('wants again what was deleted in a feed, and takes nothing there for an edit or a delete', () => {
    const file = path.join(newFolder(), 'store.db');
    const refs = [{ relation: RELATION.delete, id: now.message.id }];
    const deletion = record(4, { kind: 2, body: '', refs });
    writeOldDatabase(file, BEFORE_FEEDS, [received(now), received(deletion)]);
    const db = new Database(file);
    // As that version understood it.
    db.exec(`UPDATE message SET content = ${CONTENT.deleted}, body = '' WHERE arrival = 1`);
    db.exec('UPDATE message SET amends = 2 WHERE arrival = 2');
    db.prepare(
      'INSERT INTO amendment SELECT ?, 2, channel, author, time, id, arrival FROM message WHERE arrival = 2',
    ).run(now.message.id);
    db.close();
    const store = openAt(file);
    const ids = [now, deletion].map(({ message }) => message.id);
    expect(store.read({ kind: 'has', ids })).toMatchObject({ holdings: ['wanted', 'held'] });
    store.transact([[received(now)]]);
    expect(store.read({ kind: 'has', ids })).toMatchObject({ holdings: ['held', 'held'] });
  });
});

it('a damaged record still supersedes, and is whole when it comes again', () => {
  const file = path.join(newFolder(), 'store.db');
  const store = openAt(file);
  store.transact([[received(now)]]);
  const db = new Database(file);
  db.exec("UPDATE message SET body = 'x'");
  db.close();
  const budget = { messages: 9, bytes: 1e9, wallMs: WALL_MS };
  expect(store.scrub.page(nodeVerify, budget)).toMatchObject({ damaged: [{ channel: FEED, messages: 1 }] });
  const ids = [old, now].map(({ message }) => message.id);
  expect(store.transact([[received(old)]])[0]).toEqual([{ kind: 'superseded' }]);
  expect(store.read({ kind: 'has', ids })).toMatchObject({ holdings: ['unknown', 'wanted'] });
  store.transact([[received(now)]]);
  expect(store.read({ kind: 'has', ids })).toMatchObject({ holdings: ['unknown', 'held'] });
  store.transact([[received(record(4))]]);
  expect(store.read({ kind: 'has', ids })).toMatchObject({ holdings: ['unknown', 'unknown'] });
  expect(store.scrub.damaged()).toEqual([]);
});

it('a recovered database keeps the rule, whatever lies in pages that are free', () => {
  const file = path.join(newFolder(), 'store.db');
  const store = openAt(file);
  // Long enough for pages of their own, which are read where something is missing.
  const long = [5, 6, 7].map((minutes) => record(minutes, { kind: 30, body: 'x'.repeat(9000) }));
  store.transact([OPS]);
  for (const one of long) store.transact([[received(one)]]);
  const before = everything(store);
  store.close();
  markDamaged(file, 'The indexes do not know message number 1.');
  const recovered = open(file);
  expect(recovered.done).toMatchObject({ lost: 0, ownLost: 0, partial: [] });
  expect(everything(recovered.store)).toEqual(before);
  expect(recovered.store.transact([[received(old), received(record(10))]])[0]).toMatchObject([
    { kind: 'superseded' },
    { inserted: true },
  ]);
  const ids = [...long, now].map(({ message }) => message.id);
  expect(recovered.store.read({ kind: 'has', ids })).toMatchObject({
    holdings: ['unknown', 'unknown', 'held', 'unknown'],
  });
  recovered.store.close();
  expectConsistent(file);
});
