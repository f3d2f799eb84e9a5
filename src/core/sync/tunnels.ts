/**
 * Tunnels: links over other relays, for visits to a holder that cannot be dialled. Whoever opens one says to whom; each relay
 * on the way chooses the next by its map and from there on passes frames between two links, by the number that the tunnel
 * has on each of them. A tunnel proves nobody: who carries it can pretend to be its other end, as any holder may lie.
 *
 * Invariants:
 * 1. What passes here is bounded in tunnels, in time, and in bytes: a tunnel that has more than its share ends, and what is
 *    more than a neighbour's or everybody's is dropped. Ends keep below that, however many tunnels they have.
 * 2. When a tunnel ends somewhere, both ends are told, and nothing of it is remembered.
 * 3. Only neighbours that are relays open tunnels, and no way leads back over the link that it came by.
 * 4. Nobody holds a place at an end for ever: one neighbour has one, and after a while it gives way to whoever asks.
 */
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { type Carrier, type Link, newLink } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Membership } from '../membership/membership.ts';
import type { Footprint } from '../peer-types.ts';
import { Credit, TokenBuckets } from '../token-buckets.ts';
import type { Frame } from '../wire/frame.ts';
import { encodeFrame } from '../wire/frames.ts';

export type TunnelFrame = Extract<Frame, { type: 'tunnel-open' | 'tunnelled' | 'tunnel-end' }>;

export interface TunnelsParts {
  readonly links: Links;
  readonly membership: Membership;
  /** takes a frame that came through a tunnel which ends here */
  readonly frame: (link: Link, bytes: Bytes) => void;
}

/** A tunnel on one link. */
interface Hop {
  readonly link: Link;
  readonly number: number;
  /** we opened it on this link */
  readonly isOurs: boolean;
}

interface Waiting {
  readonly frame: Bytes;
  readonly onFlushed: (() => void) | undefined;
}

/** One that ends here. */
interface End {
  readonly hop: Hop;
  readonly link: Link;
  readonly openedMs: number;
  /** frames that wait for bytes */
  readonly queue: Waiting[];
  queuedBytes: number;
}

/** One that passes here. */
interface Passage {
  readonly hops: readonly [Hop, Hop];
  readonly openedMs: number;
  movedMs: number;
}

const keyOf = ({ link, number, isOurs }: Hop): string => `${link.id}/${isOurs ? 'ours' : 'theirs'}/${number}`;
const NO_BYTES = new Uint8Array(0);
/** Key of the bucket that all neighbours share. */
const ALL = 0;

const END_RATE = { perSecond: LIMITS.tunnelBytesPerSecond, burst: LIMITS.tunnelBytesBurst };
const PASSAGE_RATE = {
  perSecond: LIMITS.tunnelPassageBytesPerSecond,
  burst: LIMITS.tunnelPassageBytesBurst,
};
const LINK_RATE = { perSecond: LIMITS.tunnelLinkBytesPerSecond, burst: LIMITS.tunnelLinkBytesBurst };
const ALL_RATE = { perSecond: LIMITS.tunnelAllBytesPerSecond, burst: LIMITS.tunnelAllBytesBurst };

export class Tunnels {
  readonly #ctx: Context;
  readonly #parts: TunnelsParts;
  readonly #ends = new Map<string, End>();
  /** under the keys of both hops */
  readonly #passages = new Map<string, Passage>();
  /** of the tunnels that end here, by the link that they go over */
  readonly #credits = new Map<Link, Credit>();
  /** when the last tunnel that a neighbour opened ended here */
  readonly #endedMs = new WeakMap<Link, number>();
  readonly #passing = new TokenBuckets<Passage>(LIMITS.tunnelsPassingMax);
  readonly #perLink = new TokenBuckets<number>(LIMITS.linksMax);
  readonly #all = new TokenBuckets<number>(1);
  #numbers = 0;
  /** links without a socket count downwards: no interpreter gives them such numbers */
  #ids = 0;

  constructor(ctx: Context, parts: TunnelsParts) {
    this.#ctx = ctx;
    this.#parts = parts;
  }

