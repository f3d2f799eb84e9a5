/**
 * Edits and deletes in the store: which targets they name, and what a delete does to a message. Fact 8 of
 * `core/persistence.ts`.
 *
 * Invariant: one message costs a look at most at {@link LIMITS.refsMax} targets and at one delete of its own; each is a step
 * down an index, whoever wrote how many of them.
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, EMPTY } from '../core/bytes.ts';
import { AMENDS, type Amends, targetsOf } from '../core/message/amend.ts';
import { isTombstone, readSignedHeader, type Tombstone } from '../core/message/header.ts';
import { isMesh1Header } from '../core/message/mesh1-record.ts';
import { buildMessage, type MessageContext, type Ref } from '../core/message/message.ts';
import { fromTimeBytes } from '../core/message/time.ts';
import { CborError } from '../core/wire/cbor.ts';
import { minuteOf } from './buckets.ts';
import { CONTENT, CONTENT_OCTETS } from './schema-4.ts';
import type { Ledger } from './sqlite-ledger.ts';
import { plain } from './sqlite-rows.ts';

/** A message as its targets are looked at: integers of the interned names, 8 bytes of time. */
export interface Place {
  readonly id: Bytes;
  readonly channel: number;
  readonly author: number;
  readonly time: Bytes;
}

interface TargetRow extends Place {
  readonly arrival: number;
  readonly tag: number;
  readonly content: number;
  readonly octets: number;
  readonly isOwn: number;
}

interface HeaderRow {
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

function statements(db: Database) {
  return {
    add: db.prepare<[Bytes, number, number, number, Bytes, Bytes, number]>(
      'INSERT OR IGNORE INTO amendment VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    // No order: to look from the end of the index costs seven times as much, and it is asked for every message.
    isDeleted: db
      .prepare<[Bytes, number, number, Bytes], number>(
        `SELECT EXISTS (SELECT 1 FROM amendment
           WHERE target = ? AND amends = ${AMENDS.deletes} AND channel = ? AND author = ? AND time >= ?)`,
      )
      .pluck(),
    latest: db
      .prepare<[Bytes, number, number, Bytes], number>(
        `SELECT arrival FROM amendment WHERE target = ? AND amends = ${AMENDS.deletes} AND channel = ? AND author = ?
           AND time >= ? ORDER BY time DESC LIMIT 1`,
      )
      .pluck(),
    target: db.prepare<[Bytes, number, number, Bytes], TargetRow>(
      `SELECT m.arrival, m.id, m.tag, m.channel, m.author, m.time, m.content, ${CONTENT_OCTETS} AS octets,
         EXISTS (SELECT 1 FROM own WHERE arrival = m.arrival) AS isOwn
       FROM message m WHERE m.id = ? AND m.channel = ? AND m.author = ? AND m.time <= ?
         AND m.amends <> ${AMENDS.deletes} AND m.content <> ${CONTENT.deleted} AND substr(m.bytes, 1, 1) <> x'7b'`,
    ),
    erase: db.prepare<[number]>(
      `UPDATE message SET content = ${CONTENT.deleted}, body = '', payload = zeroblob(0) WHERE arrival = ?`,
    ),
    isNamed: db
      .prepare<[Bytes], number>(
        `SELECT EXISTS (SELECT 1 FROM amendment WHERE target = ? AND amends = ${AMENDS.deletes})`,
      )
      .pluck(),
    deleted: db.prepare<[Bytes], HeaderRow & Omit<Place, 'id'>>(
      `SELECT bytes, signature, channel, author, time FROM message WHERE id = ? AND content = ${CONTENT.deleted}`,
    ),
    header: db.prepare<[number], HeaderRow>('SELECT bytes, signature FROM message WHERE arrival = ?'),
    all: db.prepare<[number, number], Place & { readonly arrival: number; readonly bytes: Bytes }>(
      `SELECT arrival, id, channel, author, time, bytes FROM message
       WHERE amends = ${AMENDS.deletes} AND arrival > ? ORDER BY arrival LIMIT ?`,
    ),
    takeDue: db.prepare("DELETE FROM meta WHERE key = 'deletes_due'"),
  };
}

export class Deletes {
  readonly #ledger: Ledger;
  readonly #context: MessageContext;
  readonly #statements;

  constructor(db: Database, parts: { ledger: Ledger; context: MessageContext }) {
    this.#ledger = parts.ledger;
    this.#context = parts.context;
    this.#statements = statements(db);
  }

  /** Whether a known delete counts for a message. */
  isDeleted({ id, channel, author, time }: Place, amends: Amends, bytes: Bytes): boolean {
    if (amends === AMENDS.deletes || isMesh1Header(bytes)) return false;
    return this.#statements.isDeleted.get(id, channel, author, time) === 1;
  }

  /** A message that edits or deletes was stored: its targets are noted, and what it deletes loses its content. */
  amend(place: Place & { readonly arrival: number }, amends: Amends, refs: readonly Ref[]): void {
    const { channel, author, time, id, arrival } = place;
    for (const target of targetsOf(refs, amends)) {
      this.#statements.add.run(target, amends, channel, author, time, id, arrival);
      if (amends === AMENDS.deletes) this.#erase(target, place);
    }
  }

  #erase(target: Bytes, by: Place): void {
    const row = this.#statements.target.get(target, by.channel, by.author, by.time);
    if (row === undefined) return;
    this.#statements.erase.run(row.arrival);
    if (row.content !== CONTENT.held) return;
    const { tag, channel, author, octets: content } = row;
    const minute = minuteOf(fromTimeBytes(row.time));
    this.#ledger.drop({ tag, channel, author, minute, content, isOwn: row.isOwn === 1 });
  }

  /** Whether a delete names this id, whoever wrote it. */
  isNamed(id: Bytes): boolean {
    return this.#statements.isNamed.get(id) === 1;
  }

  /** What is left of a deleted message, `undefined` if it is none, its delete is gone, or one of the two is damaged. */
  tombstone(id: Bytes): Tombstone | undefined {
    const row = this.#statements.deleted.get(id);
    const by = row && this.#statements.latest.get(id, row.channel, row.author, row.time);
    const deletion = by === undefined ? undefined : this.#statements.header.get(by);
    if (row === undefined || deletion === undefined) return undefined;
    try {
      const header = readSignedHeader(this.#context, plain(row.bytes), plain(row.signature));
      const tombstone = {
        header,
        deletion: buildMessage(this.#context, {
          bytes: plain(deletion.bytes),
          signature: plain(deletion.signature),
          body: '',
          payload: EMPTY,
        }),
      };
      return isTombstone(tombstone) && Buffer.compare(header.id, id) === 0 ? tombstone : undefined;
    } catch (error) {
      if (error instanceof CborError) return undefined;
      throw error;
    }
  }

  /** Carries out deletes that a new schema found in the file. Inside a transaction. */
  applyDue(): void {
    if (this.#statements.takeDue.run().changes === 0) return;
    let after = 0;
    for (;;) {
      const rows = this.#statements.all.all(after, 1000);
      for (const row of rows) {
        const { refs } = readSignedHeader(this.#context, plain(row.bytes), new Uint8Array(64));
        this.amend(row, AMENDS.deletes, refs);
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.arrival;
    }
  }
}
