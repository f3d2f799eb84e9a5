/**
 * Who is who: whether this peer is a relay or a leaf, which links are for what, own records, and the wish for more
 * links. A peer is a relay from the moment on when somebody has dialled it successfully; until then it is a leaf that
 * hangs on up to three home relays, one live and the others standby.
 */
import type { Context } from '../context.ts';
import type { Event, RestoredState } from '../contract.ts';
import type { ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Link, LinkKind } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Footprint } from '../peer-types.ts';
import { type Frame, RECORD } from '../wire/frame.ts';
import { Addresses, type Hint } from './addresses.ts';
import { DialBack } from './dial-back.ts';
import { Flood } from './flood.ts';
import { LiveHome } from './live-home.ts';
import { RelayMap } from './map.ts';
import { OwnRecords } from './own-records.ts';
import { mostPublic, OwnUrls } from './own-urls.ts';
import { changedTags, DELTA, type SignedContent } from './records.ts';
import { Views } from './views.ts';

export interface MembershipHost {
  /** tags of this relay and its leaves */
  readonly ownTags: () => Iterable<string>;
  /** what a link is for has changed */
  readonly linkChanged: (link: Link) => void;
  /** the map has changed; `link` is the one whose end has other interest now, if that is what changed */
  readonly mapChanged: (link: Link | undefined) => void;
}

export class Membership {
  readonly map: RelayMap;
  readonly addresses: Addresses;
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #host: MembershipHost;
  readonly #flood: Flood;
  readonly #ownUrls;
  readonly #records: OwnRecords;
  readonly #dialBack: DialBack;
  readonly #views: Views;
  /** for each relay of which there is a record, the link that brought it: who was there and how near */
  readonly #broughtBy = new Map<string, Pick<Hint, 'source' | 'scope'>>();
  #isRelay = false;
  readonly #live = new LiveHome();
  #toldLeaves = 0;
  #toldRelays = 0;
  #anchoredMs = Number.NEGATIVE_INFINITY;

