/**
 * What is gathered while a transaction stores and removes messages: sums and use per tag and hour, authors, and how many
 * messages of a channel are held. One place, so that what is added when a message comes is what goes with it.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import type { Authors } from './sqlite-authors.ts';
import type { Sums } from './sqlite-sums.ts';

/** A row of `message` as it counts. */
export interface Entry {
  /** integers of `Interned` */
  readonly tag: number;
  readonly channel: number;
  readonly author: number;
  /** of its time, since 1970 */
  readonly minute: number;
  /** 8 bytes */
  readonly time: Bytes;
  /** 32 bytes */
  readonly id: Bytes;
  /** bytes that it costs without its content */
  readonly header: number;
  /** octets of the content, 0 if it is not held */
  readonly content: number;
  readonly isHeld: boolean;
  readonly isOwn: boolean;
}

export class Ledger {
  readonly #sums: Sums;
  readonly #authors: Authors;
  readonly #count;
  /** channel: change of the number of messages that are held */
  readonly #held = new Map<number, number>();

  constructor(db: Database, parts: { sums: Sums; authors: Authors }) {
    this.#sums = parts.sums;
    this.#authors = parts.authors;
    this.#count = db.prepare<[number, number]>('UPDATE channel SET messages = messages + ? WHERE id = ?');
  }

  #hold(channel: number, change: number): void {
    this.#held.set(channel, (this.#held.get(channel) ?? 0) + change);
  }

  add(entry: Entry): void {
    const { tag, minute, id, isOwn, header, content } = entry;
    this.#sums.add(tag, minute, id, { isOwn, bytes: header + content });
    this.#authors.add(entry, entry, { isOwn, content: isOwn ? 0 : content });
    if (entry.isHeld) this.#hold(entry.channel, 1);
  }

  remove(entry: Entry): void {
    const { tag, minute, id, isOwn, header, content } = entry;
    this.#sums.remove(tag, minute, id, { isOwn, bytes: header + content });
    this.#authors.remove(entry, 1, isOwn ? 0 : content);
    if (entry.isHeld) this.#hold(entry.channel, -1);
  }

  /** Only the header of somebody's message is left. */
  drop(entry: Pick<Entry, 'tag' | 'channel' | 'author' | 'minute' | 'content'>): void {
    this.#sums.shrink(entry.tag, entry.minute, entry.content);
    this.#authors.remove(entry, 0, entry.content);
    this.#hold(entry.channel, -1);
  }

  /** Writes what was gathered. Inside the transaction. */
  flush(): void {
    this.#sums.flush();
    this.#authors.flush();
    for (const [channel, change] of this.#held) if (change !== 0) this.#count.run(change, channel);
    this.#held.clear();
  }

  /** Forgets what was gathered. To be called after a rollback. */
  reset(): void {
    this.#sums.reset();
    this.#authors.reset();
    this.#held.clear();
  }
}
