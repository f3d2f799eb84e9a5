/** How the memory store answers. Each answer is a plain walk over rows; see `memory.ts`. */
import { compare, EMPTY, idFromText, toBase64url } from '../core/bytes.ts';
import { AMENDS, countsFor } from '../core/message/amend.ts';
import { readSignedHeader, type Tombstone } from '../core/message/header.ts';
import { buildMessage, isExpired, MESSAGE_KIND, type MessageContext } from '../core/message/message.ts';
import { compareTime, TIME_ZERO } from '../core/message/time.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import {
  comparePosition,
  type Holding,
  MINUTE_END,
  type Position,
  type Query,
  type QueryAnswer,
  type Sum,
  type TagUse,
  type Window,
  type WindowSum,
} from '../core/persistence.ts';
import { FIRST, INFINITY } from '../core/sync/negentropy/bounds.ts';
import { HOUR_MINUTES, minuteOf, RunningSum } from './buckets.ts';
import { checkPage, checkQuery, DELIVERY_STATES } from './check.ts';
import { readChanges } from './memory-changes.ts';
import { ids, splitSource } from './memory-ranges.ts';
import { isUnconfirmed, lowerIndex, type MemoryTables, type Row } from './memory-tables.ts';
import { split } from './split.ts';
import {
  type ChannelRow,
  EDITS_MAX,
  type IdRange,
  type KnownMessage,
  type Store,
  type StoredMessage,
} from './store.ts';

type Ask<K extends Query['kind']> = Extract<Query, { kind: K }>;
type Answer<K extends Query['kind']> = Extract<QueryAnswer, { kind: K }>;

/** A row whose content is held. */
type HeldRow = Row & { readonly message: VerifiedMessage };

function isHeld(row: Row | undefined): row is HeldRow {
  return row?.message !== undefined;
}

export interface ReadParts {
  /** throws once the store is closed */
  readonly assertOpen: () => void;
  readonly freeBytes: () => number;
  readonly context: MessageContext;
}

/** Every call of a store that changes nothing. */
export function createMemoryReads(tables: MemoryTables, parts: ReadParts): Omit<Store, 'transact' | 'close'> {
  const guarded = <T>(work: () => T): T => {
    parts.assertOpen();
    return work();
  };
  return {
    read: (query) => {
      checkQuery(query);
      return guarded(() => read(tables, query, parts));
    },
    restore: () => guarded(() => restore(tables)),
    readPage: (page) => {
      checkPage(page.limit, page.wallMs);
      return guarded(() => readPage(tables, page));
    },
    readArrivals: (page) => {
      checkPage(page.limit, page.wallMs, page.after);
      return guarded(() => readArrivals(tables, page));
    },
    readChanges: (page) => {
      checkPage(page.limit, page.wallMs, page.after);
      const stored = (row: Row) => (isHeld(row) ? toStored(tables, row) : undefined);
      return guarded(() => readChanges(tables, page, { isAsked: askedBy(tables, page), stored }));
    },
    readMessage: (id) =>
      guarded(() => {
        const row = tables.byId.get(id);
        return isHeld(row) ? toStored(tables, row) : undefined;
      }),
    known: (range, limit) => guarded(() => known(tables, range, limit)),
    equivocation: (channel, author) => guarded(() => tables.chains.proof(`${author} ${channel}`)),
    channels: () => guarded(() => channels(tables)),
    lastArrival: () => guarded(() => tables.lastArrival),
    outboxSize: (most) => guarded(() => Math.min(most, tables.arrivals.filter(isUnconfirmed).length)),
  };
}

function holdingOf(row: Row): KnownMessage['holding'] {
  if (isHeld(row)) return 'held';
  if (row.isDeleted) return 'deleted';
  return row.isWanted ? 'wanted' : 'dropped';
}

