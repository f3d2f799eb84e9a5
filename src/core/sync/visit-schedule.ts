/**
 * When each held channel is next to be compared with a holder that is no neighbour. What drives it is what happens to the
 * channel: soon after its last change, again some turns later, and else every ten minutes; within
 * seconds when it is new here, or when others hold it now that did not before. Pure: the clock is a parameter.
 *
 * Invariants:
 * 1. Only channels that {@link VisitSchedule.keep} named last are remembered.
 * 2. A channel that never comes to rest is due a minute after the first change since it was compared; one that changes now
 *    and then, not sooner than half a minute after that.
 * 3. However often something stirs a channel, it moves its date once until it is compared.
 */
import { LIMITS } from '../limits.ts';
import type { Random } from '../random.ts';

interface Channel {
  /** its last change; -Infinity for none */
  changedMs: number;
  /** the first change since it was last compared; Infinity for none */
  dirtyMs: number;
  /** when it was last compared; -Infinity for never */
  comparedMs: number;
  /** comparisons in a row that found a difference */
  differed: number;
  /** with whom it was compared last, the newest first */
  lately: readonly string[];
  dueMs: number;
  /** due sooner than that, because it is new or was stirred; Infinity if not */
  soonMs: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export class VisitSchedule {
  readonly #random: Random;
  readonly #channels = new Map<string, Channel>();

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#channels.size;
  }

  /** The channels that are held. */
  tags(): Iterable<string> {
    return this.#channels.keys();
  }

  #after(ms: number, spreadMs: number): number {
    return ms + this.#random.unit() * spreadMs;
  }

  /** The channels that are held, tags as text: others are forgotten, new ones are due within seconds. */
  keep(tags: ReadonlySet<string>, nowMs: number): void {
    for (const tag of this.#channels.keys()) if (!tags.has(tag)) this.#channels.delete(tag);
    for (const tag of tags) {
      if (this.#channels.has(tag)) continue;
      const soonMs = this.#after(nowMs, LIMITS.visitSoonMs);
      this.#channels.set(tag, {
        ...{ changedMs: -NEVER, dirtyMs: NEVER, comparedMs: -NEVER, differed: 0, lately: [] },
        ...{ dueMs: NEVER, soonMs },
      });
    }
  }

  /** A message of the channel is new here. */
  changed(tag: string, nowMs: number): void {
    const channel = this.#channels.get(tag);
    if (!channel) return;
    channel.changedMs = nowMs;
    channel.dirtyMs = Math.min(channel.dirtyMs, nowMs);
    const restMs = this.#after(nowMs + LIMITS.visitSettleMs, LIMITS.visitSpreadMs);
    const fromMs = channel.comparedMs + LIMITS.visitGapMs;
    channel.dueMs = Math.min(Math.max(restMs, fromMs), channel.dirtyMs + LIMITS.visitBusyMs);
  }

  /** Whether {@link VisitSchedule.stirred} would move the date of the channel. */
  canStir(tag: string): boolean {
    return this.#channels.get(tag)?.soonMs === NEVER;
  }

  /**
   * Others hold the channel now, or links with those that do are lost.
   * @param holders how many hold it: the more, the longer each may take, so that not all of them dial at once
   */
  stirred(tag: string, holders: number, nowMs: number): void {
    const channel = this.#channels.get(tag);
    if (channel === undefined || channel.soonMs !== NEVER) return;
    const spreadMs = Math.min(LIMITS.visitSoonMsMax, Math.max(LIMITS.visitSoonMs, holders * 1000));
    channel.soonMs = this.#after(nowMs, spreadMs);
  }

  /** Channels that are due. */
  due(nowMs: number): string[] {
    const due: string[] = [];
    for (const [tag, channel] of this.#channels) if (isDue(channel, nowMs)) due.push(tag);
    return due;
  }

  isDue(tag: string, nowMs: number): boolean {
    const channel = this.#channels.get(tag);
    return channel !== undefined && isDue(channel, nowMs);
  }

  /** Those with whom a channel was compared last: others come first. */
  lately(tag: string): readonly string[] {
    return this.#channels.get(tag)?.lately ?? [];
  }

  /** The channel is being compared with `peer`. One that has only just changed, and is not due, keeps its date. */
  compared(tag: string, peer: string, nowMs: number): void {
    const channel = this.#channels.get(tag);
    if (!channel) return;
    channel.lately = [peer, ...channel.lately.filter((other) => other !== peer)].slice(
      0,
      LIMITS.visitsLately,
    );
    this.settle(tag, nowMs);
  }

  /** There is nothing to compare for now, or it is being done. */
  settle(tag: string, nowMs: number): void {
    const channel = this.#channels.get(tag);
    if (!channel) return;
    if (!isDue(channel, nowMs) && nowMs - channel.changedMs < LIMITS.visitSettleMs) return;
    channel.soonMs = NEVER;
    channel.dirtyMs = NEVER;
    channel.comparedMs = nowMs;
    const turns = LIMITS.visitTurnsMs.map((ms) => channel.changedMs + ms);
    const next = turns.find((ms) => ms > nowMs + LIMITS.visitSettleMs);
    channel.dueMs =
      next === undefined
        ? nowMs + this.#random.jitter(LIMITS.visitIdleEveryMs, LIMITS.heartbeatJitter)
        : this.#after(next, LIMITS.visitSpreadMs);
  }

  /**
   * The comparison has ended. Where the two sides differed, something gets lost on the way, and others may lack it too:
   * the channel is due soon again, and later and later while that goes on, for some can never become equal.
   */
  ended(tag: string, isEqual: boolean, nowMs: number): void {
    const channel = this.#channels.get(tag);
    if (!channel) return;
    const waitMs = Math.min(LIMITS.visitSettleMs * 2 ** channel.differed, LIMITS.visitIdleEveryMs);
    channel.differed = isEqual ? 0 : channel.differed + 1;
    if (isEqual) return;
    channel.dueMs = Math.min(channel.dueMs, this.#after(nowMs + waitMs, LIMITS.visitSpreadMs));
  }

  /** Nobody could be asked, or the comparison came to nothing: once more in a few seconds. */
  defer(tag: string, nowMs: number): void {
    const channel = this.#channels.get(tag);
    if (!channel) return;
    channel.soonMs = NEVER;
    channel.dueMs = this.#after(nowMs + LIMITS.visitSettleMs, LIMITS.visitSpreadMs);
  }
}

function isDue({ dueMs, soonMs }: Channel, nowMs: number): boolean {
  return Math.min(dueMs, soonMs) <= nowMs;
}
