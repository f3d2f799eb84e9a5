/**
 * What is kept and for how long. Once a minute, and sooner where much has come, everything that is stored is looked at:
 *
 *   1. what has expired goes; of channels that are not held any more everything but own messages goes;
 *   2. what is older than a channel's age goes;
 *   3. a channel over its own limit loses content of its heaviest authors, and if that is not enough its oldest hours;
 *   4. over the limit of everything, carried channels give way first, the largest of them first, then joined ones by age.
 *
 * Invariants:
 * 1. Own messages go only by age, and never while nobody has confirmed them; pinned channels never give way to others.
 * 2. What was removed is told by a floor, a whole hour; the current hour is never removed.
 * 3. What cannot be made room for is refused: messages of others are passed on and not stored, own ones get `store_full`.
 * 4. Each operation looks at a bounded number of rows, and the next one waits for it.
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
  ROW_BYTES,
  type TagUse,
} from '../persistence.ts';
import { ClockCheck } from './clock-check.ts';
import { floorFor, type HourUse, mergeHours, type Room, roomOf, waterLevel } from './plan.ts';

/** Hours of one channel looked at: more than its 90 days have (guess). */
const HOURS_MAX = 8192;
/** New bytes after which everything is looked at again (guess). */
const REVIEW_BYTES = 16 * 1024 * 1024;
/** After every hour that a message time can fall into. */
const HOUR_END = Math.floor(MINUTE_END / 60);
const FIRST: Position = { time: TIME_ZERO, id: new Uint8Array(32) };

/** A running estimate between two looks. */
interface Estimate {
  messages: number;
  bytes: number;
  readonly room: Room;
}

type Next = () => void;

export class Retention {
  readonly #ctx: Context;
  readonly #interest: Interest;
  readonly #clock: ClockCheck;
  /** in this round */
  #isClockTrusted = true;
  #estimates = new Map<string, Estimate>();
  #total = 0;
  #capacity = Number.MAX_SAFE_INTEGER;
  #isFull = false;
  #isBusy = false;
  #isDue = true;
  #added = 0;
  #reviewedMs = Number.NEGATIVE_INFINITY;
  /** up to which hours a tag has been pruned */
  #done = new Map<string, string>();
  /** something was removed in this round */
  #removed = 0;

  constructor(ctx: Context, interest: Interest) {
    this.#ctx = ctx;
    this.#interest = interest;
    this.#clock = new ClockCheck(ctx);
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
    const estimate = this.#estimates.get(tag);
    if (!estimate) return true;
    const { messagesMax, bytesMax } = estimate.room;
    const share = LIMITS.shutShare;
    return estimate.bytes <= share * bytesMax && estimate.messages <= share * messagesMax;
  }

  /** A message of somebody else was stored. */
  stored(tag: string, message: Message): void {
    const bytes = message.wire.length + ROW_BYTES;
    this.#add(bytes);
    const estimate = this.#estimates.get(tag) ?? this.#firstEstimate(tag);
    estimate.bytes += bytes;
    estimate.messages++;
    const { messagesMax, bytesMax } = estimate.room;
    if (estimate.bytes > bytesMax || estimate.messages > messagesMax) this.#isDue = true;
  }

