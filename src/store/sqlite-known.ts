/**
 * What is known of messages whose id lies in a range, with content or without: for people who ask about a message by the
 * beginning of its id. The index of ids is walked; no content is read.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { DELIVERY_STATES } from './check.ts';
import { columnText, columnTime, keyTexts } from './sqlite-rows.ts';
import type { IdRange, KnownMessage } from './store.ts';

interface KnownRow {
  readonly arrival: number;
  readonly id: Bytes;
  readonly kind: number;
  readonly content: number;
  readonly channel: string;
  readonly author: Bytes;
  readonly time: Bytes;
  readonly expires: number;
  readonly state: number | null;
  readonly storedBy: Bytes | null;
}

/** By `message.content`. */
export const HOLDINGS = ['held', 'wanted', 'dropped', 'deleted'] as const;

function toKnown(row: KnownRow): KnownMessage {
  const state = row.state === null ? undefined : DELIVERY_STATES[row.state];
  return {
    id: columnText(row.id),
    arrival: row.arrival,
    kind: row.kind,
    holding: HOLDINGS[row.content] ?? 'dropped',
    channel: row.channel,
    author: columnText(row.author),
    time: columnTime(row.time),
    expiresMs: row.expires,
    delivery:
      state === undefined || row.storedBy === null ? undefined : { state, storedBy: keyTexts(row.storedBy) },
  };
}

/** See `Store.known`. */
export function createKnown(db: Database): (range: IdRange, limit: number) => KnownMessage[] {
  const statement = db.prepare<[Bytes, Bytes, number], KnownRow>(
    `SELECT m.arrival, m.id, m.kind, m.content, c.name AS channel, k.bytes AS author, m.time, m.expires,
       o.state, o.stored_by AS storedBy
     FROM message m CROSS JOIN channel c ON c.id = m.channel CROSS JOIN public_key k ON k.id = m.author
       LEFT JOIN own o ON o.arrival = m.arrival
     WHERE m.id BETWEEN ? AND ? ORDER BY m.id LIMIT ?`,
  );
  return ({ from, until }, limit) => statement.all(from, until, limit).map(toKnown);
}
