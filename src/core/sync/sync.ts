/**
 * Catch-up over a link:
 *
 *   heartbeat   one fingerprint over all shared channels; equal means done, at no further cost
 *   sums        a fingerprint per channel: from the side that was dialled, when it sees a difference
 *   reconcile   from the dialler, for each channel that differs (`reconciliations.ts`); then both sides fetch what they lack
 *
 * Invariants:
 * 1. Both sides compare the same window: from the higher of the floors told to `until`, the sender's last full minute
 *    at least 60 s ago. The first comparison of a link, and of channels that become shared, has no upper end.
 * 2. The same pair of fingerprints is not reconciled twice in a row: the wait grows from 25 s to 1 h.
 */

import { equal, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import type { Interest } from '../interest/interest.ts';
import type { Shared } from '../interest/link-interest.ts';
import { HOUR, LIMITS, MINUTE } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Footprint } from '../peer-types.ts';
import { MINUTE_END } from '../persistence.ts';
import type { ChannelSum, Frame } from '../wire/frame.ts';
import { Agreement } from './agreement.ts';
import type { Fetcher } from './fetcher.ts';
import { Reads } from './reads.ts';
import { type ReconcileFrame, Reconciliations } from './reconciliations.ts';
import { settledMinute } from './settled.ts';
import { Sums } from './sums.ts';

interface Session {
  /** comparisons that the other side may still ask for, at most, and when it asked last */
  asks: number;
  readonly asksMax: number;
  askedMs: number;
  /** the last pair of fingerprints that differed, and when it may be looked into again */
  lastPair: string;
  retryMs: number;
  againMs: number;
  /** when a heartbeat was last early enough to be looked into */
  settledMs: number;
}

type SyncFrame = Extract<Frame, { type: 'heartbeat' | 'sums' }> | ReconcileFrame;

export class Sync {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #interest: Interest;
  readonly #fetcher: Fetcher;
  readonly #reconciliations: Reconciliations;
  readonly #reads: Reads;
  readonly #sums: Sums;
  readonly agreement: Agreement;
  readonly #sessions = new Map<LinkId, Session>();
  /** whether messages of this tag and minute are taken here at the moment */
  takes: (tag: string, timeMs: number) => boolean = () => true;
  /** removes what runs out before the end of a window: then its sums count what neighbours' count */
  settle: (untilMinute: number, then: () => void) => void = (_, then) => then();
  /** whether something has run out here that a neighbour may still count in a window with this end */
  isAhead: (untilMinute: number) => boolean = () => false;
  /** stores a message that passed here lately, by its id; false if it did not */
  keepPassed: (idText: string) => boolean = () => false;
  /** told when sums of the other side were compared with ours, and which of them differ */
  onSumsCompared: (link: Link, channels: readonly Shared[], differ: readonly Shared[]) => void = () =>
    undefined;
  /** told of a neighbour that keeps something back from us, as far as others show */
  onWithholder: (link: Link) => void = () => undefined;
  /** told when a neighbour's clock is near ours */
  onClockAgreed: () => void = () => undefined;

