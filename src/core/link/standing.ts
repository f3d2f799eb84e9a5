/**
 * What is remembered of peers over all their links: what they did wrong in the last hour, who is banned for it, and when
 * they last proved the id they go by. Bounded; the oldest entries go first.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Footprint } from '../peer-types.ts';

export class Standing {
  readonly #ctx: Context;
  /** offences of peers and until when they count; oldest first */
  readonly #offences = new Map<string, { count: number; untilMs: number }>();
  readonly #bans = new Map<string, number>();
  /** wall time at which ids were proven last */
  readonly #proofs = new Map<string, number>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** One more offence. @returns how many of the last hour that makes */
  count(peer: string): number {
    const now = this.#ctx.now.monotonicMs;
    const known = this.#offences.get(peer);
    const count = known && known.untilMs > now ? known.count + 1 : 1;
    makeRoom(this.#offences, LIMITS.bansMax);
    this.#offences.set(peer, { count, untilMs: count === 1 || !known ? now + LIMITS.banMs : known.untilMs });
    return count;
  }

  ban(peer: string): void {
    makeRoom(this.#bans, LIMITS.bansMax);
    this.#bans.set(peer, this.#ctx.now.monotonicMs + LIMITS.banMs);
  }

  isBanned(peer: string): boolean {
    return (this.#bans.get(peer) ?? 0) > this.#ctx.now.monotonicMs;
  }

  proved(peer: string): void {
    this.#proofs.delete(peer);
    makeRoom(this.#proofs, LIMITS.provenMax);
    this.#proofs.set(peer, this.#ctx.now.wallMs);
  }

  /** Whether this id has proven itself on a link of this run lately. */
  isProven(peer: string): boolean {
    const provenMs = this.#proofs.get(peer);
    return provenMs !== undefined && provenMs > this.#ctx.now.wallMs - LIMITS.provenMs;
  }

  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    for (const [peer, untilMs] of this.#bans) if (untilMs <= now) this.#bans.delete(peer);
  }

  footprint(): Footprint {
    return {
      offences: { size: this.#offences.size, max: LIMITS.bansMax },
      bans: { size: this.#bans.size, max: LIMITS.bansMax },
      provenIds: { size: this.#proofs.size, max: LIMITS.provenMax },
    };
  }
}

/** Drops the oldest entries until one more fits. */
function makeRoom<T>(map: Map<string, T>, most: number): void {
  for (const key of map.keys()) {
    if (map.size < most) return;
    map.delete(key);
  }
}
