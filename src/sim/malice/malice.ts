/**
 * What a malicious peer is made of: a real core that does everything as it must, and a malice between it and its links,
 * which changes what the core hears and says and adds frames of its own. So every malice comes with a real handshake, a
 * real key and all the manners that it does not break on purpose.
 */
import type { Frame } from '../../core/wire/frame.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';

/** One idea of harm. It is made anew at each start of its peer, and what it remembers dies with that run. */
export interface Malice {
  /** a link has come up */
  up?(link: MaliceLink, hand: Hand): void;
  /** a frame came; @returns what the core hears instead, `undefined` for nothing */
  hears?(link: MaliceLink, frame: Frame, hand: Hand): Frame | undefined;
  /** the core wants to send a frame; @returns what is sent instead, in order */
  says?(link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[];
  /** once a second */
  tick?(hand: Hand): void;
}

export type MaliceFactory = (hand: Hand) => Malice;
