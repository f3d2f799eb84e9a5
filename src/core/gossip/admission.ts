/**
 * From received bytes to a stored message: look the id up, verify, check the write rule, persist.
 *
 * Invariants:
 * 1. An id is looked up before its signature is checked, and recorded only after signature and write rule have passed.
 * 2. Work in flight is keyed by (id, signature): a junk signature delays nobody's genuine copy.
 * 3. A failed signature is held against the links that sent it, and against nothing else.
 * 4. What could not be stored is forgotten, so that catch-up brings it again.
 * 5. Content whose author's delete is known is passed on to nobody: the store keeps its header (`message/amend.ts`).
 * 6. Content over the rate of its author is put off: its verified header is stored and wanted, nothing of it is passed
 *    on or confirmed before it comes again (design, section 7).
 */
import type { Bytes } from '../bytes.ts';
import { channelKind, isFeed, mayWrite } from '../channel/channel.ts';
import type { Context } from '../context.ts';
import type { CarryOp } from '../interest/kept.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { isEphemeral, isExpired, type Message } from '../message/message.ts';
import { signatureCheck, VerifiedMessage } from '../message/verified.ts';
import type { Chained, Holding, PersistOp, PersistResult } from '../persistence.ts';
import { InFlight } from './in-flight.ts';
import type { RefusalReason } from './origins.ts';
import type { SeenMessages } from './seen.ts';

/** One way by which a message came. */
export interface Arrival {
  readonly link: Link;
  /** peer id of the root whose tree it follows, '' for messages fetched by id */
  readonly root: string;
  /** the sender wants it kept and a `stored` in return */
  readonly keep: boolean;
  /** the rates of authors hold for it */
  readonly rated: boolean;
  /** a mesh/1 peer brought it: it enters the mesh here */
  readonly enters?: boolean;
}

export interface AdmissionHost {
  /** whether a message of this tag and time is stored here */
  readonly keeps: (tag: string, timeMs: number) => boolean;
  /** keep the channel from now on; @returns what to note, if anything */
  readonly carry: (tag: string, timeMs: number) => CarryOp | undefined;
  /** that is on the disk */
  readonly noted: (op: CarryOp) => void;
  /** takes a place for content of this author; @returns false if it is over its rate */
  readonly mayTake: (author: Bytes) => boolean;
  /** it is on its way to the disk, and counts there from now on */
  readonly reserve: (message: Message, tag: string) => void;
  /** it is there, as something new or not */
  readonly release: (message: Message, tag: string, isStored: boolean) => void;
  /** a header was stored without its content */
  readonly putOff: () => void;
  /** this copy is not taken */
  readonly refused: (idText: string, link: Link, reason: RefusalReason) => void;
  /** wanted content has come */
  readonly filled: (idText: string) => void;
  /** verified: once for each message and way */
  readonly verified: (message: VerifiedMessage, tag: string, arrival: Arrival) => void;
  /** durable here, now or since long */
  readonly durable: (message: Message, tag: string, arrivals: readonly Arrival[], isNew: boolean) => void;
  /** what the chain of its author says of a message that is new here */
  readonly chained: (message: Message, tag: string, arrivals: readonly Arrival[], chained: Chained) => void;
  /** done with, in whatever way: nothing more is to be expected of this id */
  readonly settled: (idText: string) => void;
  /** these links brought a copy with a wrong signature: the genuine one is still to be had elsewhere */
  readonly forged: (idText: string, links: ReadonlySet<Link>) => void;
}

/** What holds for whatever comes, with content or without. */
export type IntakeHost = Pick<AdmissionHost, 'keeps' | 'refused' | 'settled' | 'forged'>;

interface Work {
  readonly message: Message;
  readonly tag: string;
  readonly arrivals: Arrival[];
  /** only its header is known here so far */
  isWanted: boolean;
  /** a delete names it: whether it counts shows when it is stored, and until then nobody is given a copy */
  isNamed?: boolean;
}

interface Proven {
  readonly verified: VerifiedMessage;
  readonly work: Work;
}

