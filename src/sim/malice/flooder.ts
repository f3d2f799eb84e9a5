/**
 * The flooder: valid messages, many times faster than anybody may write, as one author or as ever new ones, into the
 * channels of others or into ever new ones.
 *
 * What answers it: each link has a budget, over which it is not read for a while; each author has a rate, and all
 * together have one, over which content is put off. That is no offence, and other links and authors notice nothing.
 */
import type { Frame } from '../../core/wire/frame.ts';
import { write } from './craft.ts';
import type { Hand } from './hand.ts';
import type { Malice } from './malice.ts';

export interface FlooderOptions {
  readonly as: 'one author' | 'many authors';
  readonly into: 'known channels' | 'new channels';
  readonly perSecond: number;
  /** messages after which it is content */
  readonly most: number;
}

/** Authors that it makes up at most: each costs a key. */
const AUTHORS_MAX = 200;
/** messages in one frame */
const BATCH = 20;

class Flooder implements Malice {
  readonly #options: FlooderOptions;
  #sent = 0;

  constructor(options: FlooderOptions) {
    this.#options = options;
  }

  tick(hand: Hand): void {
    const { perSecond, most, as } = this.#options;
    const links = hand.all();
    if (links.length === 0) return;
    const count = Math.min(perSecond, most - this.#sent);
    for (let sent = 0; sent < count; sent += BATCH) {
      const messages = Array.from({ length: Math.min(BATCH, count - sent) }, () => this.#write(hand));
      hand.did(`sent valid messages as ${as}`, messages.length);
      const frame: Frame = { type: 'push', root: '', keep: hand.random.unit() < 0.5, messages };
      hand.send(hand.pick(links), frame);
    }
  }

  #write(hand: Hand) {
    const { as, into } = this.#options;
    const number = ++this.#sent;
    const key = hand.author(as === 'one author' ? 0 : number % AUTHORS_MAX);
    const channel = into === 'known channels' ? hand.pick(hand.options.channels) : `flood ${number}`;
    const { name } = hand.options;
    const { wallMs } = hand.now;
    return write(hand.messages, key, {
      channel,
      body: `${number} of ${name} at ${wallMs}`,
      timeMs: wallMs,
      counter: number % 65536,
    });
  }
}

/** Without options the seed decides. */
export function flooder(hand: Hand, options?: FlooderOptions): Malice {
  return new Flooder(
    options ?? {
      as: hand.pick(['one author', 'many authors']),
      into: hand.random.unit() < 0.7 ? 'known channels' : 'new channels',
      perSecond: 60,
      most: 900,
    },
  );
}
