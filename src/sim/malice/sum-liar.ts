/**
 * The liar about sums: whatever it is shown, it shows the same, so that nobody ever asks it and it never finds anything
 * missing; or it always shows something else, so that there is always something to look for, and lists ids that do not
 * exist.
 *
 * What answers it: each pair of neighbours compares for itself, so equality with a liar says nothing about others; a pair
 * of fingerprints that was looked into is looked into again only after 25 s, then 50 s, up to an hour; an id that is
 * listed and not given is asked of nobody else and forgotten.
 */

import type { Bytes } from '../../core/bytes.ts';
import { LIMITS } from '../../core/limits.ts';
import { TIME_ZERO } from '../../core/message/time.ts';
import { INFINITY } from '../../core/sync/negentropy/bounds.ts';
import { Reply } from '../../core/sync/negentropy/reply.ts';
import type { Frame } from '../../core/wire/frame.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface SumLiarOptions {
  readonly shows: 'always the same' | 'always another';
}

/** Invented ids in a list. */
const LISTED = 5;

class SumLiar implements Malice {
  readonly #options: SumLiarOptions;
  /** what each neighbour showed last */
  readonly #last = new Map<MaliceLink, Bytes>();

  constructor(options: SumLiarOptions) {
    this.#options = options;
  }

  hears(link: MaliceLink, frame: Frame, hand: Hand): Frame | undefined {
    if (this.#options.shows === 'always another') return frame;
    if (frame.type === 'heartbeat') this.#last.set(link, frame.fingerprint.slice());
    if (frame.type !== 'sums' && frame.type !== 'reconcile') return frame;
    hand.did('looked into no difference');
    return undefined;
  }

  says(link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    return this.#options.shows === 'always the same' ? this.#same(link, frame, hand) : another(frame, hand);
  }

  #same(link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type === 'sums' || frame.type === 'reconcile') return [];
    if (frame.type !== 'heartbeat') return [frame];
    hand.did('showed the fingerprint that it was shown');
    return [{ ...frame, fingerprint: this.#last.get(link) ?? frame.fingerprint }];
  }
}

function another(frame: Frame, hand: Hand): readonly Frame[] {
  const fingerprint = () => hand.bytes(16);
  switch (frame.type) {
    case 'heartbeat':
      hand.did('showed a fingerprint of nothing');
      return [{ ...frame, fingerprint: fingerprint() }];
    case 'sums':
      return [{ ...frame, sums: frame.sums.map((sum) => ({ ...sum, fingerprint: fingerprint() })) }];
    case 'reconciled': {
      hand.did('listed ids that do not exist', LISTED);
      const positions = Array.from({ length: LISTED }, () => ({ time: TIME_ZERO, id: hand.bytes(32) }));
      const reply = new Reply(LIMITS.reconcileBytesMax);
      reply.add({ upper: INFINITY, mode: 'idList', positions });
      return [{ ...frame, message: reply.finish() }];
    }
    default:
      return [frame];
  }
}

/** Without options the seed decides. */
export function sumLiar(hand: Hand, options?: SumLiarOptions): Malice {
  return new SumLiar(options ?? { shows: hand.pick(['always the same', 'always another']) });
}
