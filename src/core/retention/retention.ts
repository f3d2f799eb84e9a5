/**
 * What is kept and for how long. Once a minute, and sooner where much has come, everything that is stored is looked at:
 *
 *   1. what has expired or is older than a channel's age goes; of channels that nobody has wanted for an hour, everything
 *      but own messages goes;
 *   2. a channel over its own limit loses content of its heaviest authors, and if that is not enough its oldest hours; so do
 *      those that are kept for newcomers of one address group only, over the limit of these; over
 *      the limit of everything, carried channels give way like this, those for newcomers first, of equals the largest;
 *   3. if that is not enough, the oldest hours of joined channels go.
 *
 * Invariants:
 * 1. Own messages go only by age, and never while nobody has confirmed them; pinned channels never give way to others.
 * 2. What was removed is told by a floor, a whole hour; the current hour is never removed.
 * 3. What cannot be made room for is refused: messages of others are passed on and not stored, own ones get `store_full`.
 * 4. Each operation looks at a bounded number of rows, and the next one waits for it. What is wanted is looked up again
 *    before each: a channel that is joined or carried meanwhile loses nothing more.
 * 5. While the clock is in doubt, nothing goes because of its age: see `clock-check.ts`.
 */
import type { Context } from '../context.ts';
import type { Interest } from '../interest/interest.ts';
import { HOUR, LIMITS, SECOND } from '../limits.ts';
import type { Message } from '../message/message.ts';
import { TIME_ZERO } from '../message/time.ts';
import {
  MINUTE_END,
  type PersistOp,
  type PersistResult,
  type Position,
  type TagUse,
} from '../persistence.ts';
import { ClockCheck } from './clock-check.ts';
import { Estimates } from './estimates.ts';
import { Expiry } from './expiry.ts';
import { excessOf, floorFor, type HourUse, mergeHours, type Room, roomOf } from './plan.ts';
import { shareOut, sumOf } from './shares.ts';
import { sizeOf, Total } from './total.ts';

/** Hours of one channel looked at: more than its 90 days have (guess). */
const HOURS_MAX = 8192;
/** After every hour that a message time can fall into. */
const HOUR_END = Math.floor(MINUTE_END / 60);
const FIRST: Position = { time: TIME_ZERO, id: new Uint8Array(32) };

type Next = () => void;

interface Goal {
  /** hours since 1970, exclusive: for messages of others and for own ones */
  readonly beforeHour: number;
  readonly ownBeforeHour: number;
  /** the floor to remember, 0 for none */
  readonly floorHour: number;
  /** equal for equal hours */
  readonly key: string;
}

export class Retention {
  readonly #ctx: Context;
  readonly #interest: Interest;
  readonly #clock: ClockCheck;
  readonly expiry: Expiry;
  /** in this round */
  #isClockTrusted = true;
  readonly #estimates: Estimates;
  readonly #total = new Total();
  #isFull = false;
  #isBusy = false;
  #isDue = true;
  #reviewedMs = Number.NEGATIVE_INFINITY;
  /** up to which hours a tag has been pruned: key of the goal */
  readonly #done = new Map<string, string>();
  /** since when (monotonic ms) nobody wants a tag */
  readonly #unwanted = new Map<string, number>();
  /** of what is kept, at the beginning of the round */
  #version = 0;
  /** messages removed, and bytes of content dropped, in this round */
  #removed = 0;
  #dropped = 0;

