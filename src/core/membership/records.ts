/**
 * The two signed records that every relay floods. Together they are discovery, map and routing table.
 *
 *   peer record     = [1, key, sequence, urls, links, expires]   purpose "peer record"
 *   interest record = [2, key, sequence, tags]                   purpose "interest record"
 *
 * `links` are the ids of the overlay neighbours; `expires` is in milliseconds since 1970.
 */
import { type Bytes, compare, fromBase64url, idFromText, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { CborError, CborReader, CborWriter } from '../wire/cbor.ts';
import { RECORD, type RecordHead } from '../wire/frame.ts';

export interface PeerRecord {
  readonly kind: 1;
  readonly peer: string;
  readonly sequence: number;
  readonly urls: readonly string[];
  readonly links: readonly string[];
  readonly expiresMs: number;
}

export interface InterestRecord {
  readonly kind: 2;
  readonly peer: string;
  readonly sequence: number;
  readonly tags: readonly string[];
}

export type SignedContent = PeerRecord | InterestRecord;

/** A record as it travels. */
export interface SignedRecord {
  readonly content: SignedContent;
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

export function recordPurpose(kind: RecordHead['kind']): string {
  return kind === RECORD.peer ? 'peer record' : 'interest record';
}

export function encodeRecord(content: SignedContent): Bytes {
  const w = new CborWriter(512);
  w.array(content.kind === RECORD.peer ? 6 : 4).uint(content.kind);
  w.bytes(idFromText(content.peer) as Bytes).uint(content.sequence);
  if (content.kind === RECORD.interest) {
    w.array(content.tags.length);
    for (const tag of content.tags) w.bytes(fromBase64url(tag) as Bytes);
    return w.finish();
  }
  w.array(content.urls.length);
  for (const url of content.urls) w.text(url);
  w.array(content.links.length);
  for (const link of content.links) w.bytes(idFromText(link) as Bytes);
  return w.uint(content.expiresMs).finish();
}

/** The record that bytes hold, or `undefined`. Tags and links must come in ascending order, each once. */
export function decodeRecord(bytes: Bytes): SignedContent | undefined {
  try {
    const r = new CborReader(bytes);
    const count = r.array(6);
    const kind = r.uint(2);
    const peer = toBase64url(r.bytes(32, 32));
    const sequence = r.uint();
    if (kind === RECORD.interest && count === 4) {
      const tags = r.list(LIMITS.tagsMax, (item) => item.bytes(8, 8));
      r.end();
      return isSet(tags) ? { kind, peer, sequence, tags: tags.map(toBase64url) } : undefined;
    }
    if (kind !== RECORD.peer || count !== 6) return undefined;
    const urls = r.list(LIMITS.recordAddressesMax, (item) => item.text(LIMITS.urlBytesMax));
    const links = r.list(LIMITS.recordLinksMax, (item) => item.bytes(32, 32));
    const expiresMs = r.uint();
    r.end();
    if (!isSet(links)) return undefined;
    return { kind, peer, sequence, urls, links: links.map(toBase64url), expiresMs };
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
}

/** In ascending order of bytes and without repeats: one set has one spelling. */
function isSet(items: readonly Bytes[]): boolean {
  return items.every((item, i) => i === 0 || compare(items[i - 1] as Bytes, item) < 0);
}

/** The first `most` different ones of `items` (base64url), in ascending order of their bytes. */
export function toSet(items: Iterable<string>, most = Number.POSITIVE_INFINITY): string[] {
  const chosen = new Set<string>();
  for (const item of items) {
    if (chosen.size >= most) break;
    chosen.add(item);
  }
  return sortByBytes([...chosen], (item) => item);
}

/** Sorts things by the bytes that a base64url text of theirs stands for. */
export function sortByBytes<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, bytes: fromBase64url(textOf(item)) as Bytes }))
    .sort((a, b) => compare(a.bytes, b.bytes))
    .map(({ item }) => item);
}
