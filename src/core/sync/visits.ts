/**
 * Catch-up between relays that are no neighbours: one of them dials the other for a *visit*, a link on which nothing but
 * comparing, offering and fetching happens. Neighbours compare anyway; but two holders of a channel whose ways to each other
 * lead over relays that do not hold it have nobody else to find out from what got lost there.
 *
 * Whom no dial reaches is visited through a tunnel (`tunnels.ts`), over the relays between.
 *
 * Whoever dials chooses a channel that is due (`visit-schedule.ts`) and a holder of it by chance, and tells all the channels
 * that both hold by the map; the other side answers with those of them that it holds; from there it is the catch-up of
 * `sync.ts`, in which each side fetches what it lacks.
 *
 * Invariants:
 * 1. Nothing is pushed, announced or flooded over a visit, and it makes nobody a neighbour: a visitor gets what it asks for.
 * 2. Few visits at a time, each bounded in time and channels; one that stands idle is ended by either side.
 * 3. Only what we chose to compare counts as compared: nobody who visits us keeps us from looking elsewhere.
 */
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import type { Gaps } from '../gossip/gaps.ts';
import type { Serving } from '../gossip/serving.ts';
import type { Interest } from '../interest/interest.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Membership } from '../membership/membership.ts';
import { firstOf } from '../membership/records.ts';
import type { Footprint } from '../peer-types.ts';
import type { Frame } from '../wire/frame.ts';
import { HolderWatch } from './holder-watch.ts';
import { Repeats } from './repeats.ts';
import type { Sync } from './sync.ts';
import { type TunnelFrame, Tunnels } from './tunnels.ts';
import { VisitSchedule } from './visit-schedule.ts';

export interface VisitsParts {
  readonly links: Links;
  readonly membership: Membership;
  readonly interest: Interest;
  readonly serving: Serving;
  readonly sync: Sync;
  readonly gaps: Gaps;
  /** takes a frame that came through a tunnel */
  readonly frame: (link: Link, bytes: Bytes) => void;
}

interface Visit {
  readonly link: Link;
  /** what we told: empty for a visitor's */
  tags: readonly string[];
  movedMs: number;
  /** something came from the other side */
  isHeard: boolean;
  /** what was pulled is pulled to the end */
  isDone: boolean;
  /** of ours, by channel: their sums were compared with ours, and differed */
  readonly compared: Set<string>;
  readonly differ: Set<string>;
}

/** The frames of a visit, besides pings and errors. */
const FRAMES: ReadonlySet<Frame['type']> = new Set([
  'holds',
  'sums',
  'reconcile',
  'reconciled',
  'offer',
  'fetch',
  'fetched',
]);
/** Channels that are due and looked at in a second (guess: finding a holder may cost a walk over all of them). */
const LOOKS_MAX = 16;

export class Visits {
  readonly #ctx: Context;
  readonly #parts: VisitsParts;
  readonly #schedule: VisitSchedule;
  /** URLs that are dialled for a visit, and for which channel */
  readonly #dialling = new Map<string, string>();
  readonly #visits = new Map<LinkId, Visit>();
  /** whom we dialled, and when */
  readonly #visited = new Map<string, number>();
  /** visitors, and when they were last here; oldest first */
  readonly #visitors = new Map<string, number>();
  readonly #watch: HolderWatch;
  readonly #tunnels: Tunnels;
  /** relays to which a tunnel was opened; forgotten when they answer */
  readonly #inVain = new Repeats(LIMITS.tunnelTargetsMax);
  /** the channel for which a tunnel is being opened, '' while none is */
  #tunnelFor = '';
  #version = -1;

  constructor(ctx: Context, parts: VisitsParts) {
    this.#ctx = ctx;
    this.#parts = parts;
    this.#schedule = new VisitSchedule(ctx.random);
    this.#watch = new HolderWatch(ctx.random, this.#schedule);
    this.#tunnels = new Tunnels(ctx, parts);
    parts.gaps.onUnfilled = (tag) => this.#watch.stir(tag);
    parts.sync.onSumsCompared = (link, channels, differ) => {
      this.#note(link, 'compared', channels);
      this.#note(link, 'differ', differ);
    };
  }

