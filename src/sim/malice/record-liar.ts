/**
 * The liar in its own records: says that it wants everything, in a filter as full as may be; changes its mind ten times a
 * second; signs deltas on records that never were, deltas that take away what is not there, and deltas that are too long.
 *
 * What answers it: filters and chains of deltas are bounded; what is not on the chain is left; records of one relay are
 * taken at the pace that own records keep to; and whatever it says, only its own interest changes.
 */
import { LIMITS } from '../../core/limits.ts';
import type { SignedContent } from '../../core/membership/records.ts';
import { NO_TAGS, TagSet } from '../../core/membership/tag-set.ts';
import { peerRecord, type Signed, signRecord } from './craft.ts';
import type { Hand } from './hand.ts';
import type { Malice } from './malice.ts';

export interface RecordLiarOptions {
  readonly lies: 'filters' | 'changes' | 'deltas';
}

/** Records that it signs of itself in one second. */
const CHANGES = 10;
/** So far apart are the tags of a full filter: all over the range. */
const STEP = Math.floor(2 ** 32 / LIMITS.relayTagsMax);

class RecordLiar implements Malice {
  readonly #options: RecordLiarOptions;
  #turn = 0;

  constructor(options: RecordLiarOptions) {
    this.#options = options;
  }

  tick(hand: Hand): void {
    this.#turn++;
    const { peerKey } = hand.options;
    const sequence = Math.floor(hand.now.wallMs);
    const contents = { filters: this.#filter, changes: this.#changes, deltas: this.#deltas };
    const records = contents[this.#options.lies]
      .call(this, hand, sequence)
      .map((content): Signed => signRecord(hand.messages, peerKey, content));
    hand.did(`signed records of itself: ${this.#options.lies}`, records.length);
    for (const link of hand.all())
      if (link.isRelay) for (const record of records) hand.send(link, { type: 'records', records: [record] });
  }

  #filter(hand: Hand, sequence: number): SignedContent[] {
    if (this.#turn % 5 !== 0) return [];
    const first = hand.random.below(STEP);
    const words = Uint32Array.from({ length: LIMITS.relayTagsMax }, (_, i) => i * STEP + first);
    return [{ kind: 2, peer: hand.options.peerKey.id, sequence, tags: new TagSet(false, words) }];
  }

  #changes(hand: Hand, sequence: number): SignedContent[] {
    const links = hand.all().map(({ peer }) => peer);
    return Array.from({ length: CHANGES }, (_, i) =>
      peerRecord(hand.options.peerKey.id, sequence + i, { links: links.slice(i % 2) }),
    );
  }

  #deltas(hand: Hand, sequence: number): SignedContent[] {
    const { id: peer } = hand.options.peerKey;
    const tags = (count: number): TagSet => TagSet.of(Array.from({ length: count }, () => hand.newTag()));
    const none = NO_TAGS;
    return [
      { kind: 3, peer, sequence, base: sequence - 12_345, added: tags(3), removed: none },
      { kind: 2, peer, sequence, tags: tags(3) },
      { kind: 3, peer, sequence: sequence + 1, base: sequence, added: none, removed: tags(3) },
      {
        kind: 3,
        peer,
        sequence: sequence + 2,
        base: sequence + 1,
        added: tags(LIMITS.tagsMax),
        removed: none,
      },
    ];
  }
}

/** Without options the seed decides. */
export function recordLiar(hand: Hand, options?: RecordLiarOptions): Malice {
  return new RecordLiar(options ?? { lies: hand.pick(['filters', 'changes', 'deltas'] as const) });
}
