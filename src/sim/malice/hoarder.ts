/**
 * The hoarder: asks its home relays to keep as many channels as it can name while it is away, says that it keeps them since
 * the beginning of time, and fills them with all that its link takes, as many authors. It may have come to stay, or to leave
 * all that behind; there are as many of it as somebody has peer ids, which cost nothing.
 *
 * What answers it: a newcomer's mailbox is small, and there are few for each address group; of what only newcomers want
 * little is kept for each group, and it gives way first.
 */
import { KiB, LIMITS } from '../../core/limits.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { write } from './craft.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface HoarderOptions {
  readonly perSecond: number;
  readonly bodyBytes: number;
  /** messages after which it is content */
  readonly most: number;
  /** of its messages it asks the relay to keep this share, which holds their channels for whoever asks */
  readonly keepShare: number;
}

/** Channels that it asks for: more than anybody gets. */
const CHANNELS = LIMITS.mailboxTagsFullMax;
/** Those that it writes into: a newcomer gets so many. */
const FILLED = LIMITS.mailboxTagsMax;
/** Authors that it makes up: each costs a key. */
const AUTHORS = 50;

class Hoarder implements Malice {
  readonly #options: HoarderOptions;
  readonly #tags: readonly string[];
  #sent = 0;

  constructor(hand: Hand, options: HoarderOptions) {
    this.#options = options;
    this.#tags = Array.from({ length: CHANNELS }, (_, n) => hand.tag(channelOf(hand, n)));
  }

  up(link: MaliceLink, hand: Hand): void {
    hand.send(link, { type: 'mailbox', tags: this.#tags });
    const set = this.#tags.slice(0, FILLED).map((tag) => ({ tag, floorHour: 1 }));
    hand.send(link, { type: 'holds', reset: false, set, unset: [] });
  }

  hears(_link: MaliceLink, frame: Frame, hand: Hand): Frame {
    if (frame.type === 'mailbox-kept') hand.did('was given room for a channel', frame.tags.length);
    return frame;
  }

  /** Its own core has less to ask for. */
  says(_link: MaliceLink, frame: Frame): readonly Frame[] {
    return frame.type === 'mailbox' ? [{ ...frame, tags: this.#tags }] : [frame];
  }

  tick(hand: Hand): void {
    const { perSecond, most, keepShare } = this.#options;
    const links = hand.all();
    if (links.length === 0) return;
    const count = Math.min(perSecond, most - this.#sent);
    for (let i = 0; i < count; i++) {
      const keep = hand.random.unit() < keepShare;
      hand.did(`filled its channels${keep ? ', to be kept' : ''}`);
      hand.send(hand.pick(links), { type: 'push', root: '', keep, messages: [this.#write(hand)] });
    }
  }

  #write(hand: Hand) {
    const number = ++this.#sent;
    const { wallMs } = hand.now;
    return write(hand.messages, hand.author(1 + (number % AUTHORS)), {
      channel: channelOf(hand, number % FILLED),
      body: `${number} at ${wallMs}`.padEnd(this.#options.bodyBytes),
      timeMs: wallMs,
      counter: number % 65536,
    });
  }
}

function channelOf(hand: Hand, number: number): string {
  return `hoard ${number} of ${hand.options.name}`;
}

/** Without options the seed decides whether it asks for what it brings to be kept. */
export function hoarder(hand: Hand, options?: HoarderOptions): Malice {
  const usual = { perSecond: 15, bodyBytes: 8 * KiB, most: 450, keepShare: hand.pick([0, 0.5]) };
  return new Hoarder(hand, options ?? usual);
}
