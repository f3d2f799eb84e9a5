/**
 * The liar about sums: whatever it is shown, it shows the same, so that nobody ever asks it and it never finds anything
 * missing; or it always shows something else, so that there is always something to look for, and lists ids that do not
 * exist.
 *
 * What answers it: each pair of neighbours compares for itself, so equality with a liar says nothing about others; a pair
 * of fingerprints that was looked into is looked into again only after 25 s, then 50 s, up to an hour; an id that is
 * listed and not given is asked of nobody else and forgotten.
 */

import { type Bytes, compare } from '../../core/bytes.ts';
import type { Frame } from '../../core/wire/frame.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface SumLiarOptions {
  readonly shows: 'always the same' | 'always another';
}

/** Invented ids in a page. */
const LISTED = 5;
/** Longer pages have no room for them. */
const PAGE_MAX = 900;

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
    if (frame.type !== 'sums' && frame.type !== 'buckets') return frame;
    hand.did('looked into no difference');
    return undefined;
  }

  says(link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    return this.#options.shows === 'always the same' ? this.#same(link, frame, hand) : another(frame, hand);
  }

  #same(link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type === 'sums' || frame.type === 'buckets') return [];
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
    case 'buckets':
      return [{ ...frame, buckets: frame.buckets.map((one) => ({ ...one, fingerprint: fingerprint() })) }];
    case 'listed': {
      // Behind the true ones, in the same millisecond: in order, as a page must be.
      const last = frame.positions.at(-1);
      if (last === undefined || frame.positions.length > PAGE_MAX) return [frame];
      const ids = Array.from({ length: LISTED }, () => lateId(hand)).sort(compare);
      hand.did('listed ids that do not exist', LISTED);
      return [{ ...frame, positions: [...frame.positions, ...ids.map((id) => ({ time: last.time, id }))] }];
    }
    default:
      return [frame];
  }
}

/** An id that comes after all others of its time. */
function lateId(hand: Hand): Bytes {
  const id = new Uint8Array(32).fill(255);
  id.set(hand.bytes(8), 20);
  return id;
}

/** Without options the seed decides. */
export function sumLiar(hand: Hand, options?: SumLiarOptions): Malice {
  return new SumLiar(options ?? { shows: hand.pick(['always the same', 'always another']) });
}
