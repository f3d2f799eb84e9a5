/**
 * How many turns an agent may be made to take. Each turn of an agent costs its owner money, and two agents that answer
 * each other have no reason to stop. So turns are counted for each contact and for each channel, in windows of an hour
 * and a day that end now, from what the store remembers: the count survives restarts, and nothing that a message says
 * has a part in it.
 *
 * Invariants:
 * 1. In any hour and any day there are at most as many turns for a contact, and for a channel, as the budget says,
 *    however the messages came and whatever restarted in between.
 * 2. A turn with a time after `now` (the clock was set back) counts: the budget errs on the side of silence. Who keeps the
 *    turns brings such times back to now, so that the silence ends after a day.
 */
import { DAY, HOUR } from '../limits.ts';

export interface Budget {
  /** turns in an hour and a day that one contact can cause, and that all of one channel can. 0: none */
  readonly contactHour: number;
  readonly contactDay: number;
  readonly channelHour: number;
  readonly channelDay: number;
  /** automatic answers in a row after which an agent falls silent */
  readonly hops: number;
}

/**
 * Turns since a wall time (exclusive), of one contact or of one channel.
 * @param sinceMs ms since 1970
 */
export type CountTurns = (of: 'contact' | 'channel', sinceMs: number) => number;

/**
 * Whose turns are spent, or undefined if there is room for one more.
 * @param nowMs wall time
 * @param count asked for each window at most once
 */
export function spentOf(budget: Budget, nowMs: number, count: CountTurns): 'contact' | 'channel' | undefined {
  const { contactHour, contactDay, channelHour, channelDay } = budget;
  const isSpent = (of: 'contact' | 'channel', hour: number, day: number): boolean =>
    count(of, nowMs - HOUR) >= hour || count(of, nowMs - DAY) >= day;
  if (isSpent('contact', contactHour, contactDay)) return 'contact';
  return isSpent('channel', channelHour, channelDay) ? 'channel' : undefined;
}