function known(tables: MemoryTables, { from, until }: IdRange, limit: number): KnownMessage[] {
  return [...tables.byId.values()]
    .filter(({ header: { id } }) => compare(id, from) >= 0 && compare(id, until) <= 0)
    .sort((a, b) => compare(a.header.id, b.header.id))
    .slice(0, limit)
    .map((row) => {
      const { idText: id, kind, channel, author, time, expiresMs } = row.header;
      const delivery = row.own && { state: stateOf(row), storedBy: [...row.own.storedBy] };
      const { arrival } = row;
      return {
        ...{ id, arrival, kind, channel, time, expiresMs, delivery },
        holding: holdingOf(row),
        author: toBase64url(author),
      };
    });
}

function stateOf(row: Row) {
  return DELIVERY_STATES[row.own?.state ?? 0] ?? 'queued';
}

function toStored(tables: MemoryTables, row: HeldRow): StoredMessage {
  const delivery = row.own && { state: stateOf(row), storedBy: [...row.own.storedBy] };
  const { author, channel } = row.header;
  const equivocates = tables.chains.proof(`${toBase64url(author)} ${channel}`) !== undefined;
  const edit = row.header.amends === AMENDS.nothing ? editOf(tables, row) : undefined;
  return { arrival: row.arrival, message: row.message, delivery, equivocates, ...(edit && { edit }) };
}

function editOf(tables: MemoryTables, { header }: HeldRow): VerifiedMessage | undefined {
  const newest = (tables.amending.get(header.idText) ?? [])
    .filter((by) => by.header.amends === AMENDS.edits && countsFor(by.header, header))
    .sort((a, b) => comparePosition(b.header, a.header))
    .slice(0, EDITS_MAX);
  return newest.find(isHeld)?.message;
}

function read(tables: MemoryTables, query: Query, parts: ReadParts): QueryAnswer {
  const { freeBytes, context } = parts;
  switch (query.kind) {
    case 'has':
      return { kind: 'has', holdings: query.ids.map((id) => holding(tables, toBase64url(id))) };
    case 'wanted':
      return { kind: 'wanted', rows: wanted(tables, query) };
    case 'usage':
      return {
        kind: 'usage',
        tags: [...tables.byTag.keys()].map((tag) => useOf(tables, tag)),
        freeBytes: freeBytes(),
      };
    case 'hours':
      return { kind: 'hours', hours: hours(tables, query) };
    case 'messages':
      return { kind: 'messages', messages: query.ids.map((id) => tables.byId.get(toBase64url(id))?.message) };
    case 'tombstones': {
      const tombstones = query.ids.map((id) => tombstoneOf(tables, context, toBase64url(id)));
      return { kind: 'tombstones', tombstones };
    }
    case 'sums':
      return sums(tables, query);
    case 'split':
      return split(splitSource(tables, query.tag), query.ranges);
    case 'ids':
      return ids(tables, query);
    case 'page':
      return { kind: 'page', messages: readPage(tables, query).map(({ message }) => message) };
    case 'outbox':
      return { kind: 'outbox', rows: outbox(tables, query) };
    case 'idempotency':
      return { kind: 'idempotency', found: foundKey(tables, query) };
    case 'head':
      return head(tables, query);
    default:
      return query satisfies never;
  }
}

function holding(tables: MemoryTables, id: string): Holding {
  const row = tables.byId.get(id);
  if (row !== undefined) return holdingOf(row);
  const isNamed = tables.amending.get(id)?.some(({ header }) => header.amends === AMENDS.deletes);
  return isNamed ? 'named' : 'unknown';
}

function tombstoneOf(tables: MemoryTables, context: MessageContext, id: string): Tombstone | undefined {
  const row = tables.byId.get(id);
  const by = row?.isDeleted ? tables.deleteOf(row.header) : undefined;
  if (!row || !by) return undefined;
  const { bytes, signature } = row.header.signed;
  return {
    header: readSignedHeader(context, bytes, signature),
    deletion: buildMessage(context, { ...by.header.signed, body: '', payload: EMPTY }),
  };
}

function wanted(tables: MemoryTables, query: Ask<'wanted'>): Answer<'wanted'>['rows'] {
  return tables.arrivals
    .filter((row) => row.isWanted && row.arrival > query.afterArrival)
    .slice(0, query.limit)
    .map(({ arrival, tag, header: { id, author } }) => ({ arrival, id, tag, author }));
}

