/**
 * The promiser: says `stored` at once and keeps nothing, passes nothing on of it, confirms what it was never asked to
 * keep, and says that it keeps mailboxes which it does not keep.
 *
 * What answers it: only the keeper's word counts, and the one who wrote a message goes on keeping it and showing it to
 * all its neighbours by catch-up, whatever a keeper said. So `stored` is the keeper's word and no more: it names the
 * keeper, and the guarantee stands on an author who stays or on an honest home relay among the three.
 */
import type { Frame } from '../../core/wire/frame.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

class Promiser implements Malice {
  hears(link: MaliceLink, frame: Frame, hand: Hand): Frame | undefined {
    switch (frame.type) {
      case 'push':
        if (!frame.keep) break;
        hand.did('said that it stored messages which it threw away', frame.messages.length);
        hand.send(link, { type: 'stored', ids: frame.messages.map(({ id }) => id) });
        return undefined;
      case 'announce':
        hand.did('confirmed messages that nobody gave it', frame.ids.length);
        hand.send(link, { type: 'stored', ids: frame.ids });
        break;
      case 'mailbox':
        hand.did('promised a mailbox');
        hand.send(link, { type: 'mailbox-kept', tags: frame.tags, hours: 168 });
        return undefined;
      default:
        break;
    }
    return frame;
  }

  tick(hand: Hand): void {
    for (const link of hand.all()) hand.send(link, { type: 'stored', ids: [hand.bytes(32)] });
  }
}

export function promiser(): Malice {
  return new Promiser();
}
