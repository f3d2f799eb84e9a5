/**
 * Where messages of others came from, and which were refused or put off, as far as it was lately: for people who ask why a
 * message is not here. Nothing is decided by it.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { Recent } from '../recent.ts';

/** The first link that a message came by. */
export interface Origin {
  readonly peer: string;
  /** peer id of the root whose tree it followed; '' where that is not known: it was fetched, or this peer is a leaf */
  readonly root: string;
  /** wall ms */
  readonly atMs: number;
}

/**
 * Why a copy was not taken: it lies too far ahead, had expired, its author may not write it there, its signature is wrong, its
 * content is over the rate of its author, a newer record of its feed is here.
 */
export type RefusalReason = 'future' | 'expired' | 'write-rule' | 'forged' | 'over-rate' | 'superseded';

export interface Refusal extends Origin {
  readonly reason: RefusalReason;
}

export class Origins {
  readonly #ctx: Context;
  readonly #came = new Recent<Origin>(LIMITS.originsMax);
  readonly #refused = new Recent<Refusal>(LIMITS.refusalsMax);

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** A verified message came; only the first way counts. */
  came(id: string, peer: string, root: string): void {
    if (this.#came.get(id) === undefined) this.#came.set(id, { peer, root, atMs: this.#ctx.now.wallMs });
  }

  refused(id: string, peer: string, reason: RefusalReason): void {
    this.#refused.set(id, { peer, root: '', atMs: this.#ctx.now.wallMs, reason });
  }

  of(id: string): { readonly came: Origin | undefined; readonly refused: Refusal | undefined } {
    return { came: this.#came.get(id), refused: this.#refused.get(id) };
  }

  /** Ids of refused messages that begin so. */
  refusedStartingWith(prefix: string, limit: number): string[] {
    return this.#refused.startingWith(prefix, limit);
  }

  get sizes(): { readonly came: number; readonly refused: number } {
    return { came: this.#came.size, refused: this.#refused.size };
  }
}
