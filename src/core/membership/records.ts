/**
 * The signed records that every relay floods. Together they are discovery, map and routing table.
 *
 *   peer record     = [1, key, sequence, urls, links, costs, expires]   purpose "peer record"
 *   interest record = [2, key, sequence, tags]                         purpose "interest record"
 *                   | [2, key, sequence, count, filter]
 *   interest delta  = [3, key, sequence, base, isExact, added, removed]   purpose "interest delta"
 *
 * `links` are the ids of the overlay neighbours, `costs` one byte for each of them: how far away it is, in steps of 4 ms of
 * a round trip, 0 where that is not known. `expires` is in milliseconds since 1970. `tags`, `added` and `removed`
 * are one byte string each: 8 bytes for each tag, in a delta on a filter 4. `filter` is the upper halves of `count` tags
 * in the code of `rice.ts`. A delta changes the set of sequence `base` into that of its own sequence.
 */
import { type Bytes, compare, fromBase64url, idFromText, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { CborError, CborReader, CborWriter } from '../wire/cbor.ts';
import { RECORD, type RecordKind } from '../wire/frame.ts';
import { decodeRice, encodeRice } from './rice.ts';
import { TagSet } from './tag-set.ts';

export interface PeerRecord {
  readonly kind: 1;
  readonly peer: string;
  readonly sequence: number;
  readonly urls: readonly string[];
  readonly links: readonly string[];
  /** of each link, 0 to 255 */
  readonly costs: readonly number[];
  readonly expiresMs: number;
}

export interface InterestRecord {
  readonly kind: 2;
  readonly peer: string;
  readonly sequence: number;
  readonly tags: TagSet;
}

export interface InterestDelta {
  readonly kind: 3;
  readonly peer: string;
  readonly sequence: number;
  /** sequence of the set that it changes */
  readonly base: number;
  /** both exact, or both for a filter */
  readonly added: TagSet;
  readonly removed: TagSet;
}

export type SignedContent = PeerRecord | InterestRecord | InterestDelta;

/** number of a delta in its signed bytes; heads count it as interest */
export const DELTA = 3;

/** A record as it travels. */
export interface SignedRecord {
  readonly content: SignedContent;
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

const PURPOSES = { 1: 'peer record', 2: 'interest record', 3: 'interest delta' } as const;

export function recordPurpose(kind: SignedContent['kind']): string {
  return PURPOSES[kind];
}

/** As what heads name it. */
export function headKind({ kind }: SignedContent): RecordKind {
  return kind === RECORD.peer ? RECORD.peer : RECORD.interest;
}

/** What a relay has interest in after a delta. */
export function changedTags(tags: TagSet, { added, removed }: InterestDelta): TagSet {
  return tags.minus(removed).plus(added);
}

export function encodeRecord(content: SignedContent): Bytes {
  const w = new CborWriter(512);
  const { kind, peer, sequence } = content;
  const begin = (count: number): CborWriter =>
    w
      .array(count)
      .uint(kind)
      .bytes(idFromText(peer) as Bytes)
      .uint(sequence);
  if (content.kind === DELTA) {
    begin(7).uint(content.base).boolean(content.added.isExact);
    return w.bytes(content.added.toBytes()).bytes(content.removed.toBytes()).finish();
  }
  if (content.kind === RECORD.interest) {
    const { tags } = content;
    if (tags.isExact) return begin(4).bytes(tags.toBytes()).finish();
    return begin(5).uint(tags.size).bytes(encodeRice(tags.words)).finish();
  }
  begin(7).array(content.urls.length);
  for (const url of content.urls) w.text(url);
  w.array(content.links.length);
  for (const link of content.links) w.bytes(idFromText(link) as Bytes);
  return w.bytes(Uint8Array.from(content.costs)).uint(content.expiresMs).finish();
}

/** The record that bytes hold, or `undefined`. Tags and links must come in ascending order, each once. */
export function decodeRecord(bytes: Bytes): SignedContent | undefined {
  try {
    const r = new CborReader(bytes);
    const count = r.array(7);
    const kind = r.uint(DELTA);
    const head = { peer: toBase64url(r.bytes(32, 32)), sequence: r.uint() };
    if (kind === RECORD.interest) return readInterest(r, head, count);
    if (kind === DELTA && count === 7) return readDelta(r, head);
    if (kind !== RECORD.peer || count !== 7) return undefined;
    const urls = r.list(LIMITS.recordAddressesMax, (item) => item.text(LIMITS.urlBytesMax));
    const links = r.list(LIMITS.recordLinksMax, (item) => item.bytes(32, 32));
    const costs = [...r.bytes(0, LIMITS.recordLinksMax)];
    const expiresMs = r.uint();
    r.end();
    if (!isSet(links) || costs.length !== links.length) return undefined;
    return { kind, ...head, urls, links: links.map(toBase64url), costs, expiresMs };
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
}

type Head = Pick<SignedContent, 'peer' | 'sequence'>;

function readInterest(r: CborReader, head: Head, fields: number): InterestRecord | undefined {
  const kind = RECORD.interest;
  if (fields === 4) {
    const tags = TagSet.ofBytes(true, r.bytes(0, 8 * LIMITS.tagsMax));
    r.end();
    return tags && { kind, ...head, tags };
  }
  if (fields !== 5) return undefined;
  const count = r.uint(LIMITS.relayTagsMax);
  const words = decodeRice(r.bytes(0, LIMITS.signedRecordBytesMax), count);
  r.end();
  return words && count > 0 ? { kind, ...head, tags: new TagSet(false, words) } : undefined;
}

function readDelta(r: CborReader, head: Head): InterestDelta | undefined {
  const base = r.uint();
  const isExact = r.boolean();
  const sets = [0, 0].map(() => TagSet.ofBytes(isExact, r.bytes(0, 8 * LIMITS.tagsMax)));
  r.end();
  const [added, removed] = sets;
  if (!added || !removed || base >= head.sequence) return undefined;
  return { kind: DELTA, ...head, base, added, removed };
}

/** In ascending order of bytes and without repeats: one set has one spelling. */
function isSet(items: readonly Bytes[]): boolean {
  return items.every((item, i) => i === 0 || compare(items[i - 1] as Bytes, item) < 0);
}

/** The first `most` different ones of `items`. */
export function firstOf(items: Iterable<string>, most: number): ReadonlySet<string> {
  const chosen = new Set<string>();
  for (const item of items) {
    if (chosen.size >= most) break;
    chosen.add(item);
  }
  return chosen;
}

/** The first `most` different ones of `items` (base64url), in ascending order of their bytes. */
export function toSet(items: Iterable<string>, most = Number.POSITIVE_INFINITY): string[] {
  return sortByBytes([...firstOf(items, most)], (item) => item);
}

/** Sorts things by the bytes that a base64url text of theirs stands for. */
export function sortByBytes<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, bytes: fromBase64url(textOf(item)) as Bytes }))
    .sort((a, b) => compare(a.bytes, b.bytes))
    .map(({ item }) => item);
}
