/**
 * Recognises the message table of a mesh/1 database, and finds out in which order its rows can be walked.
 *
 * mesh/1 wrote one table, `mesh_messages` (message_id TEXT PRIMARY KEY, channel_id, sender_id, body, payload, timestamp,
 * created_at), with indexes on (channel_id) and (channel_id, timestamp), and no signatures. Its forks may differ, so a
 * table is recognised by its columns: five that each message has and two that may be missing, in snake_case or camelCase,
 * with or without `_id`. docs/decisions says where the facts come from.
 *
 * Invariant: a statement is used only if SQLite's own plan for it walks an index of the channel and sorts nothing; where
 * none does, the rows are walked by row id in steps of a fixed size.
 */
import type { Database } from 'better-sqlite3';
import { KiB, MiB } from '../core/limits.ts';

export interface LegacyColumns {
  readonly id: string;
  readonly channel: string;
  readonly sender: string;
  readonly body: string;
  readonly timestamp: string;
  readonly payload: string | undefined;
  readonly signature: string | undefined;
}

/** `time` and `arrival` walk an index of the channel; `scan` reads the table from its end. */
export type LegacyOrder = 'time' | 'arrival' | 'scan';

export interface LegacyTable {
  readonly name: string;
  readonly columns: LegacyColumns;
  readonly order: LegacyOrder;
}

/** Spellings without case and underscores, the likeliest first. */
const SPELLINGS: Readonly<Record<keyof LegacyColumns, readonly string[]>> = {
  id: ['messageid', 'id'],
  channel: ['channelid', 'channel'],
  sender: ['senderid', 'sender'],
  body: ['body'],
  timestamp: ['timestamp'],
  payload: ['payload'],
  signature: ['signature'],
};

/** mesh/1's own table comes before any other that fits. */
const LIKELY_NAMES: readonly string[] = ['mesh_messages', 'messages'];

/** Body and payload that are longer are not read: the largest mesh/1 frame that we take has 8 MiB (design, section 10). */
export const TEXT_BYTES_MAX = 8 * MiB;
/** Ids, labels, times and signatures; mesh/1's own have 36, 43, 24 and 88 (guess). */
export const LABEL_BYTES_MAX = 1 * KiB;

/** Tables that are looked at (guess: mesh/1 has one). */
const TABLES_MAX = 256;

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Which columns of a table hold the fields of a message, or undefined if one is missing. */
export function legacyColumns(names: readonly string[]): LegacyColumns | undefined {
  const plain = names.map((name) => name.toLowerCase().replaceAll('_', ''));
  if (plain.includes('rowid') || plain.includes('oid')) return undefined; // they would hide the row id
  const find = (field: keyof LegacyColumns): string | undefined => {
    const spelling = SPELLINGS[field].find((one) => plain.includes(one));
    return spelling === undefined ? undefined : names[plain.indexOf(spelling)];
  };
  const [id, channel, sender, body, timestamp] = [
    find('id'),
    find('channel'),
    find('sender'),
    find('body'),
    find('timestamp'),
  ];
  if (!id || !channel || !sender || !body || !timestamp) return undefined;
  return { id, channel, sender, body, timestamp, payload: find('payload'), signature: find('signature') };
}

/** The fields of a row `m`, each only if it is of `@channel` and not too large; the sizes are known without reading. */
function fieldsSql({ columns }: LegacyTable): string {
  const here = `m.${quoted(columns.channel)} = @channel`;
  const part = (name: string | undefined, max: number): string => {
    if (name === undefined) return 'NULL';
    const value = `m.${quoted(name)}`;
    return `CASE WHEN ${here} AND octet_length(${value}) <= ${max} THEN ${value} END`;
  };
  const size = (name: string | undefined) =>
    name === undefined ? '0' : `coalesce(octet_length(m.${quoted(name)}), 0)`;
  const { id, sender, timestamp, body, payload, signature } = columns;
  return `CAST(m._rowid_ AS TEXT) AS position, coalesce(${here}, 0) AS isHere,
    ${size(body)} + ${size(payload)} AS bytes, ${size(payload)} AS payloadBytes,
    ${part(id, LABEL_BYTES_MAX)} AS id, ${part(sender, LABEL_BYTES_MAX)} AS sender,
    ${part(timestamp, LABEL_BYTES_MAX)} AS timestamp, ${part(body, TEXT_BYTES_MAX)} AS body,
    ${part(payload, TEXT_BYTES_MAX)} AS payload, ${part(signature, LABEL_BYTES_MAX)} AS signature`;
}