  /** Whether a URL is being dialled for a visit. */
  isDialling(url: string): boolean {
    return this.#dialling.has(url);
  }

  /** A message of the channel is new here. */
  changed(tag: string): void {
    this.#schedule.changed(tag, this.#ctx.now.monotonicMs);
  }

  /** Something of a visit of ours is done. What it was not about is not kept: the other side decides what it shows. */
  #note(link: Link, what: 'compared' | 'differ', channels: readonly { readonly tag: string }[]): void {
    const visit = this.#visits.get(link.id);
    if (!visit || link.role === 'responder') return;
    visit.movedMs = this.#ctx.now.monotonicMs;
    for (const { tag } of channels) if (this.#parts.interest.isShared(link, tag)) visit[what].add(tag);
  }

  /** Why this visitor is not taken in, '' if it is. */
  #refusal({ peer, carrier }: Link): string {
    const { links, membership } = this.#parts;
    if (!membership.isRelay) return 'only relays are visited';
    const visitors = links.visits().filter(({ role }) => role === 'responder');
    if (visitors.length > LIMITS.visitsInMax) return `${LIMITS.visitsInMax} visits at a time`;
    if (carrier) return ''; // whoever it may be: tunnels have places of their own, and a pace
    const strangers = visitors.filter((visitor) => !visitor.carrier && !membership.map.counts(visitor.peer));
    if (!membership.map.counts(peer) && strangers.length > LIMITS.visitsStrangerMax)
      return `${LIMITS.visitsStrangerMax} visits of unknown relays at a time`;
    const leftMs = this.#visitors.get(peer) ?? Number.NEGATIVE_INFINITY;
    return this.#ctx.now.monotonicMs - leftMs < LIMITS.visitorAgainMs ? 'it was here just now' : '';
  }

  /** A visit has come up. It may end at once. */
  up(link: Link): void {
    const { links, interest } = this.#parts;
    const refusal = link.role === 'responder' ? this.#refusal(link) : '';
    if (refusal !== '') return links.close(link, 'too_many_links', refusal);
    const tags = link.role === 'dialler' ? this.#common(link.peer) : [];
    const now = this.#ctx.now.monotonicMs;
    const none = { compared: new Set<string>(), differ: new Set<string>() };
    this.#visits.set(link.id, { link, tags, movedMs: now, isHeard: false, isDone: false, ...none });
    if (link.role === 'responder') return;
    const cause = link.carrier ? this.#tunnelFor : (this.#dialling.get(link.url) ?? '');
    this.#dialling.delete(link.url);
    // Somebody else lives at that address, or does not hold it any more.
    if (!tags.includes(cause)) this.#schedule.defer(cause, now);
    if (tags.length === 0) return links.close(link, 'visit_over', 'nothing in common');
    for (const tag of tags) this.#schedule.compared(tag, link.peer, now);
    interest.offer(link, tags);
  }

  /** What a relay and we hold: what is due first, then the rest by chance, as much as one visit takes. */
  #common(peer: string): string[] {
    const now = this.#ctx.now.monotonicMs;
    const { map } = this.#parts.membership;
    const common = [...this.#schedule.tags()].filter((tag) => map.holds(peer, tag));
    const due = common.filter((tag) => this.#schedule.isDue(tag, now));
    const others = common.filter((tag) => !this.#schedule.isDue(tag, now));
    const { random } = this.#ctx;
    return [...random.shuffle(due), ...random.shuffle(others)].slice(0, LIMITS.visitChannelsMax);
  }

  /** A frame came over a visit. @returns whether it belongs there */
  heard(link: Link, frame: Frame): boolean {
    const visit = this.#visits.get(link.id);
    if (visit) {
      visit.movedMs = this.#ctx.now.monotonicMs;
      visit.isHeard = true;
      if (link.carrier) this.#inVain.forget(link.peer);
    }
    if (FRAMES.has(frame.type)) return visit !== undefined;
    this.#parts.links.offend(link, 'unasked', `${frame.type} has no place on a visit`);
    return false;
  }

  /** A link is going down. Called while it is still known what it shared. */
  down(link: Link): void {
    const now = this.#ctx.now.monotonicMs;
    const visit = this.#visits.get(link.id);
    if (!link.isVisit) return this.#lost(link);
    if (!visit) return;
    this.#visits.delete(link.id);
    if (link.role === 'responder') return link.carrier ? undefined : this.#left(link.peer);
    // What was not compared, or not pulled to the end, is for another holder.
    for (const tag of visit.tags)
      if (!visit.isDone || !this.#isCompared(visit, tag)) this.#schedule.defer(tag, now);
      // Who carries a tunnel can echo our own sums: that all is equal is for somebody else to say.
      else this.#schedule.ended(tag, !visit.differ.has(tag) && !link.carrier, now);
  }

  #isCompared({ link, compared }: Visit, tag: string): boolean {
    return compared.has(tag) && this.#parts.interest.isShared(link, tag);
  }

  /** Whether sums of what both told are still to come: the other side may have much to read. */
  #isAwaiting(visit: Visit): boolean {
    const { interest } = this.#parts;
    return visit.tags.some((tag) => interest.isShared(visit.link, tag) && !this.#isCompared(visit, tag));
  }

  #left(peer: string): void {
    this.#visitors.delete(peer);
    for (const oldest of this.#visitors.keys()) {
      if (this.#visitors.size < LIMITS.visitorsMax) break;
      this.#visitors.delete(oldest);
    }
    this.#visitors.set(peer, this.#ctx.now.monotonicMs);
  }

  /** A neighbour is lost: what it compared with us is compared with somebody else. */
  #lost(link: Link): void {
    const { interest, membership } = this.#parts;
    this.#tunnels.down(link);
    if (membership.kindOf(link) !== 'overlay') return;
    for (const { tag } of interest.sharedWith(link)) this.#watch.stir(tag);
  }

  /** A dial, or the link that came of it, has ended. */
  ended(url: string): void {
    const tag = this.#dialling.get(url);
    if (tag === undefined) return;
    this.#dialling.delete(url);
    this.#schedule.defer(tag, this.#ctx.now.monotonicMs);
  }

  #isBusy(link: Link): boolean {
    return this.#parts.sync.isBusy(link) || this.#parts.serving.isBusy(link);
  }

  /** Once a second. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    this.#tunnels.tick();
    for (const visit of [...this.#visits.values()]) this.#review(visit, now);
    for (const [peer, ms] of this.#visited) if (now - ms > LIMITS.visitAgainMs) this.#visited.delete(peer);
    for (const [peer, ms] of this.#visitors)
      if (now - ms > LIMITS.visitorAgainMs) this.#visitors.delete(peer);
    this.#look(now);
    this.#watch.tick(this.#parts.membership.map, now);
    this.#seek(now);
  }

  /** The dialler ends a visit when it is done; either side ends one that does not move, or takes too long. */
  #review(visit: Visit, now: number): void {
    const { links } = this.#parts;
    const { link } = visit;
    const quietMs = now - visit.movedMs;
    visit.isDone = link.role === 'dialler' && !this.#isBusy(link);
    const isOver = visit.isDone && quietMs >= LIMITS.visitQuietMs && !this.#isAwaiting(visit);
    if (isOver) links.close(link, 'visit_over', 'all is compared');
    else if (quietMs > LIMITS.visitIdleMs) links.close(link, 'visit_over', 'nothing moved');
    else if (link.carrier && !visit.isHeard && quietMs > LIMITS.tunnelAnswerMs)
      links.close(link, 'visit_over', 'nobody answered');
    else if (now - link.upMs > LIMITS.visitMs) links.close(link, 'visit_over', 'it took long enough');
    else visit.isDone = false; // who hangs up on us may not have told all
  }

  /** What is held here, and by whom else, where that has changed. */
  #look(now: number): void {
    const { interest, membership } = this.#parts;
    if (this.#version === interest.version) return;
    this.#version = interest.version;
    const own = membership.isRelay ? interest.ownTags() : [];
    this.#schedule.keep(firstOf(own, LIMITS.relayTagsMax), now);
    if (!this.#watch.look(membership.map, this.#ctx.config.peerId)) this.#version = -1;
  }

  /** A frame of a tunnel that ends or passes here. */
  receive(link: Link, frame: TunnelFrame): void {
    this.#tunnels.receive(link, frame);
  }

  /** Reaches a holder of a channel that is due. */
  #seek(now: number): void {
    const { links } = this.#parts;
    const outbound = links.visits().filter(({ role }) => role === 'dialler').length;
    if (outbound + this.#dialling.size >= LIMITS.visitsOutMax) return;
    const underWay = [...this.#dialling.values()];
    const due = this.#schedule.due(now).filter((tag) => !underWay.includes(tag));
    for (const tag of this.#ctx.random.shuffle(due).slice(0, LOOKS_MAX)) {
      const holders = this.#holders(tag);
      // Where everybody else who holds it is a neighbour, or there is nobody, nothing is left to do.
      if (holders.length === 0) this.#schedule.settle(tag, now);
      else {
        if (this.#reachOne(tag, holders, now) !== 'no') return;
        this.#schedule.defer(tag, now);
      }
    }
  }

  /** Relays that hold a channel and are no neighbours. */
  #holders(tag: string): string[] {
    const { links, membership } = this.#parts;
    const { map } = membership;
    return [...map.holdersOf(tag)].filter((peer) => {
      return peer !== this.#ctx.config.peerId && links.withPeer(peer) === undefined && map.counts(peer);
    });
  }

  #reachOne(tag: string, holders: readonly string[], now: number): 'reached' | 'later' | 'no' {
    const { membership } = this.#parts;
    const lately = this.#schedule.lately(tag);
    const rank = (peer: string): number => Number(lately.includes(peer));
    const ranked = this.#ctx.random.shuffle(holders).sort((a, b) => rank(a) - rank(b));
    for (const peer of ranked) {
      if (this.#visited.has(peer)) continue;
      const urls = membership.map.recordOf(peer)?.urls ?? [];
      const became = this.#dial(tag, peer, urls);
      if (became === 'later') return became;
      const isOutOfReach = became === 'no' && urls.every((url) => membership.isDeadEnd(peer, url));
      if (became === 'no' && !(isOutOfReach && this.#tunnel(tag, peer, now))) continue;
      this.#visited.set(peer, now);
      return 'reached';
    }
    return 'no';
  }

  #dial(tag: string, peer: string, urls: readonly string[]): 'dialled' | 'later' | 'no' {
    for (const url of urls) {
      const became = this.#parts.membership.visit(peer, url);
      if (became === 'dialled') this.#dialling.set(url, tag);
      if (became !== 'no') return became;
    }
    return 'no';
  }

  /** For those whom no dial of ours reaches. */
  #tunnel(tag: string, peer: string, now: number): boolean {
    if (!this.#tunnels.canOpen(peer) || !this.#inVain.mayTry(peer, now)) return false;
    this.#tunnelFor = tag;
    const isOpen = this.#tunnels.open(peer);
    this.#tunnelFor = '';
    return isOpen;
  }

  footprint(): Footprint {
    const visitors = this.#parts.links.visits().filter(({ role }) => role === 'responder').length;
    return {
      ...this.#tunnels.footprint(),
      visitChannels: { size: this.#schedule.size, max: LIMITS.relayTagsMax },
      visitors: { size: visitors, max: LIMITS.visitsInMax },
      visits: { size: this.#visits.size, max: LIMITS.visitsInMax + LIMITS.visitsOutMax },
      visitorsRemembered: { size: this.#visitors.size, max: LIMITS.visitorsMax },
    };
  }
}
