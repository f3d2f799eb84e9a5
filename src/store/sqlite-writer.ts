/**
 * Applies operations inside the transaction that the store has opened. Sums and counts are gathered and written by
 * {@link Writer.finish}; after a rollback {@link Writer.reset} forgets what was gathered. What removes messages stands
 * in `sqlite-removal.ts`.
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, concat, EMPTY, equal, idFromText, toBase64url } from '../core/bytes.ts';
import { isFeed } from '../core/channel/channel.ts';
import { LIMITS } from '../core/limits.ts';
import { AMENDS, amends } from '../core/message/amend.ts';
import type { SignedHeader } from '../core/message/header.ts';
import { Message, type MessageContext } from '../core/message/message.ts';
import { toTimeBytes } from '../core/message/time.ts';
import { type PersistOp, type PersistResult, ROW_BYTES } from '../core/persistence.ts';
import { minuteOf } from './buckets.ts';
import { DELIVERY_STATES, keyBytes, STORED_BY_MAX, tagBytes } from './check.ts';
import { CONTENT } from './schema-4.ts';
import { Authors } from './sqlite-authors.ts';
import { Chains } from './sqlite-chains.ts';
import { Deletes } from './sqlite-deletes.ts';
import { Feeds } from './sqlite-feeds.ts';
import { Interned } from './sqlite-intern.ts';
import { Ledger } from './sqlite-ledger.ts';
import { type OwnState, Removal } from './sqlite-removal.ts';
import { columnText, plain, signatureCrc } from './sqlite-rows.ts';
import { Sums } from './sqlite-sums.ts';

type Op<K extends PersistOp['kind']> = Extract<PersistOp, { kind: K }>;
type Stored = Extract<PersistResult, { kind: 'message' | 'deleted' | 'superseded' }>;
/** What can be stored: a message, or what is left of one. */
export type Storable = Message | SignedHeader;

/** How a message is stored. */
interface Storing {
  /** of {@link CONTENT} */
  readonly content: number;
  readonly isOwn?: boolean;
  /** an own message that was here before */
  readonly own?: OwnState | undefined;
  /** its number, if it has one */
  readonly arrival?: number;
}

/** How a message was stored, and its row if that is new. */
interface Insertion {
  readonly result: Stored;
  readonly arrival?: number;
}
type MessageColumns = [
  number | null,
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
  number,
  number,
];

type SmallOp = Exclude<
  PersistOp,
  { kind: 'message' | 'put-off' | 'tombstone' | 'own-message' | 'delivery' | 'prune' | 'drop' | 'expire' }
>;

const DONE: PersistResult = { kind: 'done' };
const DELETED: Stored = { kind: 'deleted' };
const SUPERSEDED: Stored = { kind: 'superseded' };
const notInserted = (arrival: number): Stored => ({ kind: 'message', inserted: false, arrival });
const STORED = DELIVERY_STATES.indexOf('stored');

