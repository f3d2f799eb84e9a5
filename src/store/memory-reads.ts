/** How the memory store answers. Each answer is a plain walk over rows; see `memory.ts`. */
import { idFromText, toBase64url } from '../core/bytes.ts';
import { MINUTE } from '../core/limits.ts';
import { MESSAGE_KIND } from '../core/message/message.ts';
import { TIME_ZERO } from '../core/message/time.ts';
import type { Bucket, Position, Query, QueryAnswer, Sum, Window } from '../core/persistence.ts';
import { FIRST, HOUR_MINUTES, hourOf, isExpired, LAST, RunningSum } from './buckets.ts';
import { checkPage, checkQuery, DELIVERY_STATES } from './check.ts';
import { comparePosition, lowerIndex, type MemoryTables, type Row } from './memory-tables.ts';
import type { ChannelRow, Store, StoredMessage } from './store.ts';

type Ask<K extends Query['kind']> = Extract<Query, { kind: K }>;
type Answer<K extends Query['kind']> = Extract<QueryAnswer, { kind: K }>;

/** Every call of a store that changes nothing. @param assertOpen throws once the store is closed */
export function createMemoryReads(
  tables: MemoryTables,
  assertOpen: () => void,
): Omit<Store, 'transact' | 'close'> {
  const guarded = <T>(work: () => T): T => {
    assertOpen();
    return work();
  };
  return {
    read: (query) => {
      checkQuery(query);
      return guarded(() => read(tables, query));
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
    readMessage: (id) =>
      guarded(() => {
        const row = tables.byId.get(id);
        return row && toStored(row);
      }),
    channels: () => guarded(() => channels(tables)),
    lastArrival: () => guarded(() => tables.lastArrival),
    outboxSize: (most) =>
      guarded(() => outbox(tables, { kind: 'outbox', afterArrival: 0, limit: most }).length),
  };
}

function stateOf(row: Row) {
  return DELIVERY_STATES[row.own?.state ?? 0] ?? 'queued';
}

function toStored(row: Row): StoredMessage {
  const delivery = row.own && { state: stateOf(row), storedBy: [...row.own.storedBy] };
  return { arrival: row.arrival, message: row.message, from: row.from, delivery };
}

function read(tables: MemoryTables, query: Query): QueryAnswer {
  switch (query.kind) {
    case 'has':
      return { kind: 'has', present: query.ids.map((id) => tables.byId.has(toBase64url(id))) };
    case 'messages':
      return { kind: 'messages', messages: query.ids.map((id) => tables.byId.get(toBase64url(id))?.message) };
    case 'sums':
      return { kind: 'sums', sums: query.windows.map((window) => sumOf(tables, window)) };
    case 'buckets':
      return { kind: 'buckets', buckets: buckets(tables, query) };
    case 'positions':
      return { kind: 'positions', positions: positions(tables, query) };
    case 'outbox':
      return { kind: 'outbox', rows: outbox(tables, query) };
    case 'idempotency': {
      const identity = idFromText(query.identity);
      return { kind: 'idempotency', found: identity && tables.findKey(identity, query.key) };
    }
    case 'head':
      return head(tables, query);
    default:
      return query satisfies never;
  }
}

/** The minutes of a window that have messages, in no order. */
function minutesIn(tables: MemoryTables, window: Window): [number, Sum][] {
  const all = tables.minutes.get(window.tag) ?? new Map<number, Sum>();
  return [...all].filter(([minute]) => minute >= window.fromMinute && minute < window.untilMinute);
}

function sumOf(tables: MemoryTables, window: Window): Sum {
  const total = new RunningSum();
  for (const [, sum] of minutesIn(tables, window)) total.add(sum);
  return total;
}

function buckets(tables: MemoryTables, { window, minutesFromMinute }: Ask<'buckets'>): Bucket[] {
  const border = Math.min(hourOf(minutesFromMinute), hourOf(window.untilMinute));
  const sums = new Map<number, RunningSum>();
  for (const [minute, sum] of minutesIn(tables, window)) {
    const start = minute < border ? hourOf(minute) : minute;
    sums.set(start, (sums.get(start) ?? new RunningSum()).add(sum));
  }
  return [...sums]
    .map(([startMinute, { count, sum }]) => ({
      startMinute,
      minutes: startMinute < border ? HOUR_MINUTES : 1,
      count,
      sum,
    }))
    .sort((a, b) => a.startMinute - b.startMinute);
}

/** True for what clients are shown: posts that have not expired. */
function isShown({ message: { message } }: Row, wallMs: number): boolean {
  return message.kind === MESSAGE_KIND.post && !isExpired(message.expiresMs, wallMs);
}

/** Rows after `low` and before `high`, both exclusive. */
function range(rows: readonly Row[], low: Position, high: Position): readonly Row[] {
  const from = lowerIndex(rows, (row) => comparePosition(row.message.message, low) > 0);
  const until = lowerIndex(rows, (row) => comparePosition(row.message.message, high) >= 0);
  return rows.slice(from, until);
}

function positions(tables: MemoryTables, query: Ask<'positions'>): Position[] {
  const found: Position[] = [];
  for (const row of range(tables.byTag.get(query.tag) ?? [], query.after, LAST)) {
    const { time, id } = row.message.message;
    if (found.length === query.limit || time.timeMs >= query.untilMinute * MINUTE) break;
    found.push({ time, id });
  }
  return found;
}

function outbox(tables: MemoryTables, query: Ask<'outbox'>): Answer<'outbox'>['rows'] {
  const from = lowerIndex(tables.arrivals, (row) => row.arrival > query.afterArrival);
  return tables.arrivals
    .slice(from)
    .filter((row) => row.own !== undefined && stateOf(row) !== 'stored')
    .slice(0, query.limit)
    .map((row) => ({ arrival: row.arrival, state: stateOf(row), message: row.message }));
}

function head(tables: MemoryTables, query: Ask<'head'>): Answer<'head'> {
  let own: Position | undefined;
  let seen = TIME_ZERO;
  for (const row of tables.arrivals) {
    const { message } = row;
    const { channel, author, time, id } = message.message;
    if (channel !== query.channel) continue;
    if (time.timeMs <= query.horizonMs && comparePosition({ time, id }, { time: seen, id }) > 0) seen = time;
    if (toBase64url(author) !== query.identity) continue;
    // What was published here ends the chain whatever its time; what comes back from others only if it is later.
    if (row.own !== undefined || own === undefined || comparePosition({ time, id }, own) > 0)
      own = { time, id };
  }
  return { kind: 'head', own, seen };
}

function restore(tables: MemoryTables): ReturnType<Store['restore']> {
  const byKey = <T>([a]: [string, T], [b]: [string, T]): number => (a < b ? -1 : 1);
  return {
    joined: [...tables.joined.keys()].sort(),
    carried: [...tables.carried].sort(byKey).map(([tag, untilMs]) => ({ tag, untilMs })),
    mailboxes: [...tables.mailboxes].sort(byKey).map(([peer, mailbox]) => ({ peer, ...mailbox })),
    addresses: tables.addressesByAge(),
    recordSequence: tables.recordSequence,
  };
}

function readPage(tables: MemoryTables, page: Parameters<Store['readPage']>[0]): StoredMessage[] {
  const tag = tables.tagOf(page.channel);
  const rows = range(tables.byTag.get(tag ?? '') ?? [], page.after ?? FIRST, page.before ?? LAST).filter(
    (row) => row.message.message.channel === page.channel && isShown(row, page.wallMs),
  );
  const taken =
    page.after === undefined ? rows.slice(Math.max(0, rows.length - page.limit)) : rows.slice(0, page.limit);
  return taken.map(toStored);
}

function readArrivals(tables: MemoryTables, page: Parameters<Store['readArrivals']>[0]): StoredMessage[] {
  const channels = page.channels && new Set(page.channels);
  const from = lowerIndex(tables.arrivals, (row) => row.arrival > page.after);
  const found: StoredMessage[] = [];
  for (const row of tables.arrivals.slice(from)) {
    if (found.length === page.limit) break;
    const { channel } = row.message.message;
    const wanted = channels ? channels.has(channel) : tables.joined.has(channel) || row.own !== undefined;
    if (wanted && isShown(row, page.wallMs)) found.push(toStored(row));
  }
  return found;
}

function channels(tables: MemoryTables): ChannelRow[] {
  const found = new Map<string, ChannelRow>();
  for (const [channel, tag] of tables.joined)
    found.set(channel, { channel, tag, joined: true, messages: 0, lastArrival: 0 });
  for (const { arrival, tag, message } of tables.arrivals) {
    const { channel } = message.message;
    const row = found.get(channel) ?? { channel, tag, joined: false, messages: 0, lastArrival: 0 };
    const lastArrival = message.message.kind === MESSAGE_KIND.post ? arrival : row.lastArrival;
    found.set(channel, { ...row, messages: row.messages + 1, lastArrival });
  }
  return [...found.values()].sort((a, b) => (a.channel < b.channel ? -1 : 1));
}
