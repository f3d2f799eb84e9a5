/**
 * Flooding of signed records between relays: announce what is new (have), ask for what one lacks (want), pass it on
 * once it has been verified. Deduplicated by (relay, kind, sequence); a delta counts as the newest interest record.
 *
 * A `want` names the sequence that the asker has. Whoever has deltas from there on sends those, and else the full record
 * with all deltas on it.
 */
import { type Bytes, equal, idFromText, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { type Frame, RECORD, type RecordHead } from '../wire/frame.ts';
import { HeadMap } from './head-map.ts';
import { Offers } from './offers.ts';
import { RecordRates } from './record-rates.ts';
import { RecordServing } from './record-serving.ts';
import { endMsOf, RecordStore } from './record-store.ts';
import {
  DELTA,
  decodeRecord,
  headKind,
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
  /** where there is no room: who of these relays, known longest first, gives way, and in which order */
  readonly spare: (peers: readonly string[]) => readonly string[];
  /** the records of a relay were given up to make room */
  readonly evicted: (peer: string) => void;
}

export class Flood {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #host: FloodHost;
  readonly #store = new RecordStore();
  readonly #rates: RecordRates;
  /** bytes of records that are being verified, by their signature as text */
  readonly #verifying = new Map<string, Bytes>();
  readonly #offers: Offers;
  readonly #serving: RecordServing;
  /** heads that neighbours have not been told, with those that have the record already */
  readonly #news = new HeadMap<{ readonly head: RecordHead; readonly have: Set<Link> }>();

  constructor(ctx: Context, links: Links, host: FloodHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#host = host;
    this.#rates = new RecordRates(ctx);
    this.#serving = new RecordServing(ctx, links, this.#store);
    this.#offers = new Offers(ctx, {
      may: (link, head) => this.#mayAsk(link, head),
      // A new relay is paid for when it is asked for: what is asked for is taken when it comes.
      asking: (link, head) => {
        if (head.kind === RECORD.peer && !this.#store.has(head)) this.#rates.fresh.take(link.peer);
      },
    });
  }

  /** records that were announced and are not here yet, bytes and tags of those that are, those that one neighbour waits for */
  get sizes(): Readonly<Record<'offers' | 'bytes' | 'tags' | 'wanted', number>> {
    return {
      wanted: this.#serving.longest,
      offers: this.#offers.size,
      bytes: this.#store.bytes,
      tags: this.#store.tags,
    };
  }

  /** Signs and spreads own records. */
  publish(records: readonly { readonly content: SignedContent; readonly bytes: Bytes }[]): void {
    const items = records.map(({ content, bytes }) => ({
      key: 'peer',
      data: this.#ctx.signed(recordPurpose(content.kind), bytes),
    }));
    this.#ctx.sign(items, (signatures) => {
      records.forEach((record, i) => {
        this.#store.put({ ...record, signature: signatures[i] as Bytes });
      });
      for (const { content } of records) this.#announce(headOf(content), []);
    });
  }

  /** Gathers heads for all overlay neighbours but those that have the record. */
  #announce(head: RecordHead, have: readonly Link[]): void {
    this.#news.set(head, { head, have: new Set(have) });
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
    this.#send(link, 'have', this.#store.heads());
  }

  receive(link: Link, frame: Extract<Frame, { type: 'have' | 'want' | 'records' }>): void {
    if (frame.type === 'have')
      this.#ask(
        link,
        frame.heads.filter((head) => this.#isWanted(link, head)),
      );
    else if (frame.type === 'want') this.#serving.request(link, frame.heads);
    else this.#check(link, frame.records);
  }

  /** Asks for what is newer than what is here. */
  #ask(link: Link, heads: readonly RecordHead[]): void {
    const wants = heads.map((head) => ({ ...head, sequence: Math.max(0, this.#store.sequenceOf(head)) }));
    this.#send(link, 'want', wants);
  }

  /** Within the rates. Interest is taken only of relays that are known. */
  #mayAsk(link: Link, head: RecordHead): boolean {
    if (this.#store.has(head)) return this.#rates.known(head.kind).has(head.peer);
    if (head.kind === RECORD.peer) return this.#rates.fresh.has(link.peer);
    return this.#store.has({ ...head, kind: RECORD.peer });
  }

  #isWanted(link: Link, head: RecordHead): boolean {
    const known = this.#store.sequenceOf(head);
    if (head.sequence > known) return !this.#isAhead(head) && this.#offers.add(link, head);
    const news = this.#news.get(head);
    if (news?.head.sequence === head.sequence) news.have.add(link);
    return false;
  }

  /** Nobody takes a record like that, so nobody can have it. */
  #isAhead({ sequence }: { readonly sequence: number }): boolean {
    return sequence > this.#ctx.now.wallMs + LIMITS.recordMs;
  }

  /** Once a second: asks for what did not come, or had to wait. */
  tick(): void {
    this.#serving.tick();
    this.#askOverdue();
  }

  #askOverdue(): void {
    for (const [link, heads] of this.#offers.overdue()) this.#ask(link, heads);
  }

  down(link: Link): void {
    this.#serving.down(link);
  }

  #check(link: Link, records: readonly { bytes: Bytes; signature: Bytes }[]): void {
    const contents = records.map(({ bytes }) => decodeRecord(bytes));
    if (contents.includes(undefined)) return this.#links.offend(link, 'malformed', 'a record that is none');
    const fresh: (SignedRecord & { readonly work: string })[] = [];
    /** what will be here when those before are */
    const coming = new HeadMap<number>();
    for (const [i, { bytes, signature }] of records.entries()) {
      const content = contents[i] as SignedContent;
      if (!this.#isWorthChecking(content, coming, link)) continue;
      const work = toBase64url(signature);
      const underWay = this.#verifying.get(work);
      if (underWay && equal(underWay, bytes)) continue;
      coming.set(headOf(content), content.sequence);
      // Others may put its signature under other bytes first: then it is verified twice.
      if (!underWay) this.#verifying.set(work, bytes);
      fresh.push({ content, bytes, signature, work });
    }
    if (fresh.length > 0) this.#verify(fresh, link);
  }

  /** Whether a record is newer, alive, within the rates, and follows what is here or comes before it. */
  #isWorthChecking(content: SignedContent, coming: HeadMap<number>, link: Link): boolean {
    const head = headOf(content);
    const known = coming.get(head) ?? this.#store.sequenceOf(head);
    if (content.sequence <= known || this.#isAhead(content)) return false;
    if (endMsOf(content) <= this.#ctx.now.wallMs) return false;
    const ofPeer = { ...head, kind: RECORD.peer };
    const isOfNew = head.kind === RECORD.interest && !this.#store.has(ofPeer) && coming.has(ofPeer);
    if (!isOfNew && !this.#mayTake(link, head)) {
      this.#offers.refused(link, head);
      return false;
    }
    if (content.kind !== DELTA || content.base === known) return true;
    // Its sender has what leads to it, or lies: it is asked once for each sequence.
    if (this.#offers.add(link, head)) this.#ask(link, [head]);
    return false;
  }

  /** What was asked for is paid for. */
  #mayTake(link: Link, head: RecordHead): boolean {
    return this.#isPaid(link, head) || this.#mayAsk(link, head);
  }

  #isPaid(link: Link, head: RecordHead): boolean {
    return head.kind === RECORD.peer && !this.#store.has(head) && this.#offers.isAsked(link, head);
  }

  #verify(fresh: readonly (SignedRecord & { readonly work: string })[], link: Link): void {
    const checks = fresh.map(({ content, bytes, signature }) => ({
      data: this.#ctx.signed(recordPurpose(content.kind), bytes),
      signature,
      publicKey: idFromText(content.peer) as Bytes,
    }));
    this.#ctx.verify(checks, (proofs) => {
      const counted = new HeadMap<true>();
      for (const [i, record] of fresh.entries()) {
        if (this.#verifying.get(record.work) === record.bytes) this.#verifying.delete(record.work);
        const head = headOf(record.content);
        // A full record with its deltas counts once.
        const isCounted = counted.has(head);
        if (!proofs[i])
          this.#links.offend(link, 'malformed', 'a record with a wrong signature', 'invalid_signature');
        else if (!isCounted && !this.#rates.known(head.kind).has(head.peer)) this.#offers.refused(link, head);
        else if (this.#accept(record, link)) {
          if (!isCounted) this.#rates.known(head.kind).take(head.peer);
          counted.set(head, true);
          this.#announce(head, [link, ...this.#offers.came(head)]);
        }
      }
      this.#askOverdue();
    });
  }

  #accept(record: SignedRecord, from: Link): boolean {
    const { content } = record;
    const head = headOf(content);
    if (head.sequence <= this.#store.sequenceOf(head)) return false;
    if (endMsOf(content) <= this.#ctx.now.wallMs || this.#isAhead(content)) return false;
    if (content.peer === this.#ctx.config.peerId) {
      this.#host.outdated(content.sequence);
      return false;
    }
    if (head.kind === RECORD.interest && !this.#store.has({ ...head, kind: RECORD.peer })) return false;
    if (!this.#store.follows(record)) return false;
    const isNewRelay = head.kind === RECORD.peer && !this.#store.has(head);
    if (isNewRelay && !this.#isPaid(from, head) && !this.#rates.fresh.take(from.peer)) {
      this.#offers.refused(from, head);
      return false;
    }
    if (!this.#store.fits(record) && !this.#makeRoom(record, from)) return false;
    this.#store.put(record);
    this.#host.accepted(content, from);
    // It may have come first and been left. Nobody said that there is any, so nothing waits for the answer.
    const interest: RecordHead = { ...head, kind: RECORD.interest };
    if (isNewRelay && !this.#offers.has(interest)) this.#ask(from, [interest]);
    return true;
  }

  /** Relays that are no use to us give way. It costs the link as a new relay does. */
  #makeRoom(record: SignedRecord, from: Link): boolean {
    if (!this.#rates.fresh.take(from.peer)) return false;
    const { peer } = record.content;
    const others = this.#store.peers().filter((other) => other !== peer && other !== this.#ctx.config.peerId);
    for (const [i, other] of this.#host.spare(others).entries()) {
      if (i >= LIMITS.evictedAtOnce && this.#store.fits(record)) break;
      this.#store.remove(other);
      this.#host.evicted(other);
    }
    return this.#store.fits(record);
  }

  /** Drops what has expired. @returns the relays that are gone */
  expire(): string[] {
    const ended = this.#store.ended(this.#ctx.now.wallMs);
    ended.delete(this.#ctx.config.peerId);
    for (const peer of ended) this.#store.remove(peer);
    return [...ended];
  }
}

function headOf(content: SignedContent): RecordHead {
  return { kind: headKind(content), peer: content.peer, sequence: content.sequence };
}
