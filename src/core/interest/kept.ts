/**
 * What this peer keeps by its own decision: channels that were joined, with how much of each is kept, and channels that
 * are carried for a while because something was published into them here; and since when each is complete.
 *
 * The floor of a channel, a whole UTC hour, is the later of two: how far back it is kept by age, and what pruning has
 * removed. What is older is neither compared with neighbours nor stored.
 */

import type { Context } from '../context.ts';
import type { Reply, RequestId, RestoredState, RetentionPolicy } from '../contract.ts';
import { HOUR, LIMITS } from '../limits.ts';
import type { Footprint } from '../peer-types.ts';
import type { PersistOp } from '../persistence.ts';

export type CarryOp = Extract<PersistOp, { kind: 'carry' }>;

export interface KeptHost {
  /** other channels are held */
  readonly heldChanged: () => void;
  readonly floorsChanged: () => void;
  /** a channel was joined or left, or its policy was changed */
  readonly joinedChanged: () => void;
}

interface Joined {
  readonly tag: string;
  readonly policy: RetentionPolicy;
}

interface Carried {
  readonly untilMs: number;
  /** hour of the oldest late message that somebody asked us to keep, 0 for none, and until when that counts */
  readonly sinceHour: number;
  readonly sinceUntilMs: number;
  /** until when the store knows of it, 0 if it does not know all of this yet */
  readonly notedMs: number;
}

export class Kept {
  readonly #ctx: Context;
  readonly #host: KeptHost;
  readonly #joined = new Map<string, Joined>();
  /** by tag; where two joined names have one tag, the policy of either */
  readonly #joinedTags = new Map<string, RetentionPolicy>();
  readonly #carried = new Map<string, Carried>();
  /** floors that pruning has set, hours since 1970 */
  readonly #pruned = new Map<string, number>();
  /** tags with a join or a new policy on its way to the disk: nothing of them may be removed meanwhile */
  readonly #pending = new Map<string, number>();
  /** counts the times that joined channels or their policies changed */
  version = 0;

  constructor(ctx: Context, host: KeptHost) {
    this.#ctx = ctx;
    this.#host = host;
  }

  restore(state: RestoredState): void {
    for (const { channel, policy } of state.joined)
      this.#joined.set(channel, { tag: this.#ctx.tagOf(channel), policy });
    this.#indexJoined();
    for (const { tag, untilMs, sinceHour } of state.carried)
      this.#carried.set(tag, { untilMs, sinceHour, sinceUntilMs: untilMs, notedMs: untilMs });
    for (const { tag, floorHour } of state.floors) this.#pruned.set(tag, floorHour);
  }

  joinedTags(): Iterable<string> {
    return this.#joinedTags.keys();
  }

  carriedTags(): Iterable<string> {
    return this.#carried.keys();
  }

  #indexJoined(): void {
    this.#joinedTags.clear();
    for (const { tag, policy } of this.#joined.values()) this.#joinedTags.set(tag, policy);
  }

  get joined(): readonly string[] {
    return [...this.#joined.keys()];
  }

  isJoined(channel: string): boolean {
    return this.#joined.has(channel);
  }

  /** The policy of a joined channel, `undefined` for a tag that is not joined. */
  policyOf(tag: string): RetentionPolicy | undefined {
    return this.#joinedTags.get(tag);
  }

  #reply(request: RequestId, reply: Reply): void {
    this.#ctx.emit({ kind: 'reply', request, reply });
  }

  /** Whether something about the tag is on its way to the disk. */
  isPending(tag: string): boolean {
    return this.#pending.has(tag);
  }

