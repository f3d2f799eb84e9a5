/**
 * Removes messages: by age (`prune`), content of the heaviest author (`drop`), what has run out (`expire`), and what a newer
 * record of a feed takes the place of (`supersede`).
 *
 * Invariants:
 * 1. One operation looks at {@link PRUNE_STEP} messages at most, and every statement walks an index: nobody waits for
 *    more than some 20 ms.
 * 2. Each operation writes what it gathered before it ends, so that authors without messages are gone after it.
 * 3. What nothing refers to any more goes too: public keys with the last message of their author, channels, tags and
 *    floors by and by with `expire`.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { toTimeBytes } from '../core/message/time.ts';
import {
  IDEMPOTENCY_MS,
  type PersistOp,
  type PersistResult,
  type Position,
  PRUNE_STEP,
} from '../core/persistence.ts';
import { HOUR_MINUTES, minuteFloorAt, minuteOf, timeBound } from './buckets.ts';
import { DELIVERY_STATES } from './check.ts';
import { CONTENT, CONTENT_OCTETS, HEADER_OCTETS } from './schema-4.ts';
import type { Authors } from './sqlite-authors.ts';
import type { Chains } from './sqlite-chains.ts';
import type { Interned } from './sqlite-intern.ts';
import type { Ledger } from './sqlite-ledger.ts';
import { columnTime, plain } from './sqlite-rows.ts';
import type { Sums } from './sqlite-sums.ts';

type Op<K extends PersistOp['kind']> = Extract<PersistOp, { kind: K }>;

/** A row as it counts, and what is known of it as an own message. */
interface CostRow {
  readonly arrival: number;
  readonly id: Bytes;
  readonly time: Bytes;
  readonly tag: number;
  readonly channel: number;
  readonly author: number;
  readonly header: number;
  readonly content: number;
  readonly held: number;
  /** NULL for messages of others */
  readonly state: number | null;
  readonly key: string | null;
}

/** A row of `own`. */
export interface OwnState {
  readonly state: number;
  readonly storedBy: Bytes;
  readonly key: string;
  /** 1: one more keeper is to be found for it */
  readonly alone: number;
}

const COST_COLUMNS = `m.arrival, m.id, m.time, m.tag, m.channel, m.author, ${HEADER_OCTETS} AS header,
  ${CONTENT_OCTETS} AS content, m.content = ${CONTENT.held} AS held, o.state, o.key`;
const OWN = 'LEFT JOIN own o ON o.arrival = m.arrival';

const STORED = DELIVERY_STATES.indexOf('stored');

function messageStatements(db: Database) {
  return {
    row: db.prepare<[number], CostRow>(`SELECT ${COST_COLUMNS} FROM message m ${OWN} WHERE m.arrival = ?`),
    older: db.prepare<[number, Bytes, Bytes, Bytes, number], CostRow>(
      `SELECT ${COST_COLUMNS} FROM message m INDEXED BY message_order ${OWN}
       WHERE m.tag = ? AND (m.time, m.id) > (?, ?) AND m.time < ? ORDER BY m.time, m.id LIMIT ?`,
    ),
    expired: db.prepare<[number, number], CostRow>(
      `SELECT ${COST_COLUMNS} FROM message m INDEXED BY message_expires ${OWN}
       WHERE m.expires > 0 AND m.expires <= ? ORDER BY m.expires, m.arrival LIMIT ?`,
    ),
    oldestOf: db.prepare<[number, number, number], { arrival: number; time: Bytes; content: number }>(
      `SELECT m.arrival, m.time, ${CONTENT_OCTETS} AS content FROM message m INDEXED BY message_held
       WHERE m.content = ${CONTENT.held} AND m.channel = ? AND m.author = ? ORDER BY m.time, m.arrival LIMIT ?`,
    ),
    remove: db.prepare<[number]>('DELETE FROM message WHERE arrival = ?'),
    own: db.prepare<[number], OwnState>(
      'SELECT state, stored_by AS storedBy, key, alone FROM own WHERE arrival = ?',
    ),
    drop: db.prepare<[number]>(
      `UPDATE message SET content = ${CONTENT.dropped}, body = '', payload = zeroblob(0) WHERE arrival = ?`,
    ),
    markGone: db.prepare<[number, string]>('UPDATE idempotency SET gone = 1 WHERE identity = ? AND key = ?'),
  };
}

