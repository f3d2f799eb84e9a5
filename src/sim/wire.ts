/**
 * A link between two simulated peers: two ordered, reliable byte streams, as WebSocket gives them. Nothing on a link is
 * reordered or lost alone; what is lost is lost with the link, or was never accepted into the queue.
 *
 * Each direction sends at a bandwidth and arrives after a latency. A silent link swallows everything from then on and
 * tells nobody (a half-open connection, a partition): it never speaks again, it can only be closed.
 */
import type { Event, LinkId } from '../core/contract.ts';
import type { Host } from './host.ts';
import { roundedMs } from './schedule.ts';

/** Frames that have left and are still in the list of those that leave (guess). */
const LEFT_MAX = 256;

export class WireEnd {
  readonly host: Host;
  /** run of the host that opened this end; a later run knows nothing of it */
  readonly run: number;
  readonly id: LinkId;
  isOpen = true;
  /** virtual ms at which the last accepted byte leaves */
  busyUntilMs = 0;
  /** bytes accepted that have not left yet, as of the last look */
  #queuedBytes = 0;
  /** when they leave, in that order; those below `#left` have left */
  readonly #leaving: { readonly atMs: number; readonly bytes: number }[] = [];
  #left = 0;
  /** what arrived while the host does not read this end; undefined while it reads */
  unread: { readonly event: Event; readonly bytes: number }[] | undefined;
  unreadBytes = 0;
  /** of those, what is beyond the window and counts in the sender's queue */
  heldBackBytes = 0;
  /** virtual ms at which the last frame sent from here arrives */
  lastArrivalMs = 0;

  constructor(host: Host, id: LinkId) {
    this.host = host;
    this.run = host.run;
    this.id = id;
  }

  /** Bytes accepted and not yet sent. Worked out when somebody asks: an event for each frame would double all events. */
  queuedBytes(nowMs: number): number {
    for (let next = this.#leaving[this.#left]; next !== undefined && next.atMs <= nowMs; ) {
      this.#queuedBytes -= next.bytes;
      next = this.#leaving[++this.#left];
    }
    if (this.#left === this.#leaving.length) this.#leaving.length = 0;
    else if (this.#left > LEFT_MAX) this.#leaving.splice(0, this.#left);
    else return this.#queuedBytes;
    this.#left = 0;
    return this.#queuedBytes;
  }

  /** Takes bytes into the queue, which leave at `atMs`. */
  enqueue(bytes: number, atMs: number): void {
    this.#queuedBytes += bytes;
    this.#leaving.push({ bytes, atMs });
  }

  /** Bytes that have left and whose receiver has no room for them count here until it has. */
  holdBack(bytes: number): void {
    this.#queuedBytes += bytes;
  }
}

export class Wire {
  readonly dialler: WireEnd;
  readonly responder: WireEnd;
  readonly latencyMs: number;
  isSilent = false;

  constructor(dialler: WireEnd, responder: WireEnd, latencyMs: number) {
    this.dialler = dialler;
    this.responder = responder;
    this.latencyMs = latencyMs;
  }

  get ends(): readonly [WireEnd, WireEnd] {
    return [this.dialler, this.responder];
  }

  /** False once both ends know that it is over. */
  get isAlive(): boolean {
    return this.dialler.isOpen || this.responder.isOpen;
  }

  other(end: WireEnd): WireEnd {
    return end === this.dialler ? this.responder : this.dialler;
  }

  connects(a: Host, b: Host): boolean {
    const [x, y] = [this.dialler.host, this.responder.host];
    return (x === a && y === b) || (x === b && y === a);
  }
}

export interface Link {
  readonly wire: Wire;
  readonly end: WireEnd;
}

/** Ended links of which it is remembered who was there: what is still under way speaks of them. */
const ENDED_MAX = 64;

/** The ends that each host may use, by number. */
export class LinkTable {
  readonly #byHost = new Map<Host, Map<LinkId, Link>>();
  /** who is at the other end of each link, or was, of those that ended last */
  readonly #others = new Map<LinkId, Host>();
  readonly #ended: LinkId[] = [];

  get(host: Host, id: LinkId): Link | undefined {
    return this.#byHost.get(host)?.get(id);
  }

  add(end: WireEnd, wire: Wire): void {
    const links = this.#byHost.get(end.host) ?? new Map<LinkId, Link>();
    this.#byHost.set(end.host, links.set(end.id, { wire, end }));
    this.#others.set(end.id, wire.other(end).host);
  }

  /** The host at the other end of a link, also when it has just ended. */
  otherEnd(id: LinkId): Host | undefined {
    return this.#others.get(id);
  }

  remove(end: WireEnd): void {
    if (this.#byHost.get(end.host)?.delete(end.id)) this.#end(end.id);
  }

  #end(id: LinkId): void {
    this.#ended.push(id);
    const oldest = this.#ended.length > ENDED_MAX ? this.#ended.shift() : undefined;
    if (oldest !== undefined) this.#others.delete(oldest);
  }

  endsOf(host: Host): WireEnd[] {
    return [...(this.#byHost.get(host)?.values() ?? [])].map(({ end }) => end);
  }

  /** Takes all links of a host, which has none afterwards. */
  take(host: Host): Link[] {
    const links = [...(this.#byHost.get(host)?.values() ?? [])];
    this.#byHost.delete(host);
    for (const { end } of links) this.#end(end.id);
    return links;
  }
}

/** Per-frame overhead: TCP, IP and WebSocket heads of a small frame (a rough figure). */
export const FRAME_HEAD_BYTES = 60;

export interface SendTimes {
  readonly departsMs: number;
  readonly arrivesMs: number;
}

/** Accounts for `bytes` more in the queue of `end`. */
export function occupy(
  wire: Wire,
  end: WireEnd,
  bytes: number,
  at: { nowMs: number; bytesPerMs: number; jitterMs: number },
): SendTimes {
  const departsMs = Math.max(at.nowMs, end.busyUntilMs) + (bytes + FRAME_HEAD_BYTES) / at.bytesPerMs;
  const arrivesMs = Math.max(departsMs + wire.latencyMs + at.jitterMs, end.lastArrivalMs);
  end.busyUntilMs = departsMs;
  end.lastArrivalMs = arrivesMs;
  end.enqueue(bytes, roundedMs(departsMs));
  return { departsMs, arrivesMs };
}
