/**
 * From received bytes to a stored message: look the id up, verify, check the write rule, persist.
 *
 * Invariants:
 * 1. An id is looked up before its signature is checked, and recorded only after signature and write rule have passed.
 * 2. Work in flight is keyed by (id, signature): a junk signature delays nobody's genuine copy.
 * 3. A failed signature is held against the links that sent it, and against nothing else.
 * 4. What could not be stored is forgotten, so that catch-up brings it again.
 * 5. Content over the rate of its author is put off: its verified header is stored and wanted, nothing of it is passed
 *    on or confirmed before it comes again (design, section 7).
 */
import type { Bytes } from '../bytes.ts';
import { channelKind, mayWrite } from '../channel/channel.ts';
import type { Context } from '../context.ts';
import type { CarryOp } from '../interest/kept.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { isEphemeral, isExpired, type Message } from '../message/message.ts';
import { signatureCheck, VerifiedMessage } from '../message/verified.ts';
import type { Holding, PersistOp } from '../persistence.ts';
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
  /** done with, in whatever way: nothing more is to be expected of this id */
  readonly settled: (idText: string) => void;
  /** these links brought a copy with a wrong signature: the genuine one is still to be had elsewhere */
  readonly forged: (idText: string, links: ReadonlySet<Link>) => void;
}

interface Work {
  readonly message: Message;
  readonly tag: string;
  readonly arrivals: Arrival[];
  /** only its header is known here so far */
  isWanted: boolean;
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
    if (mayWrite(message.channel, message.author)) return true;
    refuse('write-rule');
    const kind = channelKind(message.channel);
    if (kind === 'inbox' || kind === 'sealed') return false;
    this.#links.offend(arrival.link, 'malformed', 'the author may not write in this channel');
    return false;
  }

  /** A verified id comes again: along another tree it goes on, and a keeper is told when it is durable. */
  #again(work: Work, arrival: Arrival, lookup: Work[]): void {
    const { idText } = work.message;
    const verified = this.#seen.message(idText);
    if (verified && arrival.root !== '') this.#host.verified(verified, work.tag, arrival);
    if (arrival.keep) lookup.push(work);
    this.#host.settled(idText);
  }

  #lookUp(works: readonly Work[]): void {
    const query = { kind: 'has' as const, ids: works.map((work) => work.message.id) };
    const proceed = (holdings: readonly Holding[]): void => {
      const fresh: Work[] = [];
      works.forEach((work, i) => {
        work.isWanted = holdings[i] === 'wanted';
        if (holdings[i] === 'held') {
          this.#inFlight.remove(work);
          this.#stored(work);
        } else if (holdings[i] === 'dropped') {
          // There was no room for its content: it is neither confirmed nor taken again.
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
    if (verified) this.#persist([{ verified, work }]);
  }

  #verify(works: readonly Work[]): void {
    const checks = works.map((work) => signatureCheck(this.#ctx.messages, work.message));
    this.#ctx.verify(checks, (proofs) => {
      const kept: Proven[] = [];
      const putOff: Proven[] = [];
      works.forEach((work, i) => {
        this.#inFlight.remove(work);
        const proof = proofs[i];
        const verified = proof && VerifiedMessage.fromVerification(this.#ctx.messages, work.message, proof);
        if (!verified) this.#forged(work);
        else if (this.#isOverRate(work)) putOff.push({ verified, work });
        else if (this.#pass(verified, work)) kept.push({ verified, work });
        else this.#host.settled(work.message.idText);
      });
      if (putOff.length > 0) this.#putOff(putOff);
      if (kept.length > 0) this.#persist(kept);
    });
  }

  /** Content that is stored here has to be within the rate of its author, unless it was asked for. */
  #isOverRate(work: Work): boolean {
    const { channel, author } = work.message;
    if (!work.arrivals.every((arrival) => arrival.rated) || channelKind(channel) !== 'open') return false;
    return (isToKeep(work) || this.#keeps(work)) && !this.#host.mayTake(author);
  }

  /** Only the header is kept for now; a header that is known already stays as it is. */
  #putOff(items: readonly Proven[]): void {
    for (const { work } of items) {
      const [first] = work.arrivals;
      if (first) this.#host.refused(work.message.idText, first.link, 'over-rate');
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

  #persist(items: readonly Proven[]): void {
    const carried = this.#carry(items);
    // Without a place for its channel nobody could ask for it: it is passed on and not kept.
    const kept: Proven[] = [];
    for (const item of items)
      if (this.#keeps(item.work)) kept.push(item);
      else this.#host.settled(item.work.message.idText);
    if (kept.length === 0) return;
    const ops: PersistOp[] = kept.map(({ verified, work }) => {
      return { kind: 'message', message: verified, tag: work.tag };
    });
    ops.push(...carried);
    this.#ctx.persist(
      ops,
      (results) => {
        for (const op of carried) this.#host.noted(op);
        kept.forEach(({ work }, i) => {
          const result = results[i];
          const isNew = result?.kind === 'message' && result.inserted;
          if (isNew && work.isWanted) this.#host.filled(work.message.idText);
          this.#host.durable(work.message, work.tag, work.arrivals, isNew);
          this.#host.settled(work.message.idText);
        });
      },
      () => {
        for (const { work } of kept) {
          this.#seen.forget(work.message.idText);
          this.#host.settled(work.message.idText);
        }
      },
    );
  }
}

function isToKeep(work: Work): boolean {
  return work.arrivals.some((arrival) => arrival.keep);
}
