/**
 * Slow peers. The slow reader takes one frame a second, or none at all, and stays alive by pinging; the slow writer lets
 * everything that it says wait, and says one frame a second.
 *
 * What answers them: the send queue of a link is bounded; what catch-up repairs is dropped from it, and a queue that
 * grows on costs the link. Answers are sent one at a time. Nobody waits for one neighbour to serve another.
 */
import type { Frame } from '../../core/wire/frame.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface SlowReaderOptions {
  readonly reads: 'one frame a second' | 'nothing';
}

const NEVER_MS = 24 * 3_600_000;

class SlowReader implements Malice {
  readonly #options: SlowReaderOptions;
  #pings = 0;

  constructor(options: SlowReaderOptions) {
    this.#options = options;
  }

  up(link: MaliceLink, hand: Hand): void {
    hand.did('stopped reading a link');
    this.#stop(link, hand);
  }

  hears(link: MaliceLink, frame: Frame, hand: Hand): Frame {
    hand.did('read a frame');
    this.#stop(link, hand);
    return frame;
  }

  #stop({ id }: MaliceLink, hand: Hand): void {
    const delayMs = this.#options.reads === 'nothing' ? NEVER_MS : 1000;
    hand.act({ kind: 'pause', link: id, delayMs });
  }

  /** Any frame is a sign of life. Its own core must not take the silence for the end: it hears an answer. */
  tick(hand: Hand): void {
    for (const link of hand.all()) {
      const pong: Frame = { type: 'pong', n: ++this.#pings };
      hand.send(link, pong);
      hand.pretend(link, pong);
    }
  }
}

/** Without options the seed decides. */
export function slowReader(hand: Hand, options?: SlowReaderOptions): Malice {
  return new SlowReader(options ?? { reads: hand.pick(['one frame a second', 'nothing']) });
}

/** Frames that wait to be said on one link; what is above is never said. */
const WAITING_MAX = 256;

class SlowWriter implements Malice {
  readonly #waiting = new Map<MaliceLink, Frame[]>();

  says(link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    const waiting = this.#waiting.get(link) ?? [];
    this.#waiting.set(link, waiting);
    hand.did('let a frame wait');
    if (waiting.length < WAITING_MAX) waiting.push(frame);
    return [];
  }

  tick(hand: Hand): void {
    for (const [link, waiting] of this.#waiting) {
      if (hand.links.get(link.id) !== link) {
        this.#waiting.delete(link);
        continue;
      }
      const next = waiting.shift();
      if (next !== undefined) hand.send(link, next);
    }
  }
}

export function slowWriter(): Malice {
  return new SlowWriter();
}