  #firstEstimate(tag: string): Estimate {
    const room = this.#roomOf({ tag, messages: 0, bytes: 0, ownBytes: 0, floorHour: 0 });
    const estimate = { messages: 0, bytes: 0, room };
    this.#estimates.set(tag, estimate);
    return estimate;
  }

  /** An own message was stored. */
  published(message: Message): void {
    this.#add(message.wire.length + ROW_BYTES);
  }

  #add(bytes: number): void {
    this.#total += bytes;
    this.#added += bytes;
    if (this.#added > REVIEW_BYTES || this.#total > this.#capacity) this.#isDue = true;
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
    this.#added = 0;
    this.#removed = 0;
    this.#reviewedMs = this.#ctx.now.monotonicMs;
    this.#isClockTrusted = this.#clock.isTrusted();
    if (this.#isClockTrusted) this.#expire();
    else this.#look((tags) => this.#review(tags));
  }

  /** Does one operation and goes on, or leaves the rest to the next round if the disk refuses. */
  #run<K extends 'expired' | 'pruned' | 'dropped'>(
    op: PersistOp,
    kind: K,
    then: (result: Extract<PersistResult, { kind: K }>) => void,
  ): void {
    this.#ctx.persist(
      [op],
      ([result]) => {
        if (result?.kind === kind) then(result as Extract<PersistResult, { kind: K }>);
        else this.#isBusy = false;
      },
      () => {
        this.#isBusy = false;
      },
    );
  }

  #expire(): void {
    this.#run({ kind: 'expire', wallMs: Math.floor(this.#ctx.now.wallMs) }, 'expired', ({ more }) => {
      if (more) this.#expire();
      else this.#look((tags) => this.#review(tags));
    });
  }

  #look(then: (tags: readonly TagUse[]) => void): void {
    this.#ctx.read(
      { kind: 'usage' },
      ({ tags, freeBytes }) => {
        this.#total = tags.reduce((sum, use) => sum + use.bytes + use.ownBytes, 0);
        const disk = this.#total + freeBytes - LIMITS.diskReserveBytes;
        this.#capacity = Math.max(0, Math.min(this.#ctx.config.retention.bytesAll, disk));
        then(tags);
      },
      () => {
        this.#isBusy = false;
      },
    );
  }

  #roomOf(use: TagUse): Room {
    const policy = this.#interest.kept.policyOf(use.tag);
    return roomOf(use, this.#ctx.config.retention, { policy, isHeld: this.#interest.holds(use.tag) });
  }

  #review(tags: readonly TagUse[]): void {
    const rooms = tags.map((use) => this.#roomOf(use));
    const known = new Set(tags.map(({ tag }) => tag));
    for (const tag of this.#done.keys()) if (!known.has(tag)) this.#done.delete(tag);
    const carried = rooms.filter(({ kind }) => kind === 'carried');
    const carriedBytes = carried.reduce((sum, { use }) => sum + use.bytes, 0);
    const over = this.#total - this.#capacity;
    const { carriedBytesAll } = this.#ctx.config.retention;
    const carriedMax = Math.max(0, Math.min(carriedBytesAll, carriedBytes - Math.max(0, over)));
    const isTight = carriedBytes > carriedMax;
    const share = isTight ? carriedMax * LIMITS.pruneToShare : carriedMax;
    const level = waterLevel(
      carried.map(({ use }) => use.bytes),
      share,
    );
    const cut = rooms.map((room) =>
      room.kind === 'carried' && isTight ? { ...room, bytesMax: Math.min(room.bytesMax, level) } : room,
    );
    const overJoined = over - (carriedBytes - carriedMax);
    if (overJoined > 0) this.#pruneJoined(rooms, overJoined, () => this.#clear(cut));
    else this.#clear(cut);
  }

  /** Everything is over its limit and carried channels are not enough: the oldest hours of all joined ones go. */
  #pruneJoined(rooms: readonly Room[], excess: number, then: Next): void {
    const joined = rooms.filter((room) => room.kind === 'joined' && !room.pinned);
    const all: (readonly HourUse[])[] = [];
    const next = (i: number): void => {
      const room = joined[i];
      if (room) {
        this.#hours(room.use.tag, (hours) => {
          all.push(hours);
          next(i + 1);
        });
        return;
      }
      const floor = floorFor(mergeHours(all), { messages: 0, bytes: excess }, this.#currentHour());
      if (floor > 0) for (const { use } of joined) this.#interest.kept.pruneTo(use.tag, floor);
      then();
    };
    next(0);
  }

  #currentHour(): number {
    return Math.floor(this.#ctx.now.wallMs / HOUR);
  }

  #hours(tag: string, then: (hours: readonly HourUse[]) => void): void {
    const fromHour = this.#interest.kept.floorHour(tag);
    this.#ctx.read(
      { kind: 'hours', tag, fromHour, limit: HOURS_MAX },
      ({ hours }) => then(hours),
      () => {
        this.#isBusy = false;
      },
    );
  }

  /** One channel after the other; then whether that was enough. */
  #clear(rooms: readonly Room[], from = 0): void {
    for (let at = from; at < rooms.length; at++) {
      const room = rooms[at] as Room;
      const next = (): void => this.#clear(rooms, at + 1);
      const { use, messagesMax, bytesMax } = room;
      if (room.kind !== 'none' && (use.bytes > bytesMax || use.messages > messagesMax))
        return this.#shrink(room, use.bytes, next);
      const beforeHour = room.kind === 'none' ? HOUR_END : this.#floorHour(use.tag);
      const mayGo = this.#isClockTrusted || room.kind !== 'none';
      if (mayGo && !this.#isPruned(use.tag, beforeHour)) return this.#prune(use.tag, beforeHour, next);
    }
    if (this.#removed > 0) this.#look((tags) => this.#end(tags));
    else this.#end(rooms.map(({ use }) => use));
  }

  /** Content of heavy authors first, then the oldest hours. */
  #shrink(room: Room, bytes: number, then: Next): void {
    const { tag, messages } = room.use;
    const target = Math.floor(room.bytesMax * LIMITS.pruneToShare);
    if (bytes <= room.bytesMax) return this.#cutHours(room, { messages, bytes }, then);
    const keepBytes = Math.floor(room.bytesMax * LIMITS.heavyAuthorShare);
    const freeBytes = bytes - target;
    this.#run({ kind: 'drop', tag, keepBytes, freeBytes }, 'dropped', (result) => {
      this.#removed += result.bytes;
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
      this.#interest.kept.pruneTo(tag, floorFor(hours, excess, this.#currentHour()));
      this.#prune(tag, this.#floorHour(tag), then);
    });
  }

  /** What is older goes. */
  #floorHour(tag: string): number {
    const { kept } = this.#interest;
    return this.#isClockTrusted ? kept.floorHour(tag) : kept.prunedHour(tag);
  }

  #ownBeforeHour(tag: string, beforeHour: number): number {
    return this.#isClockTrusted ? Math.min(beforeHour, this.#interest.kept.ownFloorHour(tag)) : 0;
  }

  #isPruned(tag: string, beforeHour: number): boolean {
    return this.#done.get(tag) === `${beforeHour} ${this.#ownBeforeHour(tag, beforeHour)}`;
  }

  /** Removes what is older than an hour. */
  #prune(tag: string, beforeHour: number, then: Next): void {
    const isHeld = beforeHour !== HOUR_END;
    const floorHour = isHeld && beforeHour === this.#interest.kept.prunedHour(tag) ? beforeHour : 0;
    const ownBeforeHour = this.#ownBeforeHour(tag, beforeHour);
    const step = (after: Position): void => {
      this.#run({ kind: 'prune', tag, beforeHour, ownBeforeHour, floorHour, after }, 'pruned', (result) => {
        this.#removed += result.removed;
        if (result.next) return step(result.next);
        this.#done.set(tag, `${beforeHour} ${ownBeforeHour}`);
        then();
      });
    };
    step(FIRST);
  }

  #end(tags: readonly TagUse[]): void {
    this.#estimates = new Map(
      tags.map((use) => [use.tag, { messages: use.messages, bytes: use.bytes, room: this.#roomOf(use) }]),
    );
    this.#isBusy = false;
    const isFull = this.#total > this.#capacity;
    if (this.#removed > 0) this.#ctx.report('debug', 'messages removed', { tags: tags.length });
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    const data = { bytes: this.#total, room: this.#capacity };
    if (isFull) this.#ctx.report('error', 'no room for more messages', data, 'store_full');
    else this.#ctx.report('info', 'room for messages again', data);
  }
}

/** How much is too much, so that some room is left afterwards; 0 within the limit. */
function excessOf(use: number, most: number): number {
  return use > most ? use - Math.floor(most * LIMITS.pruneToShare) : 0;
}