function foundKey(tables: MemoryTables, query: Ask<'idempotency'>): Answer<'idempotency'>['found'] {
  const identity = idFromText(query.identity);
  const row = identity && tables.findKey(identity, query.key);
  return row && { id: row.id, fingerprint: row.fingerprint };
}

/** What a row costs: fact 4 of `core/persistence.ts`. */
function costOf({ header, content }: Row): number {
  return header.bytes + content;
}

/** What messages of others cost. */
function costOfOthers(rows: readonly Row[]): { messages: number; bytes: number } {
  const others = rows.filter((row) => row.own === undefined);
  return { messages: others.length, bytes: others.reduce((sum, row) => sum + costOf(row), 0) };
}

function useOf(tables: MemoryTables, tag: string): TagUse {
  const rows = tables.byTag.get(tag) ?? [];
  const ownBytes = rows.reduce((sum, row) => sum + (row.own === undefined ? 0 : costOf(row)), 0);
  return { tag, ...costOfOthers(rows), ownBytes, floorHour: tables.floors.get(tag) ?? 0 };
}

function hours(tables: MemoryTables, query: Ask<'hours'>): Answer<'hours'>['hours'] {
  const found = new Map<number, Row[]>();
  for (const row of tables.byTag.get(query.tag) ?? []) {
    const hour = Math.floor(minuteOf(row.header.time) / HOUR_MINUTES);
    const rows = found.get(hour) ?? [];
    rows.push(row);
    found.set(hour, rows);
  }
  return [...found]
    .map(([hour, rows]) => ({ hour, ...costOfOthers(rows) }))
    .filter(({ hour, messages }) => hour >= query.fromHour && messages > 0)
    .sort((a, b) => a.hour - b.hour)
    .slice(0, query.limit);
}

function sums({ minutes, changes }: MemoryTables, { windows, since }: Ask<'sums'>): Answer<'sums'> {
  const found = windows.map((window) => sumOf(minutes.get(window.tag) ?? new Map(), window));
  const changed = changes.since(since);
  return { kind: 'sums', sums: found, version: changes.version, changed };
}

function sumOf(minutes: ReadonlyMap<number, Sum>, { fromMinute, untilMinute }: Window): WindowSum {
  const total = new RunningSum();
  let sameUntil = MINUTE_END;
  for (const [minute, sum] of minutes)
    if (minute >= untilMinute) sameUntil = Math.min(sameUntil, minute);
    else if (minute >= fromMinute) total.add(sum);
  return { count: total.count, sum: total.sum, sameUntil };
}

/** True for a post of its own: not an edit, not a delete. */
function isPost({ header: { kind, amends } }: Row): boolean {
  return kind === MESSAGE_KIND.post && amends === AMENDS.nothing;
}

/** True for what clients are shown: posts that are held and have not expired. */
function isShown(row: Row, wallMs: number): row is HeldRow {
  return isHeld(row) && isPost(row) && !isExpired(row.header.expiresMs, wallMs);
}

/** Rows after `low` and before `high`, both exclusive. */
function range(rows: readonly Row[], low: Position, high: Position): readonly Row[] {
  const from = lowerIndex(rows, (row) => comparePosition(row.header, low) > 0);
  const until = lowerIndex(rows, (row) => comparePosition(row.header, high) >= 0);
  return rows.slice(from, until);
}

function outbox(tables: MemoryTables, query: Ask<'outbox'>): Answer<'outbox'>['rows'] {
  const from = lowerIndex(tables.arrivals, (row) => row.arrival > query.afterArrival);
  return tables.arrivals
    .slice(from)
    .filter(isHeld)
    .filter(({ own }) => own && (query.alone ? own.alone : DELIVERY_STATES[own.state] !== 'stored'))
    .slice(0, query.limit)
    .map((row) => ({
      ...{ arrival: row.arrival, state: stateOf(row), message: row.message },
      storedBy: [...(row.own?.storedBy ?? [])],
    }));
}

