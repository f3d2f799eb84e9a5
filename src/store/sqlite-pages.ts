/**
 * Answers what local clients ask: pages of a channel in the order of display, and everything by arrival number.
 *
 * 1. A page is shorter than asked only where the store ends: rows that are expired or damaged are skipped, not counted.
 * 2. What is not shown costs next to nothing: the indexes walked here hold only kinds that are shown, and expired rows
 *    are left out before their content is read. Anybody can write both, and a page is read in one turn of the loop.
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, idFromText } from '../core/bytes.ts';
import { AMENDS } from '../core/message/amend.ts';
import type { MessageContext } from '../core/message/message.ts';
import { toTimeBytes } from '../core/message/time.ts';
import type { Position } from '../core/persistence.ts';
import { FIRST, INFINITY } from '../core/sync/negentropy/bounds.ts';
import { CONTENT, IS_SHOWN } from './schema-4.ts';
import type { Interned } from './sqlite-intern.ts';
import {
  CONTENT_COLUMNS,
  type ContentRow,
  columnText,
  IS_HELD,
  type MessageRow,
  POLICY_COLUMNS,
  type PolicyRow,
  policyOfRow,
  ROW_COLUMNS,
  ROW_TABLES,
  RowReader,
} from './sqlite-rows.ts';
import { type ChannelRow, EDITS_MAX, type Store, type StoredMessage } from './store.ts';

type PageQuery = Parameters<Store['readPage']>[0];
type ArrivalQuery = Parameters<Store['readArrivals']>[0];
type PlacedRow = MessageRow & { readonly time: Bytes };
type PageColumns = [number, Bytes, Bytes, Bytes, Bytes, number, number];

/** Arrival numbers fetched at once from each channel while several are merged. */
const MERGE_STEP = 64;

/** Not expired; takes the wall time. */
const IS_ALIVE = '(m.expires = 0 OR m.expires > ?)';

function pageStatement(db: Database, order: 'ASC' | 'DESC') {
  return db.prepare<PageColumns, PlacedRow>(
    `SELECT ${ROW_COLUMNS}, m.time FROM ${ROW_TABLES.replace('message m', 'message m INDEXED BY message_page')}
     WHERE ${IS_SHOWN} AND m.channel = ? AND (m.time, m.id) > (?, ?) AND (m.time, m.id) < (?, ?) AND ${IS_ALIVE}
     ORDER BY m.time ${order}, m.id ${order} LIMIT ?`,
  );
}