/**
 * The statements that walk the messages of `@channel` from the newest on, or from `@before` on (the decimal text of a row
 * id), `@limit` rows: they are run one after the other. `scan` gives the rows of all channels, with `isHere` 1 for those
 * of this one.
 */
export function pageSql(table: LegacyTable, order: LegacyOrder, hasBefore: boolean): readonly string[] {
  // Each column is named with its table: ORDER BY would take a bare name for the result of that name, and sort.
  const time = quoted(table.columns.timestamp);
  const row = 'CAST(@before AS INTEGER)';
  const inChannel = `m.${quoted(table.columns.channel)} = @channel`;
  const select = (where: string, by: string): string =>
    `SELECT ${fieldsSql(table)} FROM ${quoted(table.name)} m WHERE ${where} ORDER BY ${by} LIMIT @limit`;
  const byArrival = 'm._rowid_ DESC';
  if (order === 'time') {
    const byTime = `m.${time} DESC, m._rowid_ DESC`;
    if (!hasBefore) return [select(inChannel, byTime)];
    // Two steps, because for (time, row) < (?, ?) SQLite would visit all rows of the same time, and they may be many.
    const start = `(SELECT b.${time} FROM ${quoted(table.name)} b WHERE b._rowid_ = ${row})`;
    return [
      select(`${inChannel} AND m.${time} = ${start} AND m._rowid_ < ${row}`, byArrival),
      select(`${inChannel} AND m.${time} < ${start}`, byTime),
    ];
  }
  const isBefore = hasBefore ? `m._rowid_ < ${row}` : '1';
  return [select(order === 'arrival' ? `${inChannel} AND ${isBefore}` : isBefore, byArrival)];
}

/** True if SQLite finds the channel's rows in an index, already in order. */
function isWalk(db: Database, table: LegacyTable, order: LegacyOrder, hasBefore: boolean): boolean {
  const parameters = { channel: '', limit: 1, ...(hasBefore && { before: '1' }) };
  return pageSql(table, order, hasBefore).every((sql) => {
    const plan = db
      .prepare<[typeof parameters], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(parameters)
      .map(({ detail }) => detail);
    const isIndexed = plan.some((step) => step.includes(`(${table.columns.channel}=?`));
    return isIndexed && !plan.some((step) => step.startsWith('SCAN') || step.includes('TEMP B-TREE'));
  });
}

function orderOf(db: Database, table: LegacyTable): LegacyOrder {
  for (const order of ['time', 'arrival'] as const)
    if (isWalk(db, table, order, false) && isWalk(db, table, order, true)) return order;
  return 'scan';
}

/**
 * The message table of a mesh/1 database, or undefined if there is none. Only ordinary tables of a UTF-8 database are
 * looked at: mesh/1 made no other.
 */
export function findLegacyTable(db: Database): LegacyTable | undefined {
  if (db.pragma('encoding', { simple: true }) !== 'UTF-8') return undefined;
  const names = db
    .prepare<[number], string>(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0 ORDER BY name LIMIT ?",
    )
    .pluck()
    .all(TABLES_MAX);
  const likely = LIKELY_NAMES.filter((name) => names.includes(name));
  const columnNames = db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck();
  for (const name of new Set([...likely, ...names])) {
    const columns = legacyColumns(columnNames.all(name));
    if (columns === undefined) continue;
    const table: LegacyTable = { name, columns, order: 'scan' };
    return { ...table, order: orderOf(db, table) };
  }
  return undefined;
}
