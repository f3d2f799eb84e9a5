/** What the memory store keeps: rows by id, in the two orders they are read in, and sums per minute. */
import { type Bytes, toBase64url } from '../core/bytes.ts';
import { isFeed } from '../core/channel/channel.ts';
import { supersededOf } from '../core/channel/feed.ts';
import type { RestoredState } from '../core/contract.ts';
import { AMENDS, type Amends, amends, countsFor, isDeletable, targetsOf } from '../core/message/amend.ts';
import type { SignedHeader } from '../core/message/header.ts';
import { Message } from '../core/message/message.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import { comparePosition, type Position, type RetentionPolicy, ROW_BYTES } from '../core/persistence.ts';
import { minuteOf, RunningSum } from './buckets.ts';
import { DELIVERY_STATES } from './check.ts';
import { KnownChanges } from './known-changes.ts';
import { MemoryChains } from './memory-chains.ts';

/** What stays of a message without its content, and the bytes that it costs. */
export interface Header
  extends Pick<Message, 'id' | 'idText' | 'author' | 'channel' | 'time' | 'kind' | 'expiresMs'> {
  readonly bytes: number;
  /** signed bytes and signature */
  readonly signed: { readonly bytes: Bytes; readonly signature: Bytes };
  readonly amends: Amends;
  /** id texts of what it edits or deletes */
  readonly targets: readonly string[];
  /** a delete that names it, and counts, deletes it */
  readonly isDeletable: boolean;
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
  isWanted: boolean;
  isDeleted: boolean;
  /** for own messages: index of the delivery state, the peers that say `stored`, and the idempotency key */
  readonly own: OwnRow | undefined;
}

/** An own message that nobody has confirmed as stored, whether its content is held or was found damaged. */
export function isUnconfirmed({ own, isDeleted }: Row): boolean {
  return own !== undefined && !isDeleted && DELIVERY_STATES[own.state] !== 'stored';
}

export interface OwnRow {
  state: number;
  readonly storedBy: string[];
  readonly key: string;
  /** one more keeper is to be found */
  alone: boolean;
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
export function headerOf(message: Message | SignedHeader): Header {
  const { idText, channel, time, kind, expiresMs } = message;
  const signed = { bytes: message.bytes.slice(), signature: message.signature.slice() };
  const amended = message instanceof Message ? amends(message) : message.amends;
  return {
    id: message.id.slice(),
    author: message.author.slice(),
    idText,
    channel,
    time,
    kind,
    expiresMs,
    bytes: message.bytes.length + message.signature.length + ROW_BYTES,
    signed,
    amends: amended,
    targets: targetsOf(message.refs, amended).map(toBase64url),
    isDeletable: message instanceof Message ? isDeletable(message) : amended !== AMENDS.deletes,
  };
}

/** Octets of a message's content. */
export function contentOf({ body, payload }: Message): number {
  return new TextEncoder().encode(body).length + payload.length;
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
  /** id text: the edits and deletes that name it */
  readonly amending = new Map<string, Row[]>();
  /** tag: rows ascending by (time, id) */
  readonly byTag = new Map<string, Row[]>();
  /** tag, minute: sum of the messages in that minute */
  readonly minutes = new Map<string, Map<number, RunningSum>>();
  readonly changes = new KnownChanges();
  /** channel: its tag and policy */
  readonly joined = new Map<string, { readonly tag: string; readonly policy: RetentionPolicy }>();
  readonly carried = new Map<string, { readonly untilMs: number; readonly sinceHour: number }>();
  /** tag: hours since 1970 */
  readonly floors = new Map<string, number>();
  /** tag: hour since which leaves keep it */
  readonly leafFloors = new Map<string, number>();
  readonly mailboxes = new Map<string, Omit<RestoredState['mailboxes'][number], 'peer'>>();
  readonly addresses = new Map<string, AddressRow>();
  /** channel: tag, of every channel that has messages */
  readonly #tags = new Map<string, string>();
  readonly #keys = new Map<string, KeyRow>();
  /** channel, author */
  readonly #authors = new Map<string, AuthorRow>();
  readonly chains = new MemoryChains();
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
    this.changes.note(row.tag, minute);
    this.#addToChain(row);
    for (const target of header.targets)
      this.amending.set(target, [...(this.amending.get(target) ?? []), row]);
    if (this.deleteOf(header)) this.#delete(row);
    if (header.amends === AMENDS.deletes)
      for (const target of header.targets) {
        const found = this.byId.get(target);
        if (found && this.deleteOf(found.header)) this.#delete(found);
      }
  }

  /** A known delete that counts for this message. */
  deleteOf(target: Header): Row | undefined {
    if (!target.isDeletable) return undefined;
    const named = this.amending.get(target.idText) ?? [];
    return named.find(({ header }) => header.amends === AMENDS.deletes && countsFor(header, target));
  }

  /** Removes what a new record of a feed supersedes. @returns false if it is superseded itself */
  admit(header: Header, tag: string): boolean {
    const { channel, kind } = header;
    if (!isFeed(channel)) return true;
    const rows = this.byTag.get(tag) ?? [];
    const known = rows.filter((row) => row.header.channel === channel && row.header.kind === kind);
    const gone = supersededOf(kind, [header, ...known.map((row) => row.header)]);
    if (gone.includes(header)) return false;
    for (const row of known) if (gone.includes(row.header)) this.remove(row);
    return true;
  }

  #delete(row: Row): void {
    row.message = undefined;
    row.content = 0;
    row.isWanted = false;
    row.isDeleted = true;
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
    this.chains.remove(row);
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
    this.changes.note(row.tag, minute);
    for (const target of header.targets) {
      const left = (this.amending.get(target) ?? []).filter((other) => other !== row);
      if (left.length > 0) this.amending.set(target, left);
      else this.amending.delete(target);
    }
    const known = this.#authors.get(`${toBase64url(header.author)} ${header.channel}`);
    if (known !== undefined) known.messages--;
    const key = own && this.findKey(header.author, own.key);
    if (key !== undefined) key.gone = true;
  }

  /** A row takes the place of one with the same header: to the author and its keys nothing has happened. */
  replace(old: Row, row: Row): void {
    const { author, channel } = row.header;
    const place = `${toBase64url(author)} ${channel}`;
    const end = this.#authors.get(place)?.end;
    this.chains.replace(old, row);
    this.remove(old);
    this.add(row);
    const known = this.#authors.get(place);
    // What is published here now ends the chain.
    if (old.own !== undefined && known !== undefined && end !== undefined) known.end = end;
    const key = row.own && this.findKey(author, row.own.key);
    if (key !== undefined) key.gone = false;
  }

  /** Forgets strangers of whom no message is left. To be called after operations that removed something. */
  forgetStrangers(): void {
    for (const [place, { author, messages }] of this.#authors)
      if (messages === 0 && !this.#local.has(author)) {
        this.#authors.delete(place);
        this.chains.forgive(place);
      }
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
