/**
 * Messages that passed lately: whose id need not be looked up or verified again, along which trees they were forwarded,
 * and, within a budget of bytes, the messages themselves for those who ask for them by id.
 *
 * Invariant: an id is here only after its signature and write rule have passed.
 */
import { LIMITS } from '../limits.ts';
import type { VerifiedMessage } from '../message/verified.ts';

interface Seen {
  readonly atMs: number;
  message: VerifiedMessage | undefined;
  /** peer ids of the roots along whose trees it was forwarded */
  readonly roots: Set<string>;
}

/** roots remembered per message: more means that somebody plays with them (guess) */
const ROOTS_MAX = 4;

export class SeenMessages {
  readonly #seen = new Map<string, Seen>();
  #bytes = 0;

  add(message: VerifiedMessage, nowMs: number): void {
    const { idText, wire } = message.message;
    if (this.#seen.has(idText)) return;
    this.#seen.set(idText, { atMs: nowMs, message, roots: new Set() });
    this.#bytes += wire.length;
    this.#shrink(nowMs);
  }

  #shrink(nowMs: number): void {
    for (const [id, seen] of this.#seen) {
      const old = nowMs - seen.atMs > LIMITS.seenMs;
      if (!old && this.#seen.size <= LIMITS.seenMax && this.#bytes <= LIMITS.transitBytesMax) return;
      if (old || this.#seen.size > LIMITS.seenMax) {
        this.#drop(id, seen);
      } else if (seen.message) {
        // Over the budget of bytes: the id stays, its content goes; oldest first, because a Map keeps insertion order.
        this.#bytes -= seen.message.message.wire.length;
        seen.message = undefined;
        this.#seen.delete(id);
        this.#seen.set(id, seen);
      }
    }
  }

  #drop(id: string, seen: Seen): void {
    if (seen.message) this.#bytes -= seen.message.message.wire.length;
    this.#seen.delete(id);
  }

  has(id: string): boolean {
    return this.#seen.has(id);
  }

  message(id: string): VerifiedMessage | undefined {
    return this.#seen.get(id)?.message;
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
    const seen = this.#seen.get(id);
    if (seen) this.#drop(id, seen);
  }

  tick(nowMs: number): void {
    this.#shrink(nowMs);
  }

  get size(): number {
    return this.#seen.size;
  }

  get bytes(): number {
    return this.#bytes;
  }
}
