/**
 * The racer: for each genuine message that it hears it sends everybody copies with a junk signature and copies with
 * another body, before the genuine one gets there, in the hope that the id is taken for known or for bad.
 *
 * What answers it: the signature is no part of the id, work in flight is keyed by (id, signature), and nothing is
 * remembered of an id whose signature failed. It is banned where it sends too much of it.
 */
import { shortId } from '../../core/link/links.ts';
import type { Message } from '../../core/message/message.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { withFields, withSignature } from './craft.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface RacerOptions {
  /** messages that it races on one link: a patient one stays below the threshold of a ban */
  readonly most: number;
  /** it never brings the genuine one itself */
  readonly withholds: boolean;
}

class Racer implements Malice {
  readonly #options: RacerOptions;
  readonly #raced = new Map<MaliceLink, number>();

  constructor(options: RacerOptions) {
    this.#options = options;
  }

  hears(link: MaliceLink, frame: Frame, hand: Hand): Frame {
    if (frame.type === 'push' || frame.type === 'fetched')
      for (const message of frame.messages) this.#race(link, message, hand);
    return frame;
  }

  #race(from: MaliceLink, message: Message, hand: Hand): void {
    const junk = withSignature(hand.messages, message, hand.bytes(64));
    const other = withFields(hand.messages, message, { body: `${message.body}?` });
    for (const link of hand.all()) {
      const raced = this.#raced.get(link) ?? 0;
      if (link === from || raced >= this.#options.most) continue;
      this.#raced.set(link, raced + 1);
      hand.did('ran ahead of a genuine message', 2);
      const root = hand.pick(['', shortId(from.peer)]);
      hand.send(link, { type: 'announce', ids: [message.id] });
      hand.send(link, { type: 'push', root, keep: hand.random.unit() < 0.5, messages: [junk] });
      hand.send(link, { type: 'push', root, keep: false, messages: [other] });
    }
  }

  /** What it should pass on it keeps, or not. What it was asked for comes with a junk signature. */
  says(link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type === 'push' && this.#options.withholds) return [];
    if (frame.type !== 'fetched' || frame.messages.length === 0) return [frame];
    const raced = this.#raced.get(link) ?? 0;
    if (raced >= this.#options.most) return [frame];
    this.#raced.set(link, raced + 1);
    hand.did('answered with junk signatures');
    const messages = frame.messages.map((one) => withSignature(hand.messages, one, hand.bytes(64)));
    return [{ type: 'fetched', messages, notHeld: frame.notHeld }];
  }
}

export function racer(hand: Hand, options?: RacerOptions): Malice {
  return new Racer(options ?? { most: hand.pick([6, 1000]), withholds: hand.random.unit() < 0.5 });
}
