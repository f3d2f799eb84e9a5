/**
 * Messages that passed lately: whose id need not be looked up or verified again, along which trees they were forwarded,
 * and, within a budget of bytes, the messages themselves for those who ask for them by id.
 *
 * Invariant: an id is here only after its signature and write rule have passed.
 */

import { toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { AMENDS, isDelete, targetsOf } from '../message/amend.ts';
import type { Message } from '../message/message.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import type { Footprint } from '../peer-types.ts';
import { idsStartingWith } from '../recent.ts';
import { Deletions } from './deletions.ts';

interface Seen {
  readonly idText: string;
  readonly atMs: number;
  /** peer ids of the roots along whose trees it was forwarded */
  roots: readonly string[];
  /** of what decides where copies go, when it was last forwarded */
  version: number;
  /** undefined once it is over the budget of bytes */
  content: VerifiedMessage | undefined;
}

/** roots remembered per message: more means that somebody plays with them (guess) */
const ROOTS_MAX = 4;
const NO_ROOTS: readonly string[] = [];
const NEVER = -1;
/** places of forgotten messages at the front of the queue, and behind it, before it is made anew (guess) */
const GONE_MAX = 4096;

export class SeenMessages {
  readonly #seen = new Map<string, Seen>();
  readonly #deletions = new Deletions();
  /**
   * All of them, oldest first, and some that are forgotten (they count, so it is bounded). A Map keeps the order too,
   * but its first entry is found by walking over the places of all that were deleted before it: 20 us a message once
   * the budget is full.
   */
  #queue: Seen[] = [];
  /** before this index there are no ids any more, and before the other no contents */
  #idsFrom = 0;
  #contentsFrom = 0;
  /** places of forgotten messages behind the front */
  #gone = 0;
  #bytes = 0;
  /** Frames that messages are views into, with how many: a small one keeps the whole frame in memory. */
  readonly #frames = new Map<ArrayBufferLike, number>();

  add(message: VerifiedMessage, nowMs: number): void {
    const { idText, wire } = message.message;
    if (this.#seen.has(idText)) return;
    const seen: Seen = { idText, atMs: nowMs, roots: NO_ROOTS, version: NEVER, content: message };
    this.#seen.set(idText, seen);
    this.#queue.push(seen);
    const count = this.#frames.get(wire.buffer) ?? 0;
    this.#frames.set(wire.buffer, count + 1);
    if (count === 0) this.#bytes += wire.buffer.byteLength;
    this.deleted(message);
    this.#shrink(nowMs);
  }

  /** If it is a delete, what it counts for is given to nobody any more. */
  deleted({ message: deletion }: VerifiedMessage): void {
    if (!isDelete(deletion)) return;
    this.#deletions.note(deletion);
    for (const id of targetsOf(deletion.refs, AMENDS.deletes)) {
      const target = this.#seen.get(toBase64url(id));
      if (target?.content && this.isDeleted(target.content.message)) this.#dropContent(target);
    }
  }

  /** Whether a delete that was verified lately counts for this message. */
  isDeleted(message: Message): boolean {
    return this.#deletions.has(message);
  }

  #shrink(nowMs: number): void {
    for (let seen = this.#queue[this.#idsFrom]; seen; seen = this.#queue[++this.#idsFrom]) {
      if (nowMs - seen.atMs <= LIMITS.seenMs && this.#seen.size <= LIMITS.seenMax) break;
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

  /** @param version of the map and the interest by which it goes. @returns true the first time that the message is to go
   *  along the tree of `root` */
  forwardFirst(id: string, root: string, version: number): boolean {
    const seen = this.#seen.get(id);
    if (!seen || seen.roots.includes(root) || seen.roots.length >= ROOTS_MAX) return false;
    seen.roots = [...seen.roots, root];
    seen.version = version;
    return true;
  }

  /** Whether a message was forwarded by this version of the map and the interest, and by no other since. */
  wasForwardedBy(id: string, version: number): boolean {
    return this.#seen.get(id)?.version === version;
  }

  /** What could not be stored is as if it had never come. */
  forget(id: string): void {
    const seen = this.#seen.get(id);
    if (!seen) return;
    this.#drop(seen);
    this.#gone += 1;
    if (this.#gone > Math.max(GONE_MAX, this.#seen.size)) this.#closeRanks();
  }

  /** Takes the places of forgotten messages out of the queue: as many steps as there were, times two. */
  #closeRanks(): void {
    this.#queue = this.#queue.slice(this.#idsFrom).filter((seen) => this.#seen.get(seen.idText) === seen);
    const first = this.#queue.findIndex(({ content }) => content !== undefined);
    this.#contentsFrom = first < 0 ? this.#queue.length : first;
    this.#idsFrom = 0;
    this.#gone = 0;
  }

  tick(nowMs: number): void {
    this.#shrink(nowMs);
  }

  footprint(): Footprint {
    return {
      seen: { size: this.#seen.size, max: LIMITS.seenMax },
      deletions: { size: this.#deletions.size, max: LIMITS.deletionsMax },
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
