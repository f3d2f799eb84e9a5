/**
 * The authors of each channel: how many messages of theirs are known, what their content costs, and where their chain
 * ends. Changes are gathered in memory, one for each (channel, author), and written when an operation has removed
 * something or the transaction ends.
 *
 * Invariants:
 * 1. A row exists while a message of the author is known in the channel. Rows of local identities, which are those that
 *    have published here, stay after that: their chains must never fall back to an earlier end.
 * 2. A chain ends at what was published here last, or at the newest by (time, id) of what came from others after that
 *    and is later. That is a fold over arrivals, so it needs no index over messages and outlasts them.
 * 3. `channel.authors` counts the rows of a channel.
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, compare } from '../core/bytes.ts';
import { HEAVY_BYTES } from './buckets.ts';
import type { Interned } from './sqlite-intern.ts';

/** A place in the order of display, as bytes. */
export interface ChainEnd {
  /** 8 bytes */
  readonly time: Bytes;
  /** 32 bytes */
  readonly id: Bytes;
}

interface AuthorRow extends ChainEnd {
  readonly messages: number;
  readonly content: number;
}

interface Change {
  readonly tag: number;
  messages: number;
  /** octets */
  content: number;
  end: ChainEnd | undefined;
  /** something was published here: `end` holds whatever stood before */
  own: number;
}

/** Integers of {@link Interned}. */
export interface AuthorPlace {
  readonly channel: number;
  readonly tag: number;
  readonly author: number;
}

/** A message as its author's. */
export interface Authored extends AuthorPlace, ChainEnd {
  /** octets of the content, 0 if it is not held */
  readonly content: number;
  readonly isOwn: boolean;
  /** it was counted before: the chain does not end there anew */
  readonly isAgain?: boolean;
}

export interface Heaviest {
  readonly channel: number;
  readonly author: number;
  /** octets that count */
  readonly content: number;
}

function statements(db: Database) {
  return {
    get: db.prepare<[number, number], AuthorRow>(
      'SELECT messages, content, time, id FROM author WHERE author = ? AND channel = ?',
    ),
    add: db.prepare<[number, number, number, number, number, Bytes, Bytes, number]>(
      'INSERT INTO author VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    set: db.prepare<[number, number, Bytes, Bytes, number, number, number]>(
      `UPDATE author SET messages = ?, content = ?, time = ?, id = ?, own = max(own, ?)
       WHERE author = ? AND channel = ?`,
    ),
    // For strangers of whom something came. @returns how many messages are known then
    grow: db
      .prepare<[number, number, number, number, number, Bytes, Bytes], number>(
        `INSERT INTO author VALUES (?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO UPDATE SET
           messages = messages + excluded.messages, content = content + excluded.content,
           time = max(time, excluded.time),
           id = iif((excluded.time, excluded.id) > (time, id), excluded.id, id)
         RETURNING messages`,
      )
      .pluck(),
    remove: db.prepare<[number, number]>('DELETE FROM author WHERE author = ? AND channel = ?'),
    forgive: db.prepare<[number, number]>('DELETE FROM equivocation WHERE author = ? AND channel = ?'),
    local: db
      .prepare<[], number>('SELECT DISTINCT author FROM author INDEXED BY author_own WHERE own = 1')
      .pluck(),
    heaviest: db.prepare<[number, number], Heaviest>(
      `SELECT channel, author, content FROM author INDEXED BY author_weight
       WHERE tag = ? AND content >= ${HEAVY_BYTES} ORDER BY content DESC LIMIT ?`,
    ),
  };
}

/** Order of display and catch-up: time, then id. */
function isLater(a: ChainEnd, b: ChainEnd): boolean {
  return (compare(a.time, b.time) || compare(a.id, b.id)) > 0;
}

export class Authors {
  readonly #interned: Interned;
  readonly #statements;
  /** channel, author: the change that is not written yet */
  readonly #changes = new Map<number, Map<number, Change>>();
  readonly #local = new Set<number>();

