/** What each tag costs, estimated between two looks at the store. */
import { LIMITS } from '../limits.ts';
import type { TagUse } from '../persistence.ts';
import type { Room } from './plan.ts';

interface Estimate {
  messages: number;
  bytes: number;
  readonly room: Room;
}

export class Estimates {
  readonly #roomOf: (use: TagUse) => Room;
  readonly #tags = new Map<string, Estimate>();

  constructor(roomOf: (use: TagUse) => Room) {
    this.#roomOf = roomOf;
  }

  /** Takes over what a look has found. */
  replace(tags: readonly TagUse[]): void {
    this.#tags.clear();
    for (const use of tags)
      this.#tags.set(use.tag, { messages: use.messages, bytes: use.bytes, room: this.#roomOf(use) });
  }

  /** Counts a message of somebody else. @returns whether the tag is over its limits now */
  add(tag: string, bytes: number): boolean {
    const estimate = this.#tags.get(tag) ?? this.#first(tag);
    estimate.bytes += bytes;
    estimate.messages++;
    const { messagesMax, bytesMax } = estimate.room;
    return estimate.bytes > bytesMax || estimate.messages > messagesMax;
  }

  #first(tag: string): Estimate {
    const room = this.#roomOf({ tag, messages: 0, bytes: 0, ownBytes: 0, floorHour: 0 });
    const estimate = { messages: 0, bytes: 0, room };
    this.#tags.set(tag, estimate);
    return estimate;
  }

  /** Whether a tag is so far over its limits that nothing more is taken until it is pruned. */
  isShut(tag: string): boolean {
    const estimate = this.#tags.get(tag);
    if (!estimate) return false;
    const { messagesMax, bytesMax } = estimate.room;
    return estimate.bytes > LIMITS.shutShare * bytesMax || estimate.messages > LIMITS.shutShare * messagesMax;
  }
}
