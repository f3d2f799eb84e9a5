/** What the core gets back after a restart, out of the small tables. Order is fixed: names and tags ascending, addresses
 *  newest first. */
import type { Database } from 'better-sqlite3';
import { type Bytes, toBase64url } from '../core/bytes.ts';
import { tagTexts } from './sqlite-rows.ts';
import type { Store } from './store.ts';

export function readRestored(db: Database): ReturnType<Store['restore']> {
  const joined = db.prepare<[], string>('SELECT name FROM channel WHERE joined = 1').pluck().all();
  const carried = db.prepare<[], { tag: Bytes; until: number }>('SELECT tag, until FROM carried').all();
  const mailboxes = db
    .prepare<[], { peer: Bytes; tags: Bytes; until: number }>('SELECT peer, tags, until FROM mailbox')
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
  const byText =
    <T>(text: (item: T) => string) =>
    (a: T, b: T): number =>
      text(a) < text(b) ? -1 : 1;
  return {
    joined: joined.sort(byText((name) => name)),
    carried: carried
      .map(({ tag, until }) => ({ tag: toBase64url(tag), untilMs: until }))
      .sort(byText((row) => row.tag)),
    mailboxes: mailboxes
      .map(({ peer, tags, until }) => ({ peer: toBase64url(peer), tags: tagTexts(tags), untilMs: until }))
      .sort(byText((row) => row.peer)),
    addresses: addresses.map(({ url, peer, proven }) => ({ url, peer: toBase64url(peer), provenMs: proven })),
    recordSequence: sequence ?? 0,
  };
}
