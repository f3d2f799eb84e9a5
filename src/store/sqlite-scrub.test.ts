import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { toBase64url } from '../core/bytes.ts';
import type { Ed25519Verify, VerifiedMessage } from '../core/message/verified.ts';
import { INFINITY, startOfMinute } from '../core/sync/negentropy/bounds.ts';
import { migrate } from './migrations.ts';
import { createSqliteStore, type SqliteStore } from './sqlite.ts';
import {
  createAuthor,
  dropped,
  joined,
  mesh1Message,
  NETWORK,
  nodeVerify,
  pruned,
  published,
  putOff,
  received,
  sha256,
  signedMessage,
  tagOf,
  WALL_MS,
} from './testing/messages.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];
const FOUND_MS = WALL_MS + 5_000;
const open: Database.Database[] = [];

afterEach(() => {
  for (const db of open.splice(0)) db.close();
});

interface Subject {
  readonly db: Database.Database;
  readonly store: SqliteStore;
  readonly messages: readonly VerifiedMessage[];
  /** the same messages in a store that was never damaged */
  readonly sound: SqliteStore;
}

function newStore(): { db: Database.Database; store: SqliteStore } {
  const db = new Database(':memory:');
  db.pragma('foreign_keys = ON');
  migrate(db, { wallMs: 0 });
  open.push(db);
  return { db, store: createSqliteStore(db, { network: NETWORK, sha256 }, () => db.close()) };
}

/** Five messages of Bob, arrival 1 to 5, and two own ones of Ann, 6 (confirmed) and 7. */
function subject(): Subject {
  const messages = [1, 2, 3, 4, 5, 6, 7].map((n) =>
    signedMessage(n < 6 ? bob : ann, { body: `body ${n}`, time: { timeMs: WALL_MS + n } }),
  );
  const ops = messages.map((message, i) => (i < 5 ? received(message) : published(message, `key ${i}`)));
  const ids = messages.slice(5, 6).map(({ message }) => message.idText);
  const stored = { kind: 'delivery', ids, state: 'stored', by: bob.id, alone: true } as const;
  const [damaged, sound] = [newStore(), newStore()];
  for (const { store } of [damaged, sound]) store.transact([[joined('dev'), ...ops, stored]]);
  return { ...damaged, messages, sound: sound.store };
}

const verify: Ed25519Verify = nodeVerify;
const ALL = { messages: 1000, bytes: 1e9, wallMs: FOUND_MS };

function bodies(store: SqliteStore): string[] {
  return store
    .readPage({ channel: 'dev', limit: 20, wallMs: WALL_MS })
    .map(({ message }) => message.message.body);
}

const EVERYTHING = { from: startOfMinute(0), until: INFINITY };

/** What the mesh compares, which must be that of a store without damage. */
function sums(store: SqliteStore): unknown {
  const window = { tag: tagOf('dev'), fromMinute: 0, untilMinute: 2 ** 42 };
  return [
    store.read({ kind: 'sums', windows: [window] }),
    store.read({ kind: 'split', tag: tagOf('dev'), ranges: [{ ...EVERYTHING, size: 4 }] }),
    store.read({ kind: 'ids', tag: tagOf('dev'), ranges: [EVERYTHING], limit: 99 }),
  ];
}

function use(store: SqliteStore): unknown {
  const answer = store.read({ kind: 'usage' });
  return answer.kind === 'usage' && answer.tags;
}

function wanted(store: SqliteStore): string[] {
  const answer = store.read({ kind: 'wanted', afterArrival: 0, limit: 99 });
  return answer.kind === 'wanted' ? answer.rows.map(({ id }) => toBase64url(id)) : [];
}

