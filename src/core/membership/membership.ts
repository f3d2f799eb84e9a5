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
import { Addresses } from './addresses.ts';
import { Flood } from './flood.ts';
import { RelayMap } from './map.ts';
import { OwnUrls } from './own-urls.ts';
import { type SignedContent, toSet } from './records.ts';

export interface MembershipHost {
  /** tags of this relay and its leaves */
  readonly ownTags: () => Iterable<string>;
  /** the map, or what a link is for, has changed */
  readonly changed: (link: Link | undefined) => void;
}

/** Equal to nothing that can be published: ids and tags have no `?`. */
const UNPUBLISHED = { links: '?', urls: '?', tags: '?' };

export class Membership {
  readonly map: RelayMap;
  readonly addresses: Addresses;
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #host: MembershipHost;
  readonly #flood: Flood;
  readonly #ownUrls;
  #isRelay = false;
  #live: Link | undefined;
  #sequence = 0;
  #publishedMs = Number.NEGATIVE_INFINITY;
  /** when both records were last published, changed or not */
  #renewedMs = Number.NEGATIVE_INFINITY;
  #published = UNPUBLISHED;
  #toldLeaves = 0;

  constructor(ctx: Context, links: Links, host: MembershipHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#host = host;
    this.map = new RelayMap(ctx.config.peerId);
    this.addresses = new Addresses(ctx);
    this.#ownUrls = new OwnUrls(ctx.config.publicUrl);
    this.#flood = new Flood(ctx, links, {
      overlayLinks: () => this.overlay(),
      accepted: (record, from) => this.#accepted(record, from),
      outdated: (sequence) => this.#outdated(sequence),
    });
  }

  restore(state: RestoredState): void {
    this.#sequence = state.recordSequence;
    for (const { url, peer, provenMs } of state.addresses)
      this.addresses.learn({
        url,
        peer,
        source: 'remembered',
        scope: 'loopback',
        trust: 'proven',
        provenMs,
      });
  }

  get isRelay(): boolean {
    return this.#isRelay;
  }

  get ownUrls(): readonly string[] {
    return this.#ownUrls.list();
  }

  kindOf(link: Link): LinkKind {
    if (this.#isRelay) return link.remoteRelay ? 'overlay' : 'leaf';
    return link === this.#live ? 'home-live' : 'home-standby';
  }

  overlay(): Link[] {
    return this.#isRelay ? this.#links.all().filter((link) => link.remoteRelay) : [];
  }

  leaves(): Link[] {
    return this.#isRelay ? this.#links.all().filter((link) => !link.remoteRelay) : [];
  }

  footprint(): Footprint {
    return {
      relays: { size: this.map.size, max: LIMITS.relaysMax },
      addresses: { size: this.addresses.size, max: LIMITS.addressesMax },
      recordBytes: { size: this.#flood.bytes, max: LIMITS.recordsBytesMax },
    };
  }

  /** The live home relay of a leaf. */
  get live(): Link | undefined {
    return this.#isRelay ? undefined : this.#live;
  }

  up(link: Link): void {
    if (link.role === 'dialler') {
      this.addresses.proved(link.url, link.peer);
      const provenMs = Math.floor(this.#ctx.now.wallMs);
      this.#ctx.persist([{ kind: 'address', url: link.url, peer: link.peer, provenMs }]);
    }
    if (this.#isOneTooMany(link)) return;
    if (!this.#isRelay && !this.#live) this.#live = link;
    this.#tellRole(link);
    this.#introduce(link);
    this.#ctx.arm('records', 0);
  }

  /** Whether who goes by `label` at `url` ('' for a link from outside) is known as a mesh/2 peer. */
  isMesh2(url: string, label: string): boolean {
    if (this.#links.standing.isProven(label) || this.map.recordOf(label) !== undefined) return true;
    return this.addresses.isProvenMesh2(url, label);
  }

  /** A relay lists at most 12 neighbours: one that dials in beyond them has to look elsewhere. */
  #isOneTooMany(link: Link): boolean {
    const isOver = link.role === 'responder' && link.remoteRelay && this.overlay().length > LIMITS.overlayMax;
    if (isOver) this.#links.close(link, 'too_many_links', `${LIMITS.overlayMax} relays are linked already`);
    return isOver;
  }

  /** Somebody reached us from outside: that makes a relay, at the URL that was dialled. */
  reached(link: Link): void {
    this.#ownUrls.named(link.theirUrl, link.peer);
    if (this.#isRelay) return;
    this.#isRelay = true;
    this.#live = undefined;
    this.#ctx.report('info', 'this peer is a relay now', { url: link.theirUrl });
    for (const other of this.#links.all()) {
      if (other === link) continue;
      this.#tellRole(other);
      this.#introduce(other);
      this.#host.changed(other);
    }
  }

  /** A leaf's live relay does not do its work: the next home relay becomes it. */
  changeLive(): void {
    const live = this.#live;
    const next = this.#links.all().find((link) => link !== live && link.remoteRelay);
    if (this.#isRelay || !live || !next) return;
    this.#live = next;
    for (const link of [live, next]) {
      this.#tellRole(link);
      this.#host.changed(link);
    }
  }

  #tellRole(link: Link): void {
    this.#links.send(link, { type: 'role', relay: this.#isRelay, live: link === this.#live });
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
    if (link === this.#live) {
      this.#live = this.#links.all().find((other) => other !== link);
      if (this.#live) {
        this.#tellRole(this.#live);
        this.#host.changed(this.#live);
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
  }

  learn(event: Extract<Event, { kind: 'addresses' }>): void {
    const trust = event.fixed ? 'fixed' : event.unproven ? 'peer' : 'source';
    for (const { url, peer } of event.addresses)
      this.addresses.learn({ url, peer, source: event.source, scope: event.scope, trust });
    this.dial();
  }

  receive(
    link: Link,
    frame: Extract<Frame, { type: 'role' | 'have' | 'want' | 'records' | 'addresses' }>,
  ): void {
    if (frame.type === 'role') {
      const was = link.remoteRelay;
      link.remoteRelay = frame.relay;
      link.remoteLive = frame.live;
      if (frame.relay !== was) this.#introduce(link);
      if (this.#isOneTooMany(link)) return;
      this.#host.changed(link);
      this.#ctx.arm('records', 0);
    } else if (frame.type === 'addresses') {
      for (const { peer, urls } of frame.relays)
        for (const url of urls)
          this.addresses.learn({ url, peer, source: link.peer, scope: link.scope, trust: 'peer' });
    } else this.#flood.receive(link, frame);
  }

  #accepted(record: SignedContent, from: Link): void {
    if (record.kind === RECORD.interest) this.map.setInterest(record);
    else {
      this.map.setPeer(record);
      for (const url of record.urls)
        this.addresses.learn({ url, peer: record.peer, source: from.peer, scope: from.scope, trust: 'peer' });
    }
    this.#host.changed(undefined);
  }

  #outdated(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#published = UNPUBLISHED;
    this.#ctx.arm('records', LIMITS.recordMinMs);
  }

  /** Publishes own records where something changed, at most once a second. */
  publish(): void {
    if (!this.#isRelay) return;
    const { monotonicMs, wallMs } = this.#ctx.now;
    const waitMs = this.#publishedMs + LIMITS.recordMinMs - monotonicMs;
    if (waitMs > 0) return this.#ctx.arm('records', waitMs);
    const peers = this.overlay().map((link) => link.peer);
    const links = toSet(peers, LIMITS.recordLinksMax);
    const tags = toSet(this.#host.ownTags(), LIMITS.tagsMax);
    const urls = this.#ownUrls.list();
    const is = { links: links.join(), urls: urls.join(), tags: tags.join() };
    const stale = monotonicMs - this.#renewedMs > LIMITS.recordRefreshMs;
    const contents: SignedContent[] = [];
    const peer = this.#ctx.config.peerId;
    // A clock that was far ahead in an earlier life: nobody took a record like that, so there is nothing to overtake.
    const former = this.#sequence > wallMs + LIMITS.recordMs ? 0 : this.#sequence;
    const sequence = Math.max(former + 1, Math.floor(wallMs));
    if (stale || is.links !== this.#published.links || is.urls !== this.#published.urls)
      contents.push({
        kind: RECORD.peer,
        peer,
        sequence,
        urls,
        links,
        expiresMs: Math.floor(wallMs) + LIMITS.recordMs,
      });
    if (stale || is.tags !== this.#published.tags || !this.#flood.has(RECORD.interest, peer))
      contents.push({ kind: RECORD.interest, peer, sequence, tags });
    if (contents.length === 0) return;
    this.#sequence = sequence;
    this.#publishedMs = monotonicMs;
    if (stale) this.#renewedMs = monotonicMs;
    this.#published = is;
    for (const content of contents) {
      if (content.kind === RECORD.peer) this.map.setPeer(content);
      else this.map.setInterest(content);
    }
    this.#ctx.persist([{ kind: 'record-sequence', sequence }]);
    this.#flood.publish(contents);
    this.#host.changed(undefined);
  }

  /** Looks for more links where there are too few. */
  dial(): void {
    // Sockets that are no link yet may become one of a leaf's home relays.
    const linked = this.#isRelay ? this.overlay().length : this.#links.mesh2Size;
    const target = this.#isRelay ? LIMITS.overlayTarget : LIMITS.homeRelaysMax;
    const isLinked = (peer: string): boolean =>
      peer === this.#ctx.config.peerId || this.#links.withPeer(peer) !== undefined;
    this.addresses.dialDue({
      wanted: Math.max(0, target - linked),
      isLinked,
      // What is said to lead to a linked peer comes last: most of the time that is true.
      rank: ({ peer, proven, failures }) =>
        (isLinked(peer) ? LIMITS.addressesMax : 0) + (proven ? 0 : 1) + failures,
    });
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
    for (const peer of this.#flood.expire()) {
      this.map.remove(peer);
      this.#host.changed(undefined);
    }
    if (this.#isRelay && this.#ctx.now.monotonicMs - this.#renewedMs > LIMITS.recordRefreshMs) this.publish();
    if (this.#ctx.now.monotonicMs - this.#toldLeaves > 60_000) {
      this.#toldLeaves = this.#ctx.now.monotonicMs;
      const leaves = this.leaves();
      if (leaves.length > 0) this.#tellAddresses(leaves);
    }
  }
}
