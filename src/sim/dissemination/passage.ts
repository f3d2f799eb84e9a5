/** The passage of one message through the mesh: who got it when, from whom, and how many copies. */
import type { Host } from '../host.ts';
import type { Publication } from '../registry.ts';
import type { Flood } from './flood.ts';

export interface Arrival {
  /** virtual ms of the first copy */
  atMs: number;
  from: Host;
  /** links that the first copy came over, one after another */
  links: number;
  copies: number;
  /** what the peer was when a copy came first */
  readonly isRelay: boolean;
}

/** Times from the moment at which a message left its author's peer. */
export interface Delivery {
  readonly latencyMs: number;
  readonly floodMs: number;
  /** relays that the first copy went through before the peer that shows it */
  readonly crossed: number;
}

export interface PassageStart {
  readonly publication: Publication;
  readonly leftMs: number;
  /** relays that hold the channel at that moment */
  readonly holders: ReadonlySet<Host>;
  /** over the links that were open at that moment */
  readonly flood: Flood;
  /** for its bytes to leave over one link, ms */
  readonly sendMs: number;
  /** what its author's peer was at that moment */
  readonly isAuthorRelay: boolean;
}

export class Passage {
  readonly start: PassageStart;
  readonly arrivals = new Map<Host, Arrival>();
  readonly deliveries: Delivery[] = [];
  /** shown at peers that no open link led to when it left */
  unreachable = 0;

  constructor(start: PassageStart) {
    this.start = start;
  }

  get author(): Host {
    return this.start.publication.host;
  }

  /** A copy arrives. */
  arrive(host: Host, from: Host, atMs: number, isRelay: boolean): void {
    if (host === this.author) return;
    const known = this.arrivals.get(host);
    const links = (this.arrivals.get(from)?.links ?? 0) + 1;
    if (known === undefined) this.arrivals.set(host, { atMs, from, links, copies: 1, isRelay });
    else {
      known.copies++;
      if (known.atMs === Number.POSITIVE_INFINITY) Object.assign(known, { atMs, from, links });
    }
  }

  /** A peer crashes: what it has on disk it has shown, and the rest has to come once more. */
  forget(host: Host): void {
    const known = this.arrivals.get(host);
    if (known !== undefined) known.atMs = Number.POSITIVE_INFINITY;
  }

  /** A reader sees it. */
  shown(host: Host): void {
    const { flood, leftMs, sendMs } = this.start;
    const reach = flood.reach(host);
    const arrival = this.arrivals.get(host);
    if (reach === undefined) this.unreachable++;
    if (reach === undefined || arrival === undefined) return;
    this.deliveries.push({
      latencyMs: arrival.atMs - leftMs,
      floodMs: reach.ms + reach.links * sendMs,
      crossed: arrival.links - 1,
    });
  }

  /** How many relays had it: those that got a copy, and its author's peer if it is one. */
  get relaysTouched(): number {
    let count = this.start.isAuthorRelay ? 1 : 0;
    for (const { isRelay } of this.arrivals.values()) if (isRelay) count++;
    return count;
  }

  /** How many it had to reach: those that held its channel, and the first relay on its way, which keeps it for its author. */
  get relaysInterested(): number {
    const { holders } = this.start;
    const first = this.#firstRelay();
    return holders.size + (first === undefined || holders.has(first) ? 0 : 1);
  }

  #firstRelay(): Host | undefined {
    if (this.start.isAuthorRelay) return this.author;
    let first: Host | undefined;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const [host, { atMs, isRelay }] of this.arrivals) {
      if (!isRelay || atMs >= firstMs) continue;
      first = host;
      firstMs = atMs;
    }
    return first;
  }
}
