/**
 * Sums per tag: in all, per hour, and per minute from the minute floor on.
 *
 * Writing: changes are gathered in memory, one sum for each (tag, minute), and each touched row is written once when the
 * transaction ends. Reading: a window that reaches back before the first message of the tag (the usual one) is the total
 * less what lies after it: a few rows however long the history. Others are added up hour by hour.
 *
 * Invariants:
 * 1. `hour_sum` and the totals cover every stored message; `minute_sum` covers every message at or after the floor and
 *    nothing before it. Rows with count 0 do not exist.
 * 2. The floor is a whole hour. What lies before it is answered by scanning the messages of one hour: slower, never
 *    wrong. So answers do not depend on the floor, which follows the wall clock only through `expire`.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { fromTimeBytes } from '../core/message/time.ts';
import type { Bucket, Sum, Window } from '../core/persistence.ts';
import { HOUR_MINUTES, hourOf, minuteOf, RunningSum, timeBound } from './buckets.ts';

interface SumRow extends Sum {
  readonly start: number;
}

/** A floor that went up by mistake (a clock far ahead) comes down again if this many messages at most are concerned;
 *  else it stays, which costs scans and no answers (guess: a tenth of a second). */
const REBUILD_MAX = 100_000;

type Level = 'hour_sum' | 'minute_sum';

function levelStatements(db: Database, level: Level) {
  return {
    get: db.prepare<[number, number], Sum>(`SELECT count, sum FROM ${level} WHERE tag = ? AND start = ?`),
    put: db.prepare<[number, number, number, Bytes]>(`INSERT OR REPLACE INTO ${level} VALUES (?, ?, ?, ?)`),
    remove: db.prepare<[number, number]>(`DELETE FROM ${level} WHERE tag = ? AND start = ?`),
    range: db.prepare<[number, number, number], SumRow>(
      `SELECT start, count, sum FROM ${level} WHERE tag = ? AND start >= ? AND start < ? ORDER BY start`,
    ),
  };
}

function totalOf(rows: readonly Sum[]): RunningSum {
  const total = new RunningSum();
  for (const row of rows) total.add(row);
  return total;
}

export class Sums {
  readonly #hours;
  readonly #minutes;
  readonly #total;
  readonly #setTotal;
  readonly #firstHour;
  readonly #scan;
  readonly #readFloor;
  readonly #setFloor;
  readonly #prune;
  readonly #countHours;
  readonly #tags;
  /** tag, minute: the change of the open transaction */
  #changes = new Map<number, Map<number, RunningSum>>();
  #floor: number;