  constructor(ctx: Context, links: Links, interest: Interest, fetcher: Fetcher) {
    this.#ctx = ctx;
    this.#links = links;
    this.#interest = interest;
    this.#fetcher = fetcher;
    this.#reads = new Reads(ctx);
    this.#sums = new Sums(ctx, {
      interest,
      read: (link, query, untilMinute, then) =>
        this.settle(untilMinute, () => this.#reads.read(link, query, then)),
    });
    this.agreement = new Agreement(interest);
    const parts = { links, interest, fetcher, reads: this.#reads };
    this.#reconciliations = new Reconciliations(ctx, parts, {
      takes: (tag, timeMs) => this.takes(tag, timeMs),
      keepPassed: (idText) => this.keepPassed(idText),
      isSummed: (untilMinute) => this.#isSummed(untilMinute),
    });
    fetcher.onRoom = (link) => this.#reconciliations.goOn(link);
  }

  up(link: Link): void {
    const asksMax = link.isVisit ? LIMITS.visitComparesMax : LIMITS.comparesMax;
    this.#sessions.set(link.id, {
      asks: asksMax,
      asksMax,
      askedMs: this.#ctx.now.monotonicMs,
      lastPair: '',
      retryMs: LIMITS.retryMinMs,
      againMs: 0,
      settledMs: this.#ctx.now.monotonicMs,
    });
    this.#reconciliations.up(link);
    this.#sums.up(link);
    if (!link.isVisit) this.#armHeartbeat(link);
  }

  down(link: Link): void {
    this.#sessions.delete(link.id);
    this.#sums.down(link);
    this.agreement.down(link);
    this.#reconciliations.down(link);
  }

  #armHeartbeat(link: Link): void {
    const delayMs = this.#ctx.random.jitter(LIMITS.heartbeatMs, LIMITS.heartbeatJitter);
    this.#ctx.timer({ kind: 'heartbeat', link: link.id }, delayMs);
  }

  /**
   * Channels newly in common: compared at once and without an upper end, because nothing of them is in flight yet. The side
   * that was dialled begins. Whoever tells and takes back channels again and again gets no more of it than of other
   * comparisons; neighbours' heartbeats compare the rest.
   */
  shared(link: Link, tags: readonly string[]): void {
    const session = this.#sessions.get(link.id);
    if (!session || link.role === 'dialler' || !this.#mayAsk(session)) return;
    const fresh = new Set(tags);
    const shared = this.#interest.sharedWith(link).filter(({ tag }) => fresh.has(tag));
    for (let i = 0; i < shared.length; i += LIMITS.sumsPerFrameMax)
      if (i === 0 || this.#mayAsk(session))
        this.#sendSums(link, shared.slice(i, i + LIMITS.sumsPerFrameMax), MINUTE_END);
  }

  heartbeat(id: LinkId): void {
    const link = this.#links.get(id);
    if (!link || !this.#sessions.has(id)) return;
    this.#armHeartbeat(link);
    if (this.#interest.sharedWith(link).length === 0) return;
    const untilMinute = settledMinute(this.#ctx.now.wallMs);
    this.#sums.ofBeat(link, untilMinute, ({ size, fingerprint }) =>
      this.#links.send(link, { type: 'heartbeat', untilMinute, channels: size, fingerprint }),
    );
  }

  #sendSums(link: Link, shared: readonly Shared[], untilMinute: number): void {
    for (let i = 0; i < shared.length; i += LIMITS.sumsPerFrameMax)
      this.#sums.of(link, shared.slice(i, i + LIMITS.sumsPerFrameMax), untilMinute, (sums) => {
        if (link.phase !== 'up') return;
        this.#links.send(link, { type: 'sums', untilMinute, sums });
      });
  }

  receive(link: Link, frame: SyncFrame): void {
    const session = this.#sessions.get(link.id);
    if (!session) return;
    switch (frame.type) {
      case 'heartbeat':
        return this.#hearBeat(link, session, frame);
      case 'sums':
        return this.#hearSums(link, session, frame);
      default:
        return this.#reconciliations.receive(link, frame);
    }
  }

  /** A window that sums are kept for: everything, whole hours, or up to a minute of the last hour. */
  #isSummed(untilMinute: number): boolean {
    if (untilMinute === MINUTE_END || untilMinute % 60 === 0) return true;
    const untilMs = untilMinute * MINUTE;
    return untilMs >= this.#ctx.now.wallMs - HOUR && untilMs <= this.#ctx.now.wallMs + LIMITS.futureMs;
  }

  /** Comparing costs reads: a few at once and one a second, of a frame of sums each, are more than two honest peers need. */
  #mayAsk(session: Session): boolean {
    const now = this.#ctx.now.monotonicMs;
    session.asks = Math.min(session.asksMax, session.asks + (now - session.askedMs) / 1000);
    session.askedMs = now;
    if (session.asks < 1) return false;
    session.asks--;
    return true;
  }

  /** Whether something is being read for, compared or pulled over a link. */
  isBusy(link: Link): boolean {
    return this.#reads.isBusy(link) || this.#isBusy(link);
  }

  /** Whether a comparison over a link is going on, so that more may be found to be missing. */
  isComparing(link: Link): boolean {
    return this.#reconciliations.isGoingOn(link);
  }

  #isBusy(link: Link): boolean {
    return this.#reconciliations.isBusy(link) || this.#fetcher.load(link) > 0;
  }

  /** Whether a window ends where both clocks agree that nothing more will come. */
  #isSettled(untilMinute: number): boolean {
    return untilMinute === MINUTE_END || untilMinute * MINUTE <= this.#ctx.now.wallMs - LIMITS.settleMs;
  }

  #hearBeat(link: Link, session: Session, frame: Extract<Frame, { type: 'heartbeat' }>): void {
    const aheadMs = frame.untilMinute * MINUTE - (this.#ctx.now.wallMs - LIMITS.settleMs);
    if (Math.abs(aheadMs) <= LIMITS.skewMs) this.onClockAgreed();
    if (this.#isBusy(link)) return;
    if (aheadMs > LIMITS.skewMs || aheadMs < -HOUR) return this.#compareHours(link, session, aheadMs);
    // The other side looks into it.
    if (link.role === 'dialler') return this.#witness(link, session, frame);
    if (!this.#isSummed(frame.untilMinute)) return;
    if (!this.#isSettled(frame.untilMinute)) return this.#compareSettled(link, session);
    session.settledMs = this.#ctx.now.monotonicMs;
    if (this.isAhead(frame.untilMinute) || !this.#mayAsk(session)) return;
    const shared = this.#interest.sharedWith(link);
    session.asks -= Math.floor(Math.max(0, shared.length - 1) / LIMITS.sumsPerFrameMax);
    this.#sums.ofBeat(link, frame.untilMinute, (compared) => {
      if (link.phase !== 'up') return;
      const mine = compared.fingerprint;
      const isEqual = equal(mine, frame.fingerprint);
      this.agreement.note(link, isEqual, this.#ctx.now.monotonicMs);
      if (isEqual) {
        session.lastPair = '';
        session.retryMs = LIMITS.retryMinMs;
        return;
      }
      const pair = `${toBase64url(mine)}${toBase64url(frame.fingerprint)}`;
      const now = this.#ctx.now.monotonicMs;
      if (pair === session.lastPair) {
        if (now < session.againMs) return;
        session.retryMs = Math.min(session.retryMs * 2, LIMITS.retryMaxMs);
      } else session.retryMs = LIMITS.retryMinMs;
      session.lastPair = pair;
      session.againMs = now + session.retryMs;
      const sums = compared.channels();
      for (let i = 0; i < sums.length; i += LIMITS.sumsPerFrameMax) {
        const part = sums.slice(i, i + LIMITS.sumsPerFrameMax);
        this.#links.send(link, { type: 'sums', untilMinute: frame.untilMinute, sums: part });
      }
    });
  }

  /** A leaf sees for itself whether a home relay, which looks into differences, has what others have. */
  #witness(link: Link, session: Session, frame: Extract<Frame, { type: 'heartbeat' }>): void {
    const { untilMinute } = frame;
    if (this.#links.isRelay || !this.#isSummed(untilMinute) || !this.#isSettled(untilMinute)) return;
    const shared = this.#interest.sharedWith(link);
    if (shared.length !== frame.channels || this.isAhead(untilMinute) || !this.#mayAsk(session)) return;
    this.#sums.ofBeat(link, untilMinute, ({ fingerprint }) => {
      if (link.phase !== 'up') return;
      const isEqual = equal(fingerprint, frame.fingerprint);
      this.agreement.note(link, isEqual, this.#ctx.now.monotonicMs);
    });
  }

  /** Our clock is a minute or two behind: no beat of this neighbour is ever settled for us. Now and then we show our sums
   *  of what is. */
  #compareSettled(link: Link, session: Session): void {
    const now = this.#ctx.now.monotonicMs;
    if (now - session.settledMs < LIMITS.skewMs) return;
    const shared = this.#interest.sharedWith(link);
    if (shared.length === 0) return;
    session.settledMs = now;
    this.#sendSums(link, shared, settledMinute(this.#ctx.now.wallMs));
  }

  /** The clocks are far apart: compare the whole hours that are over for both, once in a while, and say so. */
  #compareHours(link: Link, session: Session, aheadMs: number): void {
    const now = this.#ctx.now.monotonicMs;
    if (now < session.againMs) return;
    const shared = this.#interest.sharedWith(link);
    if (shared.length === 0) return;
    session.againMs = now + LIMITS.skewCompareMs;
    const overMs = this.#ctx.now.wallMs - LIMITS.settleMs + Math.min(0, aheadMs);
    this.#ctx.report('warn', 'the clock of a neighbour is far from ours', {
      peer: link.peer,
      aheadSeconds: Math.round(aheadMs / 1000),
    });
    if (link.role === 'responder') this.#sendSums(link, shared, Math.floor(overMs / HOUR) * 60);
  }

  /** The side that we dialled shows its sums: channels that differ are reconciled, from our own floor on where it showed
   *  more: what we have pruned is not to come back. */
  #hearSums(link: Link, session: Session, frame: Extract<Frame, { type: 'sums' }>): void {
    if (link.role === 'responder')
      return this.#links.offend(link, 'unasked', 'sums are for the other side of a link to show');
    if (!this.#isSummed(frame.untilMinute) || this.isAhead(frame.untilMinute)) return;
    if (!this.#mayAsk(session)) return;
    const asked = new Map(frame.sums.map((sum) => [sum.tag, sum]));
    const known = [...asked.values()].filter((sum) => this.#interest.isShared(link, sum.tag));
    if (known.length === 0) return;
    const { untilMinute } = frame;
    this.#sums.of(link, known, untilMinute, (mine) => {
      const differ = known.flatMap((theirs, i) => {
        const own = (mine[i] as ChannelSum).fingerprint;
        if (equal(theirs.fingerprint, own)) return [];
        const pair = `${toBase64url(own)}${toBase64url(theirs.fingerprint)}`;
        const ownFloor = this.#interest.sharedFloor(link, theirs.tag) ?? theirs.floorHour;
        const floorHour = Math.max(theirs.floorHour, ownFloor);
        return [{ tag: theirs.tag, floorHour, untilMinute, pair }];
      });
      this.onSumsCompared(link, known, differ);
      this.#reconciliations.compare(link, differ);
    });
  }

  footprint(): Footprint {
    return { ...this.#reconciliations.footprint(), ...this.#sums.footprint() };
  }

  /** Once a second. */
  tick(): void {
    this.#reconciliations.tick();
    for (const link of this.agreement.withholders(this.#ctx.now.monotonicMs)) {
      this.#ctx.report('warn', 'a neighbour lacks what others have', { link: link.id, peer: link.peer });
      this.onWithholder(link);
    }
  }
}
