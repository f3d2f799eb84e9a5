/**
 * Ranges of positions for set reconciliation: the queries `split` and `ids`. Whole hours come from `hour_sum`, whole minutes
 * from the minute floor on from `minute_sum`; the rest is walked over in `message_order`, which holds all that is asked for.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { toTimeBytes } from '../core/message/time.ts';
import {
  type Position,
  type PositionRange,
  type Query,
  type QueryAnswer,
  SCAN_STEP,
} from '../core/persistence.ts';
import { startOfMinute } from '../core/sync/negentropy/bounds.ts';
import { minuteOf, RunningSum } from './buckets.ts';
import { minuteFrom, type SplitSource, split, type Taken } from './split.ts';
import { columnTime, plain } from './sqlite-rows.ts';
import type { Sums } from './sqlite-sums.ts';

type Ask<K extends Query['kind']> = Extract<Query, { kind: K }>;
type Answer<K extends Query['kind']> = Extract<QueryAnswer, { kind: K }>;

interface PositionRow {
  readonly time: Bytes;
  readonly id: Bytes;
}
type RangeColumns = [number, Bytes, Bytes, Bytes, Bytes];

export function toPosition(row: PositionRow): Position {
  return { time: columnTime(row.time), id: plain(row.id) };
}

function createReads(db: Database) {
  const where = `FROM message INDEXED BY message_order
    WHERE tag = ? AND (time, id) >= (?, ?) AND (time, id) < (?, ?) ORDER BY time, id`;
  const rows = db.prepare<[...RangeColumns, number, number], PositionRow>(
    `SELECT time, id ${where} LIMIT ? OFFSET ?`,
  );
  const ids = db.prepare<[...RangeColumns, number], Bytes>(`SELECT id ${where} LIMIT ?`).pluck();
  const columns = (tag: number, { from, until }: PositionRange): RangeColumns => {
    return [tag, toTimeBytes(from.time), from.id, toTimeBytes(until.time), until.id];
  };
  return {
    rows: (tag: number, range: PositionRange, limit: number, offset = 0) =>
      rows.all(...columns(tag, range), limit, offset),
    /** A quarter of the time of rows (measured). */
    ids: (tag: number, range: PositionRange, limit: number) => ids.all(...columns(tag, range), limit),
  };
}

type Reads = ReturnType<typeof createReads>;

/** One tag during one query. */
class Source implements SplitSource {
  readonly #sums: Sums;
  readonly #reads: Reads;
  readonly #tag: number;
  #left: number = SCAN_STEP;

  constructor(parts: { sums: Sums; reads: Reads; tag: number }) {
    this.#sums = parts.sums;
    this.#reads = parts.reads;
    this.#tag = parts.tag;
  }

  hours(fromMinute: number, untilMinute: number) {
    return this.#sums.hourRows(this.#tag, fromMinute, untilMinute);
  }

  isTired(): boolean {
    return this.#left <= 0;
  }

  get walked(): number {
    return SCAN_STEP - this.#left;
  }

  take({ from, until }: PositionRange, most: number): Taken {
    const fromMinute = Math.max(minuteFrom(from), this.#sums.minuteFloor);
    const untilMinute = minuteOf(until.time);
    if (fromMinute >= untilMinute) return this.#walk({ from, until }, most);
    const before = this.#walk({ from, until: startOfMinute(fromMinute) }, most);
    if (before.next) return before;
    const sum = new RunningSum().add(before.sum);
    let minute = fromMinute;
    for (const row of this.#sums.minuteRows(this.#tag, fromMinute, untilMinute)) {
      if (sum.count + row.count > most) break;
      sum.add(row);
      minute = row.start + 1;
    }
    const after = this.#walk({ from: startOfMinute(minute), until }, most - sum.count);
    return { ...after, sum: sum.add(after.sum) };
  }

  /** @param most 0 to only look who is next */
  #walk(range: PositionRange, most: number): Taken {
    const limit = Math.min(most, this.#left);
    const ids = limit > 0 ? this.#reads.ids(this.#tag, range, limit) : [];
    this.#left -= ids.length;
    const sum = new RunningSum();
    for (const id of ids) sum.addId(id);
    if (ids.length < limit) return { sum, last: undefined, next: undefined, isTired: false };
    const edge = this.#reads.rows(this.#tag, range, 2, Math.max(0, limit - 1));
    const [last, next] = limit > 0 ? edge : [undefined, edge[0]];
    return {
      sum,
      last: last && toPosition(last),
      next: next && toPosition(next),
      isTired: next !== undefined && limit < most,
    };
  }
}

export class Ranges {
  readonly #sums: Sums;
  readonly #reads: Reads;

  constructor(db: Database, sums: Sums) {
    this.#sums = sums;
    this.#reads = createReads(db);
  }

  /** @param tag `undefined` for one that was never seen */
  split(tag: number | undefined, query: Ask<'split'>): Answer<'split'> {
    const parts = { sums: this.#sums, reads: this.#reads };
    const source = tag === undefined ? undefined : new Source({ ...parts, tag });
    return split(source, query.ranges);
  }

  /** @param tag `undefined` for one that was never seen */
  ids(tag: number | undefined, query: Ask<'ids'>): Answer<'ids'> {
    const positions: Position[][] = [];
    let left = query.limit;
    for (const range of query.ranges) {
      if (left === 0) break;
      const rows = tag === undefined ? [] : this.#reads.rows(tag, range, left + 1);
      positions.push(rows.slice(0, left).map(toPosition));
      const next = rows[left];
      if (next) return { kind: 'ids', positions, next: toPosition(next) };
      left -= rows.length;
    }
    return { kind: 'ids', positions, next: undefined };
  }
}