export class Admission {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #seen: SeenMessages;
  readonly #host: AdmissionHost;
  readonly #inFlight = new InFlight<Work>();

  constructor(ctx: Context, links: Links, seen: SeenMessages, host: AdmissionHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#seen = seen;
    this.#host = host;
  }

  admit(messages: readonly Message[], arrival: Arrival): void {
    const lookup: Work[] = [];
    const transit: Work[] = [];
    for (const message of messages) {
      // Frames bring none of those; a mesh/1 peer may.
      if (isEphemeral(message.kind) || !this.#isTimely(message, arrival)) {
        this.#host.settled(message.idText);
        continue;
      }
      const tag = this.#ctx.tagOf(message.channel);
      const work = this.#inFlight.find(message);
      if (work) {
        work.arrivals.push(arrival);
      } else if (this.#seen.has(message.idText)) {
        this.#again({ message, tag, arrivals: [arrival], isWanted: false }, arrival, lookup);
      } else {
        const fresh: Work = { message, tag, arrivals: [arrival], isWanted: false };
        this.#inFlight.add(fresh);
        (arrival.keep || this.#keeps(fresh) ? lookup : transit).push(fresh);
      }
    }
    if (lookup.length > 0) this.#lookUp(lookup);
    if (transit.length > 0) this.#verify(transit);
  }

  #keeps({ tag, message }: Work): boolean {
    return this.#host.keeps(tag, message.time.timeMs);
  }

