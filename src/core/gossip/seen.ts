/**
 * Messages that passed lately: whose id need not be looked up or verified again, along which trees they were forwarded,
 * and, within a budget of bytes, the messages themselves for those who ask for them by id.
 *
 * Invariant: an id is here only after its signature and write rule have passed.
 */

import { LIMITS } from '../limits.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import type { Footprint } from '../peer-types.ts';

interface Seen {
  readonly atMs: number;
  /** peer ids of the roots along whose trees it was forwarded */
  readonly roots: Set<string>;
}

/** roots remembered per message: more means that somebody plays with them (guess) */
const ROOTS_MAX = 4;

export class SeenMessages {
  readonly #seen = new Map<string, Seen>();
  readonly #contents = new Map<string, VerifiedMessage>();
  #bytes = 0;

  add(message: VerifiedMessage, nowMs: number): void {
    const { idText, wire } = message.message;
    if (this.#seen.has(idText)) return;
    this.#seen.set(idText, { atMs: nowMs, roots: new Set() });
    this.#contents.set(idText, message);
    this.#bytes += wire.length;
    this.#shrink(nowMs);
  }

  /** Oldest first, because a Map keeps the order of insertion. */
  #shrink(nowMs: number): void {
    for (const [id, seen] of this.#seen) {
      if (nowMs - seen.atMs <= LIMITS.seenMs && this.#seen.size <= LIMITS.seenMax) break;
      this.forget(id);
    }
    // Over the budget of bytes the ids stay and contents go.
    for (const id of this.#contents.keys()) {
      if (this.#bytes <= LIMITS.transitBytesMax) break;
      this.#dropContent(id);
    }
  }

  #dropContent(id: string): void {
    this.#bytes -= this.#contents.get(id)?.message.wire.length ?? 0;
    this.#contents.delete(id);
  }

  has(id: string): boolean {
    return this.#seen.has(id);
  }

  message(id: string): VerifiedMessage | undefined {
    return this.#contents.get(id);
  }

  /** @returns true the first time that the message is to go along the tree of `root` */
  forwardFirst(id: string, root: string): boolean {
    const seen = this.#seen.get(id);
    if (!seen || seen.roots.has(root) || seen.roots.size >= ROOTS_MAX) return false;
    seen.roots.add(root);
    return true;
  }

  /** What could not be stored is as if it had never come. */
  forget(id: string): void {
    this.#dropContent(id);
    this.#seen.delete(id);
  }

  tick(nowMs: number): void {
    this.#shrink(nowMs);
  }

  footprint(): Footprint {
    return {
      seen: { size: this.#seen.size, max: LIMITS.seenMax },
      seenBytes: { size: this.#bytes, max: LIMITS.transitBytesMax },
    };
  }

  get size(): number {
    return this.#seen.size;
  }

  get bytes(): number {
    return this.#bytes;
  }
}
