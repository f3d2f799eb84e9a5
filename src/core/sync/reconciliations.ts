/**
 * Reconciliations over links: channels whose sums differ are compared by negentropy (`negentropy/reconcile.ts`), one after
 * the other. The dialler of a link is the initiator; so both sides learn from one comparison what they lack.
 *
 *   initiator                                   responder
 *   | ---- reconcile: number, channel, ranges -> |
 *   | <--- reconciled: number, ranges ---------- |   ...until the initiator has nothing to say
 *   | ---- offer: ids that the responder lacks -> |
 *   | <--- fetch ... each side, what it lacks --> |
 *
 * Invariants:
 * 1. One message is under way on a link. The initiator sends the next one, and the responder answers it, only when few of
 *    the ids found so far are still missing: whoever receives sets the pace. Neither goes through more rounds than the
 *    other may ask for: a responder that makes up an id for each of them has no end of them.
 * 2. Between two messages only the initiator keeps anything, and that is the channel, a number, and perhaps one message: a
 *    link that ends loses nothing but the last round.
 * 3. A pair of fingerprints, an id wanted and an id offered are tried again after 25 s, then later and later up to an hour.
 */
import { type Bytes, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import type { Interest } from '../interest/interest.ts';
import type { Shared } from '../interest/link-interest.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Footprint } from '../peer-types.ts';
import type { Window } from '../persistence.ts';
import type { Frame } from '../wire/frame.ts';
import type { Fetcher } from './fetcher.ts';
import { decodeMessage } from './negentropy/codec.ts';
import { initiate, type Progress, proceed, respond, type Scope, STYLE } from './negentropy/reconcile.ts';
import { type Part, partsOf } from './parts.ts';
import type { Reads } from './reads.ts';
import { Repeats } from './repeats.ts';
import { Vain } from './vain.ts';
import { Work } from './work.ts';

export type ReconcileFrame = Extract<Frame, { type: 'reconcile' | 'reconciled' | 'offer' }>;

/** A channel that differs, and up to where. */
export interface Difference extends Shared {
  readonly untilMinute: number;
  /** both fingerprints */
  readonly pair: string;
}

/** The channel that we compare over a link. */
interface Job extends Difference {
  /** of the message that is under way, 0 while none is */
  number: number;
  /** when it last went on */
  movedMs: number;
  /** the next message, when few ids are missing again and it may be asked */
  next: Bytes | undefined;
  /** rounds that brought nothing, one after the other */
  idleRounds: number;
  /** ids that were found, some of them twice */
  found: number;
  /** what is compared, for `Vain` */
  readonly part: string;
  /** what is compared then: more of the channel */
  readonly rest: readonly Part[];
}

interface Lane {
  readonly link: Link;
  /** as the initiator */
  readonly waiting: Map<string, Difference>;
  job: Job | undefined;
  numbers: number;
  /** answers given up, which may still come and are no offence */
  late: number;
  readonly pairs: Repeats;
  readonly vain: Vain;
  /** as the responder: what is to be answered, and whether an answer is being made or is on its way out */
  held: Extract<Frame, { type: 'reconcile' }> | undefined;
  /** when the other side last asked */
  askedMs: number;
  /** since when an answer is being made; undefined while none is */
  answeringMs: number | undefined;
  /** ids that the initiator may still offer */
  offers: number;
  readonly wanted: Repeats;
  readonly offered: Repeats;
}

export interface ReconciliationsParts {
  readonly links: Links;
  readonly interest: Interest;
  readonly fetcher: Fetcher;
  readonly reads: Reads;
}

export interface ReconciliationsHost {
  /** whether messages of this tag and time are taken here at the moment */
  readonly takes: (tag: string, timeMs: number) => boolean;
  /** stores a message that passed here lately; false if it did not */
  readonly keepPassed: (idText: string) => boolean;
  /** whether sums are kept for windows that end there */
  readonly isSummed: (untilMinute: number) => boolean;
}

export class Reconciliations {
  readonly #ctx: Context;
  readonly #parts: ReconciliationsParts;
  readonly #host: ReconciliationsHost;
  readonly #work: Work;
  readonly #lanes = new Map<LinkId, Lane>();

  constructor(ctx: Context, parts: ReconciliationsParts, host: ReconciliationsHost) {
    this.#ctx = ctx;
    this.#parts = parts;
    this.#host = host;
    this.#work = new Work({ ctx, reads: parts.reads });
  }

  up(link: Link): void {
    this.#work.up(link);
    this.#lanes.set(link.id, {
      link,
      ...{ waiting: new Map(), job: undefined, numbers: 0, late: 0, held: undefined },
      ...{ askedMs: Number.NEGATIVE_INFINITY, answeringMs: undefined, offers: 0 },
      pairs: new Repeats(LIMITS.sharedChannelsMax),
      vain: new Vain(LIMITS.sharedChannelsMax),
      wanted: new Repeats(() => this.#triedMax),
      offered: new Repeats(() => this.#triedMax),
    });
  }

  /** Ids that are remembered of a link: many links together take no more memory than a few. */
  get #triedMax(): number {
    return Math.min(LIMITS.reconcileTriedMax, Math.floor(LIMITS.reconcileTriedAllMax / this.#lanes.size));
  }

  down(link: Link): void {
    this.#work.down(link);
    this.#lanes.delete(link.id);
  }

  /** Whether something is compared over a link, or waits for it. */
  isBusy(link: Link): boolean {
    const lane = this.#lanes.get(link.id);
    if (!lane) return false;
    const { job, waiting, held, answeringMs } = lane;
    return job !== undefined || waiting.size > 0 || held !== undefined || answeringMs !== undefined;
  }

  /** Whether more may be found over a link. Of what the initiator has left to ask the responder knows nothing: it is over
   *  when that one has been silent for as long as it would wait for an answer. */
  isGoingOn(link: Link): boolean {
    const askedMs = this.#lanes.get(link.id)?.askedMs ?? Number.NEGATIVE_INFINITY;
    return this.isBusy(link) || this.#ctx.now.monotonicMs - askedMs < LIMITS.reconcileAnswerMs;
  }

  /** Compares channels whose fingerprints differ: we are the initiator. */
  compare(link: Link, differences: readonly Difference[]): void {
    const lane = this.#lanes.get(link.id);
    if (!lane) return;
    for (const difference of differences) {
      const { tag, pair } = difference;
      if (lane.job?.tag === tag || lane.waiting.has(tag) || lane.waiting.size >= LIMITS.sharedChannelsMax)
        continue;
      if (lane.pairs.mayTry(`${tag} ${pair}`, this.#ctx.now.monotonicMs)) lane.waiting.set(tag, difference);
    }
    this.#next(lane);
  }

  #next(lane: Lane): void {
    if (lane.job || lane.link.phase !== 'up') return;
    const [first] = lane.waiting.values();
    if (!first) return;
    lane.waiting.delete(first.tag);
    if (!this.#parts.interest.isShared(lane.link, first.tag)) return this.#next(lane);
    this.#begin(lane, first, partsOf(first, lane.vain, this.#ctx.now));
  }

  /** @param parts what is to be compared, one after the other */
  #begin(lane: Lane, difference: Difference, [part, ...rest]: readonly Part[]): void {
    if (part === undefined) return this.#next(lane);
    const job: Job = {
      ...difference,
      floorHour: part.floorHour,
      untilMinute: part.untilMinute,
      part: part.name,
      rest,
      number: 0,
      movedMs: this.#ctx.now.monotonicMs,
      next: undefined,
      idleRounds: 0,
      found: 0,
    };
    lane.job = job;
    this.#work.play(lane.link, initiate(this.#scope(job)), (message) => {
      if (lane.job === job) this.#ask(lane, job, message);
    });
  }

  #scope({ tag, floorHour, untilMinute }: Pick<Difference, 'tag' | 'floorHour' | 'untilMinute'>): Scope {
    const window: Window = { tag, fromMinute: floorHour * 60, untilMinute };
    return { sha256: this.#ctx.config.sha256, window, style: STYLE };
  }

  #hasRoom(link: Link): boolean {
    return this.#parts.fetcher.load(link) <= LIMITS.missingMax / 2;
  }

  #ask(lane: Lane, job: Job, message: Bytes): void {
    const { link } = lane;
    job.movedMs = this.#ctx.now.monotonicMs;
    if (!this.#hasRoom(link) || !this.#work.mayCause(link)) {
      job.next = message;
      return;
    }
    job.next = undefined;
    lane.numbers = (lane.numbers % LIMITS.reconcileNumberMax) + 1;
    job.number = lane.numbers;
    const { number, untilMinute, tag, floorHour } = job;
    this.#parts.links.send(link, { type: 'reconcile', number, untilMinute, tag, floorHour, message });
  }

  receive(link: Link, frame: ReconcileFrame): void {
    const lane = this.#lanes.get(link.id);
    if (!lane) return;
    const isAnswer = frame.type === 'reconciled';
    if (isAnswer !== (link.role === 'dialler'))
      return this.#parts.links.offend(
        link,
        'unasked',
        `${frame.type} is for the other side of a link to say`,
      );
    if (frame.type === 'reconcile') return this.#asked(lane, frame);
    if (frame.type === 'offer') return this.#hearOffer(lane, frame);
    this.#hearAnswer(lane, frame);
  }

  #hearAnswer(lane: Lane, { number, message }: Extract<Frame, { type: 'reconciled' }>): void {
    const { link, job } = lane;
    if (!job || number === 0 || job.number !== number) {
      if (lane.late === 0)
        return this.#parts.links.offend(link, 'unasked', 'an answer to nothing', 'unsolicited');
      lane.late--;
      return;
    }
    job.number = 0;
    job.movedMs = this.#ctx.now.monotonicMs;
    this.#work.charge(link, 1);
    const decoded = decodeMessage(message);
    if (message.length === 0) return this.#over(lane, job); // it compares no such thing now
    if (!decoded.ok) {
      this.#parts.links.offend(link, 'malformed', `a reconciliation: ${decoded.reason}`);
      return this.#over(lane, job);
    }
    this.#work.play(link, proceed(this.#scope(job), decoded.ranges), (progress) => {
      if (lane.job === job) this.#took(lane, job, progress);
    });
  }

  #took(lane: Lane, job: Job, { message, have, need }: Progress): void {
    const isNew = this.#offer(lane, job.tag, have);
    job.found += have.length + need.length;
    this.#want(lane, job.tag, need, (wanted) => {
      if (lane.job !== job) return;
      job.idleRounds = isNew || wanted > 0 ? 0 : job.idleRounds + 1;
      if (message !== undefined && job.idleRounds <= LIMITS.reconcileIdleRoundsMax)
        return this.#ask(lane, job, message);
      lane.vain.compared(job.part, job.found, this.#ctx.now.monotonicMs);
      lane.job = undefined;
      this.#begin(lane, job, job.rest);
    });
  }

  #over(lane: Lane, job: Job): void {
    if (lane.job !== job) return;
    lane.job = undefined;
    this.#next(lane);
  }

  /** @returns whether anything was left to offer */
  #offer({ link, offered }: Lane, tag: string, have: readonly Bytes[]): boolean {
    const now = this.#ctx.now.monotonicMs;
    const ids = have.filter((id) => offered.mayTry(toBase64url(id), now));
    for (let i = 0; i < ids.length; i += LIMITS.offeredIdsMax)
      this.#parts.links.send(link, { type: 'offer', tag, ids: ids.slice(i, i + LIMITS.offeredIdsMax) });
    return ids.length > 0;
  }

  /** Fetches those that are not known here. @param then told how many those are */
  #want({ link, wanted }: Lane, tag: string, ids: readonly Bytes[], then: (count: number) => void): void {
    if (ids.length === 0 || !this.#host.takes(tag, this.#ctx.now.wallMs)) return then(0);
    this.#work.charge(link, ids.length / LIMITS.reconcileKnownPerWork);
    this.#parts.reads.read(link, { kind: 'has', ids }, ({ holdings }) => {
      const now = this.#ctx.now.monotonicMs;
      let count = 0;
      // They come in the order of time: the newest are fetched first.
      for (let i = ids.length - 1; i >= 0; i--) {
        const id = ids[i] as Bytes;
        const idText = toBase64url(id);
        if ((holdings[i] !== 'unknown' && holdings[i] !== 'named') || !wanted.mayTry(idText, now)) continue;
        count++;
        if (!this.#host.keepPassed(idText)) this.#parts.fetcher.want(id, [link], 'history');
      }
      then(count);
    });
  }

  #hearOffer(lane: Lane, { tag, ids }: Extract<Frame, { type: 'offer' }>): void {
    lane.offers -= ids.length;
    if (lane.offers < 0) {
      lane.offers = 0;
      return this.#parts.links.offend(lane.link, 'unasked', 'more ids than were compared', 'unsolicited');
    }
    if (this.#parts.interest.isShared(lane.link, tag)) this.#want(lane, tag, ids, () => undefined);
  }

  /** The initiator has one message under way: a newer one means that it gave the other up. */
  #asked(lane: Lane, frame: Extract<Frame, { type: 'reconcile' }>): void {
    lane.held = { ...frame, message: frame.message.slice() };
    lane.askedMs = this.#ctx.now.monotonicMs;
    this.#serve(lane);
  }

  #serve(lane: Lane): void {
    const { link, held } = lane;
    if (!held || lane.answeringMs !== undefined || !this.#hasRoom(link) || !this.#work.mayCause(link)) return;
    lane.held = undefined;
    this.#work.charge(link, 1);
    const { tag, floorHour, untilMinute } = held;
    const floor = this.#parts.interest.sharedFloor(link, tag);
    if (floor === undefined || floorHour < floor || !this.#host.isSummed(untilMinute))
      return this.#answer(lane, held.number, new Uint8Array(0));
    const decoded = decodeMessage(held.message);
    if (!decoded.ok)
      return this.#parts.links.offend(link, 'malformed', `a reconciliation: ${decoded.reason}`);
    lane.answeringMs = this.#ctx.now.monotonicMs;
    lane.offers = LIMITS.reconcileIdsMax;
    this.#work.play(link, respond(this.#scope(held), decoded.ranges), (message) => {
      this.#answer(lane, held.number, message);
    });
  }

  #answer(lane: Lane, number: number, message: Bytes): void {
    lane.answeringMs = undefined;
    this.#parts.links.send(lane.link, { type: 'reconciled', number, message });
    this.#serve(lane);
  }

  /** Few ids of a link are missing again, or a second has passed. */
  goOn(link: Link): void {
    const lane = this.#lanes.get(link.id);
    if (!lane) return;
    const { job } = lane;
    if (job?.next) this.#ask(lane, job, job.next);
    this.#serve(lane);
  }

  /** Once a second: an answer that does not come, of the other side or of the store, is given up, and a later comparison
   *  begins anew. */
  tick(): void {
    this.#work.tick();
    const now = this.#ctx.now.monotonicMs;
    const isLate = (ms: number): boolean => now - ms > LIMITS.reconcileAnswerMs;
    for (const lane of this.#lanes.values()) {
      const { job } = lane;
      if (job && !job.next && isLate(job.movedMs)) {
        if (job.number !== 0) lane.late++;
        lane.pairs.forget(`${job.tag} ${job.pair}`);
        this.#over(lane, job);
      }
      if (lane.answeringMs !== undefined && isLate(lane.answeringMs)) lane.answeringMs = undefined;
      this.goOn(lane.link);
    }
  }

  footprint(): Footprint {
    const longest = Math.max(0, ...[...this.#lanes.values()].map(({ waiting }) => waiting.size));
    return { channelsToCompareOfOneLink: { size: longest, max: LIMITS.sharedChannelsMax } };
  }
}
