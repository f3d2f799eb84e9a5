/**
 * Catch-up between neighbours. Each side pulls what it lacks:
 *
 *   heartbeat   one fingerprint over all shared channels; equal means done, at no further cost
 *   sums        (asked for by whoever sees a difference) a fingerprint per channel
 *   buckets     a fingerprint per hour, and per minute for the newest two hours, of a channel that differs
 *   list/listed pages of (time, id) of the buckets that differ; ids that are missing are fetched
 *
 * Invariants:
 * 1. Both sides compare the same window: from the higher of the floors told to `until`, the sender's last full minute
 *    at least 60 s ago. The first comparison of a link, and of channels that become shared, has no upper end.
 * 2. The same pair of fingerprints is not reconciled twice in a row: the wait grows from 25 s to 1 h.
 * 3. A page is asked for only when few ids of the last one are still missing: memory per link is bounded.
 */

import { type Bytes, equal, fromBase64url, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import type { Interest, Shared } from '../interest/interest.ts';
import { HOUR, LIMITS, MINUTE } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { TIME_END } from '../message/time.ts';
import type { Footprint } from '../peer-types.ts';
import { MINUTE_END, type Position, type Sum } from '../persistence.ts';
import type { ChannelSum, Frame } from '../wire/frame.ts';
import { encodeFrame } from '../wire/frames.ts';
import { Buckets, bucketsQuery, minutesFrom } from './buckets.ts';
import type { Fetcher } from './fetcher.ts';
import { combine } from './fingerprint.ts';
import { ListedBuckets } from './listed-buckets.ts';
import { isPage, mergeRanges, positionBefore, type Range } from './ranges.ts';
import { Reads } from './reads.ts';

interface Session {
  /** ranges to list, newest first */
  ranges: Range[];
  /** the range whose page is awaited */
  listing: Range | undefined;
  listedMs: number;
  /** pages given up, which may still come (before any later one: links keep their order) and are no offence */
  late: number;
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
  readonly listed: ListedBuckets;
}

type SyncFrame = Extract<Frame, { type: 'heartbeat' | 'sums' | 'buckets' | 'list' | 'listed' }>;

/** ranges waiting per link: every hour of a channel's 90 days and then some (guess) */
const RANGES_MAX = 8192;

export class Sync {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #interest: Interest;
  readonly #fetcher: Fetcher;
  readonly #buckets: Buckets;
  readonly #reads: Reads;
  readonly #sessions = new Map<LinkId, Session>();
  /** whether messages of this tag and minute are taken here at the moment */
  takes: (tag: string, timeMs: number) => boolean = () => true;
  /** told when our sums of these channels have been sent */
  onSumsSent: (link: Link, channels: readonly Shared[]) => void = () => undefined;
  /** told when sums of the other side were compared with ours, and which of them differ */
  onSumsCompared: (link: Link, channels: readonly Shared[], differ: readonly Shared[]) => void = () =>
    undefined;
  /** told when a neighbour's clock is near ours */
  onClockAgreed: () => void = () => undefined;

  constructor(ctx: Context, links: Links, interest: Interest, fetcher: Fetcher) {
    this.#ctx = ctx;
    this.#links = links;
    this.#interest = interest;
    this.#fetcher = fetcher;
    this.#buckets = new Buckets(ctx, links);
    this.#reads = new Reads(ctx);
    fetcher.onRoom = (link) => this.#listNext(link);
  }

  up(link: Link): void {
    const asksMax = link.isVisit ? LIMITS.visitComparesMax : LIMITS.comparesMax;
    this.#sessions.set(link.id, {
      ranges: [],
      listing: undefined,
      listedMs: 0,
      late: 0,
      asks: asksMax,
      asksMax,
      askedMs: this.#ctx.now.monotonicMs,
      lastPair: '',
      retryMs: LIMITS.retryMinMs,
      againMs: 0,
      settledMs: this.#ctx.now.monotonicMs,
      listed: new ListedBuckets(),
    });
    if (!link.isVisit) this.#armHeartbeat(link);
  }

  down(link: Link): void {
    this.#sessions.delete(link.id);
    this.#buckets.down(link);
  }

  #armHeartbeat(link: Link): void {
    const delayMs = this.#ctx.random.jitter(LIMITS.heartbeatMs, LIMITS.heartbeatJitter);
    this.#ctx.timer({ kind: 'heartbeat', link: link.id }, delayMs);
  }

  /**
   * Channels newly in common: compared at once and without an upper end, because nothing of them is in flight yet. Whoever
   * tells and takes back channels again and again gets no more of it than of other comparisons; neighbours' heartbeats
   * compare the rest.
   */
  shared(link: Link, tags: readonly string[]): void {
    const session = this.#sessions.get(link.id);
    if (!session || !this.#mayAsk(session)) return;
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
    const shared = this.#interest.sharedWith(link).slice(0, LIMITS.sharedChannelsMax);
    if (shared.length === 0) return;
    const untilMinute = Math.floor((this.#ctx.now.wallMs - LIMITS.settleMs) / MINUTE);
    this.#sumsOf(link, shared, untilMinute, (sums) =>
      this.#links.send(link, {
        type: 'heartbeat',
        untilMinute,
        channels: shared.length,
        fingerprint: this.#combined(sums),
      }),
    );
  }

  #combined(sums: readonly ChannelSum[]): Bytes {
    const parts = sums.map((s) => ({ tag: fromBase64url(s.tag) as Bytes, fingerprint: s.fingerprint }));
    return combine(this.#ctx.config.sha256, parts);
  }

  #sumsOf(
    link: Link,
    shared: readonly Shared[],
    untilMinute: number,
    then: (sums: readonly ChannelSum[]) => void,
  ): void {
    const windows = shared.map(({ tag, floorHour }) => ({ tag, fromMinute: floorHour * 60, untilMinute }));
    this.#reads.read(link, { kind: 'sums', windows }, ({ sums }) =>
      then(shared.map((s, i) => ({ ...s, fingerprint: this.#buckets.print(sums[i] as Sum) }))),
    );
  }

  #sendSums(link: Link, shared: readonly Shared[], untilMinute: number): void {
    for (let i = 0; i < shared.length; i += LIMITS.sumsPerFrameMax)
      this.#sumsOf(link, shared.slice(i, i + LIMITS.sumsPerFrameMax), untilMinute, (sums) => {
        if (link.phase !== 'up') return;
        this.#links.send(link, { type: 'sums', untilMinute, sums });
        this.onSumsSent(link, sums);
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
      case 'buckets':
        return this.#hearBuckets(link, session, frame);
      case 'list':
        return this.#serveList(link, frame);
      case 'listed':
        return this.#hearListed(link, session, frame);
    }
  }

  /** A window that sums are kept for: everything, whole hours, or up to a minute of the last hour. */
  #isSummed(untilMinute: number): boolean {
    if (untilMinute === MINUTE_END || untilMinute % 60 === 0) return true;
    const untilMs = untilMinute * MINUTE;
    return untilMs >= this.#ctx.now.wallMs - HOUR && untilMs <= this.#ctx.now.wallMs + LIMITS.futureMs;
  }

  /** Comparing costs reads: a few at once and one a second are more than two honest peers need. */
  #mayAsk(session: Session): boolean {
    const now = this.#ctx.now.monotonicMs;
    session.asks = Math.min(session.asksMax, session.asks + (now - session.askedMs) / 1000);
    session.askedMs = now;
    if (session.asks < 1) return false;
    session.asks--;
    return true;
  }

  /** Whether something is being read for, told or pulled over a link. */
  isBusy(link: Link): boolean {
    const session = this.#sessions.get(link.id);
    if (!session) return false;
    return this.#reads.isBusy(link) || this.#buckets.isBusy(link) || this.#isBusy(link, session);
  }

  #isBusy(link: Link, session: Session): boolean {
    return session.ranges.length > 0 || session.listing !== undefined || this.#fetcher.load(link) > 0;
  }

  /** Whether a window ends where both clocks agree that nothing more will come. */
  #isSettled(untilMinute: number): boolean {
    return untilMinute === MINUTE_END || untilMinute * MINUTE <= this.#ctx.now.wallMs - LIMITS.settleMs;
  }

  #hearBeat(link: Link, session: Session, frame: Extract<Frame, { type: 'heartbeat' }>): void {
    const aheadMs = frame.untilMinute * MINUTE - (this.#ctx.now.wallMs - LIMITS.settleMs);
    if (Math.abs(aheadMs) <= LIMITS.skewMs) this.onClockAgreed();
    if (this.#isBusy(link, session)) return;
    const shared = this.#interest.sharedWith(link).slice(0, LIMITS.sharedChannelsMax);
    if (aheadMs > LIMITS.skewMs || aheadMs < -HOUR) return this.#compareHours(link, session, shared, aheadMs);
    if (!this.#isSummed(frame.untilMinute)) return;
    if (!this.#isSettled(frame.untilMinute)) return this.#compareSettled(link, session, shared);
    session.settledMs = this.#ctx.now.monotonicMs;
    this.#sumsOf(link, shared, frame.untilMinute, (sums) => {
      const mine = this.#combined(sums);
      if (equal(mine, frame.fingerprint) || link.phase !== 'up') {
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
      for (let i = 0; i < sums.length; i += LIMITS.sumsPerFrameMax) {
        const part = sums.slice(i, i + LIMITS.sumsPerFrameMax);
        this.#links.send(link, { type: 'sums', untilMinute: frame.untilMinute, sums: part });
      }
    });
  }

  /** Our clock is a minute or two behind: no beat of this neighbour is ever settled for us. Now and then we show our sums
   *  of what is. */
  #compareSettled(link: Link, session: Session, shared: readonly Shared[]): void {
    const now = this.#ctx.now.monotonicMs;
    if (now - session.settledMs < LIMITS.skewMs || shared.length === 0) return;
    session.settledMs = now;
    this.#sendSums(link, shared, Math.floor((this.#ctx.now.wallMs - LIMITS.settleMs) / MINUTE));
  }

  /** The clocks are far apart: compare the whole hours that are over for both, once in a while, and say so. */
  #compareHours(link: Link, session: Session, shared: readonly Shared[], aheadMs: number): void {
    const now = this.#ctx.now.monotonicMs;
    if (now < session.againMs || shared.length === 0) return;
    session.againMs = now + LIMITS.skewCompareMs;
    const overMs = this.#ctx.now.wallMs - LIMITS.settleMs + Math.min(0, aheadMs);
    this.#ctx.report('warn', 'the clock of a neighbour is far from ours', {
      peer: link.peer,
      aheadSeconds: Math.round(aheadMs / 1000),
    });
    this.#sendSums(link, shared, Math.floor(overMs / HOUR) * 60);
  }

  /** The other side sees a difference and shows its sums: answer with the buckets of the channels that differ. */
  #hearSums(link: Link, session: Session, frame: Extract<Frame, { type: 'sums' }>): void {
    if (!this.#isSummed(frame.untilMinute) || !this.#mayAsk(session)) return;
    const asked = new Map(frame.sums.map((sum) => [sum.tag, sum]));
    const known = [...asked.values()].filter(({ tag }) => this.#interest.isShared(link, tag));
    if (known.length === 0) return;
    this.#sumsOf(link, known, frame.untilMinute, (mine) => {
      const differ = known.filter(
        (theirs, i) => !equal(theirs.fingerprint, (mine[i] as ChannelSum).fingerprint),
      );
      this.onSumsCompared(link, known, differ);
      this.#buckets.tell(link, differ, frame.untilMinute);
    });
  }

  /** Their buckets: list the ones that we have differently. What only we have is theirs to pull. */
  #hearBuckets(link: Link, session: Session, frame: Extract<Frame, { type: 'buckets' }>): void {
    if (!this.#interest.isShared(link, frame.tag)) return;
    const mineFrom = minutesFrom(this.#ctx.now.wallMs);
    // An hour apart at the turn of the hour: minute sums of that hour may be gone here, so whole hours are compared.
    const minutes = Math.max(mineFrom, frame.minutesFrom);
    this.#reads.read(link, bucketsQuery(frame, frame.untilMinute, minutes), ({ buckets }) => {
      const mine = new Map(buckets.map((b) => [`${b.startMinute}/${b.minutes}`, this.#buckets.print(b)]));
      const differ = frame.buckets.filter((theirs) => {
        if (theirs.startMinute * MINUTE > TIME_END.timeMs) return false; // no message can have such a time
        const own = mine.get(`${theirs.startMinute}/${theirs.minutes}`);
        if (own && equal(own, theirs.fingerprint)) return false;
        const lastMs = (theirs.startMinute + theirs.minutes) * MINUTE - 1;
        return (
          this.takes(frame.tag, lastMs) &&
          session.listed.mayList(frame.tag, theirs, own, this.#ctx.now.monotonicMs)
        );
      });
      for (const { startMinute, minutes: length } of differ.reverse()) {
        if (session.ranges.length >= RANGES_MAX) break;
        const untilMinute = Math.min(startMinute + length, frame.untilMinute);
        session.ranges.push({ tag: frame.tag, after: positionBefore(startMinute), untilMinute });
      }
      // One differing bucket is often followed by its neighbour: pages run through adjacent ones.
      session.ranges = mergeRanges(session.ranges);
      this.#listNext(link);
    });
  }

  #listNext(link: Link): void {
    const session = this.#sessions.get(link.id);
    if (!session || session.listing || link.phase !== 'up') return;
    if (this.#fetcher.load(link) > LIMITS.missingMax / 2) return;
    const range = session.ranges.pop();
    if (!range) return;
    session.listing = range;
    session.listedMs = this.#ctx.now.monotonicMs;
    this.#links.send(link, {
      type: 'list',
      tag: range.tag,
      after: range.after,
      untilMinute: range.untilMinute,
    });
  }

  #serveList(link: Link, frame: Extract<Frame, { type: 'list' }>): void {
    const { tag, after, untilMinute } = frame;
    const reply = (positions: readonly Position[], done: boolean): void =>
      this.#links.sendBytes([link], encodeFrame({ type: 'listed', tag, done, positions }));
    if (!this.#interest.isShared(link, tag)) return reply([], true);
    const query = { kind: 'positions' as const, tag, after, untilMinute, limit: LIMITS.pageItemsMax };
    this.#ctx.read(
      query,
      ({ positions }) => reply(positions, positions.length < LIMITS.pageItemsMax),
      () => reply([], true),
    );
  }

  #hearListed(link: Link, session: Session, frame: Extract<Frame, { type: 'listed' }>): void {
    if (session.late > 0) {
      session.late--;
      return;
    }
    const range = session.listing;
    if (!range || range.tag !== frame.tag)
      return this.#links.offend(link, 'unasked', 'a page that was not asked for', 'unsolicited');
    session.listing = undefined;
    const last = frame.positions.at(-1);
    if (!isPage(range, frame.positions)) return this.#links.offend(link, 'malformed', 'a page out of order');
    if (!frame.done && last) session.ranges.push({ ...range, after: last });
    const ids = frame.positions.map((position) => position.id);
    if (ids.length === 0) return this.#listNext(link);
    this.#reads.read(link, { kind: 'has', ids }, ({ holdings }) => {
      for (let i = ids.length - 1; i >= 0; i--)
        if (holdings[i] === 'unknown') this.#fetcher.want(ids[i] as Bytes, [link], 'history');
      this.#listNext(link);
    });
  }

  footprint(): Footprint {
    const longest = Math.max(0, ...[...this.#sessions.values()].map(({ ranges }) => ranges.length));
    return { rangesOfOneLink: { size: longest, max: RANGES_MAX }, ...this.#buckets.footprint() };
  }

  /** Once a second: a page that does not come is asked for again by a later comparison. */
  tick(): void {
    this.#buckets.tick();
    const now = this.#ctx.now.monotonicMs;
    for (const [id, session] of this.#sessions) {
      if (session.listing && now - session.listedMs > LIMITS.requestMs) {
        session.listing = undefined;
        session.late++;
        session.lastPair = '';
      }
      const link = this.#links.get(id);
      if (link && !session.listing && session.ranges.length > 0) this.#listNext(link);
    }
  }
}