function otherStatements(db: Database) {
  return {
    raiseFloor: db.prepare<[number, number]>('UPDATE tag SET floor = max(floor, ?) WHERE id = ?'),
    lapseMailboxes: db.prepare<[number]>('DELETE FROM mailbox WHERE until <= ?'),
    lapseCarried: db.prepare<[number]>('DELETE FROM carried WHERE until <= ?'),
    setClock: db.prepare<[number]>(
      "INSERT INTO meta VALUES ('clock', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    ),
    forgetKeys: db.prepare<[number, number]>(
      `DELETE FROM idempotency WHERE (identity, key) IN (
         SELECT identity, key FROM idempotency INDEXED BY idempotency_age WHERE gone = 1 AND created <= ? LIMIT ?)`,
    ),
    forgetFloors: db.prepare<[number]>(
      `UPDATE tag SET floor = 0 WHERE id IN (
         SELECT id FROM tag t INDEXED BY tag_idle WHERE count = 0 AND floor > 0
           AND NOT EXISTS (SELECT 1 FROM channel WHERE tag = t.id AND joined = 1)
           AND NOT EXISTS (SELECT 1 FROM carried WHERE tag = t.bytes) LIMIT ?)`,
    ),
  };
}

export class Removal {
  readonly #interned: Interned;
  readonly #sums: Sums;
  readonly #authors: Authors;
  readonly #ledger: Ledger;
  readonly #chains: Chains;
  readonly #message;
  readonly #other;

  constructor(
    db: Database,
    parts: { interned: Interned; sums: Sums; authors: Authors; ledger: Ledger; chains: Chains },
  ) {
    this.#interned = parts.interned;
    this.#sums = parts.sums;
    this.#authors = parts.authors;
    this.#ledger = parts.ledger;
    this.#chains = parts.chains;
    this.#message = messageStatements(db);
    this.#other = otherStatements(db);
  }

  /** Removes a header whose content has come and is about to be stored under a new number.
   *  @returns what is known of it if it is an own message */
  header(arrival: number): OwnState | undefined {
    const own = this.#message.own.get(arrival);
    this.#count(this.#message.row.get(arrival) as CostRow);
    return own;
  }

  /** Removes a record that another one supersedes. */
  supersede(arrival: number): void {
    this.#remove(this.#message.row.get(arrival) as CostRow);
  }

  #remove(row: CostRow): void {
    if (row.key !== null && row.key !== '') this.#message.markGone.run(row.author, row.key);
    this.#count(row);
  }

  #count(row: CostRow): void {
    this.#message.remove.run(row.arrival);
    this.#chains.remove(row.arrival, row);
    this.#ledger.remove({
      ...row,
      minute: minuteOf(columnTime(row.time)),
      isHeld: row.held === 1,
      isOwn: row.state !== null,
    });
  }

  /** See the operation `prune`. */
  prune(op: Op<'prune'>): PersistResult {
    const tag = op.floorHour > 0 ? this.#interned.tag(op.tag) : this.#interned.findTag(op.tag);
    if (tag === undefined) return { kind: 'pruned', removed: 0, next: undefined };
    if (op.floorHour > 0) this.#other.raiseFloor.run(op.floorHour, tag);
    const until = timeBound(op.beforeHour * HOUR_MINUTES);
    const ownUntil = op.ownBeforeHour * HOUR_MINUTES;
    const rows = this.#message.older.all(tag, toTimeBytes(op.after.time), op.after.id, until, PRUNE_STEP);
    let removed = 0;
    for (const row of rows) {
      // An own one without content was deleted or is damaged: nobody can deliver it any more.
      const isWaiting = row.state !== STORED && row.held === 1;
      const isKept = row.state !== null && (isWaiting || minuteOf(columnTime(row.time)) >= ownUntil);
      if (isKept) continue;
      this.#remove(row);
      removed++;
    }
    this.#ledger.flush();
    const last = rows.length === PRUNE_STEP ? rows.at(-1) : undefined;
    const next: Position | undefined = last && { time: columnTime(last.time), id: plain(last.id) };
    return { kind: 'pruned', removed, next };
  }

  /** See the operation `drop`. */
  drop(op: Op<'drop'>): PersistResult {
    this.#ledger.flush();
    const tag = this.#interned.findTag(op.tag);
    const heaviest = tag === undefined ? undefined : this.#authors.heaviest(tag);
    if (tag === undefined || heaviest === undefined) return { kind: 'dropped', bytes: 0, more: false };
    const { channel, author } = heaviest;
    const excess = heaviest.content - op.keepBytes;
    let bytes = 0;
    for (const row of excess > 0 ? this.#message.oldestOf.all(channel, author, PRUNE_STEP) : []) {
      if (bytes >= Math.min(excess, op.freeBytes)) break;
      this.#message.drop.run(row.arrival);
      const minute = minuteOf(columnTime(row.time));
      this.#ledger.drop({ tag, channel, author, minute, content: row.content, isOwn: false });
      bytes += row.content;
    }
    this.#ledger.flush();
    const next = this.#authors.heaviest(tag);
    return { kind: 'dropped', bytes, more: next !== undefined && next.content > op.keepBytes };
  }

  /** See the operation `expire`. */
  expire(wallMs: number): PersistResult {
    const rows = this.#message.expired.all(wallMs, PRUNE_STEP + 1);
    for (const row of rows.slice(0, PRUNE_STEP)) this.#remove(row);
    this.#ledger.flush();
    this.#sums.moveFloor(minuteFloorAt(wallMs));
    this.#other.setClock.run(wallMs);
    this.#other.lapseMailboxes.run(wallMs);
    this.#other.lapseCarried.run(wallMs);
    this.#other.forgetKeys.run(wallMs - IDEMPOTENCY_MS, PRUNE_STEP);
    this.#other.forgetFloors.run(PRUNE_STEP);
    this.#interned.forgetNames(PRUNE_STEP);
    return { kind: 'expired', removed: Math.min(rows.length, PRUNE_STEP), more: rows.length > PRUNE_STEP };
  }
}
