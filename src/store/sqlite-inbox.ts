/** {@link InboxStore} on the database of the store. Rows are few and written one at a time; each call is an fsync. */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import type { InboxState } from '../core/contact/inbox.ts';
import { keyBytes } from './check.ts';
import type { ContactRow, InboxChange, InboxRow, InboxStore, NewInboxRow, WakeRow } from './inbox-store.ts';
import { columnText } from './sqlite-rows.ts';

/** Rows that one call of `prune` removes: others must not wait (as PRUNE_STEP). */
const PRUNE_ROWS = 256;

interface Columns {
  readonly number: number;
  readonly identity: Bytes;
  readonly message: Bytes;
  readonly channel: string;
  readonly author: Bytes;
  readonly at: number;
  readonly why: string;
  readonly hops: number;
  readonly state: string;
  readonly reason: string;
  readonly attempts: number;
  readonly retried: number;
  readonly turns: number;
  readonly turnAt: number;
  readonly answers: number;
  readonly answeredKey: string;
}

const COLUMNS =
  'number, identity, message, channel, author, at, why, hops, state, reason, attempts, retried, turns, turn_at AS turnAt, answers, answered_key AS answeredKey';
const IS_OPEN = "state IN ('waiting', 'handed')";

function rowOf(row: Columns): InboxRow {
  return {
    number: row.number,
    identity: columnText(row.identity),
    id: columnText(row.message),
    channel: row.channel,
    author: columnText(row.author),
    atMs: row.at,
    why: row.why as InboxRow['why'],
    hops: row.hops,
    state: row.state as InboxState,
    reason: row.reason,
    attempts: row.attempts,
    retried: row.retried === 1,
    turns: row.turns,
    turnAtMs: row.turnAt,
    answers: row.answers,
    answeredKey: row.answeredKey,
  };
}

/** Names are written by `setWake` only, as a JSON list of texts. */
const namesOf = (text: string): string[] => JSON.parse(text) as string[];

