/**
 * Which links this peer looks for. The address book and the map are its passive view, the links its active one: where a
 * link is lost another address is dialled, so that the mesh closes over what died (HyParView heals so). A relay keeps
 * 6 overlay links or more, at least 4 of which it dialled itself, to different address groups where there are; a leaf
 * keeps 3 home relays. A relay that has enough tries an address now and then (a feeler): one that is not on its map may
 * lead to another part of the mesh, and is kept then.
 */
import type { Context } from '../context.ts';
import type { RestoredState } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { addressGroup } from './address-group.ts';
import { type Address, type Addresses, hostOf } from './addresses.ts';
import type { RelayMap } from './map.ts';

/** What it looks at. */
export interface ViewsHost {
  readonly isRelay: boolean;
  readonly map: RelayMap;
  readonly addresses: Addresses;
  overlay(): Link[];
  leaves(): Link[];
}

export class Views {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #host: ViewsHost;
  readonly #anchors = new Set<string>();
  /** addresses that are dialled as feelers, and since when */
  readonly #feelers = new Map<string, number>();
  #feltMs = Number.NEGATIVE_INFINITY;
  /** when it was last looked whether somebody may be cut off from us */
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(ctx: Context, links: Links, host: ViewsHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#host = host;
  }

  /** Those that were linked last come first: whoever can fill an address book cannot fill those. */
  restore(addresses: RestoredState['addresses']): void {
    const newest = addresses.toSorted((a, b) => b.provenMs - a.provenMs).slice(0, LIMITS.anchors);
    for (const { url } of newest) this.#anchors.add(url);
  }

  /** Why this link is one too many, '' if it is not. What the operator named always has a place. */
  tooMany(link: Link): string {
    const { isRelay, addresses } = this.#host;
    if (!isRelay || addresses.standingOf(link.url) === 'fixed') return '';
    const isInbound = link.role === 'responder';
    if (!link.remoteRelay) {
      const isOver = isInbound && this.#host.leaves().length > LIMITS.leavesMax;
      return isOver ? `${LIMITS.leavesMax} leaves are linked already` : '';
    }
    const overlay = this.#host.overlay();
    if (overlay.length > LIMITS.overlayMax) return `${LIMITS.overlayMax} relays are linked already`;
    const inbound = overlay.filter(({ role }) => role === 'responder').length;
    const inboundMax = LIMITS.overlayMax - LIMITS.outboundMin;
    return isInbound && inbound > inboundMax ? `${inboundMax} relays have dialled in already` : '';
  }

  /** How many more links are wanted, whatever they cost. */
  #wanted(): number {
    // Sockets that are no link yet may become one of a leaf's home relays.
    if (!this.#host.isRelay) return LIMITS.homeRelaysMax - this.#links.mesh2Size;
    const overlay = this.#host.overlay();
    const outbound = overlay.filter(({ role }) => role === 'dialler').length;
    const room = LIMITS.overlayMax - overlay.length;
    return Math.max(LIMITS.overlayTarget - overlay.length, Math.min(LIMITS.outboundMin - outbound, room));
  }

  /** Dials what is due and wanted. */
  dial(): void {
    const { addresses, isRelay } = this.#host;
    const isLinked = (peer: string): boolean =>
      peer === this.#ctx.config.peerId || this.#links.withPeer(peer) !== undefined;
    const wanted = this.#wanted();
    const isFeeler = isRelay && wanted <= 0 && this.#isFeelerDue(isLinked);
    const rank = isFeeler ? this.#feelerRank(isLinked) : this.#linkRank(isLinked);
    const dialled = addresses.dialDue({ wanted: isFeeler ? 1 : wanted, isLinked, rank });
    if (!isFeeler || dialled === undefined) return;
    this.#feltMs = this.#ctx.now.monotonicMs;
    this.#feelers.set(dialled.url, this.#feltMs);
  }

  /** Lower is better. */
  #linkRank(isLinked: (peer: string) => boolean): (address: Address) => number {
    const { isRelay, map, addresses } = this.#host;
    const dialled = this.#links.all().filter(({ role }) => role === 'dialler');
    const groups = new Set(dialled.map(({ url }) => addressGroup(hostOf(url))));
    const target = isRelay ? LIMITS.overlayTarget : LIMITS.homeRelaysMax;
    // Lists that many share: at most a quarter of the own links lead to what they name, if there is anything else.
    const listed = dialled.filter(({ url }) => addresses.standingOf(url) === 'listed').length;
    const isListedEnough = listed >= Math.max(1, Math.floor(target / 4));
    return ({ url, peer, proven, trusted, failures }) => {
      if (this.#anchors.has(url) && failures === 0) return -1;
      const isAlive = isRelay ? map.counts(peer) : proven;
      return (
        // What is said to lead to a linked peer comes last: most of the time that is true.
        (isLinked(peer) ? LIMITS.addressesMax : 0) +
        2 * failures +
        (trusted && isListedEnough ? 3 : 0) +
        (groups.has(addressGroup(hostOf(url))) ? 1 : 0) +
        (isAlive ? 0 : 1)
      );
    };
  }

  #feelerRank(isLinked: (peer: string) => boolean): (address: Address) => number {
    const { map } = this.#host;
    return ({ peer, failures }) =>
      (isLinked(peer) ? LIMITS.addressesMax : 0) +
      failures +
      (map.counts(peer) ? LIMITS.addressesMax / 2 : 0);
  }

  /** Sooner where somebody may be cut off from us. */
  #isFeelerDue(isLinked: (peer: string) => boolean): boolean {
    const { map, addresses } = this.#host;
    const now = this.#ctx.now.monotonicMs;
    if (now - this.#feltMs < LIMITS.feelerLostMs) return false;
    if (now - this.#feltMs >= LIMITS.feelerMs) return true;
    // That goes through the whole book.
    if (now - this.#lookedMs < LIMITS.feelerLookMs) return false;
    this.#lookedMs = now;
    return addresses.isAnyDue(({ peer, failures }) => failures < 3 && !map.counts(peer) && !isLinked(peer));
  }

  /** Whether a link was a feeler and is not needed: then it ends here. */
  wasFeeler(link: Link): boolean {
    if (link.role !== 'dialler' || !this.#feelers.delete(link.url)) return false;
    const isEnough = this.#host.overlay().length > LIMITS.overlayTarget;
    if (!isEnough || !link.remoteRelay || !this.#host.map.counts(link.peer)) return false;
    this.#links.close(link, 'not_needed', 'the address leads here');
    return true;
  }

  /** Once a second: those that came to nothing. */
  expireFeelers(): void {
    const now = this.#ctx.now.monotonicMs;
    for (const [url, ms] of this.#feelers) if (now - ms > LIMITS.feelerMs) this.#feelers.delete(url);
  }
}
