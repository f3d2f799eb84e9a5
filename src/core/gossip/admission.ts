/**
 * From received bytes to a stored message: look the id up, verify, check the write rule, persist.
 *
 * Invariants:
 * 1. An id is looked up before its signature is checked, and recorded only after signature and write rule have passed.
 * 2. Work in flight is keyed by (id, signature): a junk signature delays nobody's genuine copy.
 * 3. A failed signature is held against the links that sent it, and against nothing else.
 * 4. What could not be stored is forgotten, so that catch-up brings it again.
 */
import { toBase64url } from '../bytes.ts';
import { channelKind, mayWrite } from '../channel/channel.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Message } from '../message/message.ts';
import { signatureCheck, VerifiedMessage } from '../message/verified.ts';
import type { PersistOp } from '../persistence.ts';
import type { SeenMessages } from './seen.ts';

/** One way by which a message came. */
export interface Arrival {
  readonly link: Link;
  /** peer id of the root whose tree it follows, '' for messages fetched by id */
  readonly root: string;
  /** the sender wants it kept and a `stored` in return */
  readonly keep: boolean;
}

export interface AdmissionHost {
  readonly holds: (tag: string) => boolean;
  /** keep the channel from now on; @returns until when, 0 if that is known */
  readonly carry: (tag: string) => number;
  /** that is on the disk */
  readonly noted: (tag: string, untilMs: number) => void;
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
  /** id and signature as text */
  readonly key: string;
  readonly message: Message;
  readonly tag: string;
  readonly arrivals: Arrival[];
}

export class Admission {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #seen: SeenMessages;
  readonly #host: AdmissionHost;
  readonly #inFlight = new Map<string, Work>();

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
      if (!this.#isTimely(message, arrival)) {
        this.#host.settled(message.idText);
        continue;
      }
      const tag = this.#ctx.tagOf(message.channel);
      const key = `${message.idText}${toBase64url(message.signature)}`;
      const work = this.#inFlight.get(key);
      if (work) {
        work.arrivals.push(arrival);
      } else if (this.#seen.has(message.idText)) {
        this.#again({ key, message, tag, arrivals: [arrival] }, arrival, lookup);
      } else {
        const fresh: Work = { key, message, tag, arrivals: [arrival] };
        this.#inFlight.set(key, fresh);
        (arrival.keep || this.#host.holds(tag) ? lookup : transit).push(fresh);
      }
    }
    if (lookup.length > 0) this.#lookUp(lookup);
    if (transit.length > 0) this.#verify(transit);
  }

  /** Time, expiry and channel: what refuses a message whoever signed it. No offence but for a broken write rule. */
  #isTimely(message: Message, arrival: Arrival): boolean {
    const { wallMs } = this.#ctx.now;
    if (message.time.timeMs > wallMs + LIMITS.futureMs) return false;
    if (message.expiresMs !== 0 && message.expiresMs <= wallMs) return false;
    const kind = channelKind(message.channel);
    if (kind === 'inbox' || kind === 'sealed') return false;
    if (mayWrite(message.channel, message.author)) return true;
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
    const proceed = (present: readonly boolean[]): void => {
      const fresh: Work[] = [];
      works.forEach((work, i) => {
        if (present[i]) {
          this.#inFlight.delete(work.key);
          this.#stored(work);
        } else if (this.#inFlight.get(work.key) === work) fresh.push(work);
        else this.#keepSeen(work);
      });
      if (fresh.length > 0) this.#verify(fresh);
    };
    this.#ctx.read(
      query,
      (answer) => proceed(answer.present),
      () => proceed(works.map(() => false)),
    );
  }

  /** It is here since long; a channel that nobody wanted meanwhile is carried again before a keeper says so. */
  #stored(work: Work): void {
    const done = (): void => {
      this.#host.durable(work.message, work.tag, work.arrivals, false);
      this.#host.settled(work.message.idText);
    };
    const isKept = work.arrivals.some((arrival) => arrival.keep);
    const untilMs = isKept ? this.#host.carry(work.tag) : 0;
    if (untilMs === 0) return done();
    this.#ctx.persist(
      [{ kind: 'carry', tag: work.tag, untilMs }],
      () => {
        this.#host.noted(work.tag, untilMs);
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
      const kept: { verified: VerifiedMessage; work: Work }[] = [];
      works.forEach((work, i) => {
        this.#inFlight.delete(work.key);
        const proof = proofs[i];
        const verified = proof && VerifiedMessage.fromVerification(this.#ctx.messages, work.message, proof);
        if (!verified) this.#forged(work);
        else if (this.#pass(verified, work)) kept.push({ verified, work });
        else this.#host.settled(work.message.idText);
      });
      if (kept.length > 0) this.#persist(kept);
    });
  }

  /** A message has proved genuine: it goes on. @returns whether it is kept here too */
  #pass(verified: VerifiedMessage, work: Work): boolean {
    this.#seen.add(verified, this.#ctx.now.monotonicMs);
    for (const arrival of work.arrivals) this.#host.verified(verified, work.tag, arrival);
    return work.arrivals.some((arrival) => arrival.keep) || this.#host.holds(work.tag);
  }

  #forged(work: Work): void {
    const links = new Set(work.arrivals.map((arrival) => arrival.link));
    for (const link of links) this.#links.offend(link, 'malformed', 'wrong signature', 'invalid_signature');
    this.#host.forged(work.message.idText, links);
  }

  #persist(verified: readonly { verified: VerifiedMessage; work: Work }[]): void {
    const carried = new Map<string, number>();
    for (const { work } of verified) {
      if (carried.has(work.tag) || !work.arrivals.some((arrival) => arrival.keep)) continue;
      carried.set(work.tag, this.#host.carry(work.tag));
    }
    // Without a place for its channel nobody could ask for it: it is passed on and not kept.
    const kept = verified.filter(({ work }) => this.#host.holds(work.tag));
    if (kept.length < verified.length)
      for (const { work } of verified)
        if (!this.#host.holds(work.tag)) this.#host.settled(work.message.idText);
    if (kept.length === 0) return;
    const ops: PersistOp[] = kept.map((item) => {
      const from = item.work.arrivals[0]?.link.peer ?? '';
      return { kind: 'message', message: item.verified, tag: item.work.tag, from };
    });
    for (const [tag, untilMs] of carried) if (untilMs > 0) ops.push({ kind: 'carry', tag, untilMs });
    this.#ctx.persist(
      ops,
      (results) => {
        for (const [tag, untilMs] of carried) this.#host.noted(tag, untilMs);
        kept.forEach(({ work }, i) => {
          const result = results[i];
          const isNew = result?.kind === 'message' && result.inserted;
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
