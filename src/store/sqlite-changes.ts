/**
 * What edits and deletes have changed of posts that came before them, by the arrival number of the edit or delete: see
 * `Store.readChanges`.
 *
 * 1. One that changes nothing costs its reader a look at {@link LIMITS.refsMax} targets; what others cost is bounded by
 *    `change-page.ts`.
 * 2. A deleted edit counts for the first delete that counts for it. A later one is told apart by the deletes with the earliest and
 *    the latest time, each one step down an index however many there are: while it is the newest to arrive, one of the two
 *    came before it. Where deletes with times on both sides came since, it may be taken for a first one, and tells what is
 *    known; the first is always told.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { AMENDS } from '../core/message/amend.ts';
import { MESSAGE_KIND } from '../core/message/message.ts';
import { type Amended, ChangePageFill } from './change-page.ts';
import { CONTENT } from './schema-4.ts';
import { ArrivalStream, merge, type Pages } from './sqlite-pages.ts';
import { columnText } from './sqlite-rows.ts';
import type { ChangePage, Store } from './store.ts';

type ChangeQuery = Parameters<Store['readChanges']>[0];

interface Place {
  readonly channel: number;
  readonly author: number;
  readonly time: Bytes;
}

interface Amending extends Place {
  readonly name: string;
  readonly amends: number;
  readonly content: number;
}

interface Target {
  readonly id: Bytes;
  readonly arrival: number;
  readonly time: Bytes;
  readonly kind: number;
  readonly amends: number;
  readonly content: number;
}

/** Of the deletes that count for a message, the one with the earliest or the latest time. */
function deleteAtEnd(db: Database, order: 'ASC' | 'DESC') {
  return db
    .prepare<[Bytes, number, number, Bytes], number>(
      `SELECT arrival FROM amendment WHERE target = ? AND amends = ${AMENDS.deletes} AND channel = ? AND author = ?
         AND time >= ? ORDER BY time ${order}, id ${order} LIMIT 1`,
    )
    .pluck();
}

function statements(db: Database) {
  return {
    ofChannel: db
      .prepare<[number, number, number], number>(
        `SELECT arrival FROM message INDEXED BY message_amending
         WHERE amends <> ${AMENDS.nothing} AND channel = ? AND arrival > ? ORDER BY arrival LIMIT ?`,
      )
      .pluck(),
    own: db
      .prepare<[number, number], number>(
        `SELECT o.arrival FROM own o CROSS JOIN message m ON m.arrival = o.arrival
         WHERE o.arrival > ? AND m.amends <> ${AMENDS.nothing} ORDER BY o.arrival LIMIT ?`,
      )
      .pluck(),
    amending: db.prepare<[number], Amending>(
      `SELECT c.name, m.channel, m.author, m.time, m.amends, m.content
       FROM message m JOIN channel c ON c.id = m.channel WHERE m.arrival = ?`,
    ),
    targets: db.prepare<[number], Bytes>('SELECT target FROM amendment WHERE arrival = ?').pluck(),
    target: db.prepare<[Bytes, number, number, Bytes, number], Target>(
      `SELECT arrival, id, time, kind, amends, content FROM message
       WHERE id = ? AND channel = ? AND author = ? AND time <= ? AND arrival < ?`,
    ),
    earliest: deleteAtEnd(db, 'ASC'),
    latest: deleteAtEnd(db, 'DESC'),
  };
}

export class Changes {
  readonly #pages: Pages;
  readonly #statements;

  constructor(db: Database, pages: Pages) {
    this.#pages = pages;
    this.#statements = statements(db);
  }

  /** See `Store.readChanges`. */
  read(query: ChangeQuery): ChangePage {
    const { after, limit, wallMs } = query;
    const fill = new ChangePageFill({ limit, wallMs, read: (id) => this.#pages.message(id) });
    if (limit === 0) return fill.page(after);
    const { ofChannel, own } = this.#statements;
    const streams = this.#pages.channelsOf(query).map((channel) => {
      return new ArrivalStream((from, most) => ofChannel.all(channel, from, most), after);
    });
    if (query.channels === undefined)
      streams.push(new ArrivalStream((from, most) => own.all(from, most), after));
    for (const arrival of merge(streams)) if (fill.add(this.#amended(arrival))) return fill.page(arrival);
    return fill.page(undefined);
  }

  #amended(arrival: number): Amended | undefined {
    const by = this.#statements.amending.get(arrival);
    if (by === undefined || (by.amends === AMENDS.edits && by.content !== CONTENT.held)) return undefined;
    const deleted: string[] = [];
    const edited = new Set<string>();
    const addPosts = (from: number, place: Place): void => {
      for (const target of this.#targets(from, place, arrival))
        if (isPost(target) && target.content !== CONTENT.deleted) edited.add(columnText(target.id));
    };
    if (by.amends === AMENDS.edits) addPosts(arrival, by);
    else
      for (const target of this.#targets(arrival, by, arrival)) {
        if (target.content !== CONTENT.deleted) continue;
        const place = { ...by, time: target.time };
        if (isPost(target)) deleted.push(columnText(target.id));
        else if (target.amends === AMENDS.edits && !this.#wasDeleted(target.id, place, arrival))
          addPosts(target.arrival, place);
      }
    return { arrival, channel: by.name, deleted, edited };
  }

  /** Targets that an edit or delete counts for, of those that came before `arrival`. */
  #targets(from: number, { channel, author, time }: Place, arrival: number): Target[] {
    const { targets, target } = this.#statements;
    return targets.all(from).flatMap((id) => target.get(id, channel, author, time, arrival) ?? []);
  }

  /** Whether a delete that came before `arrival` is seen to count already: by looking at two of them, not at all. */
  #wasDeleted(id: Bytes, { channel, author, time }: Place, arrival: number): boolean {
    return [this.#statements.earliest, this.#statements.latest].some((statement) => {
      const found = statement.get(id, channel, author, time);
      return found !== undefined && found < arrival;
    });
  }
}

function isPost({ kind, amends }: Target): boolean {
  return kind === MESSAGE_KIND.post && amends === AMENDS.nothing;
}
