/**
 * Makes a new database of what can be read of a damaged one.
 *
 * Invariants:
 * 1. A message is taken over only if it proves itself, content, signature and all; a header that does is taken without its
 *    content, which is wanted then. What does not is counted, and is unknown afterwards: catch-up brings it again.
 * 2. Arrival numbers stay what they were, and those that come later are far above all that were ever given: cursors of
 *    clients stay right, whatever was lost.
 * 3. Where something of the own messages may be lost, the chains of local identities begin anew, as after a restored
 *    backup: without `prev`, and later than anything that may have been published before.
 * 4. What was removed does not come back: a row is taken only out of a page that was in use, and where that page may be an
 *    old one, not against what other pages say of removals (`recovery-removed.ts`).
 */
import type { Database } from 'better-sqlite3';
import { type Bytes, EMPTY, toBase64url } from '../core/bytes.ts';
import { channelTag, isChannelText } from '../core/channel/channel.ts';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { AMENDS } from '../core/message/amend.ts';
import { createMessageContext, isEphemeral, type Sha256 } from '../core/message/message.ts';
import { toTimeBytes } from '../core/message/time.ts';
import type { Ed25519Verify } from '../core/message/verified.ts';
import { minuteFloorAt } from './buckets.ts';
import { policyOf } from './check.ts';
import { Removed } from './recovery-removed.ts';
import { COPIED, isBytes, isCount, type Named, NamedTables } from './salvage-rows.ts';
import type { SalvagedTables } from './salvage-tables.ts';
import { CONTENT } from './schema-4.ts';
import type { Interned } from './sqlite-intern.ts';
import { type Prover, proveHeader, proveMessage } from './sqlite-proof.ts';
import type { OwnState } from './sqlite-removal.ts';
import { createWriter, type Storable, type Writer } from './sqlite-writer.ts';

/** What later arrivals are above all that were readable: more than can have been lost with a page or a log (guess). */
const ARRIVALS_AHEAD = 2 ** 24;
/** Messages of one transaction. */
const BATCH = 1000;

export interface BuildOptions {
  readonly network: string;
  readonly sha256: Sha256;
  readonly verify: Ed25519Verify;
  /** now, ms since 1970 */
  readonly wallMs: number;
  /** id bytes of the identities whose keys are here */
  readonly identities: readonly Bytes[];
  /** nothing is missing but what the tables themselves show */
  readonly isWhole: boolean;
}

/** What became of a damaged database. */
export interface Built {
  /** messages that were taken over, and those of them whose content is wanted */
  readonly messages: number;
  readonly wanted: number;
  /** rows that did not prove themselves */
  readonly lost: number;
  /** own messages that nobody had confirmed and that are not there any more */
  readonly ownLost: number;
  /** joined channels that were taken over */
  readonly joined: number;
  /** tables that could not be read whole */
  readonly partial: readonly string[];
}

/** Rows that hold no content. */
const HEADERS = [CONTENT.wanted, CONTENT.dropped, CONTENT.deleted];

/** How a message is taken over. */
interface Taking {
  /** its number, 0 if that is not known */
  readonly before: number;
  readonly own: OwnState | undefined;
  /** of {@link CONTENT} */
  readonly content: number;
  /** its content is to be fetched */
  readonly isDamaged: boolean;
}

class Build {
  readonly #db: Database;
  readonly #from: NamedTables;
  readonly #options: BuildOptions;
  readonly #prover: Prover;
  readonly #interned: Interned;
  readonly #writer: Writer;
  readonly #keys = new Map<number, Uint8Array>();
  readonly #channels = new Map<number, string>();
  readonly #own = new Map<number, OwnState>();
  readonly #removed: Removed;
  readonly #isUsed;
  readonly #list;
  #pending = 0;
  #messages = 0;
  #wanted = 0;
  #lost = 0;
  #joined = 0;
  #lastArrival = 0;

