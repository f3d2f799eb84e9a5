/**
 * Applies operations inside the transaction that the store has opened. Sums and counts are gathered and written by
 * {@link Writer.finish}; after a rollback {@link Writer.reset} forgets what was gathered. What removes messages stands
 * in `sqlite-removal.ts`.
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, concat, EMPTY, equal, idFromText, toBase64url } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';
import { toTimeBytes } from '../core/message/time.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import { type PersistOp, type PersistResult, ROW_BYTES } from '../core/persistence.ts';
import { minuteOf } from './buckets.ts';
import { DELIVERY_STATES, keyBytes, STORED_BY_MAX, tagBytes } from './check.ts';
import { CONTENT } from './schema-2.ts';
import type { Interned } from './sqlite-intern.ts';
import type { Ledger } from './sqlite-ledger.ts';
import { Removal } from './sqlite-removal.ts';
import { signatureCrc } from './sqlite-rows.ts';

type Op<K extends PersistOp['kind']> = Extract<PersistOp, { kind: K }>;
type Stored = Extract<PersistResult, { kind: 'message' }>;
type MessageColumns = [
  Bytes,
  number,
  number,
  number,
  number,
  Bytes,
  number,
  Bytes,
  Bytes,
  number,
  string,
  Bytes,
  number,
];

type SmallOp = Exclude<
  PersistOp,
  { kind: 'message' | 'put-off' | 'own-message' | 'delivery' | 'prune' | 'drop' | 'expire' }
>;

const DONE: PersistResult = { kind: 'done' };
const STORED = DELIVERY_STATES.indexOf('stored');

function messageStatements(db: Database) {
  return {
    find: db.prepare<[Bytes], { arrival: number; content: number }>(
      'SELECT arrival, content FROM message WHERE id = ?',
    ),
    insert: db.prepare<MessageColumns>(
      `INSERT INTO message
         (id, tag, channel, kind, author, time, expires, bytes, signature, signature_crc, body, payload, content)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
  };
}

function ownStatements(db: Database) {
  return {
    findKey: db.prepare<[number, string], { id: Bytes; fingerprint: Bytes }>(
      'SELECT id, fingerprint FROM idempotency WHERE identity = ? AND key = ?',
    ),
    addKey: db.prepare<[number, string, Bytes, Bytes, number]>(
      'INSERT INTO idempotency (identity, key, id, fingerprint, created) VALUES (?, ?, ?, ?, ?)',
    ),
    add: db.prepare<[number, string]>(
      'INSERT INTO own (arrival, state, stored_by, key) VALUES (?, 0, zeroblob(0), ?)',
    ),
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
    leave: db.prepare<[number]>('UPDATE channel SET joined = 0 WHERE id = ? AND joined = 1'),
    removePolicy: db.prepare<[number]>('DELETE FROM retention WHERE channel = ?'),
    isJoined: db.prepare<[number], number>('SELECT joined FROM channel WHERE id = ?').pluck(),
    setPolicy: db.prepare<[number, number | null, number | null, number | null, number | null]>(
      'INSERT OR REPLACE INTO retention (channel, age, messages, bytes, pinned) VALUES (?, ?, ?, ?, ?)',
    ),
    removeFloor: db.prepare<[number]>(
      'UPDATE tag SET floor = 0 WHERE id = (SELECT tag FROM channel WHERE id = ?)',
    ),
    carry: db.prepare<[Bytes, number, number]>(
      `INSERT INTO carried (tag, until, since) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET until = max(until, excluded.until), since = excluded.since`,
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
  };
}

export class Writer {
  readonly #interned: Interned;
  readonly #ledger: Ledger;
  readonly #removal: Removal;
  readonly #message;
  readonly #own;
  readonly #other;

  constructor(db: Database, parts: ConstructorParameters<typeof Removal>[1]) {
    this.#interned = parts.interned;
    this.#ledger = parts.ledger;
    this.#removal = new Removal(db, parts);
    this.#message = messageStatements(db);
    this.#own = ownStatements(db);
    this.#other = otherStatements(db);
  }

  /** Writes what was gathered; the transaction may be committed after it. */
  finish(): void {
    this.#ledger.flush();
  }

  /** To be called after a rollback. */
  reset(): void {
    this.#interned.reset();
    this.#ledger.reset();
  }

  /** @param op checked by `createOpCheck` */
  apply(op: PersistOp): PersistResult {
    switch (op.kind) {
      case 'message':
        return this.#insert(op.message, op.tag, CONTENT.held);
      case 'put-off':
        this.#insert(op.message, op.tag, CONTENT.wanted);
        return DONE;
      case 'own-message':
        return this.#insertOwn(op);
      case 'delivery':
        return this.#deliver(op);
      case 'prune':
        return this.#removal.prune(op);
      case 'drop':
        return this.#removal.drop(op);
      case 'expire':
        return this.#removal.expire(op.wallMs);
      default:
        this.#applySmall(op);
        return DONE;
    }
  }

  /** The operations of the small tables. */
  #applySmall(op: SmallOp): void {
    switch (op.kind) {
      case 'join':
        this.#other.join.run(this.#interned.channel(op.channel, op.tag).channel);
        return;
      case 'leave':
        this.#leave(op.channel);
        return;
      case 'retention':
        this.#retain(op);
        return;
      case 'carry':
        this.#other.carry.run(tagBytes(op.tag), op.untilMs, op.sinceHour);
        return;
      case 'mailbox':
        if (op.tags.length === 0) this.#other.removeMailbox.run(keyBytes(op.peer));
        else this.#other.setMailbox.run(keyBytes(op.peer), concat(...op.tags.map(tagBytes)), op.untilMs);
        return;
      case 'address':
        this.#other.address.run(op.url, op.peer === '' ? EMPTY : keyBytes(op.peer), op.provenMs);
        this.#other.trimAddresses.run(LIMITS.addressesMax);
        return;
      case 'record-sequence':
        this.#other.sequence.run(op.sequence);
        return;
      default:
        op satisfies never;
    }
  }

  #leave(name: string): void {
    const channel = this.#interned.findChannel(name);
    if (channel === undefined) return;
    this.#other.leave.run(channel);
    this.#other.removePolicy.run(channel);
  }

  /** Nothing if the channel is not joined. */
  #retain({ channel: name, policy }: Op<'retention'>): void {
    const channel = this.#interned.findChannel(name);
    if (channel === undefined || this.#other.isJoined.get(channel) !== 1) return;
    const { ageMs, messages, bytes, pinned } = policy;
    const flag = pinned === undefined ? null : Number(pinned);
    this.#other.setPolicy.run(channel, ageMs ?? null, messages ?? null, bytes ?? null, flag);
    this.#other.removeFloor.run(channel);
  }

  #insert(verified: VerifiedMessage, tagText: string, content: number, isOwn = false): Stored {
    const message = verified.message;
    const known = this.#message.find.get(message.id);
    if (known !== undefined) {
      if (known.content !== CONTENT.wanted || content === CONTENT.wanted)
        return { kind: 'message', inserted: false, arrival: known.arrival };
      this.#removal.header(known.arrival);
    }
    const { channel, tag } = this.#interned.channel(message.channel, tagText);
    const author = this.#interned.key(message.author);
    const isHeld = content === CONTENT.held;
    const time = toTimeBytes(message.time);
    const { lastInsertRowid } = this.#message.insert.run(
      message.id,
      tag,
      channel,
      message.kind,
      author,
      time,
      message.expiresMs,
      message.bytes,
      message.signature,
      signatureCrc(message.signature),
      isHeld ? message.body : '',
      isHeld ? message.payload : EMPTY,
      content,
    );
    this.#ledger.add({
      tag,
      channel,
      author,
      time,
      minute: minuteOf(message.time),
      id: message.id,
      header: message.bytes.length + message.signature.length + ROW_BYTES,
      content: isHeld ? Buffer.byteLength(message.body) + message.payload.length : 0,
      isHeld,
      isOwn,
    });
    return { kind: 'message', inserted: true, arrival: Number(lastInsertRowid) };
  }

  #insertOwn(op: Op<'own-message'>): PersistResult {
    const message = op.message.message;
    const key = op.idempotencyKey;
    const identity = this.#interned.key(message.author);
    const known = key === '' ? undefined : this.#own.findKey.get(identity, key);
    if (known !== undefined)
      return {
        kind: 'repeated',
        id: toBase64url(known.id),
        same: equal(known.fingerprint, op.fingerprint),
      };
    const result = this.#insert(op.message, op.tag, CONTENT.held, true);
    if (!result.inserted) return result;
    this.#own.add.run(result.arrival, key);
    if (key !== '') this.#own.addKey.run(identity, key, message.id, op.fingerprint, message.time.timeMs);
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
}

/** The list of keepers with one more, or the same list if it is full or has it. */
function withKeeper(storedBy: Bytes, by: Bytes): Bytes {
  for (let at = 0; at < storedBy.length; at += 32)
    if (equal(storedBy.subarray(at, at + 32), by)) return storedBy;
  return storedBy.length >= 32 * STORED_BY_MAX ? storedBy : concat(storedBy, by);
}
