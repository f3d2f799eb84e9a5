/**
 * Sums per tag: in all, per hour, and per minute from the minute floor on; and what the messages of others cost per tag
 * and hour.
 *
 * Writing: changes are gathered in memory, one sum for each (tag, minute), and each touched row is written once when the
 * transaction ends. Reading: a window that reaches back before the first message of the tag (the usual one) is the total
 * less what lies after it: a few rows however long the history. Others are added up hour by hour.
 *
 * Invariants:
 * 1. `hour_sum` and the totals cover every known message; `minute_sum` covers every message at or after the floor, and
 *    what stands there before it is never read and goes by and by. Rows with count 0 do not exist.
 * 2. The floor is a whole hour. What lies before it is answered by scanning the messages of one hour: slower, never
 *    wrong. So answers do not depend on the floor, which follows the wall clock only through `expire`.
 * 3. {@link Sums.changes} names each tag and minute whose sum a transaction has written, from before its commit on.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';
import { MINUTE_END, type Sum, type Window, type WindowSum } from '../core/persistence.ts';
import { HOUR_MINUTES, hourOf, minuteOf, RunningSum, timeBound } from './buckets.ts';
import { KnownChanges } from './known-changes.ts';
import { columnText, columnTime } from './sqlite-rows.ts';

interface SumRow extends Sum {
  readonly start: number;
}

/** A message as the sums count it. */
export interface Counted {
  /** integer of its tag */
  readonly tag: number;
  /** of its time, since 1970 */
  readonly minute: number;
  /** 32 bytes */
  readonly id: Bytes;
  /** bytes that it costs without its content, as `persistence.ts` counts them */
  readonly header: number;
  /** octets of the content, 0 if it is not held */
  readonly content: number;
  /** published here, not by others */
  readonly isOwn: boolean;
}

/** A sum, and what the messages in it cost. */
class UseSum extends RunningSum {
  /** messages of others, and their bytes */
  messages = 0;
  bytes = 0;
  ownBytes = 0;

  /** @param sign 1 for what comes, -1 for what goes */
  cost({ isOwn, header, content }: Counted, sign: 1 | -1): void {
    const bytes = sign * (header + content);
    if (isOwn) this.ownBytes += bytes;
    else {
      this.messages += sign;
      this.bytes += bytes;
    }
  }

  addUse(other: UseSum): void {
    this.add(other);
    this.messages += other.messages;
    this.bytes += other.bytes;
    this.ownBytes += other.ownBytes;
  }

  /** Whether the messages are the same as before: only what they cost has changed, or one has come back that went. */
  get isSameSet(): boolean {
    return this.count === 0 && this.sum.every((byte) => byte === 0);
  }
}

interface HourUse {
  readonly hour: number;
  readonly messages: number;
  readonly bytes: number;
}

/** A floor that went up by mistake (a clock far ahead) comes down as far as no more than this many messages of no more
 *  than this many tags are concerned, and at least to the next hour: what comes from then on has its minutes. The rest
 *  costs scans and no answers (guess: 20 ms). */
const REBUILD_MESSAGES_MAX = 4096;
const REBUILD_TAGS_MAX = 1024;
/** Old minutes that one `expire` removes (measured: 5 ms). */
const PRUNE_MINUTES = 4096;

/** Tags of which the last sums are remembered; then all are forgotten (guess: 300 bytes each). */
const LAST_MAX = 4096;

function rangeStatement(db: Database, level: 'hour_sum' | 'minute_sum') {
  return db.prepare<[number, number, number], SumRow>(
    `SELECT start, count, sum FROM ${level} WHERE tag = ? AND start >= ? AND start < ? ORDER BY start`,
  );
}

