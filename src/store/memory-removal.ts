/** How the memory store removes messages: the operations `prune`, `drop` and `expire` as plain walks; see `memory.ts`. */

import { toBase64url } from '../core/bytes.ts';
import { isExpired } from '../core/message/message.ts';
import { compareTime } from '../core/message/time.ts';
import {
  comparePosition,
  IDEMPOTENCY_MS,
  type PersistOp,
  type PersistResult,
  PRUNE_STEP,
} from '../core/persistence.ts';
import { HEAVY_BYTES, HOUR_MINUTES, minuteOf } from './buckets.ts';
import { DELIVERY_STATES } from './check.ts';
import type { MemoryTables, Row } from './memory-tables.ts';

type Op<K extends PersistOp['kind']> = Extract<PersistOp, { kind: K }>;

function hourOfRow({ header }: Row): number {
  return Math.floor(minuteOf(header.time) / HOUR_MINUTES);
}

export function prune(tables: MemoryTables, op: Op<'prune'>): PersistResult {
  if (op.floorHour > (tables.floors.get(op.tag) ?? 0)) tables.floors.set(op.tag, op.floorHour);
  const rows = (tables.byTag.get(op.tag) ?? [])
    .filter((row) => comparePosition(row.header, op.after) > 0 && hourOfRow(row) < op.beforeHour)
    .slice(0, PRUNE_STEP);
  const gone = rows.filter(
    (row) =>
      row.own === undefined ||
      ((row.isDeleted || DELIVERY_STATES[row.own.state] === 'stored') && hourOfRow(row) < op.ownBeforeHour),
  );
  for (const row of gone) tables.remove(row);
  tables.forgetStrangers();
  const last = rows.length === PRUNE_STEP ? rows.at(-1)?.header : undefined;
  return { kind: 'pruned', removed: gone.length, next: last && { time: last.time, id: last.id } };
}

/** Who holds most content in a channel of the tag, local identities apart, with all of it, oldest first. */
function heaviest(tables: MemoryTables, tag: string): { bytes: number; rows: Row[] } {
  const authors = new Map<string, { bytes: number; rows: Row[] }>();
  for (const row of tables.byTag.get(tag) ?? []) {
    if (row.message === undefined || tables.isLocal(row.header.author)) continue;
    const place = `${toBase64url(row.header.author)} ${row.header.channel}`;
    const author = authors.get(place) ?? { bytes: 0, rows: [] };
    author.bytes += row.content;
    author.rows.push(row);
    authors.set(place, author);
  }
  const [most] = [...authors.values()]
    .filter(({ bytes }) => bytes >= HEAVY_BYTES)
    .sort((a, b) => b.bytes - a.bytes);
  const rows = (most?.rows ?? []).sort(
    (a, b) => compareTime(a.header.time, b.header.time) || a.arrival - b.arrival,
  );
  return { bytes: most?.bytes ?? 0, rows };
}

export function drop(tables: MemoryTables, op: Op<'drop'>): PersistResult {
  const { bytes: most, rows } = heaviest(tables, op.tag);
  let bytes = 0;
  for (const row of rows.slice(0, PRUNE_STEP)) {
    if (most - bytes <= op.keepBytes || bytes >= op.freeBytes) break;
    bytes += row.content;
    row.message = undefined;
    row.content = 0;
  }
  return { kind: 'dropped', bytes, more: heaviest(tables, op.tag).bytes > op.keepBytes };
}

export function expire(tables: MemoryTables, wallMs: number): PersistResult {
  const rows = [...tables.byId.values()]
    .filter((row) => isExpired(row.header.expiresMs, wallMs))
    .sort((a, b) => a.header.expiresMs - b.header.expiresMs || a.arrival - b.arrival);
  for (const row of rows.slice(0, PRUNE_STEP)) tables.remove(row);
  tables.clockMs = wallMs;
  tables.forgetStrangers();
  for (const [tag, { untilMs }] of tables.carried) if (untilMs <= wallMs) tables.carried.delete(tag);
  for (const [peer, { untilMs }] of tables.mailboxes) if (untilMs <= wallMs) tables.mailboxes.delete(peer);
  tables.forgetKeys(wallMs - IDEMPOTENCY_MS);
  tables.forgetNames();
  return { kind: 'expired', removed: Math.min(rows.length, PRUNE_STEP), more: rows.length > PRUNE_STEP };
}