function policyStatements(db: Database) {
  return {
    contacts: db.prepare<[Bytes], { other: Bytes; tier: string; name: string; since: number }>(
      'SELECT other, tier, name, since FROM contact WHERE identity = ? ORDER BY other',
    ),
    setContact: db.prepare<[Bytes, Bytes, string, string, number]>(
      'INSERT OR REPLACE INTO contact (identity, other, tier, name, since) VALUES (?, ?, ?, ?, ?)',
    ),
    holder: db
      .prepare<[Bytes, string, Bytes], number>(
        "SELECT 1 FROM contact WHERE identity = ? AND name = ? AND name <> '' AND other <> ?",
      )
      .pluck(),
    removeContact: db.prepare<[Bytes, Bytes]>('DELETE FROM contact WHERE identity = ? AND other = ?'),
    wakes: db.prepare<
      [Bytes],
      { channel: string; mode: string; names: string; after: number; sinceMs: number }
    >('SELECT channel, mode, names, after, since AS sinceMs FROM wake WHERE identity = ? ORDER BY channel'),
    setWake: db.prepare<[Bytes, string, string, string, number, number]>(
      'INSERT OR REPLACE INTO wake (identity, channel, mode, names, after, since) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    removeWake: db.prepare<[Bytes, string]>('DELETE FROM wake WHERE identity = ? AND channel = ?'),
  };
}

function countStatements(db: Database) {
  return {
    countOpen: db.prepare<[Bytes], { waiting: number; handed: number }>(
      `SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'handed') AS handed
       FROM inbox INDEXED BY inbox_open WHERE identity = ? AND ${IS_OPEN}`,
    ),
    countWaitingOf: db
      .prepare<[Bytes, Bytes], number>(
        `SELECT count(*) FROM inbox INDEXED BY inbox_open
         WHERE identity = ? AND state = 'waiting' AND author = ? AND ${IS_OPEN}`,
      )
      .pluck(),
    countReason: db
      .prepare<[Bytes, number, string], number>(
        'SELECT count(*) FROM inbox INDEXED BY inbox_age WHERE identity = ? AND at > ? AND reason = ?',
      )
      .pluck(),
    countUnanswered: db
      .prepare<[Bytes, number], number>(
        `SELECT count(*) FROM inbox INDEXED BY inbox_age
         WHERE identity = ? AND at > ? AND state IN ('unanswered', 'held')`,
      )
      .pluck(),
    turnsOfAuthor: db
      .prepare<[Bytes, Bytes, number, number], number>(
        `SELECT ifnull(sum(turns), 0) FROM inbox INDEXED BY inbox_contact
         WHERE identity = ? AND author = ? AND turn_at > ? AND turns > 0 AND attempts >= ?`,
      )
      .pluck(),
    turnsOfChannel: db
      .prepare<[Bytes, string, number, number], number>(
        `SELECT ifnull(sum(turns), 0) FROM inbox INDEXED BY inbox_channel
         WHERE identity = ? AND channel = ? AND turn_at > ? AND turns > 0 AND attempts >= ?`,
      )
      .pluck(),
  };
}

function rowStatements(db: Database) {
  return {
    ...countStatements(db),
    cursor: db.prepare<[Bytes], number>('SELECT arrival FROM inbox_cursor WHERE identity = ?').pluck(),
    setCursor: db.prepare<[Bytes, number]>(
      `INSERT INTO inbox_cursor VALUES (?, ?)
       ON CONFLICT DO UPDATE SET arrival = max(arrival, excluded.arrival)`,
    ),
    add: db.prepare<[Bytes, Bytes, string, Bytes, number, string, number, string, string, number, number]>(
      `INSERT INTO inbox (identity, message, channel, author, at, why, hops, state, reason, turns, turn_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    byNumber: db.prepare<[number], Columns>(`SELECT ${COLUMNS} FROM inbox WHERE number = ?`),
    byMessage: db.prepare<[Bytes, Bytes], Columns>(
      `SELECT ${COLUMNS} FROM inbox WHERE identity = ? AND message = ?`,
    ),
    change: db.prepare<[string, string, number, number, number, number, number, string, number]>(
      `UPDATE inbox SET state = ?, reason = ?, attempts = ?, retried = ?, turns = ?, turn_at = ?, answers = ?,
         answered_key = ? WHERE number = ?`,
    ),
    open: db.prepare<[Bytes, number, number], Columns>(
      `SELECT ${COLUMNS} FROM inbox INDEXED BY inbox_open
       WHERE identity = ? AND number > ? AND ${IS_OPEN} ORDER BY number LIMIT ?`,
    ),
    handed: db.prepare<[Bytes], Columns>(
      `SELECT ${COLUMNS} FROM inbox INDEXED BY inbox_open
       WHERE identity = ? AND state = 'handed' AND ${IS_OPEN} ORDER BY number`,
    ),
    clampTurns: db.prepare<[number, Bytes, number]>(
      'UPDATE inbox SET turn_at = ? WHERE identity = ? AND turn_at > ?',
    ),
    clampTimes: db.prepare<[number, Bytes, number]>('UPDATE inbox SET at = ? WHERE identity = ? AND at > ?'),
    page: db.prepare<[Bytes, number, number], Columns>(
      `SELECT ${COLUMNS} FROM inbox INDEXED BY inbox_page
       WHERE identity = ? AND number < ? ORDER BY number DESC LIMIT ?`,
    ),
    prune: db.prepare<[Bytes, number, number, Bytes, number, number]>(
      `DELETE FROM inbox WHERE number IN (
         SELECT number FROM inbox INDEXED BY inbox_page
         WHERE identity = ? AND NOT ${IS_OPEN} AND NOT (turns > 0 AND turn_at > ?) AND (at < ? OR number <= ifnull(
           (SELECT number FROM inbox INDEXED BY inbox_page WHERE identity = ? ORDER BY number DESC LIMIT 1 OFFSET ?), 0))
         ORDER BY number LIMIT ?)`,
    ),
  };
}

type Guarded = <T>(work: () => T) => T;

/** @param guarded runs work and turns what SQLite throws into the store's failures */
export function createInboxStore(db: Database, guarded: Guarded): InboxStore {
  const write: Guarded = (work) => guarded(() => db.transaction(work).immediate());
  return { ...policyPart(db, guarded, write), ...rowPart(db, guarded, write) };
}

type PolicyPart = Pick<
  InboxStore,
  'contacts' | 'setContact' | 'removeContact' | 'wakes' | 'setWake' | 'removeWake'
>;

function policyPart(db: Database, guarded: Guarded, write: Guarded): PolicyPart {
  const policy = policyStatements(db);
  return {
    contacts: (identity) =>
      guarded(() =>
        policy.contacts.all(keyBytes(identity)).map(
          ({ other, tier, name, since }): ContactRow => ({
            other: columnText(other),
            tier: tier as ContactRow['tier'],
            name,
            sinceMs: since,
          }),
        ),
      ),
    setContact: (identity, { other, tier, name, sinceMs }) =>
      write(() => {
        if (policy.holder.get(keyBytes(identity), name, keyBytes(other)) !== undefined)
          throw new RangeError(`another contact has the name ${JSON.stringify(name)}`);
        policy.setContact.run(keyBytes(identity), keyBytes(other), tier, name, sinceMs);
      }),
    removeContact: (identity, other) =>
      write(() => policy.removeContact.run(keyBytes(identity), keyBytes(other)).changes > 0),
    wakes: (identity) =>
      guarded(() =>
        policy.wakes
          .all(keyBytes(identity))
          .map((row): WakeRow => ({ ...row, mode: row.mode as WakeRow['mode'], names: namesOf(row.names) })),
      ),
    setWake: (identity, { channel, mode, names, after, sinceMs }) =>
      write(() => {
        policy.setWake.run(keyBytes(identity), channel, mode, JSON.stringify(names), after, sinceMs);
      }),
    removeWake: (identity, channel) => write(() => void policy.removeWake.run(keyBytes(identity), channel)),
  };
}

function rowPart(db: Database, guarded: Guarded, write: Guarded): Omit<InboxStore, keyof PolicyPart> {
  const rows = rowStatements(db);
  const addRow = (identity: Bytes, row: NewInboxRow): void => {
    const { id, channel, author, atMs, why, hops, state, reason } = row;
    const turns = state === 'waiting' ? 1 : 0;
    const message = keyBytes(id);
    rows.add.run(identity, message, channel, keyBytes(author), atMs, why, hops, state, reason, turns, atMs);
  };
  const changeRow = (number: number, change: InboxChange): void => {
    const before = rows.byNumber.get(number);
    if (before === undefined) return;
    const after = { ...rowOf(before), ...change };
    const { state, reason, attempts, retried, turns, turnAtMs, answers, answeredKey } = after;
    const flag = Number(retried);
    rows.change.run(state, reason, attempts, flag, turns, turnAtMs, answers, answeredKey, number);
  };

  return {
    cursor: (identity) => guarded(() => rows.cursor.get(keyBytes(identity))),
    add: (identity, added, cursor) =>
      write(() => {
        for (const row of added) addRow(keyBytes(identity), row);
        rows.setCursor.run(keyBytes(identity), cursor);
      }),
    row: (number) => {
      const row = guarded(() => rows.byNumber.get(number));
      return row && rowOf(row);
    },
    rowOf: (identity, id) => {
      const row = guarded(() => rows.byMessage.get(keyBytes(identity), keyBytes(id)));
      return row && rowOf(row);
    },
    change: (changes) =>
      write(() => {
        for (const { number, change } of changes) changeRow(number, change);
      }),
    open: (identity, after, limit) =>
      guarded(() => rows.open.all(keyBytes(identity), after, limit).map(rowOf)),
    handed: (identity) => guarded(() => rows.handed.all(keyBytes(identity)).map(rowOf)),
    countOpen: (identity) =>
      guarded(() => rows.countOpen.get(keyBytes(identity)) ?? { waiting: 0, handed: 0 }),
    countUnanswered: (identity, sinceMs) =>
      guarded(() => rows.countUnanswered.get(keyBytes(identity), sinceMs) ?? 0),
    countTurns: (identity, of, { sinceMs, handedOnly }) =>
      guarded(() =>
        'author' in of
          ? rows.turnsOfAuthor.get(keyBytes(identity), keyBytes(of.author), sinceMs, Number(handedOnly))
          : rows.turnsOfChannel.get(keyBytes(identity), of.channel, sinceMs, Number(handedOnly)),
      ) ?? 0,
    page: (identity, limit, before) =>
      guarded(() => rows.page.all(keyBytes(identity), before, limit).map(rowOf).reverse()),
    prune: (identity, { untilMs, most, turnsSinceMs }) => {
      const key = keyBytes(identity);
      return write(() => rows.prune.run(key, turnsSinceMs, untilMs, key, most, PRUNE_ROWS).changes);
    },
    clampTimes: (identity, nowMs) =>
      write(() => {
        rows.clampTurns.run(nowMs, keyBytes(identity), nowMs);
        rows.clampTimes.run(nowMs, keyBytes(identity), nowMs);
      }),
    countWaitingOf: (identity, author) =>
      guarded(() => rows.countWaitingOf.get(keyBytes(identity), keyBytes(author)) ?? 0),
    countReason: (identity, reason, sinceMs) =>
      guarded(() => rows.countReason.get(keyBytes(identity), sinceMs, reason) ?? 0),
  };
}