function hourStatements(db: Database) {
  return {
    get: db.prepare<[number, number], Sum>('SELECT count, sum FROM hour_sum WHERE tag = ? AND start = ?'),
    add: db.prepare<[number, number, number, Bytes, number, number]>(
      'INSERT INTO hour_sum (tag, start, count, sum, messages, cost) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    set: db.prepare<[number, Bytes, number, number, number, number]>(
      `UPDATE hour_sum SET count = ?, sum = ?, messages = messages + ?, cost = cost + ?
       WHERE tag = ? AND start = ?`,
    ),
    remove: db.prepare<[number, number]>('DELETE FROM hour_sum WHERE tag = ? AND start = ?'),
    range: rangeStatement(db, 'hour_sum'),
    first: db
      .prepare<[number], number>('SELECT start FROM hour_sum WHERE tag = ? ORDER BY start LIMIT 1')
      .pluck(),
    next: db
      .prepare<[number, number], number>(
        'SELECT start FROM hour_sum WHERE tag = ? AND start >= ? ORDER BY start LIMIT 1',
      )
      .pluck(),
    use: db.prepare<[number, number, number], HourUse>(
      `SELECT start / ${HOUR_MINUTES} AS hour, messages, cost AS bytes FROM hour_sum
       WHERE tag = ? AND start >= ? AND messages > 0 ORDER BY start LIMIT ?`,
    ),
  };
}

function minuteStatements(db: Database) {
  return {
    get: db.prepare<[number, number], Sum>('SELECT count, sum FROM minute_sum WHERE tag = ? AND start = ?'),
    add: db.prepare<[number, number, number, Bytes]>('INSERT INTO minute_sum VALUES (?, ?, ?, ?)'),
    set: db.prepare<[number, Bytes, number, number]>(
      'UPDATE minute_sum SET count = ?, sum = ? WHERE tag = ? AND start = ?',
    ),
    remove: db.prepare<[number, number]>('DELETE FROM minute_sum WHERE tag = ? AND start = ?'),
    range: rangeStatement(db, 'minute_sum'),
    prune: db.prepare<[number, number]>(
      `DELETE FROM minute_sum WHERE (tag, start) IN (
         SELECT tag, start FROM minute_sum INDEXED BY minute_age WHERE start < ? LIMIT ?)`,
    ),
    scan: db.prepare<[number, Bytes, Bytes, number], { time: Bytes; id: Bytes }>(
      `SELECT time, id FROM message INDEXED BY message_order
       WHERE tag = ? AND time >= ? AND time < ? ORDER BY time LIMIT ?`,
    ),
    floor: db.prepare<[], number>("SELECT value FROM meta WHERE key = 'minute_floor'").pluck(),
    setFloor: db.prepare<[number]>("UPDATE meta SET value = ? WHERE key = 'minute_floor'"),
  };
}

