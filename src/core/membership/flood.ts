/**
 * Flooding of signed records between relays: announce what is new (have), ask for what one lacks (want), pass it on
 * once it has been verified. Deduplicated by (relay, kind, sequence).
 */
import { type Bytes, concat, idFromText, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { type Frame, RECORD, type RecordHead } from '../wire/frame.ts';
import { keyOf, Offers } from './offers.ts';
import {
  decodeRecord,
  encodeRecord,
  recordPurpose,
  type SignedContent,
  type SignedRecord,
} from './records.ts';

export interface FloodHost {
  readonly overlayLinks: () => Link[];
  /** a verified record of another relay that is newer than the one before */
  readonly accepted: (record: SignedContent, from: Link) => void;
  /** a record of our own with a higher sequence came back from the mesh: an earlier life signed it */
  readonly outdated: (sequence: number) => void;
}

export class Flood {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #host: FloodHost;
  readonly #records = new Map<string, SignedRecord>();
  /** bytes of all records */
  #bytes = 0;
  readonly #verifying = new Set<string>();
  readonly #offers: Offers;
  /** heads that neighbours have not been told, with those that have the record already */
  readonly #news = new Map<string, { readonly head: RecordHead; readonly have: Set<Link> }>();

  /** of all records */
  get bytes(): number {
    return this.#bytes;
  }

  constructor(ctx: Context, links: Links, host: FloodHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#host = host;
    this.#offers = new Offers(ctx);
  }

  /** records that were announced and are not here yet */
  get offers(): number {
    return this.#offers.size;
  }

  /** Signs and spreads an own record. */
  publish(contents: readonly SignedContent[]): void {
    const encoded = contents.map((content) => ({ content, bytes: encodeRecord(content) }));
    const items = encoded.map(({ content, bytes }) => ({
      key: 'peer',
      data: this.#ctx.signed(recordPurpose(content.kind), bytes),
    }));
    this.#ctx.sign(items, (signatures) => {
      const heads: RecordHead[] = [];
      encoded.forEach(({ content, bytes }, i) => {
        const head: RecordHead = { kind: content.kind, peer: content.peer, sequence: content.sequence };
        this.#put({ content, bytes, signature: signatures[i] as Bytes });
        heads.push(head);
      });
      for (const head of heads) this.#announce(head, []);
    });
  }

  /** Gathers heads for all overlay neighbours but those that have the record. */
  #announce(head: RecordHead, have: readonly Link[]): void {
    this.#news.set(keyOf(head), { head, have: new Set(have) });
    this.#ctx.arm('heads', LIMITS.headsMs);
  }

  /** Sends the heads that were gathered in the last 100 ms. */
  sendHeads(): void {
    const news = [...this.#news.values()];
    this.#news.clear();
    for (const link of this.#host.overlayLinks()) {
      const heads = news.filter(({ have }) => !have.has(link)).map(({ head }) => head);
      this.#send(link, 'have', heads);
    }
  }

  #send(link: Link, type: 'have' | 'want', heads: readonly RecordHead[]): void {
    for (let i = 0; i < heads.length; i += LIMITS.recordHeadsMax)
      this.#links.send(link, { type, heads: heads.slice(i, i + LIMITS.recordHeadsMax) });
  }

  /** Tells a new overlay neighbour all that we have. */
  greet(link: Link): void {
    this.#send(link, 'have', [...this.#records.values()].map(headOf));
  }

  #sequenceOf(head: RecordHead): number {
    return this.#records.get(keyOf(head))?.content.sequence ?? -1;
  }

  receive(link: Link, frame: Extract<Frame, { type: 'have' | 'want' | 'records' }>): void {
    if (frame.type === 'have') {
      const heads = frame.heads.filter((head) => this.#isWanted(link, head));
      if (heads.length > 0) this.#links.send(link, { type: 'want', heads });
    } else if (frame.type === 'want') this.#serve(link, frame.heads);
    else this.#check(link, frame.records);
  }

  #isWanted(link: Link, head: RecordHead): boolean {
    const known = this.#sequenceOf(head);
    if (head.sequence > known) return !this.#isAhead(head) && this.#offers.add(link, head);
    const news = this.#news.get(keyOf(head));
    if (news?.head.sequence === head.sequence) news.have.add(link);
    return false;
  }

  /** Nobody takes a record like that, so nobody can have it. */
  #isAhead({ sequence }: { readonly sequence: number }): boolean {
    return sequence > this.#ctx.now.wallMs + LIMITS.recordMs;
  }

  /** Once a second: asks others for what did not come. */
  tick(): void {
    for (const [link, heads] of this.#offers.overdue()) this.#send(link, 'want', heads);
  }

  #serve(link: Link, heads: readonly RecordHead[]): void {
    let batch: { bytes: Bytes; signature: Bytes }[] = [];
    let size = 0;
    const flush = (): void => {
      if (batch.length > 0) this.#links.send(link, { type: 'records', records: batch });
      batch = [];
      size = 0;
    };
    for (const head of heads) {
      const record = this.#records.get(keyOf(head));
      if (!record) continue;
      const bytes = record.bytes.length + 80;
      if (size + bytes > LIMITS.messageItemsBytesMax || batch.length >= LIMITS.recordsPerFrameMax) flush();
      batch.push({ bytes: record.bytes, signature: record.signature });
      size += bytes;
    }
    flush();
  }

  #check(link: Link, records: readonly { bytes: Bytes; signature: Bytes }[]): void {
    const contents = records.map(({ bytes }) => decodeRecord(bytes));
    if (contents.includes(undefined)) return this.#links.offend(link, 'malformed', 'a record that is none');
    const fresh: (SignedRecord & { readonly work: string })[] = [];
    for (const [i, { bytes, signature }] of records.entries()) {
      const content = contents[i] as SignedContent;
      if (content.sequence <= this.#sequenceOf(content)) continue;
      const work = toBase64url(this.#ctx.config.sha256(concat(bytes, signature)));
      if (this.#verifying.has(work)) continue;
      this.#verifying.add(work);
      fresh.push({ content, bytes, signature, work });
    }
    if (fresh.length === 0) return;
    const checks = fresh.map(({ content, bytes, signature }) => ({
      data: this.#ctx.signed(recordPurpose(content.kind), bytes),
      signature,
      publicKey: idFromText(content.peer) as Bytes,
    }));
    this.#ctx.verify(checks, (proofs) => {
      fresh.forEach((record, i) => {
        this.#verifying.delete(record.work);
        if (!proofs[i])
          this.#links.offend(link, 'malformed', 'a record with a wrong signature', 'invalid_signature');
        else if (this.#accept(record, link)) {
          const head = headOf(record);
          this.#announce(head, [link, ...this.#offers.came(head)]);
        }
      });
    });
  }

  #accept(record: SignedRecord, from: Link): boolean {
    const head = headOf(record);
    const { content } = record;
    if (head.sequence <= this.#sequenceOf(head)) return false;
    const { wallMs } = this.#ctx.now;
    if (endMsOf(content) <= wallMs || this.#isAhead(content)) return false;
    if (content.peer === this.#ctx.config.peerId) {
      this.#host.outdated(content.sequence);
      return false;
    }
    if (!this.#fits(record)) return false;
    const isNewRelay = content.kind === RECORD.peer && !this.#records.has(keyOf(head));
    this.#put(record);
    this.#host.accepted(content, from);
    // Interest is taken only of relays that are known; it may have come first and been left.
    if (isNewRelay) this.#links.send(from, { type: 'want', heads: [{ ...head, kind: RECORD.interest }] });
    return true;
  }

  /** Bounded in number and bytes; interest only of relays whose peer record we have. */
  #fits({ content, bytes }: SignedRecord): boolean {
    if (content.kind === RECORD.interest && !this.has(RECORD.peer, content.peer)) return false;
    const before = this.#records.get(`${content.kind}:${content.peer}`);
    if (!before && this.#records.size >= 2 * LIMITS.relaysMax) return false;
    return this.#bytes - (before?.bytes.length ?? 0) + bytes.length <= LIMITS.recordsBytesMax;
  }

  /** Bytes are copied: a view would keep the whole frame alive. */
  #put(record: SignedRecord): void {
    const key = keyOf(headOf(record));
    this.#bytes += record.bytes.length - (this.#records.get(key)?.bytes.length ?? 0);
    const { content, bytes, signature } = record;
    this.#records.set(key, { content, bytes: bytes.slice(), signature: signature.slice() });
  }

  #remove(key: string): void {
    this.#bytes -= this.#records.get(key)?.bytes.length ?? 0;
    this.#records.delete(key);
  }

  /** Drops what has expired. @returns the relays that are gone */
  expire(): string[] {
    const gone: string[] = [];
    for (const [key, { content }] of this.#records) {
      if (content.peer === this.#ctx.config.peerId || endMsOf(content) > this.#ctx.now.wallMs) continue;
      this.#remove(key);
      this.#remove(`${RECORD.interest}:${content.peer}`);
      gone.push(content.peer);
    }
    return gone;
  }

  /** Whether a record of this relay is known. */
  has(kind: RecordHead['kind'], peer: string): boolean {
    return this.#records.has(`${kind}:${peer}`);
  }
}

/** Wall ms after which a record counts no more: what it says, and never much longer than its sequence lets it. */
function endMsOf(content: SignedContent): number {
  const latestMs = content.sequence + 2 * LIMITS.recordMs;
  return content.kind === RECORD.peer ? Math.min(content.expiresMs, latestMs) : latestMs;
}

function headOf({ content }: SignedRecord): RecordHead {
  return { kind: content.kind, peer: content.peer, sequence: content.sequence };
}
