/**
 * The liar about floors: says that it keeps channels from the beginning of time, or from tomorrow on, or something else
 * every second.
 *
 * What answers it: a pair compares from the higher of its two floors, and each decides by its own floor what it keeps. A
 * floor in the future costs the liar its catch-up and nobody else anything.
 */
import { HOUR } from '../../core/limits.ts';
import type { Frame } from '../../core/wire/frame.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface FloorLiarOptions {
  readonly floor: 'zero' | 'tomorrow' | 'changing';
}

class FloorLiar implements Malice {
  readonly #options: FloorLiarOptions;

  constructor(options: FloorLiarOptions) {
    this.#options = options;
  }

  #floor(hand: Hand): number {
    const hour = Math.floor(hand.now.wallMs / HOUR);
    const { floor } = this.#options;
    if (floor === 'zero') return 0;
    return floor === 'tomorrow' ? hour + 24 : Math.max(0, hour + hand.random.below(200) - 100);
  }

  says(_link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type !== 'holds') return [frame];
    hand.did('told floors that are not true', frame.set.length);
    return [{ ...frame, set: frame.set.map(({ tag }) => ({ tag, floorHour: this.#floor(hand) })) }];
  }

  tick(hand: Hand): void {
    if (this.#options.floor !== 'changing') return;
    const { channels } = hand.options;
    for (const link of hand.all()) {
      const set = channels.map((channel) => ({ tag: hand.tag(channel), floorHour: this.#floor(hand) }));
      hand.did('told floors that are not true', set.length);
      hand.send(link, { type: 'holds', reset: false, set, unset: [] });
    }
  }
}

/** Without options the seed decides. */
export function floorLiar(hand: Hand, options?: FloorLiarOptions): Malice {
  return new FloorLiar(options ?? { floor: hand.pick(['zero', 'tomorrow', 'changing']) });
}
