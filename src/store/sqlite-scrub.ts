/**
 * {@link ScrubStore} on the database of the store.
 *
 * Invariants:
 * 1. A page is one read and, if something was damaged or the cursor moves, one transaction after it.
 * 2. A row is made `wanted` only where the row, the index of ids and that of positions agree on its id, tag and time:
 *    these were counted in the sums, and stay counted. Everything else is told as damage of the structure, and left as it is.
 * 3. The content of an own message that nobody confirmed is not overwritten, damaged as it is: what is left of it may be
 *    all that is left anywhere.
 * 4. What such a row costs is taken from what is left of it: if lengths are damaged, bytes (not sums) are off by as much.
 */
import Database from 'better-sqlite3';
import { type Bytes, equal } from '../core/bytes.ts';
import type { MessageContext } from '../core/message/message.ts';
import type { Ed25519Verify } from '../core/message/verified.ts';
import { minuteOf } from './buckets.ts';
import { CONTENT, CONTENT_OCTETS, HEADER_OCTETS } from './schema-4.ts';
import type { DamagedChannel, ScrubBudget, ScrubPage, ScrubState, ScrubStore } from './scrub-store.ts';
import type { Ledger } from './sqlite-ledger.ts';
import {
  agrees,
  type Columns,
  type Evidence,
  isBlob,
  type Prover,
  proveMessage,
  repeatedOf,
} from './sqlite-proof.ts';
import { columnTime } from './sqlite-rows.ts';

/** Damaged messages that are counted (guess: beyond it "many" is all that one needs to know). */
const DAMAGED_MAX = 10_000;
/** Rows fetched together, so that none is read in vain when the bytes of a page are used up (guess). */
const FETCH = 32;

/** Own messages that at least one other peer has said to have stored. */
const CONFIRMED = 2;

interface Row extends Evidence, Columns {
  readonly arrival: number;
  readonly id: unknown;
  readonly content: unknown;
  readonly tagNumber: number;
  readonly channelNumber: number;
  readonly authorNumber: number;
  readonly headerOctets: number;
  readonly contentOctets: number;
  readonly state: number | null;
}

interface Sound extends Row {
  readonly id: Bytes;
  readonly time: Bytes;
}

function statements(db: Database.Database) {
  return {
    rows: db.prepare<[number, number], Row>(
      `SELECT m.arrival, m.id, m.content, m.kind, m.time, m.expires, m.bytes, m.signature, m.signature_crc AS crc,
         m.body, m.payload, m.tag AS tagNumber, m.channel AS channelNumber, m.author AS authorNumber,
         c.name AS channel, k.bytes AS author, t.bytes AS tag, o.state,
         ${HEADER_OCTETS} AS headerOctets, ${CONTENT_OCTETS} AS contentOctets
       FROM message m LEFT JOIN channel c ON c.id = m.channel LEFT JOIN public_key k ON k.id = m.author
         LEFT JOIN tag t ON t.id = m.tag LEFT JOIN own o ON o.arrival = m.arrival
       WHERE m.arrival > ? ORDER BY m.arrival LIMIT ?`,
    ),
    byId: db.prepare<[Bytes], number>('SELECT arrival FROM message WHERE id = ?').pluck(),
    byPlace: db
      .prepare<[number, Bytes, Bytes], number>(
        'SELECT arrival FROM message INDEXED BY message_order WHERE tag = ? AND time = ? AND id = ?',
      )
      .pluck(),
    isListed: db.prepare<[number], number>('SELECT 1 FROM damaged WHERE arrival = ?').pluck(),
    list: db.prepare<[number, number]>('INSERT INTO damaged (arrival, found) VALUES (?, ?)'),
    want: db.prepare<[number]>(`UPDATE message SET content = ${CONTENT.wanted} WHERE arrival = ?`),
    empty: db.prepare<[number]>("UPDATE message SET body = '', payload = zeroblob(0) WHERE arrival = ?"),
    get: db.prepare<[string], number>('SELECT value FROM meta WHERE key = ?').pluck(),
    set: db.prepare<[string, number]>(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    ),
    damaged: db.prepare<[number], { channel: string; state: number | null }>(
      `SELECT c.name AS channel, o.state FROM damaged d CROSS JOIN message m ON m.arrival = d.arrival
         JOIN channel c ON c.id = m.channel LEFT JOIN own o ON o.arrival = d.arrival
       WHERE d.arrival > 0 ORDER BY d.arrival LIMIT ?`,
    ),
  };
}