  constructor(ctx: Context, interest: Interest) {
    this.#ctx = ctx;
    this.#interest = interest;
    this.#clock = new ClockCheck(ctx);
    this.expiry = new Expiry(ctx, this.#clock);
    this.#estimates = new Estimates({
      roomOf: (use) => this.#roomOf(use),
      keptFor: interest.keptFor,
      newcomerBytes: ctx.config.retention.newcomerBytes,
      newcomersFull: (group, bytes) => {
        const room = ctx.config.retention.newcomerBytes;
        ctx.report('info', 'no more room for newcomers of one address group', { group, bytes, room });
      },
    });
  }

  /** @param clockMs latest time at which an earlier run removed anything, 0 for none */
  restore(clockMs: number): void {
    this.#clock.restore(clockMs);
  }

  /** The clock of a neighbour agrees with ours. */
  clockConfirmed(): void {
    this.#clock.confirmed();
  }

  /** Whether what has lapsed may be forgotten now. */
  get isClockTrusted(): boolean {
    return this.#clock.isTrusted();
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether a message of this time is stored in a held channel. Below the floor it is no offence. */
  takes(tag: string, timeMs: number): boolean {
    if (this.#isFull || timeMs < this.#interest.kept.floorHour(tag) * HOUR) return false;
    return !this.#estimates.isShut(tag);
  }

  /** A message of somebody else is on its way to the disk, and counts from now on: a crowd says much until it is there. */
  reserve(tag: string, message: Message): void {
    const bytes = sizeOf(message);
    const isOver = this.#estimates.reserve(tag, bytes);
    if (this.#total.add(bytes) || isOver) this.#isDue = true;
  }

  /** What was reserved is stored now, or nothing was added. */
  release(tag: string, message: Message, isStored: boolean): void {
    this.#estimates.release(tag, sizeOf(message), isStored);
    if (!isStored) this.#total.remove(sizeOf(message));
  }

  /** A message of somebody else was stored for which nothing was reserved. */
  stored(tag: string, message: Message): void {
    this.reserve(tag, message);
    this.release(tag, message, true);
  }

  /** An own message was stored. */
  published(message: Message): void {
    if (this.#total.add(sizeOf(message))) this.#isDue = true;
  }

  /** Policies or held channels have changed. */
  changed(): void {
    this.#isDue = true;
  }

  /** Once a second. */
  tick(): void {
    const sinceMs = this.#ctx.now.monotonicMs - this.#reviewedMs;
    if (this.#isBusy || !(sinceMs >= 60 * SECOND || (this.#isDue && sinceMs >= SECOND))) return;
    this.#isBusy = true;
    this.#isDue = false;
    this.#total.begin();
    this.#removed = 0;
    this.#dropped = 0;
    this.#reviewedMs = this.#ctx.now.monotonicMs;
    this.#version = this.#interest.kept.version;
    this.#isClockTrusted = this.#clock.isTrusted();
    this.expiry.settle(MINUTE_END, () => this.#age());
  }

  /** The round ends here; what is left is for the next one. */
  #stop(): void {
    this.#isBusy = false;
  }

  /** Does one operation and goes on, unless the disk refuses or other channels are wanted now than at the beginning. */
  #run<K extends 'pruned' | 'dropped'>(
    op: PersistOp,
    kind: K,
    then: (result: Extract<PersistResult, { kind: K }>) => void,
  ): void {
    this.#ctx.persist(
      [op],
      ([result]) => {
        if (this.#version !== this.#interest.kept.version) {
          this.#isDue = true;
          this.#stop();
        } else if (result?.kind === kind) then(result as Extract<PersistResult, { kind: K }>);
        else this.#stop();
      },
      () => this.#stop(),
    );
  }

  #look(then: (tags: readonly TagUse[]) => void): void {
    this.#estimates.look();
    this.#ctx.read(
      { kind: 'usage' },
      ({ tags, freeBytes }) => {
        this.#total.look(tags, freeBytes, this.#ctx.config.retention.bytesAll);
        // A round may take long, and the first one after a start ends what nobody has counted yet.
        this.#estimates.replace(tags);
        then(tags);
      },
      () => this.#stop(),
    );
  }

  #roomOf(use: TagUse): Room {
    const policy = this.#interest.kept.policyOf(use.tag);
    return roomOf(use, this.#ctx.config.retention, policy);
  }

  // 1. by age

  #age(): void {
    this.#look((tags) => {
      this.#forget(new Set(tags.map(({ tag }) => tag)));
      const next = (fresh: readonly TagUse[]): void => this.#quota(fresh);
      this.#pruneAll(tags, () => (this.#removed > 0 ? this.#look(next) : next(tags)));
    });
  }

  /** What is remembered of tags that are gone. */
  #forget(known: ReadonlySet<string>): void {
    for (const map of [this.#done, this.#unwanted])
      for (const tag of map.keys()) if (!known.has(tag)) map.delete(tag);
  }

  #pruneAll(tags: readonly TagUse[], then: Next, from = 0): void {
    for (let at = from; at < tags.length; at++) {
      const { tag } = tags[at] as TagUse;
      const goal = this.#goalOf(tag);
      if (goal && this.#done.get(tag) !== goal.key)
        return this.#prune(tag, goal, () => this.#pruneAll(tags, then, at + 1));
    }
    then();
  }

  /** Up to which hour a tag is to be pruned now, if at all. */
  #goalOf(tag: string): Goal | undefined {
    const { kept } = this.#interest;
    if (kept.isPending(tag)) return undefined;
    const isHeld = this.#interest.holds(tag);
    if (isHeld) this.#unwanted.delete(tag);
    else if (!this.#isUnwanted(tag)) return undefined;
    const pruned = kept.prunedHour(tag);
    const heldHour = this.#isClockTrusted ? kept.floorHour(tag) : pruned;
    const beforeHour = isHeld ? heldHour : HOUR_END;
    const ownBeforeHour = this.#isClockTrusted ? Math.min(beforeHour, kept.ownFloorHour(tag)) : 0;
    const floorHour = isHeld && pruned === beforeHour ? beforeHour : 0;
    return { beforeHour, ownBeforeHour, floorHour, key: `${beforeHour} ${ownBeforeHour}` };
  }

  /** Leaves come back and channels are joined again: only what nobody has wanted for a while goes. */
  #isUnwanted(tag: string): boolean {
    const now = this.#ctx.now.monotonicMs;
    const sinceMs = this.#unwanted.get(tag) ?? now;
    this.#unwanted.set(tag, sinceMs);
    return this.#isClockTrusted && now - sinceMs >= LIMITS.unwantedMs;
  }

  /** Removes what is older than the goal, as long as that stays the goal. */
  #prune(tag: string, { key }: Goal, then: Next): void {
    const step = (after: Position): void => {
      const goal = this.#goalOf(tag);
      if (goal?.key !== key) return then();
      const { beforeHour, ownBeforeHour, floorHour } = goal;
      this.#run({ kind: 'prune', tag, beforeHour, ownBeforeHour, floorHour, after }, 'pruned', (result) => {
        this.#removed += result.removed;
        if (result.next) return step(result.next);
        this.#done.set(tag, key);
        then();
      });
    };
    step(FIRST);
  }

  // 2. by each channel's own limits, and carried channels for all others

  #quota(tags: readonly TagUse[]): void {
    const rooms = tags.map((use) => this.#roomOf(use));
    const carriedBytes = sumOf(rooms.filter(({ kind }) => kind === 'carried').map(({ use }) => use.bytes));
    const over = Math.max(0, this.#total.bytes - this.#total.capacity);
    const { carriedBytesAll, newcomerBytes } = this.#ctx.config.retention;
    const cut = shareOut(rooms, this.#interest.keptFor.now(), {
      ofGroup: newcomerBytes,
      ofAll: Math.max(0, Math.min(carriedBytesAll, carriedBytes - over)),
    });
    const before = this.#removed + this.#dropped;
    this.#shrinkAll(cut, () => {
      if (this.#removed + this.#dropped > before) this.#look((fresh) => this.#pressure(fresh));
      else this.#pressure(tags);
    });
  }

  #shrinkAll(rooms: readonly Room[], then: Next, from = 0): void {
    for (let at = from; at < rooms.length; at++) {
      const room = rooms[at] as Room;
      const { use, messagesMax, bytesMax } = room;
      if ((use.bytes > bytesMax || use.messages > messagesMax) && !this.#interest.kept.isPending(use.tag))
        return this.#shrink(room, use.bytes, () => this.#shrinkAll(rooms, then, at + 1));
    }
    then();
  }

  /** Content of heavy authors first, then the oldest hours. */
  #shrink(room: Room, bytes: number, then: Next): void {
    const { tag, messages } = room.use;
    const target = Math.floor(room.bytesMax * LIMITS.pruneToShare);
    if (bytes <= room.bytesMax) return this.#cutHours(room, { messages, bytes }, then);
    const keepBytes = Math.floor(room.bytesMax * LIMITS.heavyAuthorShare);
    const freeBytes = bytes - target;
    this.#run({ kind: 'drop', tag, keepBytes, freeBytes }, 'dropped', (result) => {
      this.#dropped += result.bytes;
      const left = bytes - result.bytes;
      if (result.more && left > target) this.#shrink(room, left, then);
      else this.#cutHours(room, { messages, bytes: left }, then);
    });
  }

  #cutHours(room: Room, use: { readonly messages: number; readonly bytes: number }, then: Next): void {
    const { tag } = room.use;
    const excess = {
      messages: excessOf(use.messages, room.messagesMax),
      bytes: excessOf(use.bytes, room.bytesMax),
    };
    this.#hours(tag, (hours) => {
      this.#pruneTo(tag, floorFor(hours, excess, this.#currentHour()), then);
    });
  }

  #pruneTo(tag: string, hour: number, then: Next): void {
    this.#interest.kept.pruneTo(tag, hour);
    const goal = this.#goalOf(tag);
    if (goal && hour > 0) this.#prune(tag, goal, then);
    else then();
  }

  #currentHour(): number {
    return Math.floor(this.#ctx.now.wallMs / HOUR);
  }

  #hours(tag: string, then: (hours: readonly HourUse[]) => void): void {
    const fromHour = this.#interest.kept.prunedHour(tag);
    this.#ctx.read(
      { kind: 'hours', tag, fromHour, limit: HOURS_MAX },
      ({ hours }) => {
        if (this.#version === this.#interest.kept.version && !this.#interest.kept.isPending(tag)) then(hours);
        else this.#stop();
      },
      () => this.#stop(),
    );
  }

  // 3. joined channels for all others

  /**
   * Over the limit of everything although carried channels gave way: the oldest hours of all joined ones go. Only for
   * that limit: a disk that others have filled must not cost a history, so then nothing more is taken instead.
   */
  #pressure(tags: readonly TagUse[]): void {
    const excess = this.#total.bytes - this.#ctx.config.retention.bytesAll;
    const joined = tags.filter((use) => {
      const room = this.#roomOf(use);
      return room.kind === 'joined' && !room.pinned && use.bytes > 0;
    });
    if (excess <= 0 || joined.length === 0) return this.#end(tags);
    const all: (readonly HourUse[])[] = [];
    const next = (i: number): void => {
      const use = joined[i];
      if (use) {
        this.#hours(use.tag, (hours) => {
          all.push(hours);
          next(i + 1);
        });
        return;
      }
      const floor = floorFor(mergeHours(all), { messages: 0, bytes: excess }, this.#currentHour());
      for (const { tag } of joined) this.#interest.kept.pruneTo(tag, floor);
      this.#pruneAll(joined, () => this.#look((fresh) => this.#end(fresh)));
    };
    next(0);
  }

  #end(tags: readonly TagUse[]): void {
    this.#stop();
    if (this.#removed + this.#dropped > 0)
      this.#ctx.report('info', 'retention made room', {
        messages: this.#removed,
        droppedBytes: this.#dropped,
        channels: tags.length,
      });
    const { bytes, capacity } = this.#total;
    const isFull = bytes > capacity;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    const data = { bytes, room: capacity };
    if (isFull) this.#ctx.report('error', 'no room for more messages', data, 'store_full');
    else this.#ctx.report('info', 'room for messages again', data);
  }
}
