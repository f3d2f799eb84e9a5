/**
 * Answers the core's queries. Every statement walks an index; none sorts or reads more than it returns, except for
 * damaged rows, which are skipped.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import type { MessageContext } from '../core/message/message.ts';
import { TIME_END, TIME_ZERO, type Time, toTimeBytes } from '../core/message/time.ts';
import type { Holding, Query, QueryAnswer, TagUse } from '../core/persistence.ts';
import { DELIVERY_STATES } from './check.ts';
import { CONTENT } from './schema-4.ts';
import type { Authors } from './sqlite-authors.ts';
import type { Deletes } from './sqlite-deletes.ts';
import type { Interned } from './sqlite-intern.ts';
import { HOLDINGS } from './sqlite-known.ts';
import type { Pages } from './sqlite-pages.ts';
import { Ranges, toPosition } from './sqlite-ranges.ts';
import {
  CONTENT_COLUMNS,
  type ContentRow,
  columnText,
  columnTime,
  IS_HELD,
  keyTexts,
  type MessageRow,
  plain,
  ROW_COLUMNS,
  RowReader,
} from './sqlite-rows.ts';
import type { Sums } from './sqlite-sums.ts';

type Ask<K extends Query['kind']> = Extract<Query, { kind: K }>;
type Answer<K extends Query['kind']> = Extract<QueryAnswer, { kind: K }>;
interface WantedRow {
  readonly arrival: number;
  readonly id: Bytes;
  readonly tag: Bytes;
  readonly author: Bytes;
}

function statements(db: Database) {
  return {
    // The indexes hold what is asked for: no row of `message` is read.
    content: db
      .prepare<[Bytes], number>(
        `SELECT ifnull((SELECT h.content FROM message h INDEXED BY message_header
           WHERE h.content <> ${CONTENT.held} AND h.arrival = m.arrival), ${CONTENT.held}) FROM message m WHERE m.id = ?`,
      )
      .pluck(),
    wanted: db.prepare<[number, number], WantedRow>(
      `SELECT m.arrival, m.id, t.bytes AS tag, k.bytes AS author
       FROM message m INDEXED BY message_wanted CROSS JOIN tag t ON t.id = m.tag CROSS JOIN public_key k ON k.id = m.author
       WHERE m.content = ${CONTENT.wanted} AND m.arrival > ? ORDER BY m.arrival LIMIT ?`,
    ),
    message: db.prepare<[Bytes], ContentRow>(
      `SELECT ${CONTENT_COLUMNS} FROM message m WHERE m.id = ? AND ${IS_HELD}`,
    ),
    use: db.prepare<[], Omit<TagUse, 'tag'> & { readonly tag: Bytes }>(
      `SELECT bytes AS tag, messages, cost AS bytes, own_cost AS ownBytes, floor AS floorHour FROM tag WHERE count > 0`,
    ),
    outbox: db.prepare<[number, number], MessageRow>(
      `SELECT ${ROW_COLUMNS} FROM own o INDEXED BY own_waiting CROSS JOIN message m ON m.arrival = o.arrival
       WHERE o.state < 2 AND o.arrival > ? AND ${IS_HELD} ORDER BY o.arrival LIMIT ?`,
    ),
    alone: db.prepare<[number, number], MessageRow>(
      `SELECT ${ROW_COLUMNS} FROM own o INDEXED BY own_alone CROSS JOIN message m ON m.arrival = o.arrival
       WHERE o.alone = 1 AND o.arrival > ? AND ${IS_HELD} ORDER BY o.arrival LIMIT ?`,
    ),
    idempotency: db.prepare<[number, string], { id: Bytes; fingerprint: Bytes }>(
      'SELECT id, fingerprint FROM idempotency WHERE identity = ? AND key = ?',
    ),
    seen: db
      .prepare<[number, number, Bytes], Bytes>(
        `SELECT time FROM message INDEXED BY message_order
         WHERE tag = (SELECT tag FROM channel WHERE id = ?) AND channel = ? AND time <= ?
         ORDER BY time DESC LIMIT 1`,
      )
      .pluck(),
  };
}

export class Reader {
  readonly #interned: Interned;
  readonly #sums: Sums;
  readonly #authors: Authors;
  readonly #pages: Pages;
  readonly #deletes: Deletes;
  readonly #ranges: Ranges;
  readonly #freeBytes: () => number;
  readonly #context: MessageContext;
  readonly #onWarning: (text: string) => void;
  readonly #statements;

  constructor(
    db: Database,
    parts: {
      interned: Interned;
      sums: Sums;
      authors: Authors;
      pages: Pages;
      deletes: Deletes;
      context: MessageContext;
      onWarning: (text: string) => void;
      /** that the disk has room for */
      freeBytes: () => number;
    },
  ) {
    this.#interned = parts.interned;
    this.#sums = parts.sums;
    this.#authors = parts.authors;
    this.#pages = parts.pages;
    this.#deletes = parts.deletes;
    this.#ranges = new Ranges(db, parts.sums);
    this.#freeBytes = parts.freeBytes;
    this.#context = parts.context;
    this.#onWarning = parts.onWarning;
    this.#statements = statements(db);
  }

  /** @param query checked by `checkQuery` */
  read(query: Query): QueryAnswer {
    switch (query.kind) {
      case 'has':
        return { kind: 'has', holdings: query.ids.map((id) => this.#holding(id)) };
      case 'wanted':
        return this.#wanted(query);
      case 'usage':
        return this.#usage();
      case 'hours': {
        const tag = this.#interned.findTag(query.tag);
        return { kind: 'hours', hours: this.#sums.hours(tag, query.fromHour, query.limit) };
      }
      case 'messages':
        return this.#messages(query);
      case 'tombstones':
        return { kind: 'tombstones', tombstones: query.ids.map((id) => this.#deletes.tombstone(id)) };
      case 'sums':
        return this.#sumsOf(query);
      case 'split':
        return this.#ranges.split(this.#interned.findTag(query.tag), query);
      case 'ids':
        return this.#ranges.ids(this.#interned.findTag(query.tag), query);
      case 'page':
        return { kind: 'page', messages: this.#pages.page(query).map(({ message }) => message) };
      case 'outbox':
        return this.#outbox(query);
      case 'idempotency':
        return this.#idempotency(query);
      case 'head':
        return this.#head(query);
      default:
        return query satisfies never;
    }
  }

  #holding(id: Bytes): Holding {
    const content = this.#statements.content.get(id);
    if (content === undefined) return this.#deletes.isNamed(id) ? 'named' : 'unknown';
    return HOLDINGS[content] ?? 'dropped';
  }

  #wanted(query: Ask<'wanted'>): Answer<'wanted'> {
    const found = this.#statements.wanted.all(query.afterArrival, query.limit);
    const rows = found.map(({ arrival, id, tag, author }) => {
      return { arrival, id: plain(id), tag: columnText(tag), author: plain(author) };
    });
    return { kind: 'wanted', rows };
  }

  #usage(): Answer<'usage'> {
    const tags = this.#statements.use.all().map((row) => ({ ...row, tag: columnText(row.tag) }));
    return { kind: 'usage', tags, freeBytes: this.#freeBytes() };
  }

  #sumsOf({ windows, since }: Ask<'sums'>): Answer<'sums'> {
    const sums = windows.map((window) => this.#sums.sum(this.#interned.findTag(window.tag), window));
    const { changes } = this.#sums;
    const changed = changes.since(since);
    return { kind: 'sums', sums, version: changes.version, changed };
  }

  #messages(query: Ask<'messages'>): Answer<'messages'> {
    const rows = new RowReader(this.#context, this.#onWarning);
    const messages = query.ids.map((id) => {
      const row = this.#statements.message.get(id);
      return row === undefined ? undefined : rows.message(row, id);
    });
    rows.report();
    return { kind: 'messages', messages };
  }

  #outbox(query: Ask<'outbox'>): Answer<'outbox'> {
    const rows = new RowReader(this.#context, this.#onWarning);
    const statement = query.alone ? this.#statements.alone : this.#statements.outbox;
    const out: Answer<'outbox'>['rows'][number][] = [];
    let after = query.afterArrival;
    while (out.length < query.limit) {
      const wanted = query.limit - out.length;
      const found = statement.all(after, wanted);
      for (const row of found) {
        after = row.arrival;
        const message = rows.message(row, row.id);
        const state = DELIVERY_STATES[row.state ?? 0];
        if (message === undefined || state === undefined) continue;
        const storedBy = keyTexts(row.storedBy ?? new Uint8Array(0));
        out.push({ arrival: row.arrival, state, storedBy, message });
      }
      if (found.length < wanted) break;
    }
    rows.report();
    return { kind: 'outbox', rows: out };
  }

  #idempotency(query: Ask<'idempotency'>): Answer<'idempotency'> {
    const identity = this.#interned.findKey(query.identity);
    const row = identity === undefined ? undefined : this.#statements.idempotency.get(identity, query.key);
    if (row === undefined) return { kind: 'idempotency', found: undefined };
    return { kind: 'idempotency', found: { id: columnText(row.id), fingerprint: plain(row.fingerprint) } };
  }

  #head(query: Ask<'head'>): Answer<'head'> {
    const channel = this.#interned.findChannel(query.channel);
    if (channel === undefined) return { kind: 'head', own: undefined, seen: TIME_ZERO };
    const identity = this.#interned.findKey(query.identity);
    const end = identity === undefined ? undefined : this.#authors.end(channel, identity);
    const horizon: Time =
      query.horizonMs > TIME_END.timeMs ? TIME_END : { timeMs: query.horizonMs, counter: 0xffff };
    const seen = this.#statements.seen.get(channel, channel, toTimeBytes(horizon));
    return {
      kind: 'head',
      own: end && toPosition(end),
      seen: seen === undefined ? TIME_ZERO : columnTime(seen),
    };
  }
}
