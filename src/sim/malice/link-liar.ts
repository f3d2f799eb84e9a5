/**
 * The liar about links: its records list relays that it is not linked with and relays that do not exist, with sequence
 * numbers that stand still, go back and run ahead, and it calls itself a relay whether anybody dialled it or not.
 *
 * What answers it: an edge counts only if both ends list it; a record counts only if its sequence is larger than the
 * last one and not more than an hour ahead. What it lists falsely moves no message.
 */
import { decodeRecord, type PeerRecord } from '../../core/membership/records.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { peerRecord, type Signed, signRecord } from './craft.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

const HOUR_MS = 3_600_000;
/** relays that it remembers having heard of */
const HEARD_MAX = 64;

class LinkLiar implements Malice {
  readonly #heard = new Set<string>();

  hears(_link: MaliceLink, frame: Frame): Frame {
    if (frame.type === 'have') for (const { peer } of frame.heads) this.#hear(peer);
    if (frame.type === 'addresses') for (const { peer } of frame.relays) this.#hear(peer);
    return frame;
  }

  #hear(peer: string): void {
    if (this.#heard.size < HEARD_MAX) this.#heard.add(peer);
  }

  says(_link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type === 'role') return [{ ...frame, relay: true }];
    if (frame.type !== 'records') return [frame];
    return [{ type: 'records', records: frame.records.map((record) => this.#lie(record, hand)) }];
  }

  #lie(record: Signed, hand: Hand): Signed {
    const content = decodeRecord(record.bytes);
    const { peerKey } = hand.options;
    if (content?.kind !== 1 || content.peer !== peerKey.id) return record;
    return signRecord(hand.messages, peerKey, {
      ...content,
      ...this.#links(hand),
    });
  }

  /** Everybody but those that it is linked with, and somebody who does not exist; in ascending order, as it must be. */
  #links(hand: Hand): Pick<PeerRecord, 'links' | 'costs'> {
    const linked = new Set(hand.all().map(({ peer }) => peer));
    const others = [...this.#heard].filter((peer) => !linked.has(peer) && peer !== hand.options.peerKey.id);
    const listed = [hand.author(1).id, ...hand.random.shuffle(others).slice(0, 9)];
    if (hand.random.unit() < 0.5) listed.push(...[...linked].slice(0, 2));
    const { links, costs } = peerRecord('', 0, { links: listed });
    return { links, costs };
  }

  tick(hand: Hand): void {
    const links = hand.all();
    if (links.length === 0) return;
    const now = Math.floor(hand.now.wallMs);
    const sequence = hand.pick([now, now - 20 * HOUR_MS, now + HOUR_MS / 2, now + 2 * HOUR_MS, 1]);
    const { peerKey } = hand.options;
    const content = peerRecord(peerKey.id, sequence, this.#links(hand));
    hand.did('signed a record about links that it does not have');
    const records = [signRecord(hand.messages, peerKey, content)];
    const heads = [{ kind: 1 as const, peer: peerKey.id, sequence: now + 5 * HOUR_MS }];
    for (const link of links) {
      hand.send(link, { type: 'records', records });
      hand.send(link, { type: 'have', heads });
    }
  }
}

export function linkLiar(): Malice {
  return new LinkLiar();
}