  constructor(db: Database, interned: Interned) {
    this.#interned = interned;
    this.#statements = statements(db);
    this.#readLocal();
  }

  #readLocal(): void {
    this.#local.clear();
    for (const author of this.#statements.local.all()) this.#local.add(author);
  }

  /** Drops what the open transaction gathered. To be called after a rollback. */
  reset(): void {
    this.#changes.clear();
    this.#readLocal();
  }

  #change(place: AuthorPlace): Change {
    const authors = this.#changes.get(place.channel) ?? new Map<number, Change>();
    if (authors.size === 0) this.#changes.set(place.channel, authors);
    const known = authors.get(place.author);
    if (known !== undefined) return known;
    const change = { tag: place.tag, messages: 0, content: 0, end: undefined, own: 0 };
    authors.set(place.author, change);
    return change;
  }

  /** A message was stored. */
  add(message: Authored): void {
    const change = this.#change(message);
    const isNewOwn = message.isOwn && message.isAgain !== true;
    change.messages++;
    if (isNewOwn) {
      change.own = 1;
      this.#local.add(message.author);
    }
    if (!message.isOwn) change.content += message.content;
    if (isNewOwn || change.end === undefined || isLater(message, change.end)) change.end = message;
  }

  /** A message was deleted. */
  remove(message: Authored): void {
    const change = this.#change(message);
    change.messages--;
    if (!message.isOwn) change.content -= message.content;
  }

  /** The content of a message is gone. */
  shrink(message: AuthorPlace & { readonly content: number; readonly isOwn: boolean }): void {
    if (!message.isOwn) this.#change(message).content -= message.content;
  }

  /** Writes what was gathered. Inside the transaction that stored or removed the messages.
   *  @param count is told how many authors a channel has more */
  flush(count: (channel: number, change: number) => void): void {
    const gone: number[] = [];
    for (const [channel, authors] of this.#changes) {
      let rows = 0;
      for (const [author, change] of authors) rows += this.#write(channel, author, change, gone);
      if (rows !== 0) count(channel, rows);
    }
    this.#changes.clear();
    for (const author of gone) this.#interned.forgetKey(author);
  }

  /** @param gone gets the author if nothing of it is left here. @returns how many rows there are more */
  #write(channel: number, author: number, change: Change, gone: number[]): number {
    const { tag, content, end, own } = change;
    const { get, add, set, grow, remove, forgive } = this.#statements;
    const isLocal = this.#local.has(author);
    if (!isLocal && change.messages > 0 && end !== undefined) {
      const known = grow.get(author, channel, tag, change.messages, content, end.time, end.id);
      return known === change.messages ? 1 : 0;
    }
    const before = get.get(author, channel);
    const messages = (before?.messages ?? 0) + change.messages;
    if (messages === 0 && !isLocal) {
      gone.push(author);
      forgive.run(author, channel); // what came and went in one transaction has no row, and may have a proof
      if (before === undefined) return 0;
      remove.run(author, channel);
      return -1;
    }
    if (before === undefined) {
      if (end !== undefined) add.run(author, channel, tag, messages, content, end.time, end.id, own);
      return end === undefined ? 0 : 1;
    }
    const last = end !== undefined && (own === 1 || isLater(end, before)) ? end : before;
    set.run(messages, before.content + content, last.time, last.id, own, author, channel);
    return 0;
  }

  /** Who holds most bytes of content in a tag, {@link HEAVY_BYTES} or more, local identities apart. After {@link flush} only. */
  heaviest(tag: number): Heaviest | undefined {
    return this.#statements.heaviest
      .all(tag, this.#local.size + 1)
      .find(({ author }) => !this.#local.has(author));
  }

  /** Where the chain of an author ends in a channel. */
  end(channel: number, author: number): ChainEnd | undefined {
    return this.#statements.get.get(author, channel);
  }
}
