/**
 * A database of schema 1 as the version of that time left it, for tests of the migration: its statements in short. It
 * knows messages of others, own ones with idempotency keys and delivery states, and joined and carried channels.
 */
import Database from 'better-sqlite3';
import { type Bytes, fromBase64url } from '../../core/bytes.ts';
import { toTimeBytes } from '../../core/message/time.ts';
import type { PersistOp } from '../../core/persistence.ts';
import { hourOf, minuteOf, RunningSum } from '../buckets.ts';
import { DELIVERY_STATES, keyBytes, tagBytes } from '../check.ts';
import { SCHEMA_1 } from '../schema-1.ts';
import { signatureCrc } from '../sqlite-rows.ts';
import { NETWORK, PEER } from './messages.ts';

type MessageOp = Extract<PersistOp, { kind: 'message' | 'own-message' }>;

function intern(db: Database.Database, table: 'public_key' | 'tag', bytes: Bytes): number {
  db.prepare(`INSERT INTO ${table} (bytes) VALUES (?) ON CONFLICT DO NOTHING`).run(bytes);
  return db.prepare(`SELECT id FROM ${table} WHERE bytes = ?`).pluck().get(bytes) as number;
}

function internChannel(db: Database.Database, name: string, tag: number): number {
  db.prepare('INSERT INTO channel (name, tag) VALUES (?, ?) ON CONFLICT DO NOTHING').run(name, tag);
  return db.prepare('SELECT id FROM channel WHERE name = ?').pluck().get(name) as number;
}

function addSums(db: Database.Database, tag: number, minute: number, id: Bytes): void {
  const levels = [
    ['hour_sum', hourOf(minute)],
    ['minute_sum', minute],
  ] as const;
  for (const [level, start] of levels) {
    const where = `FROM ${level} WHERE tag = ? AND start = ?`;
    const before = db.prepare(`SELECT count, sum ${where}`).get(tag, start) as RunningSum | undefined;
    const { count, sum } = new RunningSum().add(before ?? new RunningSum()).addId(id);
    db.prepare(`INSERT OR REPLACE INTO ${level} (tag, start, count, sum) VALUES (?, ?, ?, ?)`).run(
      ...[tag, start, count, sum],
    );
  }
  const total = db.prepare('SELECT count, sum FROM tag WHERE id = ?').get(tag) as RunningSum;
  const { count, sum } = new RunningSum().add(total).addId(id);
  db.prepare('UPDATE tag SET count = ?, sum = ? WHERE id = ?').run(count, sum, tag);
}

function addMessage(db: Database.Database, op: MessageOp): void {
  const { message } = op.message;
  const tag = intern(db, 'tag', tagBytes(op.tag));
  const channel = internChannel(db, message.channel, tag);
  const author = intern(db, 'public_key', message.author);
  const source = op.kind === 'message' ? intern(db, 'public_key', keyBytes(PEER)) : null;
  const { lastInsertRowid: arrival } = db
    .prepare(
      `INSERT INTO message
         (id, tag, channel, kind, author, time, expires, source, bytes, signature, signature_crc, body, payload)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      ...[
        message.id,
        tag,
        channel,
        message.kind,
        author,
        toTimeBytes(message.time),
        message.expiresMs,
        source,
      ],
      ...[message.bytes, message.signature, signatureCrc(message.signature), message.body, message.payload],
    );
  addSums(db, tag, minuteOf(message.time), message.id);
  db.prepare('UPDATE channel SET messages = messages + 1 WHERE id = ?').run(channel);
  if (op.kind === 'message') return;
  db.prepare('INSERT INTO own VALUES (?, 0, zeroblob(0))').run(arrival);
  if (op.idempotencyKey === '') return;
  const { idempotencyKey, fingerprint } = op;
  db.prepare('INSERT INTO idempotency VALUES (?, ?, ?, ?)').run(
    author,
    idempotencyKey,
    message.id,
    fingerprint,
  );
}

function apply(db: Database.Database, op: PersistOp): void {
  switch (op.kind) {
    case 'message':
    case 'own-message':
      return addMessage(db, op);
    case 'delivery':
      for (const id of op.ids)
        db.prepare('UPDATE own SET state = ? WHERE arrival = (SELECT arrival FROM message WHERE id = ?)').run(
          DELIVERY_STATES.indexOf(op.state),
          fromBase64url(id),
        );
      return;
    case 'join':
      db.prepare('UPDATE channel SET joined = 1 WHERE id = ?').run(
        internChannel(db, op.channel, intern(db, 'tag', tagBytes(op.tag))),
      );
      return;
    case 'carry':
      db.prepare('INSERT INTO carried VALUES (?, ?)').run(tagBytes(op.tag), op.untilMs);
      return;
    default:
      throw new Error(`the schema of that time is not taught ${op.kind}`);
  }
}

/** Writes the database. @returns it, open: everything after the first page stands in the log until it is closed */
export function writeSchema1(file: string, ops: readonly PersistOp[]): Database.Database {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('wal_autocheckpoint = 0');
  db.exec(SCHEMA_1);
  db.pragma('user_version = 1');
  db.prepare("INSERT INTO meta VALUES ('network', ?)").run(NETWORK);
  for (const op of ops) apply(db, op);
  return db;
}