function head(tables: MemoryTables, query: Ask<'head'>): Answer<'head'> {
  let seen = TIME_ZERO;
  for (const { header } of tables.arrivals) {
    const { channel, time } = header;
    if (channel === query.channel && time.timeMs <= query.horizonMs && compareTime(time, seen) > 0)
      seen = time;
  }
  return { kind: 'head', own: tables.chainEnd(query.channel, query.identity), seen };
}

function restore(tables: MemoryTables): ReturnType<Store['restore']> {
  const byKey = <T>([a]: [string, T], [b]: [string, T]): number => (a < b ? -1 : 1);
  return {
    joined: [...tables.joined].sort(byKey).map(([channel, { policy }]) => ({ channel, policy })),
    carried: [...tables.carried].sort(byKey).map(([tag, carried]) => ({ tag, ...carried })),
    floors: [...tables.floors].sort(byKey).map(([tag, floorHour]) => ({ tag, floorHour })),
    leafFloors: [...tables.leafFloors].sort(byKey).map(([tag, hour]) => ({ tag, hour })),
    mailboxes: [...tables.mailboxes].sort(byKey).map(([peer, mailbox]) => ({ peer, ...mailbox })),
    addresses: tables.addressesByAge(),
    recordSequence: tables.recordSequence,
    clockMs: tables.clockMs || (tables.arrivals.at(-1)?.header.time.timeMs ?? 0),
  };
}

function readPage(tables: MemoryTables, page: Parameters<Store['readPage']>[0]): StoredMessage[] {
  const rows = tables.byTag.get(tables.tagOf(page.channel) ?? '') ?? [];
  const found = range(rows, page.after ?? FIRST, page.before ?? INFINITY).filter(
    (row): row is HeldRow => row.header.channel === page.channel && isShown(row, page.wallMs),
  );
  const taken =
    page.after === undefined
      ? found.slice(Math.max(0, found.length - page.limit))
      : found.slice(0, page.limit);
  return taken.map((row) => toStored(tables, row));
}

function readArrivals(tables: MemoryTables, page: Parameters<Store['readArrivals']>[0]): StoredMessage[] {
  const isAsked = askedBy(tables, page);
  const from = lowerIndex(tables.arrivals, (row) => row.arrival > page.after);
  const found: StoredMessage[] = [];
  for (const row of tables.arrivals.slice(from)) {
    if (found.length === page.limit) break;
    if (isAsked(row) && isShown(row, page.wallMs)) found.push(toStored(tables, row));
  }
  return found;
}

/** Whether a row is of a channel that is asked for. */
function askedBy(
  tables: MemoryTables,
  page: { readonly channels?: readonly string[] },
): (row: Row) => boolean {
  const channels = page.channels && new Set(page.channels);
  return ({ header: { channel }, own }) =>
    channels ? channels.has(channel) : tables.joined.has(channel) || own !== undefined;
}

function channels(tables: MemoryTables): ChannelRow[] {
  const found = new Map<string, ChannelRow>();
  const rowOf = (channel: string, tag: string): ChannelRow => {
    const { bytes, ownBytes } = useOf(tables, tag);
    const joined = tables.joined.get(channel);
    const { policy } = joined ?? { policy: {} };
    const isJoined = joined !== undefined;
    return { channel, tag, joined: isJoined, policy, messages: 0, bytes: bytes + ownBytes, lastArrival: 0 };
  };
  for (const [channel, { tag }] of tables.joined) found.set(channel, rowOf(channel, tag));
  for (const held of tables.arrivals.filter(isHeld)) {
    const { arrival, tag, header } = held;
    const row = found.get(header.channel) ?? rowOf(header.channel, tag);
    const lastArrival = isPost(held) ? arrival : row.lastArrival;
    found.set(header.channel, { ...row, messages: row.messages + 1, lastArrival });
  }
  return [...found.values()].sort((a, b) => (a.channel < b.channel ? -1 : 1));
}
