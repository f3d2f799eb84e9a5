/**
 * The chains of authors in open channels: each message names the one before it (`prev`). Two uses:
 *
 *   gap            the one before is not known here: somebody may have it
 *   equivocation   two messages name the same one before: their author shows different people different stories. The first
 *                  proof for each (author, channel) is kept as long as anything of the author is known there.
 *
 * Invariants:
 * 1. A message that names one of another author or channel is in no chain: nobody can mark the chain of somebody else.
 * 2. Storing a message costs a few small statements, however long chains and gaps are.
 *
 * Nearly every message follows the one of its author that came last. Those are remembered, {@link ENDS_MAX} at most: to look
 * one up costs as much as half of storing a message (measured: 25 of 50 us).
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, equal, toBase64url } from '../core/bytes.ts';
import { channelKind } from '../core/channel/channel.ts';
import { type Message, type MessageContext, messageId } from '../core/message/message.ts';
import type { Chained } from '../core/persistence.ts';
import { keyBytes } from './check.ts';
import type { AuthorPlace } from './sqlite-authors.ts';
import { plain } from './sqlite-rows.ts';
import type { Equivocation, Statement } from './store.ts';

/** Ends remembered, some 150 bytes each; above it all are forgotten (guess). */
const ENDS_MAX = 16_384;

/** The message of an author in a channel that was stored last. */
interface End {
  readonly arrival: number;
  readonly id: Bytes;
  /** something follows it already */
  readonly isFollowed: boolean;
}

interface PrevRow {
  readonly arrival: number;
  readonly channel: number;
  readonly author: number;
  /** what follows it and is still here */
  readonly next: number | null;
}

function statements(db: Database) {
  return {
    prev: db.prepare<[Bytes], PrevRow>(
      `SELECT m.arrival, m.channel, m.author, f.arrival AS next FROM message m
         LEFT JOIN chain_next n ON n.arrival = m.arrival LEFT JOIN message f ON f.arrival = n.next
       WHERE m.id = ?`,
    ),
    next: db.prepare<[number], number>('SELECT next FROM chain_next WHERE arrival = ?').pluck(),
    setNext: db.prepare<[number, number]>('INSERT OR REPLACE INTO chain_next VALUES (?, ?)'),
    removeNext: db.prepare<[number]>('DELETE FROM chain_next WHERE arrival = ?'),
    gap: db
      .prepare<[Bytes, number, number], number>(
        'SELECT arrival FROM chain_gap WHERE prev = ? AND channel = ? AND author = ?',
      )
      .pluck(),
    addGap: db.prepare<[number, Bytes, number, number]>('INSERT INTO chain_gap VALUES (?, ?, ?, ?)'),
    removeGap: db.prepare<[number]>('DELETE FROM chain_gap WHERE arrival = ?'),
    prove: db.prepare<[number, number, number, number]>(
      `INSERT OR IGNORE INTO equivocation
       SELECT ?, ?, a.bytes, a.signature, b.bytes, b.signature FROM message a, message b
       WHERE a.arrival = ? AND b.arrival = ?`,
    ),
  };
}

/** What the chain looks at in a message. */
type Link = Pick<Message, 'id' | 'prev' | 'channel'>;

export class Chains {
  readonly #statements;
  /** by channel and author */
  readonly #ends = new Map<string, End>();

  constructor(db: Database) {
    this.#statements = statements(db);
  }

  /**
   * A message was stored, with content or without. Inside the transaction.
   * @param next what follows it, where that is known: it takes the place of its header
   */
  add(arrival: number, { id, prev, channel: name }: Link, place: AuthorPlace, next?: number): Chained {
    if (channelKind(name) !== 'open') return {};
    const { channel, author } = place;
    const { gap, removeGap, setNext } = this.#statements;
    const follower = next ?? gap.get(id, channel, author);
    if (follower !== undefined) {
      removeGap.run(follower);
      setNext.run(arrival, follower);
    }
    const key = `${channel} ${author}`;
    const end = this.#ends.get(key);
    if (this.#ends.size >= ENDS_MAX) this.#ends.clear();
    this.#ends.set(key, { arrival, id: id.slice(), isFollowed: follower !== undefined });
    if (prev.length === 0) return {};
    if (end === undefined || end.isFollowed || !equal(end.id, prev))
      return this.#follow(arrival, prev, place);
    setNext.run(end.arrival, arrival);
    return {};
  }

  /** A message names one that is not the last of its author here, as far as is remembered. */
  #follow(arrival: number, prev: Bytes, place: AuthorPlace): Chained {
    const { channel, author } = place;
    const { gap, addGap, setNext } = this.#statements;
    const before = this.#statements.prev.get(prev);
    if (before === undefined) {
      const other = gap.get(prev, channel, author);
      if (other !== undefined) return this.#prove(place, other, arrival);
      addGap.run(arrival, prev, channel, author);
      return { isGap: true };
    }
    if (before.channel !== channel || before.author !== author) return {};
    if (before.next !== null) return this.#prove(place, before.next, arrival);
    setNext.run(before.arrival, arrival);
    return {};
  }

  #prove({ channel, author }: AuthorPlace, first: number, second: number): Chained {
    const { changes } = this.#statements.prove.run(channel, author, first, second);
    return changes === 1 ? { equivocates: true } : {};
  }

  /** Forgets what is remembered. To be called after a rollback. */
  reset(): void {
    this.#ends.clear();
  }

  /** A message was removed. */
  remove(arrival: number, { channel, author }: AuthorPlace): void {
    const key = `${channel} ${author}`;
    if (this.#ends.get(key)?.arrival === arrival) this.#ends.delete(key);
    this.#statements.removeNext.run(arrival);
    this.#statements.removeGap.run(arrival);
  }

  /** What follows a message whose header is about to be replaced. */
  nextOf(arrival: number): number | undefined {
    return this.#statements.next.get(arrival);
  }
}

interface ProofRow {
  readonly firstBytes: Bytes;
  readonly firstSignature: Bytes;
  readonly secondBytes: Bytes;
  readonly secondSignature: Bytes;
}

/** See `Store.equivocation`. */
export function createEquivocation(
  db: Database,
  context: MessageContext,
): (channel: string, author: string) => Equivocation | undefined {
  const find = db.prepare<[string, Bytes], ProofRow>(
    `SELECT first_bytes AS firstBytes, first_signature AS firstSignature,
       second_bytes AS secondBytes, second_signature AS secondSignature
     FROM equivocation WHERE channel = (SELECT id FROM channel WHERE name = ?)
       AND author = (SELECT id FROM public_key WHERE bytes = ?)`,
  );
  const toStatement = (bytes: Bytes, signature: Bytes): Statement => {
    return { id: toBase64url(messageId(context, bytes)), bytes: plain(bytes), signature: plain(signature) };
  };
  return (channel, author) => {
    const row = find.get(channel, keyBytes(author));
    if (row === undefined) return undefined;
    return {
      first: toStatement(row.firstBytes, row.firstSignature),
      second: toStatement(row.secondBytes, row.secondSignature),
    };
  };
}