function statements(db: Database) {
  return {
    ascending: pageStatement(db, 'ASC'),
    descending: pageStatement(db, 'DESC'),
    place: db.prepare<[number], EditedPlace>(
      `SELECT channel, author, time FROM message WHERE arrival = ? AND amends = ${AMENDS.nothing}`,
    ),
    edits: db.prepare<[Bytes, number, number, Bytes, number], ContentRow & { readonly id: Bytes }>(
      `SELECT ${CONTENT_COLUMNS}, m.id FROM (
         SELECT arrival FROM amendment WHERE target = ? AND amends = ${AMENDS.edits} AND channel = ? AND author = ?
           AND time >= ? ORDER BY time DESC, id DESC LIMIT ?) e CROSS JOIN message m ON m.arrival = e.arrival
       WHERE ${IS_HELD}`,
    ),
    byArrival: db.prepare<[number, number], MessageRow>(
      `SELECT ${ROW_COLUMNS} FROM ${ROW_TABLES} WHERE m.arrival = ? AND ${IS_HELD} AND ${IS_ALIVE}`,
    ),
    byId: db.prepare<[Bytes], MessageRow>(
      `SELECT ${ROW_COLUMNS} FROM ${ROW_TABLES} WHERE m.id = ? AND ${IS_HELD}`,
    ),
    arrivalsOf: db
      .prepare<[number, number, number], number>(
        `SELECT arrival FROM message INDEXED BY message_shown
         WHERE ${IS_SHOWN} AND channel = ? AND arrival > ? ORDER BY arrival LIMIT ?`,
      )
      .pluck(),
    ownArrivals: db
      .prepare<[number, number], number>(
        `SELECT o.arrival FROM own o CROSS JOIN message m ON m.arrival = o.arrival
         WHERE o.arrival > ? AND ${IS_SHOWN} ORDER BY o.arrival LIMIT ?`,
      )
      .pluck(),
    joined: db
      .prepare<[], number>('SELECT id FROM channel INDEXED BY channel_joined WHERE joined = 1')
      .pluck(),
    channels: db.prepare<[], ListedChannel>(
      `SELECT c.name AS channel, t.bytes AS tag, c.joined, c.messages, t.cost + t.own_cost AS bytes,
         ifnull((SELECT max(arrival) FROM message INDEXED BY message_shown WHERE ${IS_SHOWN} AND channel = c.id), 0)
           AS lastArrival, ${POLICY_COLUMNS}
       FROM channel c JOIN tag t ON t.id = c.tag LEFT JOIN retention r ON r.channel = c.id
       WHERE c.joined = 1 OR c.messages > 0`,
    ),
    outboxSize: db
      .prepare<[number], number>(
        `SELECT count(*) FROM (SELECT 1 FROM own w INDEXED BY own_waiting CROSS JOIN message m ON m.arrival = w.arrival
           WHERE w.state < 2 AND m.content <> ${CONTENT.deleted} LIMIT ?)`,
      )
      .pluck(),
    lastArrival: db.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'message'").pluck(),
  };
}

interface EditedPlace {
  readonly channel: number;
  readonly author: number;
  readonly time: Bytes;
}

interface ListedChannel extends PolicyRow {
  readonly channel: string;
  readonly tag: Bytes;
  readonly joined: number;
  readonly messages: number;
  readonly bytes: number;
  readonly lastArrival: number;
}

/** Ascending arrival numbers of one source, fetched in steps. */
export class ArrivalStream {
  readonly #fetch: (after: number, limit: number) => number[];
  #buffer: number[];
  #at = 0;

  constructor(fetch: (after: number, limit: number) => number[], after: number) {
    this.#fetch = fetch;
    this.#buffer = fetch(after, MERGE_STEP);
  }

  /** The next number, or `undefined` at the end. */
  get head(): number | undefined {
    return this.#buffer[this.#at];
  }

  advance(): void {
    this.#at++;
    if (this.#at < this.#buffer.length || this.#buffer.length < MERGE_STEP) return;
    this.#buffer = this.#fetch(this.#buffer[MERGE_STEP - 1] as number, MERGE_STEP);
    this.#at = 0;
  }
}

/** The union of ascending streams, ascending, each number once. */
export function* merge(all: readonly ArrivalStream[]): Generator<number> {
  const streams = all.filter((stream) => stream.head !== undefined);
  for (;;) {
    let least = Number.POSITIVE_INFINITY;
    for (const { head } of streams) if (head !== undefined && head < least) least = head;
    if (least === Number.POSITIVE_INFINITY) return;
    for (const stream of streams) if (stream.head === least) stream.advance();
    yield least;
  }
}

export class Pages {
  readonly #interned: Interned;
  readonly #context: MessageContext;
  readonly #onWarning: (text: string) => void;
  readonly #statements;

  constructor(
    db: Database,
    parts: { interned: Interned; context: MessageContext; onWarning: (text: string) => void },
  ) {
    this.#interned = parts.interned;
    this.#context = parts.context;
    this.#onWarning = parts.onWarning;
    this.#statements = statements(db);
  }

  /** A row as clients see it, with the newest edit that is held. */
  #stored(rows: RowReader, row: MessageRow): StoredMessage | undefined {
    const stored = rows.stored(row);
    const place = stored && this.#statements.place.get(row.arrival);
    if (!stored || !place) return stored;
    const { channel, author, time } = place;
    // One by one: there may be many long ones, and mostly the first is whole.
    for (const found of this.#statements.edits.iterate(row.id, channel, author, time, EDITS_MAX)) {
      const edit = rows.message(found, found.id);
      if (edit) return { ...stored, edit };
    }
    return stored;
  }

