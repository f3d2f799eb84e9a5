/**
 * Frames on their way: what a host sends leaves over its links one after another, arrives later, and waits in front of
 * a host that does not read. A receiver that does not read takes what fits its window; the rest stays in the sender's
 * queue, as TCP has it, and a queue that grows too long costs the link.
 *
 * Within a link order is kept and nothing comes twice, because TCP does that (see `wire.ts`): duplication in a mesh is
 * the same message over several links, and several dials of one peer. A middle box that repeats frames can sit only on
 * links without TLS or seal, so it is not what honest neighbours are judged by; `repeatShare` plays it all the same.
 * What it repeats must be harmless (stored once, shown once, nobody banned), and it may cost an `unasked` offence where
 * an answer comes a second time.
 */
import type { Bytes } from '../core/bytes.ts';
import { utf8 } from '../core/bytes.ts';
import type { Effect, Event } from '../core/contract.ts';
import { LIMITS } from '../core/limits.ts';
import type { MessageContext } from '../core/message/message.ts';
import { frameNumber } from '../core/wire/frame.ts';
import { decodeFrame } from '../core/wire/frames.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';
import type { Profile, Range } from './profile.ts';
import type { Schedule } from './schedule.ts';
import type { Trace } from './trace.ts';
import { type Link, type LinkTable, occupy, type Wire, type WireEnd } from './wire.ts';

/** What the network does for its streams. */
export interface StreamGround {
  readonly profile: Profile;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly links: LinkTable;
  readonly observers: readonly Observer[];
  readonly messages: MessageContext;
  chance(share: number): boolean;
  draw(range: Range): number;
  later(host: Host, delayMs: number, run: () => void): void;
  deliver(host: Host, event: Event): void;
  closeEnd(end: WireEnd, reason: string): void;
}

/** Numbers of the frames that carry messages, claims or records: a look at them saves decoding all the others. */
const TELLING_FRAMES = new Set([7, 10, 11, 14, 24]);

type Send = Extract<Effect, { kind: 'send' }>;

export class Streams {
  readonly #network: StreamGround;

  constructor(network: StreamGround) {
    this.#network = network;
  }

  sendText(host: Host, effect: Extract<Effect, { kind: 'send-text' }>): void {
    const network = this.#network;
    const { text, notify } = effect;
    const link = network.links.get(host, effect.link);
    if (link === undefined) return;
    const { wire, end } = link;
    const departsMs = this.#transfer(wire, end, utf8(text).length, (to) => ({
      kind: 'text-received',
      link: to.id,
      text,
    }));
    if (notify !== 0)
      network.later(host, departsMs - network.schedule.nowMs, () => this.#flushed(host, end.id, notify));
    if (end.queuedBytes(network.schedule.nowMs) > network.profile.queueBytesClose)
      this.#closeBoth(wire, 'too_slow');
  }

  send(host: Host, effect: Send): void {
    const links = effect.links
      .map((id) => this.#network.links.get(host, id))
      .filter((link) => link !== undefined);
    if (links.length === 0) return;
    if (TELLING_FRAMES.has(frameNumber(effect.frame))) this.#tell(host, effect.frame, links);
    for (const link of links) this.#sendOn(host, link, effect);
  }

  #tell(host: Host, bytes: Bytes, links: readonly Link[]): void {
    const frame = decodeFrame(this.#network.messages, bytes);
    if (frame === undefined) return;
    const to = links.map(({ wire, end }) => wire.other(end).host);
    for (const observer of this.#network.observers) observer.sending?.(host, frame, to, bytes);
  }

  #sendOn(host: Host, { wire, end }: Link, effect: Send): void {
    const network = this.#network;
    const { queueBytesMax, queueBytesClose, dropShare, repeatShare } = network.profile;
    const { frame, droppable, notify } = effect;
    const roomBytes = droppable === 'first' ? LIMITS.ephemeralLinkQueueBytes : queueBytesMax;
    const { nowMs } = network.schedule;
    const isFull = end.queuedBytes(nowMs) + frame.length > roomBytes;
    if (droppable !== false && (isFull || network.chance(dropShare))) {
      host.traffic.framesDropped++;
      network.trace.add(`${host.name} drops a frame for link ${end.id}`);
      return;
    }
    host.traffic.count(frame);
    const received = (to: WireEnd): Event => ({ kind: 'frame-received', link: to.id, bytes: frame });
    const departsMs = this.#transfer(wire, end, frame.length, received);
    if (network.chance(repeatShare)) this.#transfer(wire, end, frame.length, received);
    if (notify !== 0) network.later(host, departsMs - nowMs, () => this.#flushed(host, end.id, notify));
    const queuedBytes = end.queuedBytes(nowMs);
    host.traffic.queuePeakBytes = Math.max(host.traffic.queuePeakBytes, queuedBytes);
    if (queuedBytes > queueBytesClose) this.#closeBoth(wire, 'too_slow');
  }

  #flushed(host: Host, link: number, notify: number): void {
    if (this.#network.links.get(host, link) !== undefined)
      this.#network.deliver(host, { kind: 'link-flushed', link, notify });
  }

  #closeBoth(wire: Wire, reason: string): void {
    for (const end of wire.ends) {
      this.#network.schedule.after(0, () => this.#network.closeEnd(end, reason));
    }
  }

  /** @returns virtual ms at which the last byte leaves */
  #transfer(wire: Wire, end: WireEnd, bytes: number, event: (to: WireEnd) => Event): number {
    const network = this.#network;
    const { departsMs, arrivesMs } = occupy(wire, end, bytes, {
      nowMs: network.schedule.nowMs,
      bytesPerMs: network.profile.bytesPerMs,
      jitterMs: network.draw(network.profile.jitterMs),
    });
    const to = wire.other(end);
    network.schedule.at(arrivesMs, () => {
      if (!to.isOpen || wire.isSilent) return;
      if (to.unread === undefined) network.deliver(to.host, event(to));
      else this.#wait(to, end, { event: event(to), bytes });
    });
    return departsMs;
  }

  /** What comes while the host does not read waits in front of it, in order, or stays where it came from. */
  #wait(to: WireEnd, from: WireEnd, one: { event: Event; bytes: number }): void {
    to.unread?.push(one);
    to.unreadBytes += one.bytes;
    if (to.unreadBytes <= this.#network.profile.windowBytes) return;
    to.heldBackBytes += one.bytes;
    from.holdBack(one.bytes);
  }

  pause(host: Host, effect: Extract<Effect, { kind: 'pause' }>): void {
    const link = this.#network.links.get(host, effect.link);
    if (link === undefined || link.end.unread !== undefined) return;
    const { end, wire } = link;
    end.unread = [];
    this.#network.schedule.after(effect.delayMs, () => this.#resume(end, wire.other(end)));
  }

  #resume(end: WireEnd, from: WireEnd): void {
    const waiting = end.unread ?? [];
    from.holdBack(-end.heldBackBytes);
    end.unread = undefined;
    end.unreadBytes = 0;
    end.heldBackBytes = 0;
    for (const [i, { event }] of waiting.entries()) {
      if (!end.isOpen) return;
      if (this.#isPaused(end)) {
        for (const one of waiting.slice(i)) this.#wait(end, from, one);
        return;
      }
      this.#network.deliver(end.host, event);
    }
  }

  /** Asked anew after each event, because handling it may have paused the link again. */
  #isPaused(end: WireEnd): boolean {
    return end.unread !== undefined;
  }
}