function messageStatements(db: Database) {
  return {
    find: db.prepare<[Bytes], { arrival: number; content: number }>(
      'SELECT arrival, content FROM message WHERE id = ?',
    ),
    insert: db.prepare<MessageColumns>(
      `INSERT INTO message
         (arrival, id, tag, channel, kind, author, time, expires, bytes, signature, signature_crc, body, payload, content,
          amends, feed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    addAgain: db.prepare<[number, number, Bytes, string, number]>(
      'INSERT INTO own (arrival, state, stored_by, key, alone) VALUES (?, ?, ?, ?, ?)',
    ),
    find: db.prepare<[Bytes], { arrival: number; state: number; storedBy: Bytes; alone: number }>(
      `SELECT o.arrival, o.state, o.stored_by AS storedBy, o.alone FROM message m JOIN own o ON o.arrival = m.arrival
       WHERE m.id = ?`,
    ),
    update: db.prepare<[number, Bytes, number, number]>(
      'UPDATE own SET state = ?, stored_by = ?, alone = ? WHERE arrival = ?',
    ),
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
    setLeafFloor: db.prepare<[Bytes, number]>('INSERT OR REPLACE INTO leaf_floor VALUES (?, ?)'),
    removeLeafFloor: db.prepare<[Bytes]>('DELETE FROM leaf_floor WHERE tag = ?'),
    setMailbox: db.prepare<[Bytes, Bytes, number, number, string]>(
      'INSERT OR REPLACE INTO mailbox (peer, tags, until, linked, address_group) VALUES (?, ?, ?, ?, ?)',
    ),
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

/** The writer over a database, with the parts that readers share with it. */
export function createWriter(db: Database, context: MessageContext) {
  const interned = new Interned(db);
  const sums = new Sums(db);
  const authors = new Authors(db, interned);
  const ledger = new Ledger(db, { sums, authors });
  const deletes = new Deletes(db, { ledger, context });
  const writer = new Writer(db, { interned, sums, authors, ledger, chains: new Chains(db), deletes });
  return { writer, interned, sums, authors, ledger, deletes };
}

export class Writer {
  readonly #interned: Interned;
  readonly #ledger: Ledger;
  readonly #removal: Removal;
  readonly #chains: Chains;
  readonly #deletes: Deletes;
  readonly #feeds: Feeds;
  readonly #message;
  readonly #own;
  readonly #other;

  constructor(db: Database, parts: ConstructorParameters<typeof Removal>[1] & { deletes: Deletes }) {
    this.#interned = parts.interned;
    this.#ledger = parts.ledger;
    this.#chains = parts.chains;
    this.#removal = new Removal(db, parts);
    this.#deletes = parts.deletes;
    this.#feeds = new Feeds(db, this.#removal);
    this.#message = messageStatements(db);
    this.#own = ownStatements(db);
    this.#other = otherStatements(db);
  }

  /** Carries out what a new schema found in the file. Inside a transaction. */
  applyDue(): void {
    this.#deletes.applyDue();
    this.#feeds.applyDue();
  }

  /** Writes what was gathered; the transaction may be committed after it. */
  finish(): void {
    this.#ledger.flush();
  }

  /** To be called after a rollback. */
  reset(): void {
    this.#interned.reset();
    this.#ledger.reset();
    this.#chains.reset();
  }

  /** @param op checked by `createOpCheck` */
  apply(op: PersistOp): PersistResult {
    switch (op.kind) {
      case 'message':
        return this.#insert(op.message.message, op.tag, { content: CONTENT.held }).result;
      case 'put-off':
        this.#insert(op.message.message, op.tag, { content: CONTENT.wanted });
        return DONE;
      case 'tombstone':
        this.#bury(op.header.header, op.tag);
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
      case 'leaf-floor':
        if (op.hour === 0) this.#other.removeLeafFloor.run(tagBytes(op.tag));
        else this.#other.setLeafFloor.run(tagBytes(op.tag), op.hour);
        return;
      case 'mailbox':
        if (op.tags.length === 0) this.#other.removeMailbox.run(keyBytes(op.peer));
        else {
          const tags = concat(...op.tags.map(tagBytes));
          this.#other.setMailbox.run(keyBytes(op.peer), tags, op.untilMs, op.linkedMs, op.group);
        }
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

  /** Stores what a recovery has read, under its old number. @returns its number, undefined if it, or what supersedes it, is here
   *  already */
  restore(message: Storable, tag: string, storing: Omit<Storing, 'isOwn'>): number | undefined {
    return this.#insert(message, tag, storing).arrival;
  }

  /** The header of a deleted message, if its delete is known. */
  #bury(header: SignedHeader, tag: string): void {
    const channel = this.#interned.findChannel(header.channel);
    const author = this.#interned.findKey(toBase64url(header.author));
    if (channel === undefined || author === undefined) return;
    const place = { id: header.id, channel, author, time: toTimeBytes(header.time) };
    if (this.#deletes.isDeleted(place, header.amends, header.bytes))
      this.#insert(header, tag, { content: CONTENT.deleted });
  }

  /** Of a feed, only what is not superseded. @param storing `content`: what is kept, unless a known delete counts for it.
   *  @returns `arrival` of the row, if there is one more */
  #insert(message: Storable, tagText: string, storing: Storing): Insertion {
    const known = this.#message.find.get(message.id);
    if (known !== undefined && (known.content !== CONTENT.wanted || storing.content !== CONTENT.held))
      return { result: known.content === CONTENT.deleted ? DELETED : notInserted(known.arrival) };
    const inFeed = isFeed(message.channel);
    const knownChannel = inFeed ? this.#interned.findChannel(message.channel) : undefined;
    if (inFeed && known === undefined && !this.#feeds.admit(knownChannel, message))
      return { result: SUPERSEDED };
    const { channel, tag } = this.#interned.channel(message.channel, tagText);
    const author = this.#interned.key(message.author);
    const time = toTimeBytes(message.time);
    const amended = message instanceof Message ? amends(message) : message.amends;
    const place = { id: message.id, tag, channel, author, time };
    const content = this.#deletes.isDeleted(place, amended, message.bytes)
      ? CONTENT.deleted
      : storing.content;
    const held = content === CONTENT.held && message instanceof Message ? message : undefined;
    const next = known && this.#chains.nextOf(known.arrival);
    // An own message that was damaged here stays an own one when it comes back.
    const own = known ? this.#removal.header(known.arrival) : storing.own;
    const { lastInsertRowid } = this.#message.insert.run(
      storing.arrival ?? null,
      ...([message.id, tag, channel, message.kind, author, time, message.expiresMs] as const),
      ...([message.bytes, message.signature, signatureCrc(message.signature)] as const),
      ...([held?.body ?? '', held?.payload ?? EMPTY, content, amended, Number(inFeed)] as const),
    );
    const arrival = Number(lastInsertRowid);
    this.#ledger.add({
      ...{ tag, channel, author, time, id: message.id },
      minute: minuteOf(message.time),
      header: message.bytes.length + message.signature.length + ROW_BYTES,
      content: held ? Buffer.byteLength(held.body) + held.payload.length : 0,
      isHeld: held !== undefined,
      isOwn: storing.isOwn === true || own !== undefined,
      isAgain: own !== undefined,
    });
    if (own !== undefined) this.#own.addAgain.run(arrival, own.state, own.storedBy, own.key, own.alone);
    const chained = this.#chains.add(arrival, message, place, next);
    if (amended !== AMENDS.nothing) this.#deletes.amend({ ...place, arrival }, amended, message.refs);
    return {
      result:
        content === CONTENT.deleted ? DELETED : { kind: 'message', inserted: true, arrival, ...chained },
      arrival,
    };
  }

  #insertOwn(op: Op<'own-message'>): PersistResult {
    const message = op.message.message;
    const key = op.idempotencyKey;
    const identity = this.#interned.key(message.author);
    const known = key === '' ? undefined : this.#own.findKey.get(identity, key);
    if (known !== undefined)
      return {
        kind: 'repeated',
        id: columnText(known.id),
        same: equal(plain(known.fingerprint), op.fingerprint),
      };
    const { result, arrival } = this.#insert(message, op.tag, { content: CONTENT.held, isOwn: true });
    if (arrival === undefined) return result;
    this.#own.add.run(arrival, key);
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
      const storedBy = by === undefined ? row.storedBy : withKeeper(plain(row.storedBy), by);
      if (state === row.state && storedBy === row.storedBy) continue;
      const isNew = storedBy.length > row.storedBy.length;
      const isAlone = isNew ? op.alone && row.storedBy.length === 0 : row.alone === 1;
      this.#own.update.run(state, storedBy, isAlone ? 1 : 0, row.arrival);
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
