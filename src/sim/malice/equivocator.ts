/**
 * The equivocator: tells different neighbours different stories. Every few seconds it signs one message and two others that
 * both follow it, and gives one of them to half of its neighbours and the other to the rest.
 *
 * What answers it: both are messages like any other, so they meet wherever the channel is held, and whoever has both keeps
 * the two signed headers as a proof. Nobody is punished: a restored backup does the same.
 */
import type { Message } from '../../core/message/message.ts';
import { write } from './craft.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface EquivocatorOptions {
  readonly everySeconds: number;
  /** stories that it tells at most */
  readonly most: number;
}

class Equivocator implements Malice {
  readonly #options: EquivocatorOptions;
  #seconds = 0;
  #told = 0;

  constructor(options: EquivocatorOptions) {
    this.#options = options;
  }

  tick(hand: Hand): void {
    const links = hand.all();
    if (++this.#seconds % this.#options.everySeconds !== 0 || this.#told >= this.#options.most) return;
    if (links.length < 2) return;
    const channel = hand.pick(hand.options.channels);
    const author = hand.author(0);
    const story = `${hand.options.name} ${++this.#told}`;
    const timeMs = hand.now.wallMs;
    const begin = write(hand.messages, author, { channel, body: `${story}: once upon a time`, timeMs });
    const { id: prev } = begin;
    const [left, right] = ['he lived', 'he died'].map((end, i) =>
      write(hand.messages, author, { channel, body: `${story}: ${end}`, timeMs: timeMs + 1 + i, prev }),
    ) as [Message, Message];
    hand.did('told two stories');
    for (const [i, link] of links.entries()) this.#tell(link, [begin, i % 2 === 0 ? left : right], hand);
  }

  #tell(link: MaliceLink, messages: readonly Message[], hand: Hand): void {
    hand.send(link, { type: 'push', root: '', keep: true, messages });
  }
}

/** Without options the seed decides. */
export function equivocator(hand: Hand, options?: EquivocatorOptions): Malice {
  return new Equivocator(options ?? { everySeconds: hand.pick([2, 5, 9]), most: hand.pick([1, 5, 20]) });
}
