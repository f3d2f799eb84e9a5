/**
 * The records that this relay has, as they travel: of each relay its peer record, and its interest record with the
 * deltas on it. All of it is bounded; who gives way to whom is decided elsewhere.
 */
import type { Bytes } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { RECORD, type RecordHead } from '../wire/frame.ts';
import { HeadMap } from './head-map.ts';
import { DELTA, headKind, type InterestDelta, type SignedContent, type SignedRecord } from './records.ts';

export interface Kept {
  readonly sequence: number;
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

interface Entry {
  /** of the newest record of this kind */
  head: RecordHead;
  readonly full: Kept;
  /** oldest first, each on the one before */
  readonly deltas: Kept[];
  readonly size: ChainSize;
  endMs: number;
}

/** What counts for the bounds of a full record with the deltas on it. */
export interface ChainSize {
  /** of interest */
  readonly isExact: boolean;
  readonly fullBytes: number;
  readonly deltaBytes: number;
  readonly deltas: number;
  /** tags of the full record and all that were added: never fewer than there are */
  readonly tags: number;
}

/** Of a full record alone. */
export function sizeOfFull(content: SignedContent, bytes: Bytes): ChainSize {
  const tags = content.kind === RECORD.interest ? content.tags : undefined;
  const isExact = tags?.isExact ?? true;
  return { isExact, fullBytes: bytes.length, deltaBytes: 0, deltas: 0, tags: tags?.size ?? 0 };
}

/** With one more delta, or `undefined` if the bounds do not let it: then a full record has to follow. */
export function sizeWith(size: ChainSize, delta: InterestDelta, bytes: Bytes): ChainSize | undefined {
  const { isExact, fullBytes } = size;
  const deltaBytes = size.deltaBytes + bytes.length;
  const tags = size.tags + delta.added.size;
  const fits =
    delta.added.isExact === isExact &&
    size.deltas < LIMITS.deltasMax &&
    deltaBytes <= Math.max(fullBytes, LIMITS.deltasBytesFloor) &&
    tags <= (isExact ? LIMITS.tagsMax : LIMITS.relayTagsMax);
  return fits ? { isExact, fullBytes, deltaBytes, deltas: size.deltas + 1, tags } : undefined;
}

const bytesOf = ({ fullBytes, deltaBytes }: ChainSize): number => fullBytes + deltaBytes;

export class RecordStore {
  readonly #entries = new HeadMap<Entry>();
  #relays = 0;
  #bytes = 0;
  #tags = 0;
  /** no record ends before */
  #endsMs = Number.POSITIVE_INFINITY;

  /** of all records */
  get bytes(): number {
    return this.#bytes;
  }

  /** of all relays together */
  get tags(): number {
    return this.#tags;
  }

  /** Sequence of the newest record of this kind, -1 if there is none. */
  sequenceOf(head: Pick<RecordHead, 'kind' | 'peer'>): number {
    return this.#entries.get(head)?.head.sequence ?? -1;
  }

  has(head: Pick<RecordHead, 'kind' | 'peer'>): boolean {
    return this.#entries.has(head);
  }

  heads(): RecordHead[] {
    return Array.from(this.#entries.values(), ({ head }) => head);
  }

  /** Relays of whom there is a peer record, those known longest first. */
  peers(): string[] {
    const heads = this.heads().filter(({ kind }) => kind === RECORD.peer);
    return heads.map(({ peer }) => peer);
  }

  /** What somebody lacks who has the record of this sequence: what was added to it since, or everything. */
  since(head: RecordHead): readonly Kept[] {
    const entry = this.#entries.get(head);
    if (!entry || head.sequence >= entry.head.sequence) return [];
    const { full, deltas } = entry;
    const at = [full, ...deltas].findIndex(({ sequence }) => sequence === head.sequence);
    return at < 0 ? [full, ...deltas] : deltas.slice(at);
  }

  /** Size of what would be kept of this relay and kind with the record; `undefined` if it is a delta that may not follow. */
  #sizeAfter({ content, bytes }: SignedRecord, before: Entry | undefined): ChainSize | undefined {
    if (content.kind !== DELTA) return sizeOfFull(content, bytes);
    return before?.head.sequence === content.base ? sizeWith(before.size, content, bytes) : undefined;
  }

  /** Whether a delta is on what there is. */
  follows(record: SignedRecord): boolean {
    return this.#sizeAfter(record, this.#before(record)) !== undefined;
  }

  #before({ content }: SignedRecord): Entry | undefined {
    return this.#entries.get({ kind: headKind(content), peer: content.peer });
  }

  /** Whether there is room for a record that {@link follows}. */
  fits(record: SignedRecord): boolean {
    const before = this.#before(record);
    const size = this.#sizeAfter(record, before);
    if (!size) return false;
    const isNew = !before && record.content.kind === RECORD.peer;
    if (isNew && this.#relays >= LIMITS.relaysMax) return false;
    if (this.#bytes - (before ? bytesOf(before.size) : 0) + bytesOf(size) > LIMITS.recordsBytesMax)
      return false;
    return this.#tags - (before?.size.tags ?? 0) + size.tags <= LIMITS.mapTagsMax;
  }

  /** Takes a record that {@link follows}. Bytes are copied: a view would keep the whole frame alive. */
  put(record: SignedRecord): void {
    const { content, bytes, signature } = record;
    const { peer, sequence } = content;
    const before = this.#before(record);
    const size = this.#sizeAfter(record, before);
    if (!size) return;
    this.#bytes += bytesOf(size) - (before ? bytesOf(before.size) : 0);
    this.#tags += size.tags - (before?.size.tags ?? 0);
    if (!before && content.kind === RECORD.peer) this.#relays++;
    const head: RecordHead = { kind: headKind(content), peer, sequence };
    const kept: Kept = { sequence, bytes: bytes.slice(), signature: signature.slice() };
    const isDelta = content.kind === DELTA && before !== undefined;
    const chain = isDelta
      ? { full: before.full, deltas: [...before.deltas, kept] }
      : { full: kept, deltas: [] };
    const endMs = endMsOf(content);
    this.#endsMs = Math.min(this.#endsMs, endMs);
    this.#entries.set(head, { head, ...chain, size, endMs });
  }

  remove(peer: string): void {
    for (const kind of [RECORD.peer, RECORD.interest]) {
      const entry = this.#entries.get({ kind, peer });
      if (!entry) continue;
      this.#bytes -= bytesOf(entry.size);
      this.#tags -= entry.size.tags;
      if (kind === RECORD.peer) this.#relays--;
      this.#entries.delete({ kind, peer });
    }
  }

  /** Relays of whom a record has ended. */
  ended(wallMs: number): Set<string> {
    const ended = new Set<string>();
    if (wallMs < this.#endsMs) return ended;
    this.#endsMs = Number.POSITIVE_INFINITY;
    for (const { endMs, head } of this.#entries.values()) {
      if (endMs <= wallMs) ended.add(head.peer);
      this.#endsMs = Math.min(this.#endsMs, endMs);
    }
    return ended;
  }
}

/** Wall ms after which a record counts no more: what it says, and never much longer than its sequence lets it. */
export function endMsOf(content: SignedContent): number {
  const latestMs = content.sequence + 2 * LIMITS.recordMs;
  return content.kind === RECORD.peer ? Math.min(content.expiresMs, latestMs) : latestMs;
}
