/**
 * The withholder: takes part in everything and passes nothing on, or nothing of chosen authors; has nothing when it is
 * asked, or does not answer.
 *
 * What answers it: whoever holds a channel announces what it stores to all neighbours that want it, whatever the tree
 * says; an id that one neighbour does not give is asked of the next; catch-up compares with every neighbour. To
 * withhold is not provable, so nobody is punished for it: the mesh goes around it.
 */
import type { Message } from '../../core/message/message.ts';
import type { Frame } from '../../core/wire/frame.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface WithholderOptions {
  /** whose messages it keeps to itself */
  readonly of: 'all others' | 'some authors';
  /** what it does where it is asked: nothing, says that it has nothing, or answers as it should */
  readonly asked: 'silent' | 'denies' | 'answers';
  /** what it does with frames of tunnels that pass it */
  readonly tunnels: 'carries' | 'drops';
}

/** A message of negentropy without ranges. */
const NOTHING_DIFFERS = Uint8Array.of(0x61);

class Withholder implements Malice {
  readonly #options: WithholderOptions;

  constructor(options: WithholderOptions) {
    this.#options = options;
  }

  /** About half of all authors, by their key. */
  #isWithheld({ author }: Message): boolean {
    return this.#options.of === 'all others' || (author[0] as number) % 2 === 0;
  }

  says(_link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type === 'push') return this.#withhold(frame, hand);
    if (frame.type === 'fetched') return this.#answer(frame, hand);
    if (frame.type === 'tunnelled' && this.#options.tunnels === 'drops') {
      hand.did('dropped what it should carry');
      return [];
    }
    const isAll = this.#options.of === 'all others';
    if (frame.type === 'announce' && isAll) {
      hand.did('announced nothing of what it had', frame.ids.length);
      return [];
    }
    if (!isAll || this.#options.asked === 'answers') return [frame];
    if (frame.type === 'reconciled') {
      hand.did('told nothing of what it has');
      return this.#options.asked === 'silent' ? [] : [{ ...frame, message: NOTHING_DIFFERS }];
    }
    if (frame.type === 'offer') {
      hand.did('offered nothing of what it has', frame.ids.length);
      return [];
    }
    return [frame];
  }

  #withhold(frame: Extract<Frame, { type: 'push' }>, hand: Hand): readonly Frame[] {
    const messages = frame.messages.filter((message) => !this.#isWithheld(message));
    hand.did('did not pass messages on', frame.messages.length - messages.length);
    return messages.length === 0 ? [] : [{ ...frame, messages }];
  }

  #answer(frame: Extract<Frame, { type: 'fetched' }>, hand: Hand): readonly Frame[] {
    if (this.#options.asked === 'answers') return [frame];
    const withheld = frame.messages.filter((message) => this.#isWithheld(message));
    if (withheld.length === 0) return [frame];
    hand.did('said that it does not hold messages', withheld.length);
    const messages = frame.messages.filter((message) => !this.#isWithheld(message));
    const notHeld = this.#options.asked === 'silent' ? [] : withheld.map(({ id }) => id);
    if (messages.length + notHeld.length + frame.notHeld.length === 0) return [];
    return [{ type: 'fetched', messages, notHeld: [...frame.notHeld, ...notHeld] }];
  }
}

/** Without options the seed decides. */
export function withholder(hand: Hand, options?: WithholderOptions): Malice {
  return new Withholder(
    options ?? {
      of: hand.pick(['all others', 'some authors']),
      asked: hand.pick(['silent', 'denies', 'answers']),
      tunnels: hand.pick(['carries', 'drops']),
    },
  );
}
