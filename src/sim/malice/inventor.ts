/**
 * The inventor: relays that do not exist. It makes keys for them, signs their records, lists itself as their neighbour
 * and them as its own, lets them want every channel, and signs everything anew all the time.
 *
 * What answers it: an edge counts only if both ends list each other, so invented relays hang on the inventor alone and
 * no honest relay's way to another leads over them; number and bytes of all records are bounded; their addresses are
 * dialled at most once in ten minutes for each host, and believed only when a dial has proved them.
 */
import type { SignedContent } from '../../core/membership/records.ts';
import { decodeRecord } from '../../core/membership/records.ts';
import { TagSet } from '../../core/membership/tag-set.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { peerRecord, type Signed, signRecord } from './craft.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

export interface InventorOptions {
  /** relays that it invents, all in all */
  readonly relays: number;
  /** new ones, or new records of the old ones, each second */
  readonly perSecond: number;
}

/** Of its invented neighbours its own record lists so many: a record has 12 places, and some are to be true. */
const LISTED = 8;

class Inventor implements Malice {
  readonly #options: InventorOptions;
  #turn = 0;

  constructor(options: InventorOptions) {
    this.#options = options;
  }

  /** It calls itself a relay, dialled or not, and lists what it invented. */
  says(_link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type === 'role') return [{ ...frame, relay: true }];
    if (frame.type !== 'records') return [frame];
    return [{ type: 'records', records: frame.records.map((record) => this.#withInvented(record, hand)) }];
  }

  #withInvented(record: Signed, hand: Hand): Signed {
    const content = decodeRecord(record.bytes);
    const { peerKey } = hand.options;
    if (content?.kind !== 1 || content.peer !== peerKey.id) return record;
    const invented = this.#neighbours(hand);
    const links = [...invented, ...content.links].slice(0, 12);
    const sequence = Math.max(content.sequence, Math.floor(hand.now.wallMs));
    return signRecord(hand.messages, peerKey, peerRecord(peerKey.id, sequence, { ...content, links }));
  }

  #neighbours(hand: Hand): string[] {
    const count = Math.min(LISTED, this.#options.relays);
    return Array.from({ length: count }, (_, i) => hand.author(i + 1).id);
  }

  tick(hand: Hand): void {
    const links = hand.all();
    if (links.length === 0) return;
    const records: Signed[] = [];
    for (let i = 0; i < this.#options.perSecond; i++) records.push(...this.#invent(hand));
    hand.did('signed records of relays that do not exist', records.length);
    const own = peerRecord(hand.options.peerKey.id, Math.floor(hand.now.wallMs), {
      links: [...this.#neighbours(hand), ...links.map(({ peer }) => peer)].slice(0, 12),
    });
    records.push(signRecord(hand.messages, hand.options.peerKey, own));
    for (const link of links) hand.send(link, { type: 'records', records });
  }

  /** The next relay's two records. */
  #invent(hand: Hand): Signed[] {
    const number = 1 + (this.#turn++ % this.#options.relays);
    const key = hand.author(number);
    const sequence = Math.floor(hand.now.wallMs);
    const other = hand.author(1 + (number % this.#options.relays)).id;
    const urls = [`ws://127.66.${number >> 8}.${number & 255}:6/`];
    const links = [hand.options.peerKey.id, ...(other === key.id ? [] : [other])];
    const tags = TagSet.of(hand.options.channels.map((channel) => hand.tag(channel)));
    const contents: SignedContent[] = [
      peerRecord(key.id, sequence, { urls, links }),
      { kind: 2, peer: key.id, sequence, tags },
    ];
    return contents.map((content) => signRecord(hand.messages, key, content));
  }
}

export function inventor(_hand: Hand, options?: InventorOptions): Malice {
  return new Inventor(options ?? { relays: 20, perSecond: 1 });
}