function tagStatements(db: Database) {
  return {
    total: db.prepare<[number], Sum>('SELECT count, sum FROM tag WHERE id = ?'),
    set: db.prepare<[number, Bytes, number, number, number, number]>(
      `UPDATE tag SET count = ?, sum = ?, messages = messages + ?, cost = cost + ?, own_cost = own_cost + ?
       WHERE id = ?`,
    ),
    bytes: db.prepare<[number], Bytes>('SELECT bytes FROM tag WHERE id = ?').pluck(),
    busy: db.prepare<[number], number>('SELECT id FROM tag WHERE count > 0 LIMIT ?').pluck(),
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
  readonly #tags;
  readonly changes = new KnownChanges();
  /** tag, minute: the change of the open transaction */
  #changes = new Map<number, Map<number, UseSum>>();
  #floor: number;
  /** what was written last, so that a small commit need not read it: totals by tag, and of each tag one hour and minute */
  readonly #lastTotals = new Map<number, Sum>();
  readonly #lastHours = new Map<number, SumRow>();
  readonly #lastMinutes = new Map<number, SumRow>();

  constructor(db: Database) {
    this.#hours = hourStatements(db);
    this.#minutes = minuteStatements(db);
    this.#tags = tagStatements(db);
    this.#floor = this.#minutes.floor.get() as number;
  }

  /** Drops what the open transaction gathered. To be called after a rollback. */
  reset(): void {
    this.#changes.clear();
    this.#forgetLast();
    this.#floor = this.#minutes.floor.get() as number;
  }

  #forgetLast(): void {
    this.#lastTotals.clear();
    this.#lastHours.clear();
    this.#lastMinutes.clear();
  }

  #change(tag: number, minute: number): UseSum {
    const minutes = this.#changes.get(tag) ?? new Map<number, UseSum>();
    if (minutes.size === 0) this.#changes.set(tag, minutes);
    const known = minutes.get(minute);
    if (known !== undefined) return known;
    const change = new UseSum();
    minutes.set(minute, change);
    return change;
  }

  /** A message was stored. */
  add(message: Counted): void {
    this.#change(message.tag, message.minute).addId(message.id).cost(message, 1);
  }

  /** A message was deleted. */
  remove(message: Counted): void {
    this.#change(message.tag, message.minute).removeId(message.id).cost(message, -1);
  }

  /** The content of a message is gone. */
  shrink({ tag, minute, content, isOwn }: Pick<Counted, 'tag' | 'minute' | 'content' | 'isOwn'>): void {
    const change = this.#change(tag, minute);
    if (isOwn) change.ownBytes -= content;
    else change.bytes -= content;
  }

  /** Writes what was gathered. Inside the transaction that stored or deleted the messages. */
  flush(): void {
    if (this.#lastTotals.size > LAST_MAX) this.#forgetLast();
    for (const [tag, minutes] of this.#changes) {
      const total = new UseSum();
      const hours = new Map<number, UseSum>();
      for (const [minute, change] of minutes) {
        const hour = hourOf(minute);
        const known = hours.get(hour) ?? new UseSum();
        known.addUse(change);
        hours.set(hour, known);
        if (minute >= this.#floor) this.#writeMinute(tag, minute, change);
      }
      for (const [hour, change] of hours) {
        total.addUse(change);
        this.#writeHour(tag, hour, change);
      }
      total.add(this.#lastTotals.get(tag) ?? (this.#tags.total.get(tag) as Sum));
      this.#tags.set.run(total.count, total.sum, total.messages, total.bytes, total.ownBytes, tag);
      this.#lastTotals.set(tag, total);
      this.#note(tag, minutes);
    }
    this.#changes.clear();
  }

  #note(tag: number, minutes: ReadonlyMap<number, UseSum>): void {
    const changed = [...minutes].filter(([, change]) => !change.isSameSet);
    if (changed.length === 0) return;
    const text = columnText(this.#tags.bytes.get(tag) as Bytes);
    for (const [minute] of changed) this.changes.note(text, minute);
  }

  #writeMinute(tag: number, start: number, change: RunningSum): void {
    const last = this.#lastMinutes.get(tag);
    const before = last?.start === start ? last : this.#minutes.get.get(tag, start);
    const after = new RunningSum().add(change);
    if (before !== undefined) after.add(before);
    this.#lastMinutes.delete(tag);
    if (after.count === 0) {
      if (before !== undefined) this.#minutes.remove.run(tag, start);
      return;
    }
    if (before === undefined) this.#minutes.add.run(tag, start, after.count, after.sum);
    else this.#minutes.set.run(after.count, after.sum, tag, start);
    this.#lastMinutes.set(tag, { start, count: after.count, sum: after.sum });
  }

  #writeHour(tag: number, start: number, change: UseSum): void {
    const { messages, bytes } = change;
    const last = this.#lastHours.get(tag);
    const before = last?.start === start ? last : this.#hours.get.get(tag, start);
    const after = new RunningSum().add(change);
    if (before !== undefined) after.add(before);
    this.#lastHours.delete(tag);
    if (after.count === 0) {
      if (before !== undefined) this.#hours.remove.run(tag, start);
      return;
    }
    if (before === undefined) this.#hours.add.run(tag, start, after.count, after.sum, messages, bytes);
    else this.#hours.set.run(after.count, after.sum, messages, bytes, tag, start);
    this.#lastHours.set(tag, { start, count: after.count, sum: after.sum });
  }

  /** What others wrote, by hour. See the query `hours`. */
  hours(tag: number | undefined, fromHour: number, limit: number): HourUse[] {
    return tag === undefined ? [] : this.#hours.use.all(tag, fromHour * HOUR_MINUTES, limit);
  }

  /** Moves the floor of minute sums, or some of the way. Inside a transaction. @param floor a whole hour, in minutes */
  moveFloor(floor: number): void {
    this.flush();
    this.#forgetLast();
    const isClean =
      this.#minutes.prune.run(Math.max(floor, this.#floor), PRUNE_MINUTES).changes < PRUNE_MINUTES;
    if (floor > this.#floor) this.#setFloor(floor);
    // What is left before the floor would be taken for sums if the floor came down now.
    if (floor < this.#floor && isClean) this.#lowerFloor(floor);
  }

  #setFloor(floor: number): void {
    this.#minutes.setFloor.run(floor);
    this.#floor = floor;
  }

  #lowerFloor(lowest: number): void {
    const tags = this.#tags.busy.all(REBUILD_TAGS_MAX + 1);
    if (tags.length > REBUILD_TAGS_MAX) return;
    const nextHour = lowest + (LIMITS.minuteSumHours + 1) * HOUR_MINUTES;
    for (let floor = lowest; floor <= nextHour && floor < this.#floor; floor += HOUR_MINUTES)
      if (this.#rebuild(tags, floor)) return;
  }

  /** Makes the minutes from `floor` to the present floor. @returns false if they hold too many messages */
  #rebuild(tags: readonly number[], floor: number): boolean {
    let left = REBUILD_MESSAGES_MAX;
    const found: [number, SumRow[]][] = [];
    for (const tag of tags) {
      const rows = this.#scanMinutes(tag, floor, this.#floor, left + 1);
      left -= rows.reduce((sum, row) => sum + row.count, 0);
      if (left < 0) return false;
      found.push([tag, rows]);
    }
    for (const [tag, rows] of found)
      for (const { start, count, sum } of rows) this.#minutes.add.run(tag, start, count, sum);
    this.#setFloor(floor);
    return true;
  }

  /** @param limit messages, -1 for all of them */
  #scanMinutes(tag: number, from: number, until: number, limit: number): SumRow[] {
    const minutes = new Map<number, RunningSum>();
    for (const { time, id } of this.#minutes.scan.all(tag, timeBound(from), timeBound(until), limit)) {
      const minute = minuteOf(columnTime(time));
      const known = minutes.get(minute);
      if (known === undefined) minutes.set(minute, new RunningSum().addId(id));
      else known.addId(id);
    }
    return [...minutes].map(([start, { count, sum }]) => ({ start, count, sum }));
  }

  /** From which minute on {@link minuteRows} scans no messages. */
  get minuteFloor(): number {
    return this.#floor;
  }

  /** Non-empty hours that begin in [from, until), ascending. */
  hourRows(tag: number, from: number, until: number): SumRow[] {
    return this.#hours.range.all(tag, from, until);
  }

  /** Non-empty minutes of [from, until), ascending. */
  minuteRows(tag: number, from: number, until: number): SumRow[] {
    if (from >= until) return [];
    const border = Math.min(Math.max(this.#floor, from), until);
    const scanned = from < border ? this.#scanMinutes(tag, from, border, -1) : [];
    return border < until ? [...scanned, ...this.#minutes.range.all(tag, border, until)] : scanned;
  }

  /** The sum of a window. @param tag `undefined` for one that was never seen */
  sum(tag: number | undefined, { fromMinute, untilMinute }: Window): WindowSum {
    const first = tag === undefined ? undefined : this.#hours.first.get(tag);
    if (tag === undefined || first === undefined) return windowSum(new RunningSum(), MINUTE_END);
    if (fromMinute >= untilMinute) return windowSum(new RunningSum(), untilMinute);
    if (first >= untilMinute) return windowSum(new RunningSum(), first);
    const lastHour = hourOf(untilMinute);
    const nextHour = untilMinute === lastHour ? lastHour : lastHour + HOUR_MINUTES;
    const rest = this.minuteRows(tag, untilMinute, nextHour);
    if (first < fromMinute) {
      const hours = totalOf(this.#hours.range.all(tag, fromMinute, lastHour));
      const sum = hours.add(totalOf(this.minuteRows(tag, lastHour, untilMinute)));
      return windowSum(sum, rest[0]?.start ?? this.#hours.next.get(tag, nextHour));
    }
    const later = this.#hours.range.all(tag, nextHour, Number.MAX_SAFE_INTEGER);
    const sum = new RunningSum()
      .add(this.#tags.total.get(tag) as Sum)
      .subtract(totalOf(later))
      .subtract(totalOf(rest));
    return windowSum(sum, (rest[0] ?? later[0])?.start);
  }
}

/** @param next where the next message is known, to the hour; `undefined` if there is none */
function windowSum({ count, sum }: Sum, next: number = MINUTE_END): WindowSum {
  return { count, sum, sameUntil: next };
}
