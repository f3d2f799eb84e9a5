/** What the memory store keeps: rows by id, in the two orders they are read in, and sums per minute. */
import { type Bytes, compare, toBase64url } from '../core/bytes.ts';
import type { Message } from '../core/message/message.ts';
import { compareTime } from '../core/message/time.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import { type Position, type RetentionPolicy, ROW_BYTES } from '../core/persistence.ts';
import { minuteOf, RunningSum } from './buckets.ts';

/** What stays of a message without its content, and the bytes that it costs. */
export interface Header
  extends Pick<Message, 'id' | 'idText' | 'author' | 'channel' | 'time' | 'kind' | 'expiresMs'> {
  readonly bytes: number;
}

export interface Row {
  readonly arrival: number;
  readonly header: Header;
  readonly tag: string;
  /** undefined where only the header is held */
  message: VerifiedMessage | undefined;
  /** octets of the content, 0 where it is not held */
  content: number;
  /** its content is still to come */
  readonly isWanted: boolean;
  /** for own messages: index of the delivery state, the peers that say `stored`, and the idempotency key */
  readonly own: { state: number; readonly storedBy: string[]; readonly key: string } | undefined;
}

export interface KeyRow {
  readonly id: string;
  readonly fingerprint: Bytes;
  /** ms */
  readonly created: number;
  /** the message was removed */
  gone: boolean;
}

interface AddressRow {
  readonly url: string;
  readonly peer: string;
  readonly provenMs: number;
}

/** An author in a channel. */
interface AuthorRow {
  readonly author: string;
  /** messages that are known */
  messages: number;
  /** where the chain ends: see the answer `head` */
  end: Position;
}

/** The header of a message, in memory of its own. */
export function headerOf(message: Message): Header {
  const { idText, channel, time, kind, expiresMs } = message;
  const bytes = message.bytes.length + message.signature.length + ROW_BYTES;
  return {
    id: message.id.slice(),
    author: message.author.slice(),
    idText,
    channel,
    time,
    kind,
    expiresMs,
    bytes,
  };
}

/** Octets of a message's content. */
export function contentOf({ body, payload }: Message): number {
  return new TextEncoder().encode(body).length + payload.length;
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
  clockMs = 0;
  readonly byId = new Map<string, Row>();
  /** ascending by arrival */
  readonly arrivals: Row[] = [];
  /** tag: rows ascending by (time, id) */
  readonly byTag = new Map<string, Row[]>();
  /** tag, minute: sum of the messages in that minute */
  readonly minutes = new Map<string, Map<number, RunningSum>>();
  /** channel: its tag and policy */
  readonly joined = new Map<string, { readonly tag: string; readonly policy: RetentionPolicy }>();
  readonly carried = new Map<string, { readonly untilMs: number; readonly sinceHour: number }>();
  /** tag: hours since 1970 */
  readonly floors = new Map<string, number>();
  readonly mailboxes = new Map<string, { readonly tags: readonly string[]; readonly untilMs: number }>();
  readonly addresses = new Map<string, AddressRow>();
  /** channel: tag, of every channel that has messages */
  readonly #tags = new Map<string, string>();
  readonly #keys = new Map<string, KeyRow>();
  /** channel, author */
  readonly #authors = new Map<string, AuthorRow>();
  /** authors of whom something was published here, as text */
  readonly #local = new Set<string>();

  add(row: Row): void {
    const { header } = row;
    this.byId.set(header.idText, row);
    this.arrivals.push(row);
    this.#tags.set(header.channel, row.tag);
    const rows = this.byTag.get(row.tag) ?? [];
    this.byTag.set(row.tag, rows);
    rows.splice(this.#placeOf(rows, header), 0, row);
    const minutes = this.minutes.get(row.tag) ?? new Map<number, RunningSum>();
    this.minutes.set(row.tag, minutes);
    const minute = minuteOf(header.time);
    const sum = minutes.get(minute) ?? new RunningSum();
    minutes.set(minute, sum.addId(header.id));
    this.#addToChain(row);
  }

  /** What was published here ends the chain whatever its time; what comes from others only if it is later. */
  #addToChain({ header, own }: Row): void {
    const author = toBase64url(header.author);
    const end = { time: header.time, id: header.id };
    const place = `${author} ${header.channel}`;
    const known = this.#authors.get(place) ?? { author, messages: 0, end };
    known.messages++;
    if (own !== undefined || comparePosition(end, known.end) > 0) known.end = end;
    this.#authors.set(place, known);
    if (own !== undefined) this.#local.add(author);
  }

  remove(row: Row): void {
    const { header, own } = row;
    this.byId.delete(header.idText);
    this.arrivals.splice(
      lowerIndex(this.arrivals, (other) => other.arrival >= row.arrival),
      1,
    );
    const rows = this.byTag.get(row.tag) ?? [];
    rows.splice(this.#placeOf(rows, header), 1);
    if (rows.length === 0) this.byTag.delete(row.tag);
    const minutes = this.minutes.get(row.tag);
    const minute = minuteOf(header.time);
    if (minutes?.get(minute)?.removeId(header.id).count === 0) minutes.delete(minute);
    const known = this.#authors.get(`${toBase64url(header.author)} ${header.channel}`);
    if (known !== undefined) known.messages--;
    const key = own && this.findKey(header.author, own.key);
    if (key !== undefined) key.gone = true;
  }

  /** Forgets strangers of whom no message is left. To be called after operations that removed something. */
  forgetStrangers(): void {
    for (const [place, { author, messages }] of this.#authors)
      if (messages === 0 && !this.#local.has(author)) this.#authors.delete(place);
  }

  isLocal(author: Bytes): boolean {
    return this.#local.has(toBase64url(author));
  }

  /** Where the chain of an identity ends. @param identity id text */
  chainEnd(channel: string, identity: string): Position | undefined {
    return this.#authors.get(`${identity} ${channel}`)?.end;
  }

  #placeOf(rows: readonly Row[], position: Position): number {
    return lowerIndex(rows, (row) => comparePosition(row.header, position) >= 0);
  }

  findKey(identity: Bytes, key: string): KeyRow | undefined {
    return key === '' ? undefined : this.#keys.get(`${toBase64url(identity)} ${key}`);
  }

  addKey(identity: Bytes, key: string, row: KeyRow): void {
    this.#keys.set(`${toBase64url(identity)} ${key}`, row);
  }

  /** Forgets keys of messages that are gone. @param untilMs those made then or before */
  forgetKeys(untilMs: number): void {
    for (const [place, { gone, created }] of this.#keys)
      if (gone && created <= untilMs) this.#keys.delete(place);
  }

  /** The tag of a channel that has messages. */
  tagOf(channel: string): string | undefined {
    return this.#tags.get(channel);
  }

  /** Forgets names and floors that nobody needs. */
  forgetNames(): void {
    for (const [channel, tag] of this.#tags) if (!this.byTag.has(tag)) this.#tags.delete(channel);
    const joined = new Set([...this.joined.values()].map(({ tag }) => tag));
    for (const tag of this.floors.keys())
      if (!this.byTag.has(tag) && !joined.has(tag) && !this.carried.has(tag)) this.floors.delete(tag);
  }

  /** Newest first; equal ones by URL. */
  addressesByAge(): AddressRow[] {
    return [...this.addresses.values()].sort((a, b) => b.provenMs - a.provenMs || (a.url < b.url ? -1 : 1));
  }
}
