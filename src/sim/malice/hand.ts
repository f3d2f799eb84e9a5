/**
 * What a malice works with: its links, its keys (as many as it likes to make), a random source from the seed, and a
 * count of what it did, which outlives a crash.
 */
import { type Bytes, toBase64url } from '../../core/bytes.ts';
import { channelTag } from '../../core/channel/channel.ts';
import type { Effect, Event, LinkId, Now } from '../../core/contract.ts';
import type { MessageContext } from '../../core/message/message.ts';
import type { Random } from '../../core/random.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { encodeFrame } from '../../core/wire/frames.ts';
import { derive, SimKey } from '../keys.ts';
import type { MaliceLink } from './link.ts';

export interface HandOptions {
  readonly seed: number;
  /** of the malicious peer */
  readonly name: string;
  readonly messages: MessageContext;
  readonly random: Random;
  readonly peerKey: SimKey;
  /** its usual identity */
  readonly identityKey: SimKey;
  /** channels that it takes part in, at least one */
  readonly channels: readonly string[];
  /** what it did so far, by what it was: added to */
  readonly deeds: Map<string, number>;
}

export class Hand {
  readonly options: HandOptions;
  readonly links = new Map<LinkId, MaliceLink>();
  readonly #keys = new Map<number, SimKey>();
  #effects: Effect[] = [];
  #pretended: Event[] = [];
  #now: Now = { monotonicMs: 0, wallMs: 0 };

  constructor(options: HandOptions) {
    this.options = options;
  }

  get now(): Now {
    return this.#now;
  }

  get messages(): MessageContext {
    return this.options.messages;
  }

  get random(): Random {
    return this.options.random;
  }

  /** A new event at this time. */
  begin(now: Now): void {
    this.#now = now;
  }

  /** @returns all that was done since the last call */
  take(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  act(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Sends a frame, or bytes that may be none. */
  send(link: MaliceLink, frame: Frame | Bytes): void {
    const bytes = frame instanceof Uint8Array ? frame : encodeFrame(frame);
    this.act({ kind: 'send', links: [link.id], frame: bytes, droppable: false, notify: 0 });
  }

  /** Its own core hears a frame that nobody sent. */
  pretend({ id }: MaliceLink, frame: Frame): void {
    this.#pretended.push({ kind: 'frame-received', link: id, bytes: encodeFrame(frame) });
  }

  /** @returns what its own core is to hear, since the last call */
  takePretended(): Event[] {
    return this.#pretended.splice(0);
  }

  all(): MaliceLink[] {
    return [...this.links.values()];
  }

  /** Counts a deed for reports and tests. */
  did(what: string, times = 1): void {
    const { deeds } = this.options;
    if (times > 0) deeds.set(what, (deeds.get(what) ?? 0) + times);
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('there is nothing to pick from');
    return items[this.random.below(items.length)] as T;
  }

  bytes(length: number): Bytes {
    return Uint8Array.from({ length }, () => this.random.below(256));
  }

  /** One of its identities, which have no end: 0 is the usual one. */
  author(number: number): SimKey {
    if (number === 0) return this.options.identityKey;
    const { seed, name } = this.options;
    const key = this.#keys.get(number) ?? new SimKey(derive(seed, `another identity of ${name}, ${number}`));
    this.#keys.set(number, key);
    return key;
  }

  tag(channel: string): string {
    return toBase64url(channelTag(this.messages.sha256, this.messages.network, channel));
  }

  /** A tag that nobody else has. */
  newTag(): string {
    return toBase64url(this.bytes(8));
  }
}