/** Where the pass stands, in the table `meta`. */
const KEYS = {
  after: 'scrub_after',
  messages: 'scrub_messages',
  started: 'scrub_started',
  ended: 'scrub_ended',
};

class Scrub implements ScrubStore {
  readonly #context: MessageContext;
  readonly #ledger: Ledger;
  readonly #transact: (work: () => void) => void;
  readonly #guarded: <T>(work: () => T) => T;
  readonly #onStructure: (text: string) => void;
  readonly #statements;

  constructor(db: Database.Database, parts: ScrubParts) {
    this.#context = parts.context;
    this.#ledger = parts.ledger;
    this.#transact = parts.transact;
    this.#guarded = parts.guarded;
    this.#onStructure = parts.onStructure;
    this.#statements = statements(db);
  }

  state(): ScrubState {
    return this.#guarded(() => {
      const of = (key: string): number => this.#statements.get.get(key) ?? 0;
      return {
        after: of(KEYS.after),
        messages: of(KEYS.messages),
        startedMs: of(KEYS.started),
        endedMs: of(KEYS.ended),
      };
    });
  }

  restart(): void {
    this.#guarded(() =>
      this.#transact(() => {
        this.#statements.set.run(KEYS.after, 0);
        this.#statements.set.run(KEYS.messages, 0);
      }),
    );
  }

  damaged(): readonly DamagedChannel[] {
    return this.#guarded(() => byChannel(this.#statements.damaged.all(DAMAGED_MAX)));
  }

  page(verify: Ed25519Verify, budget: ScrubBudget): ScrubPage {
    return this.#guarded(() => {
      try {
        return this.#page({ context: this.#context, verify }, budget);
      } catch (error) {
        // What SQLite cannot read is for a recovery. The pass ends here: it would not come past this page.
        if (!isCorrupt(error)) throw error;
        this.#onStructure(error.message);
        return { messages: 0, bytes: 0, damaged: [], structure: `${error.message}.`, isLast: true };
      }
    });
  }

  #page(prover: Prover, budget: ScrubBudget): ScrubPage {
    const { get } = this.#statements;
    const before = get.get(KEYS.after) ?? 0;
    const found: Sound[] = [];
    let [after, messages, bytes, structure] = [before, 0, 0, ''];
    let isLast = false;
    while (!isLast && messages < budget.messages && bytes < budget.bytes) {
      const wanted = Math.min(FETCH, budget.messages - messages);
      const rows = this.#statements.rows.all(after, wanted);
      for (const row of rows) {
        if (messages > 0 && bytes >= budget.bytes) break;
        after = row.arrival;
        messages++;
        bytes += row.headerOctets + row.contentOctets;
        const verdict = this.#judge(prover, row);
        if (typeof verdict === 'string') structure ||= verdict;
        else if (verdict !== undefined) found.push(verdict);
      }
      isLast = rows.length < wanted && after === (rows.at(-1)?.arrival ?? after);
    }
    if (structure !== '') this.#onStructure(structure);
    const damaged = this.#write(found, { before, after, messages, isLast }, budget.wallMs);
    return { messages, bytes, damaged, structure, isLast };
  }

  /** @returns undefined for a row that is in order, the row if it is damaged, or what is wrong with more than the row */
  #judge(prover: Prover, row: Row): Sound | string | undefined {
    const name = `message number ${row.arrival}`;
    if (!isSound(row)) return `${name} has no id or time`;
    const { byId, byPlace, isListed } = this.#statements;
    if (byId.get(row.id) !== row.arrival || byPlace.get(row.tagNumber, row.time, row.id) !== row.arrival)
      return `the indexes do not know ${name}`;
    const isHeld = row.content === CONTENT.held;
    const verified = isHeld ? proveMessage(prover, row) : undefined;
    const said = isHeld ? verified?.message : repeatedOf(prover, row, row.id);
    if (said === undefined) return isListed.get(row.arrival) === undefined ? row : undefined;
    const isNamed = verified === undefined || equal(verified.message.id, row.id);
    return isNamed && agrees(prover, row, said)
      ? undefined
      : `the columns of ${name} do not agree with what is signed`;
  }

  #write(
    found: readonly Sound[],
    { before, after, messages, isLast }: { before: number; after: number; messages: number; isLast: boolean },
    wallMs: number,
  ): readonly DamagedChannel[] {
    const { get, set } = this.#statements;
    this.#transact(() => {
      for (const row of found) this.#want(row, wallMs);
      if (before === 0) set.run(KEYS.started, wallMs);
      set.run(KEYS.after, isLast ? 0 : after);
      set.run(KEYS.messages, (before === 0 ? 0 : (get.get(KEYS.messages) ?? 0)) + messages);
      if (isLast) set.run(KEYS.ended, wallMs);
    });
    return byChannel(found);
  }

  /** The row is known as before, and what it costs is what is left of it. */
  #want(row: Sound, wallMs: number): void {
    const isOwn = row.state !== null;
    const keepsContent = isOwn && (row.state ?? 0) < CONFIRMED;
    const entry = {
      ...{
        tag: row.tagNumber,
        channel: row.channelNumber,
        author: row.authorNumber,
        id: row.id,
        time: row.time,
      },
      ...{ minute: minuteOf(columnTime(row.time)), header: row.headerOctets, isOwn },
    };
    const isHeld = row.content === CONTENT.held;
    this.#ledger.remove({ ...entry, content: row.contentOctets, isHeld });
    const content = keepsContent ? row.contentOctets : 0;
    this.#ledger.add({ ...entry, content, isHeld: false, isAgain: true });
    this.#ledger.flush();
    this.#statements.want.run(row.arrival);
    if (!keepsContent) this.#statements.empty.run(row.arrival);
    this.#statements.list.run(row.arrival, wallMs);
  }
}