  /** The neighbour over whom a tunnel to a relay would go. */
  #nextTo(target: string): Link | undefined {
    const { links, membership } = this.#parts;
    return links.withPeer(membership.map.towards(target) ?? '');
  }

  /** Whether there is a way to a relay that is no neighbour, and room for a tunnel. */
  canOpen(target: string): boolean {
    const next = this.#nextTo(target);
    if (!next || next.peer === target || this.#parts.links.isFull) return false;
    return this.#endsHere(true).length < LIMITS.tunnelsOutMax;
  }

  /** Opens a tunnel, through which a visit of ours begins at once. @returns whether {@link canOpen} */
  open(target: string): boolean {
    const next = this.#nextTo(target);
    if (!next || !this.canOpen(target)) return false;
    const hop = { link: next, number: this.#number(), isOurs: true };
    const { number } = hop;
    this.#parts.links.send(next, { type: 'tunnel-open', number, hops: LIMITS.tunnelHopsMax, target });
    this.#attach(hop, 'dialler', target);
    return true;
  }

  #number(): number {
    this.#numbers = (this.#numbers % LIMITS.tunnelNumberMax) + 1;
    return this.#numbers;
  }

  /** The oldest first. */
  #endsHere(isOurs: boolean): End[] {
    return [...this.#ends.values()].filter(({ hop }) => hop.isOurs === isOurs);
  }

  #attach(hop: Hop, role: Link['role'], peer: string): void {
    const carrier: Carrier = {
      send: (frame, onFlushed) => this.#send(end, frame, onFlushed),
      close: () => this.#close(end),
    };
    const now = this.#ctx.now.monotonicMs;
    const begun = { id: --this.#ids, role, scope: hop.link.scope, isVisit: true };
    const blank = { url: '', host: '', nonce: NO_BYTES, ephemeral: NO_BYTES };
    const link = newLink({ ...begun, ...blank }, now, carrier);
    link.peer = peer;
    const end: End = { hop, link, openedMs: now, queue: [], queuedBytes: 0 };
    this.#ends.set(keyOf(hop), end);
    this.#parts.links.attach(link);
  }

  #send(end: End, frame: Bytes, onFlushed: (() => void) | undefined): void {
    if (!this.#ends.has(keyOf(end.hop))) return;
    end.queue.push({ frame, onFlushed });
    end.queuedBytes += frame.length;
    this.#pump(end);
    if (end.queuedBytes <= LIMITS.tunnelQueueBytesMax) return;
    this.#lost(end, 'more was asked for than a tunnel carries');
    this.#sendEnd(end.hop);
  }

  /** Sends what waits, as far as there are bytes. */
  #pump(end: End): void {
    const { queue, hop } = end;
    for (
      let next = queue[0];
      next && this.#creditOf(hop.link).left(END_RATE, this.#ctx.now.monotonicMs) > 0;
      next = queue[0]
    ) {
      queue.shift();
      end.queuedBytes -= next.frame.length;
      this.#transmit(end, next);
    }
  }

  #transmit({ hop, link }: End, { frame, onFlushed }: Waiting): void {
    const { link: via, number, isOurs } = hop;
    this.#creditOf(via).charge(END_RATE, this.#ctx.now.monotonicMs, frame.length);
    const bytes = encodeFrame({ type: 'tunnelled', number, isOpener: isOurs, frame });
    const options = onFlushed ? { onFlushed: () => link.phase === 'up' && onFlushed() } : {};
    this.#parts.links.sendBytes([via], bytes, { droppable: true, ...options });
  }

  #creditOf(via: Link): Credit {
    const credit = this.#credits.get(via) ?? new Credit(END_RATE, this.#ctx.now.monotonicMs);
    this.#credits.set(via, credit);
    return credit;
  }

  /** The link inside has been closed here. */
  #close(end: End): void {
    if (!this.#ends.has(keyOf(end.hop))) return;
    // The last word goes out, whatever waits before it.
    const last = end.queue.splice(0).at(-1);
    if (last) this.#transmit(end, last);
    this.#forgetEnd(end);
    this.#sendEnd(end.hop);
  }

  #forgetEnd(end: End): void {
    this.#ends.delete(keyOf(end.hop));
    if (!end.hop.isOurs) this.#endedMs.set(end.hop.link, this.#ctx.now.monotonicMs);
  }

  #sendEnd({ link, number, isOurs }: Hop): void {
    this.#parts.links.send(link, { type: 'tunnel-end', number, isOpener: isOurs });
  }

  receive(link: Link, frame: TunnelFrame): void {
    if (frame.type === 'tunnel-open') return this.#opened(link, frame);
    const key = keyOf({ link, number: frame.number, isOurs: !frame.isOpener });
    const end = this.#ends.get(key);
    if (end) {
      if (frame.type === 'tunnel-end') this.#lost(end, 'the other side, or somebody on the way, ended it');
      else this.#parts.frame(end.link, frame.frame);
      return;
    }
    const passage = this.#passages.get(key);
    if (!passage) return; // it has ended here, and the news of that is on its way
    const [near, far] = passage.hops;
    const other = keyOf(near) === key ? far : near;
    if (frame.type === 'tunnel-end') {
      this.#forget(passage);
      return this.#sendEnd(other);
    }
    this.#pass(passage, { link, number: other.number, frame: frame.frame }, other);
  }

  #pass(
    passage: Passage,
    { link, number, frame }: { link: Link; number: number; frame: Bytes },
    to: Hop,
  ): void {
    const now = this.#ctx.now.monotonicMs;
    const cost = Math.max(frame.length, LIMITS.tunnelFrameBytesMin);
    if (this.#passing.take(passage, PASSAGE_RATE, now, cost) < cost) return this.#end(passage);
    passage.movedMs = now;
    if (!this.#mayPass(link, cost)) return;
    const bytes = encodeFrame({ type: 'tunnelled', number, isOpener: to.isOurs, frame });
    this.#parts.links.sendBytes([to.link], bytes, { droppable: true });
  }

  #mayPass(link: Link, bytes: number): boolean {
    const now = this.#ctx.now.monotonicMs;
    const ofLink = this.#perLink.left(link.id, LINK_RATE, now);
    if (Math.min(ofLink, this.#all.left(ALL, ALL_RATE, now)) < bytes) return false;
    this.#perLink.take(link.id, LINK_RATE, now, bytes);
    this.#all.take(ALL, ALL_RATE, now, bytes);
    return true;
  }

  #opened(link: Link, { number, hops, target }: Extract<TunnelFrame, { type: 'tunnel-open' }>): void {
    const { links, membership } = this.#parts;
    const hop: Hop = { link, number, isOurs: false };
    const key = keyOf(hop);
    if (this.#ends.has(key) || this.#passages.has(key))
      return links.offend(link, 'unasked', `tunnel ${number} is open already`);
    if (membership.kindOf(link) !== 'overlay' || !this.#mayPass(link, LIMITS.tunnelOpenBytes))
      return this.#sendEnd(hop);
    if (target === this.#ctx.config.peerId)
      return this.#isPlaceFree(link) ? this.#attach(hop, 'responder', '') : this.#sendEnd(hop);
    const next = this.#nextTo(target);
    if (!next || next === link || hops === 0 || !this.#hasRoom(link)) return this.#sendEnd(hop);
    const onwards: Hop = { link: next, number: this.#number(), isOurs: true };
    const now = this.#ctx.now.monotonicMs;
    const passage: Passage = { hops: [hop, onwards], openedMs: now, movedMs: now };
    this.#passages.set(key, passage);
    this.#passages.set(keyOf(onwards), passage);
    links.send(next, { type: 'tunnel-open', number: onwards.number, hops: hops - 1, target });
  }

  /** Whether a tunnel of this neighbour may end here. It may take the place of an older one: of its own, or of all. */
  #isPlaceFree(link: Link): boolean {
    const now = this.#ctx.now.monotonicMs;
    const ends = this.#endsHere(false);
    const own = ends.find(({ hop }) => hop.link === link);
    const inTheWay = own ?? (ends.length >= LIMITS.tunnelsInMax ? ends[0] : undefined);
    if (inTheWay) {
      if (now - inTheWay.openedMs < LIMITS.tunnelGivesWayMs) return false;
      this.#parts.links.close(inTheWay.link, 'visit_over', 'others wait');
      return !this.#parts.links.isFull;
    }
    const endedMs = this.#endedMs.get(link) ?? Number.NEGATIVE_INFINITY;
    return now - endedMs >= LIMITS.visitorAgainMs && !this.#parts.links.isFull;
  }

  #hasRoom(link: Link): boolean {
    if (this.#passages.size >= 2 * LIMITS.tunnelsPassingMax) return false;
    let ofLink = 0;
    for (const { hops } of new Set(this.#passages.values())) if (hops[0].link === link) ofLink++;
    return ofLink < LIMITS.tunnelsPerLinkMax;
  }

  #forget({ hops }: Passage): void {
    for (const hop of hops) this.#passages.delete(keyOf(hop));
  }

  #end(passage: Passage): void {
    this.#forget(passage);
    this.#passing.forget(passage);
    for (const hop of passage.hops) this.#sendEnd(hop);
  }

  /** A tunnel that ends here has ended elsewhere. */
  #lost(end: End, why: string): void {
    this.#forgetEnd(end);
    this.#parts.links.close(end.link, '', why);
  }

  /** A link is going down, and what it carried with it. */
  down(link: Link): void {
    for (const end of [...this.#ends.values()]) if (end.hop.link === link) this.#lost(end, 'the way is gone');
    for (const passage of new Set(this.#passages.values())) {
      if (!passage.hops.some((hop) => hop.link === link)) continue;
      this.#forget(passage);
      for (const hop of passage.hops) if (hop.link !== link) this.#sendEnd(hop);
    }
    this.#perLink.forget(link.id);
    this.#credits.delete(link);
  }

  /** Once a second. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    for (const end of [...this.#ends.values()]) this.#pump(end);
    for (const passage of new Set(this.#passages.values()))
      if (now - passage.movedMs > LIMITS.tunnelIdleMs || now - passage.openedMs > LIMITS.tunnelMs)
        this.#end(passage);
    this.#perLink.tick(LINK_RATE, now);
    this.#passing.tick(PASSAGE_RATE, now);
  }

  footprint(): Footprint {
    return {
      tunnelsHere: { size: this.#ends.size, max: LIMITS.tunnelsOutMax + LIMITS.tunnelsInMax },
      tunnelsPassing: { size: this.#passages.size / 2, max: LIMITS.tunnelsPassingMax },
    };
  }
}
