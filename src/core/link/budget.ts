/**
 * What a link may cost unasked: a token bucket per link, one token for each pushed message and each other frame. Over
 * budget we stop reading the socket for a while; nobody is punished for what others wrote, and what a neighbour drops
 * meanwhile comes by catch-up. Messages that were asked for are outside the budget.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { Credit } from '../token-buckets.ts';
import type { Frame } from '../wire/frame.ts';
import type { Link } from './link.ts';

export class Budgets {
  readonly #ctx: Context;
  readonly #credits = new Map<Link, Credit>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Charges a link for a frame; stops reading it while it is in debt. */
  charge(link: Link, frame: Frame): void {
    this.chargeTokens(link, costOf(frame));
  }

  /** @param cost in messages */
  chargeTokens(link: Link, cost: number): void {
    if (cost === 0 || link.carrier) return; // the frame around it was charged to the link that it came by
    const { leafPerSecond, relayPerSecond } = this.#ctx.config.rates;
    const rate = link.remoteRelay ? relayPerSecond : leafPerSecond;
    if (rate === 0) return;
    const now = this.#ctx.now.monotonicMs;
    const bucketRate = { perSecond: rate, burst: rate * LIMITS.rateBurstSeconds };
    const credit = this.#credits.get(link) ?? new Credit(bucketRate, now);
    this.#credits.set(link, credit);
    const left = credit.charge(bucketRate, now, cost);
    if (left >= 0) return;
    const delayMs = Math.min(LIMITS.ratePauseMsMax, Math.ceil((-left * 1000) / rate));
    link.pausedUntilMs = now + delayMs;
    this.#ctx.emit({ kind: 'pause', link: link.id, delayMs });
  }

  down(link: Link): void {
    this.#credits.delete(link);
  }
}

/** Answers to our questions are free, unless they bring nothing. */
function costOf(frame: Frame): number {
  if (frame.type === 'push') return Math.max(1, frame.messages.length);
  if (frame.type === 'fetched') return frame.messages.length + frame.notHeld.length === 0 ? 1 : 0;
  // Ephemerals have buckets of their own.
  return frame.type === 'reconciled' || frame.type === 'ephemeral' ? 0 : 1;
}
