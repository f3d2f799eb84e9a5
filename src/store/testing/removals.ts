/** A database out of which much was removed in every way there is, for tests of recoveries. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { HOUR } from '../../core/limits.ts';
import { RELATION } from '../../core/message/message.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import { ZEROED } from '../schema-10.ts';
import { createSqliteStore, type SqliteStore } from '../sqlite.ts';
import { openFile } from '../sqlite-file.ts';
import { me, other, third } from './damage.ts';
import {
  type Author,
  type Draft,
  dropped,
  joined,
  NETWORK,
  pruned,
  published,
  received,
  sha256,
  signedMessage,
  WALL_MS,
} from './messages.ts';

/** Stands in every page that has content of a message that is removed. */
export const MARK = 'REMOVED';
const FEED = `@${other.id}`;
export const CHANNELS = ['dev', 'old', 'quota', 'full', FEED];

let nonce = 0;

/** @param bytes of content, more than a page where it is to have pages of its own */
function message(author: Author, word: string, bytes: number, draft: Draft = {}): VerifiedMessage {
  nonce++;
  const body = `${word} ${nonce} `.repeat(Math.ceil(bytes / 12)).slice(0, bytes);
  return signedMessage(author, { body, nonce, time: { timeMs: WALL_MS + nonce * 1000 }, ...draft });
}

const SIZES = [20, 60, 200, 700, 6000];
const some = (count: number, make: (bytes: number, n: number) => VerifiedMessage) =>
  Array.from({ length: count }, (_, n) => make(SIZES[n % SIZES.length] as number, n));

const DAY_AGO = WALL_MS - 24 * HOUR;
const ago = (n: number): Draft => ({ time: { timeMs: DAY_AGO + n * 1000 } });
const by = (n: number): Author => (n % 3 === 0 ? me : n % 3 === 1 ? other : third);

/** What stays, in the channels of what goes. */
export const KEPT = some(90, (bytes, n) =>
  message(by(n), 'kept', bytes, { channel: ['dev', 'old', 'quota'][n % 3] as string }),
);
export const DELETED = some(40, (bytes) => message(other, MARK, bytes));
const EXPIRED = some(40, (bytes) => message(third, MARK, bytes, { expiresMs: WALL_MS + 60_000 }));
const AGED = some(40, (bytes, n) => message(third, MARK, bytes, { channel: 'old', ...ago(n) }));
/** Long enough for more free pages than one page can list. */
const OVER_QUOTA = Array.from({ length: 80 }, (_, n) =>
  message(other, MARK, 60_000, { channel: 'quota', ...ago(n) }),
);
const DROPPED = some(10, (bytes) => message(third, MARK, 5000 + bytes, { channel: 'full' }));
const SUPERSEDED = some(8, (bytes) => message(other, MARK, bytes, { channel: FEED, kind: 20 }));
const RECORD = message(other, 'kept', 60, { channel: FEED, kind: 20 });

export const REMOVED = [...DELETED, ...EXPIRED, ...AGED, ...OVER_QUOTA, ...DROPPED, ...SUPERSEDED];
/** Those of whose removal more than their own rows tells. */
export const TOLD_OF = [...DELETED, ...EXPIRED, ...AGED, ...OVER_QUOTA];
export const DELETES = Array.from({ length: 8 }, (_, n) =>
  signedMessage(other, {
    body: '',
    nonce: n,
    time: { timeMs: WALL_MS + HOUR / 2 },
    refs: DELETED.slice(5 * n, 5 * n + 5).map(({ message: { id } }) => ({ relation: RELATION.delete, id })),
  }),
);

function fill(store: SqliteStore): void {
  store.transact([[...CHANNELS].map(joined)]);
  const lists = [DELETED, EXPIRED, AGED, OVER_QUOTA, DROPPED, SUPERSEDED, KEPT];
  // In turns, so that pages hold both.
  for (let n = 0; n < 90; n++)
    for (const list of lists) {
      const one = list[n];
      if (one !== undefined)
        store.transact([[one.message.author === me.publicKey ? published(one) : received(one)]]);
    }
}

function remove(store: SqliteStore): void {
  const hour = Math.floor((WALL_MS - HOUR) / HOUR);
  const before = { beforeHour: hour, ownBeforeHour: hour };
  store.transact([
    [
      ...[...DELETES, RECORD].map(received),
      { kind: 'expire', wallMs: WALL_MS + HOUR / 2 },
      pruned('old', { ...before, floorHour: hour }),
      pruned('quota', { ...before, floorHour: hour }),
      dropped('full', 0),
    ],
  ]);
}

/** @param zeroes false: pages that are freed keep what they held, as before step 10 of the schema */
function make(zeroes: boolean): { closed: Buffer; head: Buffer; log: Buffer } {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-removals-')), 'store.db');
  const { db, close } = openFile({ path: file, network: NETWORK });
  const store = createSqliteStore(db, { network: NETWORK, sha256 }, close);
  if (!zeroes) db.pragma('secure_delete = OFF');
  fill(store);
  db.pragma('wal_checkpoint(TRUNCATE)');
  remove(store);
  const [head, log] = [fs.readFileSync(file), fs.readFileSync(`${file}-wal`)];
  if (!zeroes) db.exec(`ALTER TABLE message DROP COLUMN ${ZEROED}`);
  store.close();
  const closed = fs.readFileSync(file);
  fs.rmSync(path.dirname(file), { recursive: true });
  return { closed, head, log };
}

/** `head` and `log`: all removals stand in the log. */
export const ZEROING = make(true);
/** A file of before. */
export const DIRTY = make(false).closed;
