/**
 * What this peer keeps by its own decision: channels that were joined, with how much of each is kept, and channels that
 * are carried for a while because something was published into them here; and since when each is complete.
 *
 * The floor of a channel, a whole UTC hour, is the later of two: how far back it is kept by age (by our own or, in one
 * that leaves of ours keep, by theirs), and what pruning has removed. What is older is neither compared with neighbours nor stored.
 */

import type { Context } from '../context.ts';
import type { Reply, RequestId, RestoredState, RetentionPolicy } from '../contract.ts';
import { HOUR, LIMITS, SECOND } from '../limits.ts';
import type { Footprint } from '../peer-types.ts';
import type { PersistOp } from '../persistence.ts';

export type CarryOp = Extract<PersistOp, { kind: 'carry' }>;

export interface KeptHost {
  /** one more channel is carried */
  readonly carries: (tag: string) => void;
  readonly floorsChanged: () => void;
  /** a channel was joined or left, or its policy was changed */
  readonly joinedChanged: () => void;
  /** whether nobody but newcomers wants a channel that was not joined */
  readonly isForNewcomers: (tag: string) => boolean;
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
  /** of held channels: the hour since which a leaf here keeps it, where that is earlier than we would by ourselves */
  readonly #leafHours = new Map<string, number>();
  /** of those, at the last look, what gives way to channels of peers that are no newcomers */
  #yielding = new Set<string>();
  #yieldingMs = Number.NEGATIVE_INFINITY;
  /** tags of which the store does not know that yet, or not that it is over */
  readonly #leafUnnoted = new Set<string>();
  /** channels carried for longer after a long outage, of which the store could not be told */
  readonly #resumedUnnoted: CarryOp[] = [];
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
    const ops: CarryOp[] = [];
    for (const row of state.carried) {
      const resumed = this.#resumed(row, state.clockMs);
      this.#carried.set(row.tag, resumed);
      const { untilMs, sinceHour } = resumed;
      if (untilMs > row.untilMs || sinceHour !== row.sinceHour)
        ops.push({ kind: 'carry', tag: row.tag, untilMs, sinceHour });
    }
    this.#noteResumed(ops);
    for (const { tag, floorHour } of state.floors) this.#pruned.set(tag, floorHour);
    for (const { tag, hour } of state.leafFloors) this.#leafHours.set(tag, hour);
  }

  /**
   * What was carried when we went down, as far back as then, is carried for an hour at least, however long we were down: what
   * came last may not have been passed on, and nobody else has it.
   * @param clockMs when we were up last
   */
  #resumed({ untilMs, sinceHour }: Omit<CarryOp, 'kind' | 'tag'>, clockMs: number): Carried {
    const { wallMs } = this.#ctx.now;
    const noted = { untilMs, sinceHour, sinceUntilMs: untilMs, notedMs: untilMs };
    if (untilMs <= clockMs || wallMs - clockMs < HOUR || clockMs === 0) return noted;
    const graceMs = wallMs + LIMITS.unwantedMs;
    const thenHour = Math.max(1, Math.floor((clockMs - this.#ctx.config.retention.carried.ageMs) / HOUR));
    const isLate = sinceHour > 0 && sinceHour < thenHour;
    return {
      ...{ untilMs: Math.max(untilMs, graceMs), notedMs: untilMs },
      ...{ sinceHour: isLate ? sinceHour : thenHour },
      sinceUntilMs: isLate ? Math.max(untilMs, graceMs) : graceMs,
    };
  }

  /** Before anything that has lapsed is removed, so that another restart changes nothing. */
  #noteResumed(ops: readonly CarryOp[]): void {
    for (let at = 0; at < ops.length; at += LIMITS.carriedNoted) {
      const some = ops.slice(at, at + LIMITS.carriedNoted);
      this.#ctx.persist(
        some,
        () => {
          for (const op of some) this.noted(op);
        },
        () => this.#resumedUnnoted.push(...some),
      );
    }
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
    // As long as any other message, also where as late ones count for less long.
    const sinceUntilMs = isSame && !isLate ? known.sinceUntilMs : untilMs;
    const isLower = known === undefined || (isLate && !isSame);
    const notedMs = isLower ? 0 : known.notedMs;
    this.#carried.set(tag, { untilMs, sinceHour, sinceUntilMs, notedMs });
    if (known === undefined) this.#host.carries(tag);
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
    const isLate = known !== undefined && known.sinceHour > 0 && known.sinceUntilMs > this.#ctx.now.wallMs;
    const wanted = Math.min(isLate ? known.sinceHour : usual, this.#leafHours.get(tag) ?? usual);
    return Math.min(usual, Math.max(wanted, this.#ageHour(joined.ageMs)));
  }

  /**
   * A leaf keeps a channel since that hour. Leaves reach each other over us only: what one of them has and another lacks
   * passes here if we keep the channel as far back, as long as we hold it: after a restart too, whether the leaf is back
   * or not.
   */
  leafKeeps(tag: string, toldHour: number, isNewcomer: boolean): void {
    if (!isNewcomer) this.#yielding.delete(tag);
    // Who keeps all says 0, which is nothing that could be noted.
    const hour = Math.max(1, toldHour);
    const known = this.#leafHours.get(tag);
    if (hour >= Math.min(known ?? hour + 1, this.#ageHour(this.#ctx.config.retention.carried.ageMs))) return;
    if (known === undefined && !this.#hasLeafRoom(isNewcomer)) return;
    this.#leafHours.set(tag, hour);
    this.#leafUnnoted.add(tag);
    this.#host.floorsChanged();
  }

  /** Newcomers never take the place of others; what only they want makes room for others. */
  #hasLeafRoom(isNewcomer: boolean): boolean {
    const most = LIMITS.leafFloorsMax;
    if (Math.max(this.#leafHours.size, this.#leafUnnoted.size) < most) return true;
    if (isNewcomer || this.#leafUnnoted.size + 2 > most) return false;
    const { monotonicMs } = this.#ctx.now;
    if (monotonicMs - this.#yieldingMs >= SECOND) {
      this.#yieldingMs = monotonicMs;
      this.#yielding = new Set([...this.#leafHours.keys()].filter(this.#host.isForNewcomers));
    }
    const [evicted] = this.#yielding;
    if (evicted === undefined) return false;
    this.#forgetLeafHour(evicted);
    return true;
  }

  /** Leaves have nothing to say of it any more. */
  #forgetLeafHour(tag: string): void {
    this.#leafHours.delete(tag);
    this.#yielding.delete(tag);
    this.#leafUnnoted.add(tag);
  }

  /** Once a second: writes down since when leaves keep channels, some at a time, and what could not be written at the start. */
  note(): void {
    const unnoted = this.#resumedUnnoted.splice(0);
    this.#noteResumed(unnoted.filter((op) => this.#carried.get(op.tag)?.sinceHour === op.sinceHour));
    this.#noteLeaves();
  }

  #noteLeaves(): void {
    const tags = [...this.#leafUnnoted].slice(0, LIMITS.leafFloorsNoted);
    if (tags.length === 0) return;
    for (const tag of tags) this.#leafUnnoted.delete(tag);
    this.#ctx.persist(
      tags.map((tag) => ({ kind: 'leaf-floor', tag, hour: this.#leafHours.get(tag) ?? 0 })),
      () => undefined,
      () => {
        for (const tag of tags) this.#leafUnnoted.add(tag);
      },
    );
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
    return {
      carried: { size: this.#carried.size, max: LIMITS.tagsMax },
      carriedUnnoted: { size: this.#resumedUnnoted.length, max: LIMITS.tagsMax },
      leafFloors: { size: this.#leafHours.size, max: LIMITS.leafFloorsMax },
      leafFloorsUnnoted: { size: this.#leafUnnoted.size, max: 2 * LIMITS.leafFloorsMax },
    };
  }

  /** Once a minute: what is carried no longer. @returns whether anything has lapsed */
  expire(isHeld: (tag: string) => boolean): boolean {
    let lapsed = false;
    for (const [tag, { untilMs }] of this.#carried)
      if (untilMs <= this.#ctx.now.wallMs) lapsed = this.#carried.delete(tag) || lapsed;
    for (const tag of this.#pruned.keys()) if (!isHeld(tag)) this.#pruned.delete(tag);
    for (const tag of this.#leafHours.keys()) if (!isHeld(tag)) this.#forgetLeafHour(tag);
    return lapsed;
  }
}