  constructor(db: Database, tables: SalvagedTables, options: BuildOptions) {
    const { network, sha256, verify, wallMs } = options;
    db.prepare("UPDATE meta SET value = ? WHERE key = 'minute_floor'").run(minuteFloorAt(wallMs));
    db.prepare("INSERT INTO meta VALUES ('network', ?)").run(network);
    this.#db = db;
    this.#from = new NamedTables(db, tables);
    this.#options = options;
    this.#removed = new Removed(wallMs);
    this.#prover = { context: createMessageContext(network, sha256), verify };
    const { interned, writer } = createWriter(db, this.#prover.context);
    this.#interned = interned;
    this.#writer = writer;
    this.#isUsed = db.prepare<[number], number>('SELECT 1 FROM message WHERE arrival = ?').pluck();
    this.#list = db.prepare<[number, number]>('INSERT INTO damaged VALUES (?, ?)');
  }

  run(): Built {
    this.#db.exec('BEGIN');
    this.#takeMeta();
    this.#readNames();
    this.#takeFloors();
    this.#readDeletes();
    this.#from.each('own', (row) => this.#takeOwn(row));
    this.#from.each('message', (row) => this.#takeMessage(row));
    // A page of before looks whole, and lacks what came since.
    if (!this.#options.isWhole) this.#from.lost('message');
    this.#takeSettings();
    this.#takeCopied();
    if (this.#isIncomplete) this.#from.orphans('message', (row) => this.#takeOrphan(row));
    this.#writer.finish();
    this.#endChains();
    this.#numberOn();
    this.#db.exec('COMMIT');
    const unconfirmed = [...this.#own.values()].filter(({ state }) => state < 2).length;
    return {
      ...{ messages: this.#messages, wanted: this.#wanted, lost: this.#lost, joined: this.#joined },
      ...{ ownLost: unconfirmed, partial: this.#from.partial },
    };
  }

  get #isIncomplete(): boolean {
    return !this.#from.isWhole('message') || this.#lost > 0;
  }

  #readNames(): void {
    this.#from.each('public_key', ({ id, bytes }) => {
      if (isCount(id ?? null) && isBytes(bytes, 32)) this.#keys.set(id as number, bytes);
    });
    this.#from.each('channel', ({ id, name, joined }) => {
      if (typeof id !== 'number' || typeof name !== 'string' || !isChannelText(name))
        return this.#from.lost('channel');
      this.#channels.set(id, name);
      if (joined !== 1) return;
      this.#writer.apply({ kind: 'join', channel: name, tag: this.#tagOf(name) });
      this.#joined++;
    });
  }

  #tagOf(channel: string): string {
    return toBase64url(channelTag(this.#options.sha256, this.#options.network, channel));
  }

  #takeOwn({ arrival, state, stored_by: storedBy, key, alone }: Named): void {
    if (typeof arrival !== 'number' || !isCount(state) || state > 2 || typeof key !== 'string')
      return this.#from.lost('own');
    const isList = storedBy instanceof Uint8Array && storedBy.length % 32 === 0;
    // Older schemas do not have the column.
    const own = { state, storedBy: isList ? storedBy : EMPTY, key, alone: alone === 1 ? 1 : 0 };
    this.#own.set(arrival, own);
  }