  constructor(ctx: Context, links: Links, host: MembershipHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#host = host;
    // The seed is known to nobody else; a draw would change what comes after it.
    const seed = new DataView(ctx.config.seed.slice().buffer);
    this.map = new RelayMap(ctx.config.peerId, [seed.getUint32(0), seed.getUint32(4)]);
    this.addresses = new Addresses(ctx);
    this.#ownUrls = new OwnUrls(ctx.config.publicUrl);
    this.#flood = new Flood(ctx, links, {
      overlayLinks: () => this.overlay(),
      accepted: (record, from) => this.#accepted(record, from),
      outdated: (sequence) => this.#records.outdated(sequence),
      spare: (peers) => this.map.spare(peers),
      evicted: (peer) => this.#gone(peer),
    });
    this.#records = new OwnRecords(ctx, {
      map: this.map,
      flood: this.#flood,
      links: () => this.overlay(),
      urls: () => this.#ownUrls.list(mostPublic(links.all().map(({ scope }) => scope))),
      tags: host.ownTags,
      published: () => host.mapChanged(undefined),
    });
    this.#dialBack = new DialBack(ctx, links, this.addresses);
    this.#views = new Views(ctx, links, this);
  }

  restore(state: RestoredState): void {
    this.#records.restore(state.recordSequence);
    for (const { url, peer, provenMs } of state.addresses) {
      const known = { url, peer, source: 'remembered', scope: 'loopback', trust: 'proven' } as const;
      this.addresses.learn({ ...known, provenMs });
    }
    this.#views.restore(state.addresses);
  }

  /** The port for peers is open to others: neighbours are asked to dial back. */
  listening(port: number): void {
    this.#dialBack.listening(port);
  }

  get isRelay(): boolean {
    return this.#isRelay;
  }

  get ownUrls(): readonly string[] {
    return this.#ownUrls.list();
  }

  kindOf(link: Link): LinkKind {
    if (link.isVisit) return 'visit';
    if (this.#isRelay) return link.remoteRelay ? 'overlay' : 'leaf';
    return link === this.#live.link ? 'home-live' : 'home-standby';
  }

  overlay(): Link[] {
    return this.#isRelay ? this.#links.all().filter((link) => link.remoteRelay) : [];
  }

  /** Home relays that are linked; none for a relay. */
  homes(): Link[] {
    return this.#isRelay ? [] : this.#links.all();
  }

  leaves(): Link[] {
    return this.#isRelay ? this.#links.all().filter((link) => !link.remoteRelay) : [];
  }

  footprint(): Footprint {
    return {
      relays: { size: this.map.size, max: LIMITS.relaysMax },
      addresses: { size: this.addresses.size, max: LIMITS.addressesMax },
      dialBacksAsked: { size: this.#dialBack.sizes.asked, max: LIMITS.linksMax },
      dialBacksWaiting: { size: this.#dialBack.sizes.waiting, max: LIMITS.dialBacksMax },
      recordOffers: { size: this.#flood.sizes.offers, max: LIMITS.recordOffersMax },
      recordsWantedByOneLink: { size: this.#flood.sizes.wanted, max: 2 * LIMITS.relaysMax },
      recordBytes: { size: this.#flood.sizes.bytes, max: LIMITS.recordsBytesMax },
      recordTags: { size: this.#flood.sizes.tags, max: LIMITS.mapTagsMax },
    };
  }

  /** The live home relay of a leaf. */
  get live(): Link | undefined {
    return this.#isRelay ? undefined : this.#live.link;
  }

  up(link: Link): void {
    // Where a visit led is proven too, but no place to begin with at the next start.
    if (link.isVisit) return link.url === '' ? undefined : this.addresses.proved(link.url, link.peer);
    if (link.role === 'dialler') this.#proved([link]);
    if (this.#isTurnedAway(link) || this.#views.wasFeeler(link)) return;
    if (!this.#isRelay && !this.#live.link) this.#live.set(link);
    this.#tellRole(link);
    this.#introduce(link);
    this.#ctx.arm('records', 0);
  }

  /** Whether who goes by `label` at `url` ('' for a link from outside) is known as a mesh/2 peer. */
  isMesh2(url: string, label: string): boolean {
    if (this.#links.standing.isProven(label) || this.map.recordOf(label) !== undefined) return true;
    return this.addresses.isProvenMesh2(url, label);
  }

  /** Links that we dialled: their addresses lead to who is at the other end. */
  #proved(links: readonly Link[]): void {
    for (const { url, peer } of links) this.addresses.proved(url, peer);
    const provenMs = Math.floor(this.#ctx.now.wallMs);
    this.#ctx.persist(links.map(({ url, peer }) => ({ kind: 'address', url, peer, provenMs })));
  }

  /** One more than this relay serves has to look elsewhere, and is told where. */
  #isTurnedAway(link: Link): boolean {
    const detail = this.#views.tooMany(link);
    if (detail === '') return false;
    this.#tellAddresses([link]);
    this.#links.close(link, 'too_many_links', detail);
    return true;
  }

  /** Somebody reached us from outside: that makes a relay, at the URL that was dialled. */
  reached(link: Link): void {
    this.#ownUrls.named(link.theirUrl, link.peer, link.scope);
    if (this.#isRelay || !this.#ctx.config.mayRelay) return;
    this.#isRelay = true;
    this.#live.set(undefined);
    this.#ctx.report('info', 'this peer is a relay now', { url: link.theirUrl });
    for (const other of this.#links.all()) {
      if (other === link) continue;
      this.#tellRole(other);
      this.#introduce(other);
      this.#host.linkChanged(other);
    }
  }

  /** A home relay of a leaf does not do its work: another one is the live one, if there is any. */
  distrust(link: Link | undefined, reason: string): void {
    if (this.#isRelay || !link) return;
    const isLive = link === this.#live.link;
    const others = this.#links.all().filter((other) => other !== link);
    if (!this.#live.distrust(link, others)) return;
    this.#ctx.report('warn', 'a home relay is not relied on', { link: link.id, peer: link.peer, reason });
    if (isLive) this.#liveMoved(link);
  }

  #liveMoved(from: Link): void {
    for (const link of [from, this.#live.link]) {
      if (!link) continue;
      this.#tellRole(link);
      this.#host.linkChanged(link);
    }
  }

  #tellRole(link: Link): void {
    this.#links.send(link, { type: 'role', relay: this.#isRelay, live: link === this.#live.link });
  }

  #introduce(link: Link): void {
    if (!this.#isRelay) return;
    if (link.remoteRelay) this.#flood.greet(link);
    else this.#tellAddresses([link]);
  }

  #tellAddresses(links: readonly Link[]): void {
    const known = this.map.connected().filter((peer) => peer !== this.#ctx.config.peerId);
    const relays = this.#ctx.random
      .shuffle(known)
      .slice(0, LIMITS.addressesPerFrameMax / 4)
      .map((peer) => ({ peer, urls: this.map.recordOf(peer)?.urls ?? [] }))
      .filter(({ urls }) => urls.length > 0);
    if (relays.length > 0) for (const link of links) this.#links.send(link, { type: 'addresses', relays });
  }

  down(link: Link): void {
    this.#flood.down(link);
    if (link === this.#live.link) {
      this.#live.lost(this.#links.all().filter((other) => other !== link));
      const next = this.#live.link;
      if (next) {
        this.#tellRole(next);
        this.#host.linkChanged(next);
      }
    }
    this.#ctx.arm('records', 0);
  }

  /**
   * A dial or a dialled link ended.
   * @param peer whom it reached: proven even where the link was one too many and never came up, so that the address is
   *   known as a linked peer's and not dialled again and again
   * @param reason why, in words: the other side's where it said something
   */
  ended(url: string, peer: string, livedMs: number, code: ErrorCode | '', reason = ''): void {
    if (url === '') return;
    if (peer !== '') this.addresses.proved(url, peer);
    this.addresses.ended(url, livedMs, code, reason);
    this.#dialBack.ended(url);
  }

  learn(event: Extract<Event, { kind: 'addresses' }>): void {
    const trust = event.fixed ? 'fixed' : event.unproven ? 'peer' : 'source';
    for (const { url, peer } of event.addresses)
      this.addresses.learn({ url, peer, source: event.source, scope: event.scope, trust });
    this.dial();
  }

  receive(
    link: Link,
    frame: Extract<Frame, { type: 'role' | 'have' | 'want' | 'records' | 'addresses' | 'dial-back' }>,
  ): void {
    if (frame.type === 'role') {
      const was = link.remoteRelay;
      link.remoteRelay = frame.relay;
      link.remoteLive = frame.live;
      if (frame.relay !== was) this.#introduce(link);
      if (this.#isTurnedAway(link)) return;
      this.#host.linkChanged(link);
      this.#ctx.arm('records', 0);
    } else if (frame.type === 'addresses') {
      for (const { peer, urls } of frame.relays)
        for (const url of urls)
          this.addresses.learn({ url, peer, source: link.peer, scope: link.scope, trust: 'peer' });
    } else if (frame.type === 'dial-back') this.#dialBack.asked(link, frame);
    else this.#flood.receive(link, frame);
  }

  #accepted(record: SignedContent, from: Link): void {
    const { peer } = record;
    if (record.kind === RECORD.interest) this.map.setTags(peer, record.tags);
    else if (record.kind === DELTA) this.map.setTags(peer, changedTags(this.map.tagsOf(peer), record));
    else {
      this.map.setPeer(record);
      this.#broughtBy.set(peer, { source: from.peer, scope: from.scope });
      for (const url of record.urls) this.addresses.learn(this.#hintOf(peer, url));
    }
    this.#host.mapChanged(record.kind === RECORD.peer ? undefined : this.#links.withPeer(peer));
  }

  /** An address of a relay's record; its scope is that of the link that brought the record. */
  #hintOf(peer: string, url: string): Hint {
    const { source, scope } = this.#broughtBy.get(peer) ?? { source: peer, scope: 'public' };
    return { url, peer, source, scope, trust: 'peer' };
  }

  /** Dials a relay to visit it, at an address of its record, which the book may have had no room for. */
  visit(peer: string, url: string): 'dialled' | 'later' | 'no' {
    return this.addresses.visit(this.#hintOf(peer, url));
  }

  /** Whether no dial of this address leads to that relay. */
  isDeadEnd(peer: string, url: string): boolean {
    return this.addresses.isDeadEnd(this.#hintOf(peer, url));
  }

  /** There are no records of it any more. */
  #gone(peer: string): void {
    this.map.remove(peer);
    this.#broughtBy.delete(peer);
    this.#host.mapChanged(this.#links.withPeer(peer));
  }

  /** Publishes own records where something changed. */
  publish(): void {
    if (this.#isRelay) this.#records.publish();
  }

  /** Looks for more links where there are too few. */
  dial(): void {
    this.#views.dial();
  }

  /** Heads of records that were gathered. */
  announce(): void {
    this.#flood.sendHeads();
  }

  /** Every minute, and in a mesh that grows sooner: a leaf that knows few relays is alone when those are gone. */
  #keepLeavesInformed(): void {
    const waitedMs = this.#ctx.now.monotonicMs - this.#toldLeaves;
    const hasGrown = this.map.size >= 2 * this.#toldRelays;
    if (waitedMs < (hasGrown ? LIMITS.addressesSoonMs : LIMITS.addressesMs)) return;
    this.#toldLeaves = this.#ctx.now.monotonicMs;
    this.#toldRelays = this.map.size;
    const leaves = this.leaves();
    if (leaves.length > 0) this.#tellAddresses(leaves);
  }

  /** The anchors of the next start are those that were linked last. */
  #anchor(): void {
    const isFirst = this.#anchoredMs === Number.NEGATIVE_INFINITY;
    this.#anchoredMs = this.#ctx.now.monotonicMs;
    const dialled = this.#links.all().filter(({ role }) => role === 'dialler');
    if (!isFirst && dialled.length > 0) this.#proved(dialled);
  }

  /** Relays whose address we proved by dialling, for our own bootstrap list. */
  provenRelays(): { peer: string; urls: string[] }[] {
    const proven = new Map<string, string[]>();
    for (const { url, peer, proven: isProven } of this.addresses.all()) {
      if (!isProven || peer === '') continue;
      proven.set(peer, [...(proven.get(peer) ?? []), url]);
    }
    return [...proven].map(([peer, urls]) => ({ peer, urls: urls.slice(0, LIMITS.recordAddressesMax) }));
  }

  /** Once a second. */
  tick(): void {
    this.dial();
    this.#flood.tick();
    for (const peer of this.#flood.expire()) this.#gone(peer);
    if (this.#isRelay && this.#records.isDue) this.publish();
    if (!this.#isRelay && this.#ctx.config.mayRelay) this.#dialBack.ask();
    this.#dialBack.tick();
    this.#keepLeavesInformed();
    this.#views.expireFeelers();
    const { live } = this;
    if (live && this.#live.prefer(this.#links.all(), this.#ctx.now.monotonicMs)) this.#liveMoved(live);
    if (this.#ctx.now.monotonicMs - this.#anchoredMs > LIMITS.anchorMs) this.#anchor();
  }
}