  constructor(db: Database) {
    this.#hours = levelStatements(db, 'hour_sum');
    this.#minutes = levelStatements(db, 'minute_sum');
    this.#total = db.prepare<[number], Sum>('SELECT count, sum FROM tag WHERE id = ?');
    this.#setTotal = db.prepare<[number, Bytes, number]>('UPDATE tag SET count = ?, sum = ? WHERE id = ?');
    this.#firstHour = db
      .prepare<[number], number>('SELECT start FROM hour_sum WHERE tag = ? ORDER BY start LIMIT 1')
      .pluck();
    this.#scan = db.prepare<[number, Bytes, Bytes], { time: Bytes; id: Bytes }>(
      'SELECT time, id FROM message INDEXED BY message_order WHERE tag = ? AND time >= ? AND time < ? ORDER BY time',
    );
    this.#readFloor = db.prepare<[], number>("SELECT value FROM meta WHERE key = 'minute_floor'").pluck();
    this.#setFloor = db.prepare<[number]>("UPDATE meta SET value = ? WHERE key = 'minute_floor'");
    this.#prune = db.prepare<[number]>('DELETE FROM minute_sum WHERE start < ?');
    this.#countHours = db
      .prepare<[number, number], number>('SELECT total(count) FROM hour_sum WHERE start >= ? AND start < ?')
      .pluck();
    this.#tags = db.prepare<[], number>('SELECT id FROM tag WHERE count > 0').pluck();
    this.#floor = this.#readFloor.get() as number;
  }

  /** Drops what the open transaction gathered. To be called after a rollback. */
  reset(): void {
    this.#changes.clear();
    this.#floor = this.#readFloor.get() as number;
  }

  #change(tag: number, minute: number): RunningSum {
    const minutes = this.#changes.get(tag) ?? new Map<number, RunningSum>();
    if (minutes.size === 0) this.#changes.set(tag, minutes);
    const change = minutes.get(minute) ?? new RunningSum();
    if (change.count === 0) minutes.set(minute, change);
    return change;
  }

  /** A message was stored. @param minute of its time, @param id 32 bytes */
  add(tag: number, minute: number, id: Bytes): void {
    this.#change(tag, minute).addId(id);
  }

  /** A message was deleted. */
  remove(tag: number, minute: number, id: Bytes): void {
    this.#change(tag, minute).removeId(id);
  }

  /** Writes what was gathered. Inside the transaction that stored or deleted the messages. */
  flush(): void {
    for (const [tag, minutes] of this.#changes) {
      const total = new RunningSum();
      const hours = new Map<number, RunningSum>();
      for (const [minute, change] of minutes) {
        total.add(change);
        if (minute >= this.#floor) this.#write(this.#minutes, tag, minute, change);
        const hour = hourOf(minute);
        const known = hours.get(hour);
        if (known === undefined) hours.set(hour, new RunningSum().add(change));
        else known.add(change);
      }
      for (const [hour, change] of hours) this.#write(this.#hours, tag, hour, change);
      total.add(this.#total.get(tag) as Sum);
      this.#setTotal.run(total.count, total.sum, tag);
    }
    this.#changes.clear();
  }

  /** Changes one row; `change` is used up. */
  #write(level: ReturnType<typeof levelStatements>, tag: number, start: number, change: RunningSum): void {
    const before = level.get.get(tag, start);
    const after = before === undefined ? change : new RunningSum().add(change).add(before);
    if (after.count === 0) level.remove.run(tag, start);
    else level.put.run(tag, start, after.count, after.sum);
  }

  /** Moves the floor of minute sums. Inside a transaction. @param floor a whole hour, in minutes */
  moveFloor(floor: number): void {
    this.flush();
    if (floor === this.#floor) return;
    if (floor > this.#floor) this.#prune.run(floor);
    else {
      if ((this.#countHours.get(floor, this.#floor) as number) > REBUILD_MAX) return;
      for (const tag of this.#tags.all())
        for (const row of this.#scanMinutes(tag, floor, this.#floor))
          this.#minutes.put.run(tag, row.start, row.count, row.sum);
    }
    this.#setFloor.run(floor);
    this.#floor = floor;
  }

  #scanMinutes(tag: number, from: number, until: number): SumRow[] {
    const minutes = new Map<number, RunningSum>();
    for (const { time, id } of this.#scan.all(tag, timeBound(from), timeBound(until))) {
      const minute = minuteOf(fromTimeBytes(time));
      const known = minutes.get(minute);
      if (known === undefined) minutes.set(minute, new RunningSum().addId(id));
      else known.addId(id);
    }
    return [...minutes].map(([start, { count, sum }]) => ({ start, count, sum }));
  }

  /** Non-empty minutes of [from, until), ascending. */
  #minuteRows(tag: number, from: number, until: number): SumRow[] {
    if (from >= until) return [];
    const border = Math.min(Math.max(this.#floor, from), until);
    const scanned = from < border ? this.#scanMinutes(tag, from, border) : [];
    return border < until ? [...scanned, ...this.#minutes.range.all(tag, border, until)] : scanned;
  }

  /** The sum of a window. @param tag `undefined` for one that was never seen */
  sum(tag: number | undefined, { fromMinute, untilMinute }: Window): Sum {
    if (tag === undefined || fromMinute >= untilMinute) return new RunningSum();
    const lastHour = hourOf(untilMinute);
    const first = this.#firstHour.get(tag);
    if (first === undefined || first >= untilMinute) return new RunningSum();
    if (first < fromMinute) {
      const hours = totalOf(this.#hours.range.all(tag, fromMinute, lastHour));
      return hours.add(totalOf(this.#minuteRows(tag, lastHour, untilMinute)));
    }
    const nextHour = lastHour + HOUR_MINUTES;
    return new RunningSum()
      .add(this.#total.get(tag) as Sum)
      .subtract(totalOf(this.#hours.range.all(tag, nextHour, Number.MAX_SAFE_INTEGER)))
      .subtract(totalOf(this.#minuteRows(tag, untilMinute, nextHour)));
  }

  /** Non-empty buckets of a window: hours before the hour of `minutesFrom`, minutes after; a last hour that the window
   *  cuts is told by minutes in any case. */
  buckets(tag: number | undefined, { fromMinute, untilMinute }: Window, minutesFrom: number): Bucket[] {
    if (tag === undefined || fromMinute >= untilMinute) return [];
    const border = Math.max(fromMinute, Math.min(hourOf(minutesFrom), hourOf(untilMinute)));
    const toBucket =
      (minutes: number) =>
      (row: SumRow): Bucket => ({
        startMinute: row.start,
        minutes,
        count: row.count,
        sum: new Uint8Array(row.sum),
      });
    return [
      ...this.#hours.range.all(tag, fromMinute, border).map(toBucket(HOUR_MINUTES)),
      ...this.#minuteRows(tag, border, untilMinute).map(toBucket(1)),
    ];
  }
}