describe('a scrub', () => {
  it('finds nothing in a store that is in order, whatever is in it', () => {
    const { store, messages } = subject();
    store.transact([
      [
        putOff(signedMessage(bob, { body: 'later' })),
        received(mesh1Message(bob, 'of mesh/1')),
        putOff(mesh1Message(bob, 'of mesh/1, later')),
        received(signedMessage(bob, { channel: 'ops', body: 'x'.repeat(5000) })),
        received(signedMessage(bob, { kind: 77, expiresMs: WALL_MS + 1e9, payload: new Uint8Array(9) })),
        dropped('ops', 0),
      ],
    ]);
    const page = store.scrub.page(verify, ALL);
    expect(page).toMatchObject({ messages: messages.length + 5, damaged: [], structure: '', isLast: true });
    expect(store.scrub.damaged()).toEqual([]);
    expect(store.scrub.state()).toEqual({ after: 0, messages: 12, startedMs: FOUND_MS, endedMs: FOUND_MS });
  });

  it.each([
    ['body', "body = 'bodY 2'"],
    ['payload of another length', "payload = X'01'", false],
    ['content of another type', 'body = 5', false],
    ['signed bytes', 'bytes = zeroblob(length(bytes))'],
    ['signed bytes that are text', "bytes = 'text'", false],
    ['signature', 'signature = zeroblob(64)'],
    ['signature with its checksum', `signature = zeroblob(64), signature_crc = 1969922972`],
    ['checksum', 'signature_crc = 7'],
  ])(
    'makes a message with another %s wanted, and it is whole when it comes again',
    (_, change, isOfSameLength = true) => {
      const { db, store, messages, sound } = subject();
      // STRICT tables refuse what a damaged page may hold.
      db.unsafeMode(true);
      db.pragma('writable_schema = ON');
      db.exec("UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'message'");
      db.pragma('schema_version = 77');
      db.exec(`UPDATE message SET ${change} WHERE arrival = 2`);
      const [, second] = messages as [VerifiedMessage, VerifiedMessage];
      expect(store.scrub.page(verify, ALL)).toMatchObject({
        damaged: [{ channel: 'dev', messages: 1, unconfirmed: 0 }],
        structure: '',
        isLast: true,
      });
      expect(store.scrub.damaged()).toEqual([{ channel: 'dev', messages: 1, unconfirmed: 0 }]);
      expect(wanted(store)).toEqual([second.message.idText]);
      expect(bodies(store)).not.toContain('body 2');
      expect(sums(store)).toEqual(sums(sound));
      expect(store.channels()).toMatchObject([{ messages: 6 }]);
      // Once is enough: a second pass does not count it again.
      expect(store.scrub.page(verify, ALL)).toMatchObject({ damaged: [], structure: '' });
      expect(store.transact([[received(second)]])).toMatchObject([[{ inserted: true, arrival: 8 }]]);
      expect(store.scrub.damaged()).toEqual([]);
      expect(bodies(store)).toEqual(bodies(sound));
      expect(sums(store)).toEqual(sums(sound));
      // What a message cost cannot be told any more when its length is damaged.
      if (isOfSameLength) expect(use(store)).toEqual(use(sound));
      expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    },
  );

  it('keeps an own message an own one, with its state, its key and the end of its chain', () => {
    const { db, store, messages, sound } = subject();
    db.exec("UPDATE message SET body = 'bodY 6' WHERE arrival = 6");
    expect(store.scrub.page(verify, ALL).damaged).toEqual([{ channel: 'dev', messages: 1, unconfirmed: 0 }]);
    const sixth = messages[5] as VerifiedMessage;
    store.transact([[received(sixth)]]);
    expect(store.readMessage(sixth.message.idText)?.delivery).toEqual({
      state: 'stored',
      storedBy: [bob.id],
    });
    expect(store.read({ kind: 'outbox', afterArrival: 0, limit: 9, alone: true })).toMatchObject({
      rows: [{ message: { message: { idText: sixth.message.idText } }, storedBy: [bob.id] }],
    });
    const head = { kind: 'head', identity: ann.id, channel: 'dev', horizonMs: WALL_MS * 2 } as const;
    expect(store.read(head)).toEqual(sound.read(head));
    expect(store.transact([[published(signedMessage(ann, { nonce: 9 }), 'key 5')]])).toMatchObject([
      [{ kind: 'repeated', id: sixth.message.idText }],
    ]);
    expect(use(store)).toEqual(use(sound));
  });

  it('tells own messages that nobody confirmed apart, and leaves what is left of them', () => {
    const { db, store, messages } = subject();
    db.exec("UPDATE message SET body = 'what is left' WHERE arrival = 7");
    const damaged = [{ channel: 'dev', messages: 1, unconfirmed: 1 }];
    expect(store.scrub.page(verify, ALL).damaged).toEqual(damaged);
    expect(store.scrub.damaged()).toEqual(damaged);
    expect(db.prepare('SELECT body FROM message WHERE arrival = 7').pluck().get()).toBe('what is left');
    expect(store.outboxSize(9)).toBe(1);
    expect(wanted(store)).toEqual([messages[6]?.message.idText]);
    // It is told until it is back, or as long as it would have been kept.
    store.transact([[pruned('dev', { ownBeforeHour: 0 })]]);
    expect(store.scrub.damaged()).toEqual(damaged);
    store.transact([[received(messages[6] as VerifiedMessage)]]);
    expect(store.scrub.damaged()).toEqual([]);
    expect(store.read({ kind: 'outbox', afterArrival: 0, limit: 9 })).toMatchObject({
      rows: [{ state: 'queued' }],
    });
  });

  it('forgets what retention has removed', () => {
    const { db, store } = subject();
    db.exec("UPDATE message SET body = 'x' WHERE arrival IN (1, 7)");
    store.scrub.page(verify, ALL);
    store.transact([[pruned('dev')]]);
    expect([store.scrub.damaged(), store.outboxSize(9)]).toEqual([[], 0]);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it.each([
    ['id', 'id = zeroblob(32)', /agree/],
    ['author', 'author = 99', /agree/],
    ['channel', 'channel = 99', /agree/],
    ['kind', 'kind = 2', /agree/],
    ['expiry', 'expires = 5', /agree/],
    ['time', 'time = zeroblob(8)', /agree/],
    ['time of another length', 'time = zeroblob(2)', /no id or time/],
  ])('tells a row whose %s is not what was signed, and changes nothing', (_, change, said) => {
    const { db, store } = subject();
    db.exec(`UPDATE message SET ${change} WHERE arrival = 3`);
    const rows = () => JSON.stringify(db.prepare('SELECT * FROM message').all());
    const before = rows();
    const page = store.scrub.page(verify, ALL);
    expect(page).toMatchObject({ damaged: [], structure: expect.stringMatching(said), isLast: true });
    expect(rows()).toBe(before);
  });

  it('tells a row that an index does not know, and changes nothing', () => {
    const { db, store } = subject();
    db.unsafeMode(true);
    db.pragma('writable_schema = ON');
    const root = (name: string) =>
      db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name);
    // The index of positions shows a tree without entries.
    db.prepare('UPDATE sqlite_schema SET rootpage = ? WHERE name = ?').run(root('damaged'), 'message_order');
    db.prepare('UPDATE sqlite_schema SET rootpage = ? WHERE name = ?').run(root('tag_idle'), 'message_order');
    db.pragma('schema_version = 78');
    const page = store.scrub.page(verify, ALL);
    expect(page).toMatchObject({ damaged: [], structure: expect.stringContaining('indexes do not know') });
    expect(store.scrub.damaged()).toEqual([]);
  });

  it('goes page by page within its budget, goes on after a restart, and begins anew at the end', () => {
    const { db, store } = subject();
    db.exec("UPDATE message SET body = 'x' WHERE arrival IN (2, 5)");
    const small = { messages: 3, bytes: 1e9, wallMs: FOUND_MS };
    expect(store.scrub.page(verify, small)).toMatchObject({ messages: 3, isLast: false });
    expect(store.scrub.state()).toMatchObject({ after: 3, messages: 3, endedMs: 0 });
    const again = createSqliteStore(db, { network: NETWORK, sha256 }, () => undefined);
    const one = { messages: 9, bytes: 1, wallMs: FOUND_MS };
    expect(again.scrub.page(verify, one)).toMatchObject({ messages: 1, damaged: [] });
    expect(again.scrub.page(verify, { ...small, wallMs: FOUND_MS + 1 })).toMatchObject({ messages: 3 });
    expect(again.scrub.page(verify, small)).toMatchObject({ messages: 0, isLast: true });
    expect(again.scrub.state()).toMatchObject({ after: 0, messages: 7, startedMs: FOUND_MS });
    expect(again.scrub.damaged()).toMatchObject([{ messages: 2 }]);
    again.scrub.page(verify, small);
    again.scrub.restart();
    expect(again.scrub.state()).toMatchObject({ after: 0, messages: 0 });
  });

  it('checks signatures, not only checksums', () => {
    const { store } = subject();
    const page = store.scrub.page(
      (signature, data, key) => !equalKey(key) && verify(signature, data, key),
      ALL,
    );
    expect(page.damaged).toEqual([{ channel: 'dev', messages: 2, unconfirmed: 1 }]);
  });
});

const equalKey = (key: Uint8Array): boolean => toBase64url(key) === ann.id;
