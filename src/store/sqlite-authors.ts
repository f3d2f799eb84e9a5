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
    remove: db.prepare<[number, number]>('DELETE FROM author WHERE author = ? AND channel = ?'),
    count: db.prepare<[number, number]>('UPDATE channel SET authors = authors + ? WHERE id = ?'),
    local: db
      .prepare<[], number>('SELECT DISTINCT author FROM author INDEXED BY author_own WHERE own = 1')
      .pluck(),
    heaviest: db.prepare<[number, number], Heaviest>(
      `SELECT channel, author, content FROM author INDEXED BY author_weight
       WHERE tag = ? AND content > 0 ORDER BY content DESC LIMIT ?`,
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

  /** A message was stored. @param content octets of somebody else's content that count */
  add(place: AuthorPlace, end: ChainEnd, what: { readonly isOwn: boolean; readonly content: number }): void {
    const change = this.#change(place);
    change.messages++;
    change.content += what.content;
    if (what.isOwn) {
      change.own = 1;
      this.#local.add(place.author);
    }
    if (what.isOwn || change.end === undefined || isLater(end, change.end)) change.end = end;
  }

  /** Messages were removed, or only their content. @param content octets that counted */
  remove(place: AuthorPlace, messages: number, content: number): void {
    const change = this.#change(place);
    change.messages -= messages;
    change.content -= content;
  }

  /** Writes what was gathered. Inside the transaction that stored or removed the messages. */
  flush(): void {
    const gone: number[] = [];
    for (const [channel, authors] of this.#changes) {
      let rows = 0;
      for (const [author, change] of authors) rows += this.#write(channel, author, change, gone);
      if (rows !== 0) this.#statements.count.run(rows, channel);
    }
    this.#changes.clear();
    for (const author of gone) this.#interned.forgetKey(author);
  }

  /** @param gone gets the author if nothing of it is left here. @returns how many rows there are more */
  #write(channel: number, author: number, change: Change, gone: number[]): number {
    const { tag, content, end, own } = change;
    const { get, add, set, remove } = this.#statements;
    const before = get.get(author, channel);
    const messages = (before?.messages ?? 0) + change.messages;
    if (messages === 0 && !this.#local.has(author)) {
      gone.push(author);
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

  /** Who holds most bytes of content in a tag, local identities apart. After {@link flush} only. */
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