  /** Writes a change down; `done` once it is durable, else the request has failed. */
  #persist(request: RequestId, tag: string, ops: readonly PersistOp[], done: () => void): void {
    this.#pending.set(tag, (this.#pending.get(tag) ?? 0) + 1);
    const over = (): void => {
      const left = (this.#pending.get(tag) ?? 1) - 1;
      if (left > 0) this.#pending.set(tag, left);
      else this.#pending.delete(tag);
    };
    this.#ctx.persist(
      ops,
      () => {
        over();
        done();
      },
      (code) => {
        over();
        this.#reply(request, { kind: 'failed', code, detail: '' });
      },
    );
  }

  join(request: RequestId, channel: string): void {
    if (this.#joined.has(channel)) return this.#reply(request, { kind: 'joined', channel, isNew: false });
    const tag = this.#ctx.tagOf(channel);
    const done = (): void => {
      this.#joined.set(channel, { tag, policy: {} });
      // What pruning took from a carried channel is wanted now.
      this.#pruned.delete(tag);
      this.#joinedChanged();
      this.#reply(request, { kind: 'joined', channel, isNew: true });
    };
    const ops: PersistOp[] = [
      { kind: 'join', channel, tag },
      { kind: 'retention', channel, tag, policy: {} },
    ];
    this.#persist(request, tag, ops, done);
  }

  /** No longer joined: what is stored is carried for a while, so that joining again soon loses nothing. */
  leave(request: RequestId, channel: string): void {
    const joined = this.#joined.get(channel);
    if (!joined) return this.#reply(request, { kind: 'left', channel, wasJoined: false });
    const { tag } = joined;
    const untilMs = Math.floor(this.#ctx.now.wallMs) + this.#ctx.config.retention.carried.ageMs;
    const sinceHour = this.floorHour(tag);
    const done = (): void => {
      if (!this.#joined.delete(channel))
        return this.#reply(request, { kind: 'left', channel, wasJoined: false });
      this.#carried.set(tag, { untilMs, sinceHour, sinceUntilMs: untilMs, notedMs: untilMs });
      this.#joinedChanged();
      this.#reply(request, { kind: 'left', channel, wasJoined: true });
    };
    const ops: PersistOp[] = [
      { kind: 'leave', channel, tag },
      { kind: 'carry', tag, untilMs, sinceHour },
    ];
    this.#persist(request, tag, ops, done);
  }

  /** Replaces the policy of a joined channel. Whole hours that it allows again are fetched again. */
  retain(request: RequestId, channel: string, policy: RetentionPolicy): void {
    const joined = this.#joined.get(channel);
    if (!joined) return this.#reply(request, { kind: 'failed', code: 'not_found', detail: 'not joined' });
    const { tag } = joined;
    const done = (): void => {
      if (this.#joined.has(channel)) this.#joined.set(channel, { tag, policy });
      this.#pruned.delete(tag);
      this.#joinedChanged();
      this.#reply(request, { kind: 'retained', channel });
    };
    this.#persist(request, tag, [{ kind: 'retention', channel, tag, policy }], done);
  }

  #joinedChanged(): void {
    this.version++;
    this.#indexJoined();
    this.#host.joinedChanged();
  }

  /**
   * Keep a channel because something is published into it here. It is held from now on; whatever stores the message
   * notes it in the same transaction, each time until that has succeeded.
   * @param own by a local identity: for those there is always room
   * @param timeMs of the message: however late it comes, it is kept as long as others
   * @returns what to note, or `undefined` if that is noted already or there is no room
   */
  carry(tag: string, own: boolean, timeMs: number): CarryOp | undefined {
    if (this.#joinedTags.has(tag)) return undefined;
    const known = this.#carried.get(tag);
    const most = own ? LIMITS.tagsMax : LIMITS.tagsMax - LIMITS.ownTagsReserved;
    if (known === undefined && this.#carried.size >= most) return undefined;
    const { carried, joined } = this.#ctx.config.retention;
    const { wallMs } = this.#ctx.now;
    const untilMs = Math.floor(wallMs) + carried.ageMs;
    const usualHour = this.#ageHour(carried.ageMs);
    const wantedHour = Math.max(Math.floor(timeMs / HOUR), this.#ageHour(joined.ageMs));
    const isLate = wantedHour < usualHour;
    const isKnown = known !== undefined && known.sinceHour > 0 && known.sinceUntilMs > wallMs;
    const isSame = isKnown && (!isLate || known.sinceHour <= wantedHour);
    const sinceHour = isSame ? known.sinceHour : isLate ? wantedHour : 0;
    const sinceUntilMs = isSame ? known.sinceUntilMs : untilMs;
    const isLower = known === undefined || (isLate && !isSame);
    const notedMs = isLower ? 0 : known.notedMs;
    this.#carried.set(tag, { untilMs, sinceHour, sinceUntilMs, notedMs });
    if (known === undefined) this.#host.heldChanged();
    else if (isLower) this.#host.floorsChanged();
    return untilMs - notedMs < HOUR ? undefined : { kind: 'carry', tag, untilMs, sinceHour };
  }

  /** The store has it: the channel is held until then over restarts. */
  noted({ tag, untilMs, sinceHour }: CarryOp): void {
    const known = this.#carried.get(tag);
    if (known && known.sinceHour === sinceHour)
      this.#carried.set(tag, { ...known, notedMs: Math.max(known.notedMs, untilMs) });
  }

  /** The first whole hour that is not older than `ageMs`. */
  #ageHour(ageMs: number): number {
    return Math.max(0, Math.floor((this.#ctx.now.wallMs - ageMs) / HOUR) + 1);
  }

  /** How far back a channel is kept by age, hours since 1970. */
  ageFloorHour(tag: string): number {
    const { joined, carried } = this.#ctx.config.retention;
    const policy = this.#joinedTags.get(tag);
    if (policy) return this.#ageHour(policy.ageMs ?? joined.ageMs);
    const usual = this.#ageHour(carried.ageMs);
    const known = this.#carried.get(tag);
    if (!known || known.sinceHour === 0 || known.sinceUntilMs <= this.#ctx.now.wallMs) return usual;
    return Math.min(usual, Math.max(known.sinceHour, this.#ageHour(joined.ageMs)));
  }

  /** How far back own messages of a channel are kept: as in a joined one, also where it is not. */
  ownFloorHour(tag: string): number {
    return this.#ageHour(this.#joinedTags.get(tag)?.ageMs ?? this.#ctx.config.retention.joined.ageMs);
  }

  /** The hour up to which pruning has removed, 0 for none. */
  prunedHour(tag: string): number {
    return this.#pruned.get(tag) ?? 0;
  }

  /** Since when a channel is complete here as far as we know, hours since 1970. */
  floorHour(tag: string): number {
    return Math.max(this.ageFloorHour(tag), this.prunedHour(tag));
  }

  /** Everything before that hour is being removed. */
  pruneTo(tag: string, hour: number): void {
    if (hour <= this.prunedHour(tag)) return;
    this.#pruned.set(tag, hour);
    this.#host.floorsChanged();
  }

  footprint(): Footprint {
    return { carried: { size: this.#carried.size, max: LIMITS.tagsMax } };
  }

  /** Once a minute: what is carried no longer. @returns whether anything has lapsed */
  expire(isHeld: (tag: string) => boolean): boolean {
    let lapsed = false;
    for (const [tag, { untilMs }] of this.#carried)
      if (untilMs <= this.#ctx.now.wallMs) lapsed = this.#carried.delete(tag) || lapsed;
    for (const tag of this.#pruned.keys()) if (!isHeld(tag)) this.#pruned.delete(tag);
    return lapsed;
  }
}