  /** Time, expiry and channel: what refuses a message whoever signed it. No offence but for a broken write rule. */
  #isTimely(message: Message, arrival: Arrival): boolean {
    const { wallMs } = this.#ctx.now;
    const refuse = (reason: RefusalReason): false => {
      this.#host.refused(message.idText, arrival.link, reason);
      return false;
    };
    if (message.time.timeMs > wallMs + LIMITS.futureMs) return refuse('future');
    if (isExpired(message.expiresMs, wallMs)) return refuse('expired');
    if (mayWrite(message.channel, message.author)) return isLasting(message) || refuse('write-rule');
    refuse('write-rule');
    const kind = channelKind(message.channel);
    if (kind === 'inbox' || kind === 'sealed') return false;
    this.#links.offend(arrival.link, 'malformed', 'the author may not write in this channel');
    return false;
  }

  /** Stores a message that has passed here lately, if it is to be kept now. @returns whether nobody need be asked for it */
  keepPassed(idText: string): boolean {
    const verified = this.#seen.message(idText);
    if (!verified) return false;
    const { message } = verified;
    if (isExpired(message.expiresMs, this.#ctx.now.wallMs)) return true;
    const work: Work = { message, tag: this.#ctx.tagOf(message.channel), arrivals: [], isWanted: false };
    if (!this.#keeps(work)) return false;
    this.#persist([{ verified, work }]);
    return true;
  }

  /**
   * A verified id comes again: along another tree it goes on, a keeper is told when it is durable, and what catch-up asked
   * for is stored: it passed here before the channel was held.
   */
  #again(work: Work, arrival: Arrival, lookup: Work[]): void {
    const { idText } = work.message;
    const verified = this.#seen.message(idText);
    if (verified && arrival.root !== '') this.#host.verified(verified, work.tag, arrival);
    if (arrival.keep || (!arrival.rated && this.#keeps(work))) lookup.push(work);
    this.#host.settled(idText);
  }

  #lookUp(works: readonly Work[]): void {
    const query = { kind: 'has' as const, ids: works.map((work) => work.message.id) };
    const proceed = (holdings: readonly Holding[]): void => {
      const fresh: Work[] = [];
      works.forEach((work, i) => {
        work.isWanted = holdings[i] === 'wanted';
        work.isNamed = holdings[i] === 'named';
        if (holdings[i] === 'held') {
          this.#inFlight.remove(work);
          this.#stored(work);
        } else if (holdings[i] === 'dropped' || holdings[i] === 'deleted') {
          // There was no room for its content, or its author deleted it: it is neither confirmed nor taken again.
          this.#inFlight.remove(work);
          this.#host.settled(work.message.idText);
        } else if (this.#inFlight.has(work)) fresh.push(work);
        else this.#keepSeen(work);
      });
      if (fresh.length > 0) this.#verify(fresh);
    };
    this.#ctx.read(
      query,
      (answer) => proceed(answer.holdings),
      () => proceed(works.map(() => 'unknown')),
    );
  }

  /** It is here since long; a channel that nobody wanted meanwhile is carried again before a keeper says so. */
  #stored(work: Work): void {
    const done = (): void => {
      this.#host.durable(work.message, work.tag, work.arrivals, false);
      this.#host.settled(work.message.idText);
    };
    const carry = isToKeep(work) ? this.#host.carry(work.tag, work.message.time.timeMs) : undefined;
    if (!carry) return done();
    this.#ctx.persist(
      [carry],
      () => {
        this.#host.noted(carry);
        done();
      },
      () => this.#host.settled(work.message.idText),
    );
  }

  /** A verified message that was only passed on, or whose commit is under way, is to be kept: storing twice is harmless. */
  #keepSeen(work: Work): void {
    const verified = this.#seen.message(work.message.idText);
    if (verified) return this.#persist([{ verified, work }]);
    // Only its id is remembered: these bytes have to prove themselves.
    this.#inFlight.add(work);
    this.#verify([work]);
  }

  #verify(works: readonly Work[]): void {
    const isBulk = works.every(isFetched);
    const checks = works.map((work) => signatureCheck(this.#ctx.messages, work.message));
    this.#ctx.verify(
      checks,
      (proofs) => {
        const kept: Proven[] = [];
        const putOff: Proven[] = [];
        works.forEach((work, i) => {
          this.#inFlight.remove(work);
          const proof = proofs[i];
          const verified = proof && VerifiedMessage.fromVerification(this.#ctx.messages, work.message, proof);
          if (!verified) this.#forged(work);
          else if (this.#isOverRate(work)) putOff.push({ verified, work });
          else if (work.isNamed || this.#seen.isDeleted(work.message)) {
            work.isNamed = true;
            kept.push({ verified, work });
          } else if (this.#pass(verified, work)) kept.push({ verified, work });
          else this.#host.settled(work.message.idText);
        });
        if (putOff.length > 0) this.#putOff(putOff);
        // In pieces: whatever is published meanwhile is committed between two of them.
        const piece = isBulk ? LIMITS.persistPiece : kept.length;
        for (let i = 0; i < kept.length; i += piece) this.#persist(kept.slice(i, i + piece), isBulk);
      },
      isBulk,
    );
  }

  /** Content that is stored here has to be within the rate of its author, unless it was asked for. */
  #isOverRate(work: Work): boolean {
    const { channel, author } = work.message;
    if (!work.arrivals.every((arrival) => arrival.rated) || channelKind(channel) !== 'open') return false;
    return (isToKeep(work) || this.#keeps(work)) && !this.#host.mayTake(author);
  }

  /** Only the header is kept for now; a header that is known already stays as it is. */
  #putOff(items: readonly Proven[]): void {
    for (const { verified, work } of items) {
      const [first] = work.arrivals;
      if (first) this.#host.refused(work.message.idText, first.link, 'over-rate');
      this.#seen.deleted(verified);
    }
    const ops = items
      .filter(({ work }) => !work.isWanted && this.#keeps(work))
      .map(({ verified, work }): PersistOp => ({ kind: 'put-off', message: verified, tag: work.tag }));
    const settle = (): void => {
      for (const { work } of items) this.#host.settled(work.message.idText);
    };
    if (ops.length === 0) return settle();
    this.#ctx.persist(
      ops,
      () => {
        this.#host.putOff();
        settle();
      },
      settle,
    );
  }

  /** A message has proved genuine: it goes on. @returns whether it is kept here too */
  #pass(verified: VerifiedMessage, work: Work): boolean {
    this.#seen.add(verified, this.#ctx.now.monotonicMs);
    for (const arrival of work.arrivals) this.#host.verified(verified, work.tag, arrival);
    return isToKeep(work) || this.#keeps(work);
  }

  #forged(work: Work): void {
    const links = new Set(work.arrivals.map((arrival) => arrival.link));
    for (const link of links) {
      this.#host.refused(work.message.idText, link, 'forged');
      this.#links.offend(link, 'malformed', 'wrong signature', 'invalid_signature');
    }
    this.#host.forged(work.message.idText, links);
  }

  /** Notes the channels that senders want kept: one operation for each, back to its oldest message. */
  #carry(items: readonly Proven[]): CarryOp[] {
    const oldest = new Map<string, number>();
    for (const { work } of items) {
      if (!isToKeep(work)) continue;
      const { timeMs } = work.message.time;
      oldest.set(work.tag, Math.min(timeMs, oldest.get(work.tag) ?? timeMs));
    }
    return [...oldest].map(([tag, timeMs]) => this.#host.carry(tag, timeMs)).filter((op) => op !== undefined);
  }

  #persist(items: readonly Proven[], isBulk = false): void {
    const carried = this.#carry(items);
    // Without a place for its channel nobody could ask for it: it is passed on and not kept.
    const kept: Proven[] = [];
    for (const item of items) {
      const { message, tag } = item.work;
      if (this.#keeps(item.work)) {
        this.#host.reserve(message, tag);
        kept.push(item);
      } else this.#host.settled(message.idText);
    }
    if (kept.length === 0) return;
    const ops: PersistOp[] = kept.map(({ verified, work }) => {
      return { kind: 'message', message: verified, tag: work.tag };
    });
    ops.push(...carried);
    this.#ctx.persist(
      ops,
      (results) => {
        for (const op of carried) this.#host.noted(op);
        for (const [i, item] of kept.entries()) this.#stowed(item, results[i]);
      },
      () => {
        for (const { work } of kept) {
          this.#host.release(work.message, work.tag, false);
          this.#seen.forget(work.message.idText);
          this.#host.settled(work.message.idText);
        }
      },
      isBulk,
    );
  }

  /** The disk has it, or only its header where its delete was there before it, or what supersedes it: a keeper says so too,
   *  or its author would ask for ever. */
  #stowed({ verified, work }: Proven, result: PersistResult | undefined): void {
    const { message, tag, arrivals } = work;
    const isNew = result?.kind === 'message' && result.inserted;
    this.#host.release(message, tag, isNew);
    if (result?.kind !== 'deleted') {
      const [first] = arrivals;
      if (result?.kind === 'superseded' && first)
        this.#host.refused(message.idText, first.link, 'superseded');
      if (isNew && work.isWanted) this.#host.filled(message.idText);
      if (isNew && work.isNamed) this.#pass(verified, work);
      this.#host.durable(message, tag, arrivals, isNew);
      if (isNew) this.#host.chained(message, tag, arrivals, result);
    }
    this.#host.settled(message.idText);
    if (this.#isHistory(work)) this.#seen.forget(message.idText);
  }

  /**
   * Older than anything that is on its way along a tree, and the store knows it: a long history would drive out of memory what
   * passes now. A leaf may still push what we fetched from it: the author wrote it while nobody was linked.
   */
  #isHistory(work: Work): boolean {
    const age = this.#ctx.now.wallMs - work.message.time.timeMs;
    return isFetched(work) && age > LIMITS.seenMs && work.arrivals.every(({ link }) => link.remoteRelay);
  }
}

/** It came because catch-up asked for it, and by no other way. */
function isFetched({ arrivals }: Work): boolean {
  return arrivals.length > 0 && arrivals.every(({ rated, root }) => !rated && root === '');
}

/** Of what expires a feed keeps nothing. */
function isLasting({ channel, expiresMs }: Message): boolean {
  return expiresMs === 0 || !isFeed(channel);
}

function isToKeep(work: Work): boolean {
  return work.arrivals.some((arrival) => arrival.keep);
}