function byChannel(rows: readonly { channel: unknown; state: number | null }[]): readonly DamagedChannel[] {
  const channels = new Map<string, DamagedChannel>();
  for (const { channel: name, state } of rows) {
    const channel = typeof name === 'string' ? name : '';
    const known = channels.get(channel) ?? { channel, messages: 0, unconfirmed: 0 };
    const unconfirmed = known.unconfirmed + Number(state !== null && state < CONFIRMED);
    channels.set(channel, { channel, messages: known.messages + 1, unconfirmed });
  }
  return [...channels.values()].sort((a, b) => (a.channel < b.channel ? -1 : 1));
}

function isSound(row: Row): row is Sound {
  return isBlob(row.id) && row.id.length === 32 && isBlob(row.time) && row.time.length === 8;
}

function isCorrupt(error: unknown): error is Error {
  return error instanceof Database.SqliteError && /^SQLITE_(?:NOTADB|CORRUPT)/.test(error.code);
}

export interface ScrubParts {
  readonly context: MessageContext;
  readonly ledger: Ledger;
  /** runs it in one transaction, or not at all */
  readonly transact: (work: () => void) => void;
  /** makes a MeshError of what SQLite throws */
  readonly guarded: <T>(work: () => T) => T;
  /** what is wrong with more than a row */
  readonly onStructure: (text: string) => void;
}

export function createScrubStore(db: Database.Database, parts: ScrubParts): ScrubStore {
  return new Scrub(db, parts);
}
