/**
 * What is gathered while a transaction stores and removes messages: sums and use per tag and hour, authors, and how many
 * messages of a channel are held. One place, so that what is added when a message comes is what goes with it.
 */
import type { Database } from 'better-sqlite3';
import type { Authored, Authors } from './sqlite-authors.ts';
import type { Counted, Sums } from './sqlite-sums.ts';

/** A row of `message` as it counts. */
export interface Entry extends Counted, Authored {
  readonly isHeld: boolean;
}

export class Ledger {
  readonly #sums: Sums;
  readonly #authors: Authors;
  readonly #count;
  /** channel: how many messages are held and how many authors are known more */
  readonly #channels = new Map<number, { held: number; authors: number }>();

  constructor(db: Database, parts: { sums: Sums; authors: Authors }) {
    this.#sums = parts.sums;
    this.#authors = parts.authors;
    this.#count = db.prepare<[number, number, number]>(
      'UPDATE channel SET messages = messages + ?, authors = authors + ? WHERE id = ?',
    );
  }

  #channel(channel: number): { held: number; authors: number } {
    const known = this.#channels.get(channel);
    if (known !== undefined) return known;
    const change = { held: 0, authors: 0 };
    this.#channels.set(channel, change);
    return change;
  }

  add(entry: Entry): void {
    this.#sums.add(entry);
    this.#authors.add(entry);
    if (entry.isHeld) this.#channel(entry.channel).held++;
  }

  remove(entry: Entry): void {
    this.#sums.remove(entry);
    this.#authors.remove(entry);
    if (entry.isHeld) this.#channel(entry.channel).held--;
  }

  /** Only the header of a message is left. */
  drop(entry: Pick<Entry, 'tag' | 'channel' | 'author' | 'minute' | 'content' | 'isOwn'>): void {
    this.#sums.shrink(entry);
    this.#authors.shrink(entry);
    this.#channel(entry.channel).held--;
  }

  /** Writes what was gathered. Inside the transaction. */
  flush(): void {
    this.#sums.flush();
    this.#authors.flush((channel, change) => {
      this.#channel(channel).authors += change;
    });
    for (const [channel, { held, authors }] of this.#channels)
      if (held !== 0 || authors !== 0) this.#count.run(held, authors, channel);
    this.#channels.clear();
  }

  /** Forgets what was gathered. To be called after a rollback. */
  reset(): void {
    this.#sums.reset();
    this.#authors.reset();
    this.#channels.clear();
  }
}
