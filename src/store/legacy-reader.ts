/**
 * Reads the messages of a mesh/1 database, newest first, in short runs.
 *
 * The rows are whatever strangers sent to a program that checked little. Invariants:
 * 1. A run reads at most {@link RUN_ROWS} rows and stops after {@link RUN_BYTES} bytes, so that the daemon can do something
 *    else in between and a mesh/1 daemon beside us never waits long.
 * 2. No value larger than its limit is loaded: SQLite tells its size without reading it.
 * 3. A row whose fields are of the wrong type, missing or too large is skipped. Text that is not UTF-8 comes with U+FFFD
 *    where it is broken.
 * 4. A position is the row id as decimal text: the only thing in such a row that is sure to be unique.
 */
import type { Database, Statement } from 'better-sqlite3';
import { textOf } from '../core/bytes.ts';
import { MiB } from '../core/limits.ts';
import { type LegacySource, openLegacy } from './legacy-file.ts';
import { LABEL_BYTES_MAX, type LegacyTable, pageSql, quoted, TEXT_BYTES_MAX } from './legacy-shape.ts';

/** Message as its sender or another peer claimed it to be. */
export interface LegacyRow {
  /** row id in decimal */
  readonly position: string;
  readonly id: string;
  readonly channel: string;
  readonly sender: string;
  /** text as it came, or a number of seconds or milliseconds */
  readonly timestamp: string | number;
  readonly body: string;
  /** JSON text, unchecked */
  readonly payload: string | null;
  /** base64, unchecked */
  readonly signature: string | null;
  /** what was read for it */
  readonly bytes: number;
}

export interface LegacyPage {
  readonly channel: string;
  /** position; newest messages if left out */
  readonly before?: string | undefined;
}

/** Rows of one run; at 400 bytes each it takes a millisecond or two (guess). */
const RUN_ROWS = 256;
/** Rows of one run where the channel is compared row by row (guess: some ms). */
const SCAN_ROWS = 2048;
/** A run ends when it has read so much (guess). */
const RUN_BYTES = 1 * MiB;
/** Messages of a channel are counted up to this number: beyond it "many" is enough (guess). */
export const LEGACY_COUNT_MAX = 10_000;
/** Channels of one run (guess: each is looked up and counted). */
const RUN_CHANNELS = 16;

/** Columns of {@link pageSql}. */
interface Fields {
  readonly position: string;
  readonly isHere: number;
  readonly bytes: number;
  readonly id: unknown;
  readonly sender: unknown;
  readonly timestamp: unknown;
  readonly body: unknown;
  readonly payload: unknown;
  readonly payloadBytes: number;
  readonly signature: unknown;
}

/** A message out of a row, or undefined if the row is none. */
function rowOf(channel: string, fields: Fields): LegacyRow | undefined {
  const { position, bytes, sender, timestamp, body, payload, payloadBytes, signature } = fields;
  const id = typeof fields.id === 'number' ? String(fields.id) : fields.id;
  if (typeof id !== 'string' || typeof sender !== 'string' || typeof body !== 'string') return undefined;
  if (typeof timestamp !== 'string' && typeof timestamp !== 'number') return undefined;
  if (payloadBytes > TEXT_BYTES_MAX) return undefined;
  return {
    ...{ position, bytes, id, channel, sender, timestamp, body },
    payload: typeof payload === 'string' ? payload : null,
    signature: typeof signature === 'string' ? signature : null,
  };
}

type RunParameters = { readonly channel: string; readonly limit: number; readonly before?: string };

export class LegacyReader {
  readonly #db: Database;
  readonly #table: LegacyTable;

  private constructor(db: Database, table: LegacyTable) {
    this.#db = db;
    this.#table = table;
  }

  /** Opens the database for one request: nothing of it is held in between. Throws SqliteError. */
  static open({ readFile, table }: LegacySource): LegacyReader {
    return new LegacyReader(openLegacy(readFile), table);
  }

  close(): void {
    this.#db.close();
  }

  /** True if there is a row at a position. */
  has(position: string): boolean {
    const sql = `SELECT 1 FROM ${quoted(this.#table.name)} WHERE _rowid_ = CAST(? AS INTEGER)`;
    return this.#db.prepare<[string]>(sql).get(position) !== undefined;
  }