  #takeFloors(): void {
    const raise = this.#db.prepare<[number, number]>('UPDATE tag SET floor = max(floor, ?) WHERE id = ?');
    this.#from.each('tag', ({ bytes, floor }) => {
      if (!isBytes(bytes, 8) || !isCount(floor)) return this.#from.lost('tag');
      const tag = toBase64url(bytes);
      if (floor === 0) return;
      if (this.#removed.addFloor(tag, floor)) raise.run(floor, this.#interned.tag(tag));
      else this.#from.lost('tag');
    });
  }

  /** The table itself is made anew, of the messages. */
  #readDeletes(): void {
    this.#from.hints('amendment', ({ target, amends, channel: place, author: key, time }) => {
      const channel = typeof place === 'number' ? this.#channels.get(place) : undefined;
      const author = typeof key === 'number' ? this.#keys.get(key) : undefined;
      if (amends !== AMENDS.deletes || channel === undefined || author === undefined) return;
      if (isBytes(target, 32) && isBytes(time, 8))
        this.#removed.addDelete({ id: target, author, channel }, time);
    });
  }

  #takeMessage(row: Named): void {
    const { arrival } = row;
    if (typeof arrival === 'number') this.#lastArrival = Math.max(this.#lastArrival, arrival);
    if (!this.#take(row, this.#options.isWhole)) this.#lost++;
  }

  #takeOrphan(row: Named): void {
    const { arrival, bytes, signature } = row;
    // Rows of other tables are no evidence of anything.
    if (!(bytes instanceof Uint8Array && signature instanceof Uint8Array)) return;
    if (typeof arrival !== 'number') return;
    // What `own` has goes with its message, and no number is given twice.
    if (this.#from.isLive(arrival) || this.#own.has(arrival)) this.#take(row, false);
  }

  /** @param isCurrent the page cannot be an old one. @returns false for a row that does not prove itself */
  #take(row: Named, isCurrent: boolean): boolean {
    const evidence = { ...row, crc: row.signature_crc } as Named & Parameters<typeof proveMessage>[1];
    const isBare = HEADERS.some((content) => content === row.content);
    const verified = isBare ? undefined : proveMessage(this.#prover, evidence);
    const found = verified?.message ?? proveHeader(this.#prover, evidence);
    if (found === undefined || isEphemeral(found.kind)) return false;
    const before = isCount(row.arrival) ? row.arrival : 0;
    const own = this.#own.get(before) ?? this.#ownUnknown(found);
    if (!isCurrent && own === undefined && this.#removed.isGone(found, this.#tagOf(found.channel)))
      return true;
    const isDeleted = !isBare && !isCurrent && this.#removed.isDeleted(found);
    const isDamaged = !isBare && !isDeleted && verified === undefined;
    const content = isDeleted ? CONTENT.deleted : isDamaged ? CONTENT.wanted : CONTENT.held;
    this.#store(found, { before, own, isDamaged, content: isBare ? (row.content as number) : content });
    return true;
  }

  #store(message: Storable, { before, own, isDamaged, content }: Taking): void {
    const isFree = before > 0 && this.#isUsed.get(before) === undefined;
    const arrival = this.#writer.restore(message, this.#tagOf(message.channel), {
      ...{ content, own },
      ...(isFree && { arrival: before }),
    });
    if (arrival === undefined) return; // an older copy of what is here
    this.#messages++;
    if (content === CONTENT.held) this.#own.delete(before);
    if (content === CONTENT.wanted) this.#wanted++;
    if (isDamaged) this.#list.run(arrival, this.#options.wallMs);
    if (++this.#pending < BATCH) return;
    this.#writer.finish();
    this.#db.exec('COMMIT; BEGIN');
    this.#pending = 0;
  }

  /** Whether it was confirmed stands in the table `own`: where that is lost, it is sent again, which harms nobody. */
  #ownUnknown({ author }: Storable): OwnState | undefined {
    if (this.#from.isWhole('own') && this.#options.isWhole) return undefined;
    const isLocal = this.#options.identities.some((id) => toBase64url(id) === toBase64url(author));
    return isLocal ? { state: 0, storedBy: EMPTY, key: '', alone: 0 } : undefined;
  }

  #takeSettings(): void {
    this.#from.each('retention', ({ channel, age, messages, bytes, pinned }) => {
      const name = typeof channel === 'number' ? this.#channels.get(channel) : undefined;
      const numbers = [age, messages, bytes, pinned];
      if (name === undefined || !numbers.every((value) => value === null || isCount(value)))
        return this.#from.lost('retention');
      const [ageMs, count, size] = numbers.map((value) => (typeof value === 'number' ? value : undefined));
      const policy = policyOf({
        ageMs,
        messages: count,
        bytes: size,
        pinned: pinned === null ? undefined : pinned === 1,
      });
      this.#writer.apply({ kind: 'retention', channel: name, tag: this.#tagOf(name), policy });
    });
    const key = this.#db.prepare<[number, string, Bytes, Bytes, number, number]>(
      'INSERT OR IGNORE INTO idempotency (identity, key, id, fingerprint, created, gone) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#from.each('idempotency', ({ identity, key: text, id, fingerprint, created, gone }) => {
      const author = typeof identity === 'number' ? this.#keys.get(identity) : undefined;
      const isSound = isBytes(id, 32) && isBytes(fingerprint, 32) && isCount(created) && isCount(gone);
      if (author === undefined || typeof text !== 'string' || !isSound) return this.#from.lost('idempotency');
      key.run(this.#interned.key(author), text, id, fingerprint, created, gone);
    });
  }

  #takeCopied(): void {
    for (const [table, rules] of Object.entries(COPIED)) {
      const names = Object.keys(rules);
      const insert = this.#db.prepare(
        `INSERT OR IGNORE INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      );
      this.#from.each(table, (row) => {
        if (names.every((name) => rules[name]?.(row[name]))) insert.run(names.map((name) => row[name]));
        else this.#from.lost(table);
      });
    }
  }

  #takeMeta(): void {
    const set = this.#db.prepare<[string, number]>('INSERT OR REPLACE INTO meta VALUES (?, ?)');
    const { network } = this.#options;
    this.#from.each('meta', ({ key, value }) => {
      if (key === 'network' && typeof value === 'string' && value !== network)
        throw new MeshError(
          'bad_option',
          `MESH_NETWORK is "${network}", but the database holds messages of "${value}".`,
        );
      if ((key === 'clock' || key === 'record_sequence') && isCount(value)) set.run(key, value);
      if (key === 'clock' && isCount(value)) this.#removed.addExpiry(value);
    });
    this.#from.each('sqlite_sequence', ({ name, seq }) => {
      if (name === 'message' && isCount(seq)) this.#lastArrival = Math.max(this.#lastArrival, seq);
    });
  }

  #numberOn(): void {
    const cursors = this.#db
      .prepare<[], number | null>(
        'SELECT max(arrival) FROM (SELECT arrival FROM inbox_cursor UNION ALL SELECT after FROM wake)',
      )
      .pluck()
      .get();
    const last = Math.max(this.#lastArrival, cursors ?? 0);
    for (const table of ['message', 'inbox']) {
      this.#db
        .prepare(
          'INSERT INTO sqlite_sequence SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)',
        )
        .run(table, table);
      this.#db
        .prepare('UPDATE sqlite_sequence SET seq = max(seq, ?) + ? WHERE name = ?')
        .run(table === 'message' ? last : 0, ARRIVALS_AHEAD, table);
    }
  }

  /** Whether nothing that was published here can be missing. */
  get #isCertain(): boolean {
    const tables = ['message', 'own', 'author', 'public_key', 'channel'];
    return (
      this.#options.isWhole &&
      this.#lost === 0 &&
      this.#from.has('author') &&
      tables.every((table) => this.#from.isWhole(table))
    );
  }

  /** See invariant 3. */
  #endChains(): void {
    const set = this.#db.prepare<[number, number, number, Bytes, Bytes]>(
      `INSERT INTO author (author, channel, tag, messages, content, time, id, own) VALUES (?, ?, ?, 0, 0, ?, ?, 1)
       ON CONFLICT DO UPDATE SET time = excluded.time, id = excluded.id, own = 1`,
    );
    const ends = new Map<string, { author: Bytes; channel: string; time: Bytes; id: Bytes }>();
    this.#from.each('author', ({ author, channel, time, id, own }) => {
      const key = typeof author === 'number' ? this.#keys.get(author) : undefined;
      const name = typeof channel === 'number' ? this.#channels.get(channel) : undefined;
      if (own !== 1) return;
      if (
        key === undefined ||
        name === undefined ||
        !isBytes(time, 8) ||
        !(isBytes(id, 32) || isBytes(id, 0))
      )
        return this.#from.lost('author');
      ends.set(`${toBase64url(key)} ${name}`, { author: key, channel: name, time, id });
    });
    // Published messages follow others by as much as this.
    const anew = toTimeBytes({ timeMs: Math.floor(this.#options.wallMs) + LIMITS.clockFollowMs, counter: 0 });
    const names = this.#isCertain
      ? []
      : this.#db.prepare<[], string>('SELECT name FROM channel').pluck().all();
    for (const author of this.#options.identities)
      for (const channel of names)
        ends.set(`${toBase64url(author)} ${channel}`, { author, channel, time: anew, id: EMPTY });
    for (const { author, channel, time, id } of ends.values()) {
      const place = this.#interned.channel(channel, this.#tagOf(channel));
      set.run(this.#interned.key(author), place.channel, place.tag, time, id);
    }
    this.#db.exec('UPDATE channel SET authors = (SELECT count(*) FROM author WHERE channel = channel.id)');
  }
}

/** Fills `db`, which has the newest schema and nothing else, from the tables of a damaged database. */
export function buildFrom(db: Database, tables: SalvagedTables, options: BuildOptions): Built {
  return new Build(db, tables, options).run();
}
