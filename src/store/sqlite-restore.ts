/** What the core gets back after a restart, out of the small tables. Order is fixed: names and tags ascending, addresses
 *  newest first. */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import {
  columnText,
  columnTime,
  POLICY_COLUMNS,
  type PolicyRow,
  policyOfRow,
  tagTexts,
} from './sqlite-rows.ts';
import type { Store } from './store.ts';

export function readRestored(db: Database): ReturnType<Store['restore']> {
  const joined = db
    .prepare<[], PolicyRow & { readonly channel: string }>(
      `SELECT c.name AS channel, ${POLICY_COLUMNS} FROM channel c LEFT JOIN retention r ON r.channel = c.id
       WHERE c.joined = 1`,
    )
    .all();
  const carried = db
    .prepare<[], { tag: Bytes; untilMs: number; sinceHour: number }>(
      'SELECT tag, until AS untilMs, since AS sinceHour FROM carried',
    )
    .all();
  const floors = db
    .prepare<[], { tag: Bytes; floorHour: number }>(
      'SELECT bytes AS tag, floor AS floorHour FROM tag WHERE floor > 0',
    )
    .all();
  const leafFloors = db.prepare<[], { tag: Bytes; hour: number }>('SELECT tag, hour FROM leaf_floor').all();
  const mailboxes = db
    .prepare<[], { peer: Bytes; tags: Bytes; untilMs: number; linkedMs: number; group: string }>(
      'SELECT peer, tags, until AS untilMs, linked AS linkedMs, address_group AS "group" FROM mailbox',
    )
    .all();
  const addresses = db
    .prepare<[], { url: string; peer: Bytes; proven: number }>(
      'SELECT url, peer, proven FROM address ORDER BY proven DESC, url',
    )
    .all();
  const sequence = db
    .prepare<[], number>("SELECT value FROM meta WHERE key = 'record_sequence'")
    .pluck()
    .get();
  const clock = db.prepare<[], number>("SELECT value FROM meta WHERE key = 'clock'").pluck().get();
  const last = db
    .prepare<[], Bytes>('SELECT time FROM message WHERE arrival = (SELECT max(arrival) FROM message)')
    .pluck()
    .get();
  const byText =
    <T>(text: (item: T) => string) =>
    (a: T, b: T): number =>
      text(a) < text(b) ? -1 : 1;
  return {
    joined: joined
      .map((row) => ({ channel: row.channel, policy: policyOfRow(row) }))
      .sort(byText((row) => row.channel)),
    carried: carried.map((row) => ({ ...row, tag: columnText(row.tag) })).sort(byText((row) => row.tag)),
    floors: floors.map((row) => ({ ...row, tag: columnText(row.tag) })).sort(byText((row) => row.tag)),
    leafFloors: leafFloors
      .map(({ tag, hour }) => ({ tag: columnText(tag), hour }))
      .sort(byText((row) => row.tag)),
    mailboxes: mailboxes
      .map(({ peer, tags, ...rest }) => ({ ...rest, peer: columnText(peer), tags: tagTexts(tags) }))
      .sort(byText((row) => row.peer)),
    addresses: addresses.map(({ url, peer, proven }) => ({ url, peer: columnText(peer), provenMs: proven })),
    recordSequence: sequence ?? 0,
    clockMs: clock ?? (last === undefined ? 0 : columnTime(last).timeMs),
  };
}
