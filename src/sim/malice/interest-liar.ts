/**
 * The liar about interest: lists every channel that it hears of and thousands that nobody has, or lists nothing while it
 * holds and asks, or changes from one to the other all the time.
 *
 * What answers it: tags of one link and of one record are bounded; who lists more gets more copies and nothing else;
 * who lists nothing gets nothing; a record changes the routes of its own relay only.
 */
import { decodeRecord, toSet } from '../../core/membership/records.ts';
import { TagSet } from '../../core/membership/tag-set.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { type Signed, signRecord } from './craft.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface InterestLiarOptions {
  readonly lists: 'everything' | 'nothing' | 'both in turn';
  /** tags that nobody has, in each record */
  readonly invented: number;
  /** it tells its lies anew after so many seconds */
  readonly everySeconds: number;
  /** tags in one `holds` of it */
  readonly told: number;
}

/** tags of others that it repeats */
const HEARD_MAX = 100;

class InterestLiar implements Malice {
  readonly #options: InterestLiarOptions;
  readonly #heard = new Set<string>();
  #turn = 0;

  constructor(options: InterestLiarOptions) {
    this.#options = options;
  }

  get #listsAll(): boolean {
    const { lists, everySeconds } = this.#options;
    const isOdd = Math.floor(this.#turn / everySeconds) % 2 === 1;
    return lists === 'everything' || (lists === 'both in turn' && isOdd);
  }

  hears(_link: MaliceLink, frame: Frame): Frame {
    if (frame.type === 'holds')
      for (const { tag } of frame.set) if (this.#heard.size < HEARD_MAX) this.#heard.add(tag);
    return frame;
  }

  says(_link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type === 'records')
      return [{ type: 'records', records: frame.records.map((record) => this.#lie(record, hand)) }];
    if (frame.type !== 'holds' || this.#listsAll) return [frame];
    hand.did('held channels back that it holds', frame.set.length);
    return [{ ...frame, set: [], unset: [...frame.unset, ...frame.set.map(({ tag }) => tag)] }];
  }

  #tags(hand: Hand): string[] {
    if (!this.#listsAll) return [];
    const invented = Array.from({ length: this.#options.invented }, () => hand.newTag());
    return toSet([...this.#heard, ...invented]);
  }

  #lie(record: Signed, hand: Hand): Signed {
    const content = decodeRecord(record.bytes);
    const { peerKey } = hand.options;
    if (content === undefined || content.kind === 1 || content.peer !== peerKey.id) return record;
    hand.did('signed an interest that is not true');
    const { peer, sequence } = content;
    return signRecord(hand.messages, peerKey, { kind: 2, peer, sequence, tags: TagSet.of(this.#tags(hand)) });
  }

  tick(hand: Hand): void {
    this.#turn++;
    if (this.#turn % this.#options.everySeconds !== 0) return;
    const { peerKey } = hand.options;
    const set = this.#tags(hand)
      .slice(0, this.#options.told)
      .map((tag) => ({ tag, floorHour: Math.floor(hand.now.wallMs / 3_600_000) - 24 }));
    const sequence = Math.floor(hand.now.wallMs);
    const record = signRecord(hand.messages, peerKey, {
      kind: 2,
      peer: peerKey.id,
      sequence,
      tags: TagSet.of(this.#tags(hand)),
    });
    for (const link of hand.all()) {
      hand.did('told channels that are not true');
      hand.send(link, { type: 'holds', reset: true, set, unset: [] });
      if (link.isRelay) hand.send(link, { type: 'records', records: [record] });
    }
  }
}

/** Without options the seed decides. */
export function interestLiar(hand: Hand, options?: InterestLiarOptions): Malice {
  const lists = hand.pick(['everything', 'nothing', 'both in turn'] as const);
  return new InterestLiar(options ?? { lists, invented: 20, told: 60, everySeconds: 3 });
}
