/** What the memory store keeps: rows by id, in the two orders they are read in, and sums per minute. */
import { type Bytes, compare, toBase64url } from '../core/bytes.ts';
import { compareTime } from '../core/message/time.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import type { Position } from '../core/persistence.ts';
import { minuteOf, RunningSum } from './buckets.ts';

export interface Row {
  readonly arrival: number;
  readonly message: VerifiedMessage;
  readonly tag: string;
  /** id text of a peer, '' for own messages */
  readonly from: string;
  /** for own messages: index of the delivery state, and the peers that say `stored` */
  readonly own: { state: number; readonly storedBy: string[] } | undefined;
}

export interface KeyRow {
  readonly id: string;
  readonly fingerprint: Bytes;
}

interface AddressRow {
  readonly url: string;
  readonly peer: string;
  readonly provenMs: number;
}

/** Order of display and catch-up: time, then id. */
export function comparePosition(a: Position, b: Position): number {
  return compareTime(a.time, b.time) || compare(a.id, b.id);
}

/** The first index of a sorted array at which `isAfter` holds; its length if there is none. */
export function lowerIndex<T>(sorted: readonly T[], isAfter: (item: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAfter(sorted[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export class MemoryTables {
  lastArrival = 0;
  recordSequence = 0;
  readonly byId = new Map<string, Row>();
  /** ascending by arrival */
  readonly arrivals: Row[] = [];
  /** tag: rows ascending by (time, id) */
  readonly byTag = new Map<string, Row[]>();
  /** tag, minute: sum of the messages in that minute */
  readonly minutes = new Map<string, Map<number, RunningSum>>();
  /** channel: tag */
  readonly joined = new Map<string, string>();
  readonly carried = new Map<string, number>();
  readonly mailboxes = new Map<string, { readonly tags: readonly string[]; readonly untilMs: number }>();
  readonly addresses = new Map<string, AddressRow>();
  readonly #keys = new Map<string, KeyRow>();
  /** channel: tag, of every channel that had a message */
  readonly #tags = new Map<string, string>();

  add(row: Row): void {
    const message = row.message.message;
    this.byId.set(message.idText, row);
    this.arrivals.push(row);
    this.#tags.set(message.channel, row.tag);
    const rows = this.byTag.get(row.tag) ?? [];
    this.byTag.set(row.tag, rows);
    rows.splice(this.#placeOf(rows, message), 0, row);
    const minutes = this.minutes.get(row.tag) ?? new Map<number, RunningSum>();
    this.minutes.set(row.tag, minutes);
    const minute = minuteOf(message.time);
    const sum = minutes.get(minute) ?? new RunningSum();
    minutes.set(minute, sum.addId(message.id));
  }

  remove(row: Row): void {
    const message = row.message.message;
    this.byId.delete(message.idText);
    this.arrivals.splice(
      lowerIndex(this.arrivals, (other) => other.arrival >= row.arrival),
      1,
    );
    const rows = this.byTag.get(row.tag) ?? [];
    rows.splice(this.#placeOf(rows, message), 1);
    const minutes = this.minutes.get(row.tag);
    const minute = minuteOf(message.time);
    if (minutes?.get(minute)?.removeId(message.id).count === 0) minutes.delete(minute);
  }

  #placeOf(rows: readonly Row[], position: Position): number {
    return lowerIndex(rows, (row) => comparePosition(row.message.message, position) >= 0);
  }

  /** The tag of a channel that has messages or was joined. */
  tagOf(channel: string): string | undefined {
    return this.joined.get(channel) ?? this.#tags.get(channel);
  }

  findKey(identity: Bytes, key: string): KeyRow | undefined {
    return key === '' ? undefined : this.#keys.get(`${toBase64url(identity)} ${key}`);
  }

  addKey(identity: Bytes, key: string, row: KeyRow): void {
    this.#keys.set(`${toBase64url(identity)} ${key}`, row);
  }

  /** Newest first; equal ones by URL. */
  addressesByAge(): AddressRow[] {
    return [...this.addresses.values()].sort((a, b) => b.provenMs - a.provenMs || (a.url < b.url ? -1 : 1));
  }
}
