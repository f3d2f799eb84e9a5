/**
 * Salvaged rows by the names of their columns, and which of them are taken over. Messages prove themselves; of everything
 * else only the shape can be looked at: types, lengths, words that are known.
 */
import type { Database } from 'better-sqlite3';
import { isChannelText } from '../core/channel/channel.ts';
import type { Row, Value } from './salvage-records.ts';
import type { SalvagedTables } from './salvage-tables.ts';

/** A row by column. */
export type Named = Readonly<Record<string, Value>>;

export function isBytes(value: Value, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

export function isCount(value: Value): value is number {
  return typeof value === 'number' && value >= 0;
}

const isKey = (value: Value): value is Uint8Array => isBytes(value, 32);
const isOneOf =
  (...words: readonly string[]) =>
  (value: Value): boolean =>
    typeof value === 'string' && words.includes(value);
const isText = (value: Value): boolean => typeof value === 'string';
const isChannel = (value: Value): boolean => typeof value === 'string' && isChannelText(value);

function isNames(value: Value): boolean {
  try {
    const names: unknown = JSON.parse(String(value));
    return Array.isArray(names) && names.every((name) => typeof name === 'string');
  } catch {
    return false; // the row is left out, and counted
  }
}

/** Tables whose rows mean the same in any database, and what their columns have to be. */
export const COPIED: Readonly<Record<string, Readonly<Record<string, (value: Value) => boolean>>>> = {
  contact: { identity: isKey, other: isKey, tier: isOneOf('allowed'), name: isText, since: isCount },
  wake: {
    ...{ identity: isKey, channel: isChannel, mode: isOneOf('mention', 'always') },
    ...{ names: isNames, after: isCount, since: isCount },
  },
  inbox_cursor: { identity: isKey, arrival: isCount },
  inbox: {
    ...{ number: isCount, identity: isKey, message: isKey, channel: isChannel, author: isKey, at: isCount },
    ...{ why: isOneOf('mention', 'reply', 'channel'), hops: isCount, reason: isText, attempts: isCount },
    state: isOneOf('waiting', 'handed', 'answered', 'silent', 'unanswered', 'held'),
    ...{ retried: isCount, turns: isCount, turn_at: isCount, answers: isCount, answered_key: isText },
  },
  carried: { tag: (value) => isBytes(value, 8), until: isCount, since: isCount },
  leaf_floor: { tag: (value) => isBytes(value, 8), hour: isCount },
  mailbox: {
    peer: isKey,
    tags: (value) => value instanceof Uint8Array && value.length % 8 === 0,
    ...{ until: isCount, linked: isCount, address_group: isText },
  },
  address: { url: isText, peer: (value) => isKey(value) || isBytes(value, 0), proven: isCount },
};

interface Column {
  readonly name: string;
  readonly dflt_value: string | null;
  readonly type: string;
  readonly pk: number;
}

/** Columns that were added later are left out of older rows. */
function defaultOf({ dflt_value: text }: Column): Value {
  if (text === null) return null;
  return text.startsWith("'") ? text.slice(1, -1) : Number(text);
}

/** Names the values of the rows of one table, as the newest schema has them. */
function namer(db: Database, table: string, hasRowid: boolean): (row: Row) => Named {
  const columns = db.pragma(`table_info(${table})`) as Column[];
  return ({ rowid, values }) =>
    Object.fromEntries(
      columns.map((column, i) => {
        const isNumber = hasRowid && column.pk === 1 && column.type === 'INTEGER';
        return [column.name, isNumber ? rowid : i < values.length ? values[i] : defaultOf(column)];
      }),
    );
}

/** Reads the tables of a damaged database by the names of `db`, which has the newest schema. */
export class NamedTables {
  readonly #db: Database;
  readonly #tables: SalvagedTables;
  readonly #partial = new Set<string>();

  constructor(db: Database, tables: SalvagedTables) {
    this.#db = db;
    this.#tables = tables;
  }

  /** Tables of which something was not readable, in the order in which they were read. */
  get partial(): readonly string[] {
    return [...this.#partial];
  }

  /** Whether the table is known; older schemas have fewer. */
  has(table: string): boolean {
    return this.#tables.has(table);
  }

  isWhole(table: string): boolean {
    return !this.#partial.has(table);
  }

  /** Something of this table had to be left out. */
  lost(table: string): void {
    this.#partial.add(table);
  }

  each(table: string, take: (row: Named) => void): void {
    if (!this.hints(table, take)) this.lost(table);
  }

  /** Reads a table of which nothing is taken over. Each table is read once. @returns whether it was whole */
  hints(table: string, take: (row: Named) => void): boolean {
    const isIndex = this.#db
      .prepare<[string], number>("SELECT sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE name = ?")
      .pluck()
      .get(table);
    const name = namer(this.#db, table, isIndex !== 1);
    return this.#tables.read(table, isIndex === 1 ? 'index' : 'table', (rows) => {
      for (const row of rows) take(name(row));
    });
  }

  /** Whether the message with this number was there, if its row is one of {@link orphans}. */
  isLive(arrival: number): boolean {
    return this.#tables.isLive(arrival);
  }

  /** Rows that no table leads to any more, named as those of `table`. */
  orphans(table: string, take: (row: Named) => void): void {
    const name = namer(this.#db, table, true);
    this.#tables.readOrphans((rows) => {
      for (const row of rows) take(name(row));
    });
  }
}