  /** Runs of a channel's messages, each newest first, down to the oldest. A run may be empty. */
  *runs({ channel, before }: LegacyPage): Generator<readonly LegacyRow[]> {
    let from = before;
    for (let isEnd = false; !isEnd; ) {
      const rows: LegacyRow[] = [];
      isEnd = true;
      let bytes = 0;
      for (const fields of this.#visit(channel, from)) {
        if (fields === 'more') {
          isEnd = false;
          break;
        }
        from = fields.position;
        if (fields.isHere !== 1) continue;
        const row = rowOf(channel, fields);
        if (row !== undefined) rows.push(row);
        bytes += Math.min(fields.bytes, TEXT_BYTES_MAX);
        if (bytes < RUN_BYTES) continue;
        isEnd = false;
        break;
      }
      yield rows;
    }
  }

  /** The rows of one run, and `more` if it has as many as it may. */
  *#visit(channel: string, before: string | undefined): Generator<Fields | 'more'> {
    const { order } = this.#table;
    let left = order === 'scan' ? SCAN_ROWS : RUN_ROWS;
    for (const sql of pageSql(this.#table, order, before !== undefined)) {
      const parameters = { channel, limit: left, ...(before !== undefined && { before }) };
      for (const fields of this.#db.prepare<[RunParameters], Fields>(sql).iterate(parameters)) {
        left -= 1;
        yield fields;
      }
      if (left > 0) continue;
      yield 'more';
      return;
    }
  }

  /**
   * Runs of channels with their messages, counted up to {@link LEGACY_COUNT_MAX}. A channel may come in several runs: the
   * counts are to be added.
   */
  channels(): Generator<ReadonlyMap<string, number>> {
    return this.#table.order === 'scan' ? this.#scannedChannels() : this.#indexedChannels();
  }

  *#scannedChannels(): Generator<ReadonlyMap<string, number>> {
    const statement = this.#db.prepare<
      [{ after: string; limit: number }],
      { position: string; name: unknown }
    >(
      `SELECT CAST(_rowid_ AS TEXT) AS position, ${this.#nameSql()} AS name FROM ${quoted(this.#table.name)}
       WHERE _rowid_ > CAST(@after AS INTEGER) ORDER BY _rowid_ LIMIT @limit`,
    );
    let after = '-9223372036854775808';
    for (;;) {
      const rows = statement.all({ after, limit: SCAN_ROWS });
      const found = new Map<string, number>();
      for (const { name } of rows) {
        const channel = name instanceof Uint8Array ? textOf(name) : undefined;
        if (channel !== undefined) found.set(channel, (found.get(channel) ?? 0) + 1);
      }
      yield found;
      if (rows.length < SCAN_ROWS) return;
      after = rows.at(-1)?.position ?? after;
    }
  }

  /** From one name to the next in the index: as many steps as there are channels, however many messages. */
  *#indexedChannels(): Generator<ReadonlyMap<string, number>> {
    const [table, channel] = [quoted(this.#table.name), quoted(this.#table.columns.channel)];
    const select = `SELECT CAST(_rowid_ AS TEXT) AS position, typeof(${channel}) AS type, ${this.#nameSql()} AS name FROM ${table}`;
    type Row = { readonly position: string; readonly type: string; readonly name: unknown };
    const first = this.#db.prepare<[], Row>(`${select} WHERE ${channel} >= '' ORDER BY ${channel} LIMIT 1`);
    const next = this.#db.prepare<[string], Row>(
      `${select} WHERE ${channel} > (SELECT ${channel} FROM ${table} WHERE _rowid_ = CAST(? AS INTEGER))
       ORDER BY ${channel} LIMIT 1`,
    );
    const count = this.#db
      .prepare<[string], number>(
        `SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${channel} = ? LIMIT ${LEGACY_COUNT_MAX})`,
      )
      .pluck() as Statement<[string], number>;
    let row = first.get();
    while (row !== undefined && row.type === 'text') {
      const found = new Map<string, number>();
      for (let i = 0; i < RUN_CHANNELS && row !== undefined && row.type === 'text'; i++) {
        const name = row.name instanceof Uint8Array ? textOf(row.name) : undefined;
        if (name !== undefined) found.set(name, count.get(name) ?? 0);
        row = next.get(row.position);
      }
      yield found;
    }
  }

  /** The channel's bytes, so that a name that is not UTF-8 is not taken for another one. */
  #nameSql(): string {
    const channel = quoted(this.#table.columns.channel);
    return `CASE WHEN typeof(${channel}) = 'text' AND octet_length(${channel}) <= ${LABEL_BYTES_MAX}
      THEN CAST(${channel} AS BLOB) END`;
  }
}
