/** A malicious peer as a state machine like any other: the simulator runs it as it runs the honest ones. */
import { idFromText } from '../../core/bytes.ts';
import type { Effect, Event, LinkId, Now } from '../../core/contract.ts';
import type { PeerSnapshot } from '../../core/peer-types.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { decodeFrame, encodeFrame } from '../../core/wire/frames.ts';
import type { SimCore } from '../host.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice, MaliceFactory } from './malice.ts';

type Send = Extract<Effect, { kind: 'send' }>;

export class MaliciousPeer implements SimCore {
  readonly #core: SimCore;
  readonly #hand: Hand;
  readonly #malice: Malice;

  constructor(core: SimCore, hand: Hand, create: MaliceFactory) {
    this.#core = core;
    this.#hand = hand;
    this.#malice = create(hand);
  }

  handle(event: Event, now: Now): Effect[] {
    this.#hand.begin(now);
    const known = new Set(this.#hand.links.keys());
    const heard = event.kind === 'frame-received' ? this.#hear(event) : event;
    if (heard !== undefined) this.#run([heard], now);
    for (const link of this.#hand.all()) if (!known.has(link.id)) this.#malice.up?.(link, this.#hand);
    if (event.kind === 'timer' && event.timer.kind === 'second') this.#malice.tick?.(this.#hand);
    this.#run(this.#hand.takePretended(), now);
    return this.#hand.take();
  }

  /** @param inbox grows while the core answers */
  #run(inbox: Event[], now: Now): void {
    for (const event of inbox) for (const effect of this.#core.handle(event, now)) this.#say(effect, inbox);
  }

  snapshot(now: Now): PeerSnapshot {
    if (this.#core.snapshot === undefined) throw new TypeError('this core shows nothing of itself');
    return this.#core.snapshot(now);
  }

  get isRelay(): boolean {
    return this.#core.isRelay === true;
  }

  holds(channel: string): boolean {
    return this.#core.holds?.(channel) === true;
  }

  /** What the core hears of a frame: the frame, another one, or nothing. */
  #hear(event: Extract<Event, { kind: 'frame-received' }>): Event | undefined {
    const link = this.#hand.links.get(event.link);
    const frame = link && decodeFrame(this.#hand.messages, event.bytes);
    if (!link || !frame) return event;
    if (frame.type === 'role') link.isRelay = frame.relay;
    if (!this.#malice.hears) return event;
    const heard = this.#malice.hears(link, frame, this.#hand);
    if (heard === frame) return event;
    return heard === undefined ? undefined : { ...event, bytes: encodeFrame(heard) };
  }

  /** @param inbox events that follow at once: a frame that is swallowed has left the queue */
  #say(effect: Effect, inbox: Event[]): void {
    if (effect.kind === 'report') this.#note(effect);
    if (effect.kind === 'send' && this.#malice.says)
      for (const link of effect.links) this.#send(link, effect, inbox);
    else this.#hand.act(effect);
  }

  #send(id: LinkId, effect: Send, inbox: Event[]): void {
    const link = this.#hand.links.get(id);
    const frame = link && decodeFrame(this.#hand.messages, effect.frame);
    const said: readonly Frame[] | undefined = frame && this.#malice.says?.(link, frame, this.#hand);
    if (said === undefined) this.#hand.act({ ...effect, links: [id] });
    for (const [i, one] of (said ?? []).entries()) {
      const bytes = one === frame ? effect.frame : encodeFrame(one);
      this.#hand.act({ ...effect, links: [id], frame: bytes, notify: i === 0 ? effect.notify : 0 });
    }
    if (said?.length === 0 && effect.notify !== 0)
      inbox.push({ kind: 'link-flushed', link: id, notify: effect.notify });
  }

  /** The core tells which links are up. */
  #note({ phrase, data }: Extract<Effect, { kind: 'report' }>): void {
    const { link, peer } = data;
    // On links of mesh/1 nobody proved who is there, and frames of mesh/2 have no place.
    if (typeof link !== 'number' || typeof peer !== 'string' || !idFromText(peer)) return;
    const { links } = this.#hand;
    if (phrase === 'link up') links.set(link, { id: link, peer, isRelay: false } satisfies MaliceLink);
    else if (phrase === 'link down') links.delete(link);
  }
}
