/**
 * Applies operations inside the transaction that the store has opened. Sums and message counts are gathered and written
 * by {@link Writer.finish}; after a rollback {@link Writer.reset} forgets what was gathered.
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, concat, equal, idFromText, toBase64url } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';
import { fromTimeBytes, toTimeBytes } from '../core/message/time.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import { minuteFloorAt, minuteOf } from './buckets.ts';
import { DELIVERY_STATES, keyBytes, STORED_BY_MAX, tagBytes } from './check.ts';
import type { Interned } from './sqlite-intern.ts';
import { signatureCrc } from './sqlite-rows.ts';
import type { Sums } from './sqlite-sums.ts';

type Op<K extends PersistOp['kind']> = Extract<PersistOp, { kind: K }>;
type MessageColumns = [
  Bytes,
  number,
  number,
  number,
  number,
  Bytes,
  number,
  number | null,
  Bytes,
  Bytes,
  number,
  string,
  Bytes,
];

const DONE: PersistResult = { kind: 'done' };
const STORED = DELIVERY_STATES.indexOf('stored');
/** Expired messages taken at a time: bounds the memory of one `expire`. */
const EXPIRE_STEP = 1000;

function messageStatements(db: Database) {
  return {
    find: db.prepare<[Bytes], number>('SELECT arrival FROM message WHERE id = ?').pluck(),
    insert: db.prepare<MessageColumns>(
      `INSERT INTO message
         (id, tag, channel, kind, author, time, expires, source, bytes, signature, signature_crc, body, payload)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    expired: db.prepare<
      [number, number],
      { arrival: number; id: Bytes; tag: number; channel: number; time: Bytes }
    >(
      `SELECT arrival, id, tag, channel, time FROM message INDEXED BY message_expires
       WHERE expires > 0 AND expires <= ? ORDER BY expires LIMIT ?`,
    ),
    remove: db.prepare<[number]>('DELETE FROM message WHERE arrival = ?'),
    count: db.prepare<[number, number]>('UPDATE channel SET messages = messages + ? WHERE id = ?'),
  };
}

function ownStatements(db: Database) {
  return {
    findKey: db.prepare<[number, string], { id: Bytes; fingerprint: Bytes }>(
      'SELECT id, fingerprint FROM idempotency WHERE identity = ? AND key = ?',
    ),
    addKey: db.prepare<[number, string, Bytes, Bytes]>('INSERT INTO idempotency VALUES (?, ?, ?, ?)'),
    add: db.prepare<[number]>('INSERT INTO own VALUES (?, 0, zeroblob(0))'),
    find: db.prepare<[Bytes], { arrival: number; state: number; storedBy: Bytes }>(
      `SELECT o.arrival, o.state, o.stored_by AS storedBy FROM message m JOIN own o ON o.arrival = m.arrival
       WHERE m.id = ?`,
    ),
    update: db.prepare<[number, Bytes, number]>('UPDATE own SET state = ?, stored_by = ? WHERE arrival = ?'),
  };
}

function otherStatements(db: Database) {
  return {
    join: db.prepare<[number]>('UPDATE channel SET joined = 1 WHERE id = ? AND joined = 0'),
    carry: db.prepare<[Bytes, number]>(
      'INSERT INTO carried VALUES (?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)',
    ),
    setMailbox: db.prepare<[Bytes, Bytes, number]>('INSERT OR REPLACE INTO mailbox VALUES (?, ?, ?)'),
    removeMailbox: db.prepare<[Bytes]>('DELETE FROM mailbox WHERE peer = ?'),
    address: db.prepare<[string, Bytes, number]>(
      `INSERT INTO address VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET peer = excluded.peer, proven = excluded.proven
       WHERE excluded.proven >= proven`,
    ),
    trimAddresses: db.prepare<[number]>(
      'DELETE FROM address WHERE url IN (SELECT url FROM address ORDER BY proven DESC, url LIMIT -1 OFFSET ?)',
    ),
    sequence: db.prepare<[number]>("UPDATE meta SET value = max(value, ?) WHERE key = 'record_sequence'"),
    lapseMailboxes: db.prepare<[number]>('DELETE FROM mailbox WHERE until <= ?'),
    lapseCarried: db.prepare<[number]>('DELETE FROM carried WHERE until <= ?'),
  };
}

export class Writer {
  readonly #interned: Interned;
  readonly #sums: Sums;
  readonly #message;
  readonly #own;
  readonly #other;
  /** channel: change of its message count */
  readonly #counts = new Map<number, number>();

  constructor(db: Database, interned: Interned, sums: Sums) {
    this.#interned = interned;
    this.#sums = sums;
    this.#message = messageStatements(db);
    this.#own = ownStatements(db);
    this.#other = otherStatements(db);
  }

  /** Writes what was gathered; the transaction may be committed after it. */
  finish(): void {
    this.#sums.flush();
    for (const [channel, change] of this.#counts) if (change !== 0) this.#message.count.run(change, channel);
    this.#counts.clear();
  }

  /** To be called after a rollback. */
  reset(): void {
    this.#counts.clear();
    this.#interned.reset();
    this.#sums.reset();
  }

  /** @param op checked by `createOpCheck` */
  apply(op: PersistOp): PersistResult {
    switch (op.kind) {
      case 'message':
        return this.#insert(op.message, op.tag, op.from);
      case 'own-message':
        return this.#insertOwn(op);
      case 'delivery':
        return this.#deliver(op);
      case 'join':
        this.#other.join.run(this.#interned.channel(op.channel, op.tag).channel);
        return DONE;
      case 'carry':
        this.#other.carry.run(tagBytes(op.tag), op.untilMs);
        return DONE;
      case 'mailbox':
        if (op.tags.length === 0) this.#other.removeMailbox.run(keyBytes(op.peer));
        else this.#other.setMailbox.run(keyBytes(op.peer), concat(...op.tags.map(tagBytes)), op.untilMs);
        return DONE;
      case 'address':
        this.#other.address.run(op.url, op.peer === '' ? new Uint8Array(0) : keyBytes(op.peer), op.provenMs);
        this.#other.trimAddresses.run(LIMITS.addressesMax);
        return DONE;
      case 'record-sequence':
        this.#other.sequence.run(op.sequence);
        return DONE;
      case 'expire':
        return this.#expire(op.wallMs);
      default:
        return op satisfies never;
    }
  }

  #insert(verified: VerifiedMessage, tagText: string, from: string): PersistResult & { kind: 'message' } {
    const message = verified.message;
    const known = this.#message.find.get(message.id);
    if (known !== undefined) return { kind: 'message', inserted: false, arrival: known };
    const { channel, tag } = this.#interned.channel(message.channel, tagText);
    const { lastInsertRowid } = this.#message.insert.run(
      message.id,
      tag,
      channel,
      message.kind,
      this.#interned.key(message.author),
      toTimeBytes(message.time),
      message.expiresMs,
      from === '' ? null : this.#interned.keyText(from),
      message.bytes,
      message.signature,
      signatureCrc(message.signature),
      message.body,
      message.payload,
    );
    this.#sums.add(tag, minuteOf(message.time), message.id);
    this.#counts.set(channel, (this.#counts.get(channel) ?? 0) + 1);
    return { kind: 'message', inserted: true, arrival: Number(lastInsertRowid) };
  }

  #insertOwn(op: Op<'own-message'>): PersistResult {
    const message = op.message.message;
    const identity = this.#interned.key(message.author);
    if (op.idempotencyKey !== '') {
      const known = this.#own.findKey.get(identity, op.idempotencyKey);
      if (known !== undefined)
        return {
          kind: 'repeated',
          id: toBase64url(known.id),
          same: equal(known.fingerprint, op.fingerprint),
        };
    }
    const result = this.#insert(op.message, op.tag, '');
    if (!result.inserted) return result;
    this.#own.add.run(result.arrival);
    if (op.idempotencyKey !== '')
      this.#own.addKey.run(identity, op.idempotencyKey, message.id, op.fingerprint);
    return result;
  }

  #deliver(op: Op<'delivery'>): PersistResult {
    const next = DELIVERY_STATES.indexOf(op.state);
    const by = next === STORED && op.by !== '' ? keyBytes(op.by) : undefined;
    for (const text of op.ids) {
      const id = idFromText(text);
      const row = id === undefined ? undefined : this.#own.find.get(id);
      if (row === undefined) continue;
      const state = Math.max(row.state, next);
      const storedBy = by === undefined ? row.storedBy : withKeeper(row.storedBy, by);
      if (state !== row.state || storedBy !== row.storedBy)
        this.#own.update.run(state, storedBy, row.arrival);
    }
    return DONE;
  }

  #expire(wallMs: number): PersistResult {
    for (;;) {
      const rows = this.#message.expired.all(wallMs, EXPIRE_STEP);
      for (const row of rows) {
        this.#message.remove.run(row.arrival);
        this.#sums.remove(row.tag, minuteOf(fromTimeBytes(row.time)), row.id);
        this.#counts.set(row.channel, (this.#counts.get(row.channel) ?? 0) - 1);
      }
      if (rows.length < EXPIRE_STEP) break;
    }
    this.#sums.moveFloor(minuteFloorAt(wallMs));
    this.#other.lapseMailboxes.run(wallMs);
    this.#other.lapseCarried.run(wallMs);
    return DONE;
  }
}

/** The list of keepers with one more, or the same list if it is full or has it. */
function withKeeper(storedBy: Bytes, by: Bytes): Bytes {
  for (let at = 0; at < storedBy.length; at += 32)
    if (equal(storedBy.subarray(at, at + 32), by)) return storedBy;
  return storedBy.length >= 32 * STORED_BY_MAX ? storedBy : concat(storedBy, by);
}