  /** See `Store.readPage`. */
  page(query: PageQuery): StoredMessage[] {
    const channel = this.#interned.findChannel(query.channel);
    if (channel === undefined) return [];
    const rows = new RowReader(this.#context, this.#onWarning);
    const ascending = query.after !== undefined;
    const out: StoredMessage[] = [];
    let low: Place = placeOf(query.after ?? FIRST);
    let high: Place = placeOf(query.before ?? INFINITY);
    while (out.length < query.limit) {
      const wanted = query.limit - out.length;
      const statement = ascending ? this.#statements.ascending : this.#statements.descending;
      const found = statement.all(channel, ...low, ...high, query.wallMs, wanted);
      for (const row of found) {
        if (ascending) low = [row.time, row.id];
        else high = [row.time, row.id];
        const stored = this.#stored(rows, row);
        if (stored !== undefined) out.push(stored);
      }
      if (found.length < wanted) break;
    }
    rows.report();
    return ascending ? out : out.reverse();
  }

  /** See `Store.readArrivals`. */
  arrivals(query: ArrivalQuery): StoredMessage[] {
    if (query.limit === 0) return [];
    const rows = new RowReader(this.#context, this.#onWarning);
    const out: StoredMessage[] = [];
    for (const arrival of merge(this.#streams(query))) {
      const row = this.#statements.byArrival.get(arrival, query.wallMs);
      const stored = row && this.#stored(rows, row);
      if (stored === undefined) continue;
      out.push(stored);
      if (out.length === query.limit) break;
    }
    rows.report();
    return out;
  }

  #streams(query: ArrivalQuery): ArrivalStream[] {
    const streamOf = (channel: number) =>
      new ArrivalStream(
        (after, limit) => this.#statements.arrivalsOf.all(channel, after, limit),
        query.after,
      );
    const streams = this.channelsOf(query).map(streamOf);
    if (query.channels !== undefined) return streams;
    const own = new ArrivalStream(
      (after, limit) => this.#statements.ownArrivals.all(after, limit),
      query.after,
    );
    return [own, ...streams];
  }

  /** The channels that are asked for, or all that are joined. */
  channelsOf({ channels }: Pick<ArrivalQuery, 'channels'>): number[] {
    if (channels === undefined) return this.#statements.joined.all();
    return channels
      .map((name) => this.#interned.findChannel(name))
      .filter((channel) => channel !== undefined);
  }

  /** See `Store.readMessage`. */
  message(idText: string): StoredMessage | undefined {
    const id = idFromText(idText);
    const row = id === undefined ? undefined : this.#statements.byId.get(id);
    if (row === undefined) return undefined;
    const rows = new RowReader(this.#context, this.#onWarning);
    const stored = this.#stored(rows, row);
    rows.report();
    return stored;
  }

  /** See `Store.channels`. */
  channels(): ChannelRow[] {
    const rows = this.#statements.channels.all();
    const out = rows.map(
      (row): ChannelRow => ({
        channel: row.channel,
        tag: columnText(row.tag),
        joined: row.joined === 1,
        policy: policyOfRow(row),
        messages: row.messages,
        bytes: row.bytes,
        lastArrival: row.lastArrival,
      }),
    );
    return out.sort((a, b) => (a.channel < b.channel ? -1 : 1));
  }

  /** See `Store.outboxSize`. */
  outboxSize(most: number): number {
    return this.#statements.outboxSize.get(most) ?? 0;
  }

  /** See `Store.lastArrival`. */
  lastArrival(): number {
    return this.#statements.lastArrival.get() ?? 0;
  }
}

/** (time bytes, id), as the statements compare them. */
type Place = [Bytes, Bytes];

function placeOf(position: Position): Place {
  return [toTimeBytes(position.time), position.id];
}
