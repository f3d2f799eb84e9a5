/**
 * Messages that passed lately: whose id need not be looked up or verified again, along which trees they were forwarded,
 * and, within a budget of bytes, the messages themselves for those who ask for them by id.
 *
 * Invariant: an id is here only after its signature and write rule have passed.
 */

import { LIMITS } from '../limits.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import type { Footprint } from '../peer-types.ts';
import { idsStartingWith } from '../recent.ts';

interface Seen {
  readonly idText: string;
  readonly atMs: number;
  /** peer ids of the roots along whose trees it was forwarded */
  roots: readonly string[];
  /** undefined once it is over the budget of bytes */
  content: VerifiedMessage | undefined;
}

/** roots remembered per message: more means that somebody plays with them (guess) */
const ROOTS_MAX = 4;
const NO_ROOTS: readonly string[] = [];
/** places of forgotten messages at the front of the queue before it is made anew (guess) */
const GONE_MAX = 4096;

export class SeenMessages {
  readonly #seen = new Map<string, Seen>();
  /**
   * All of them, oldest first, and some that are forgotten (they count, so it is bounded). A Map keeps the order too,
   * but its first entry is found by walking over the places of all that were deleted before it: 20 us a message once
   * the budget is full.
   */
  #queue: Seen[] = [];
  /** before this index there are no ids any more, and before the other no contents */
  #idsFrom = 0;
  #contentsFrom = 0;
  #bytes = 0;
  /** Frames that messages are views into, with how many: a small one keeps the whole frame in memory. */
  readonly #frames = new Map<ArrayBufferLike, number>();

  add(message: VerifiedMessage, nowMs: number): void {
    const { idText, wire } = message.message;
    if (this.#seen.has(idText)) return;
    const seen: Seen = { idText, atMs: nowMs, roots: NO_ROOTS, content: message };
    this.#seen.set(idText, seen);
    this.#queue.push(seen);
    const count = this.#frames.get(wire.buffer) ?? 0;
    this.#frames.set(wire.buffer, count + 1);
    if (count === 0) this.#bytes += wire.buffer.byteLength;
    this.#shrink(nowMs);
  }

  #shrink(nowMs: number): void {
    for (let seen = this.#queue[this.#idsFrom]; seen; seen = this.#queue[++this.#idsFrom]) {
      if (nowMs - seen.atMs <= LIMITS.seenMs && this.#queue.length - this.#idsFrom <= LIMITS.seenMax) break;
      this.#drop(seen);
    }
    // Over the budget of bytes the ids stay and contents go.
    this.#contentsFrom = Math.max(this.#contentsFrom, this.#idsFrom);
    while (this.#bytes > LIMITS.transitBytesMax) this.#dropContent(this.#queue[this.#contentsFrom++] as Seen);
    if (this.#idsFrom < GONE_MAX) return;
    this.#queue = this.#queue.slice(this.#idsFrom);
    this.#contentsFrom -= this.#idsFrom;
    this.#idsFrom = 0;
  }

  #dropContent(seen: Seen): void {
    const frame = seen.content?.message.wire.buffer;
    if (frame === undefined) return;
    seen.content = undefined;
    const count = (this.#frames.get(frame) as number) - 1;
    if (count > 0) this.#frames.set(frame, count);
    else {
      this.#frames.delete(frame);
      this.#bytes -= frame.byteLength;
    }
  }

  #drop(seen: Seen): void {
    this.#dropContent(seen);
    // It may have been forgotten and have come again since.
    if (this.#seen.get(seen.idText) === seen) this.#seen.delete(seen.idText);
  }

  has(id: string): boolean {
    return this.#seen.has(id);
  }

  /** Ids that begin with `prefix`, at most `limit` of them. Looks at every id. */
  startingWith(prefix: string, limit: number): string[] {
    return idsStartingWith(this.#seen.keys(), prefix, limit);
  }

  message(id: string): VerifiedMessage | undefined {
    return this.#seen.get(id)?.content;
  }

  /** @returns true the first time that the message is to go along the tree of `root` */
  forwardFirst(id: string, root: string): boolean {
    const seen = this.#seen.get(id);
    if (!seen || seen.roots.includes(root) || seen.roots.length >= ROOTS_MAX) return false;
    seen.roots = [...seen.roots, root];
    return true;
  }

  /** What could not be stored is as if it had never come. */
  forget(id: string): void {
    const seen = this.#seen.get(id);
    if (seen) this.#drop(seen);
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
