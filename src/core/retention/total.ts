/** What everything that is stored costs, estimated between two looks at the store, and how much that may be. */
import { LIMITS } from '../limits.ts';
import type { Message } from '../message/message.ts';
import { ROW_BYTES, type TagUse } from '../persistence.ts';

/** New bytes after which everything is looked at again (guess). */
const REVIEW_BYTES = 16 * 1024 * 1024;

export class Total {
  #bytes = 0;
  #capacity = Number.MAX_SAFE_INTEGER;
  /** since the last round began */
  #added = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** By what is set, and by what the disk has left. */
  get capacity(): number {
    return this.#capacity;
  }

  begin(): void {
    this.#added = 0;
  }

  /** @param freeBytes of the disk. @param bytesAll what is set for everything */
  look(tags: readonly TagUse[], freeBytes: number, bytesAll: number): void {
    this.#bytes = tags.reduce((sum, use) => sum + use.bytes + use.ownBytes, 0);
    const disk = this.#bytes + freeBytes - LIMITS.diskReserveBytes;
    this.#capacity = Math.max(0, Math.min(bytesAll, disk));
  }

  /** @returns whether it is time to look again */
  add(bytes: number): boolean {
    this.#bytes += bytes;
    this.#added += bytes;
    return this.#added > REVIEW_BYTES || this.#bytes > this.#capacity;
  }

  /** What was counted was not stored. */
  remove(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** Bytes that a message counts for before the store has told. */
export function sizeOf(message: Message): number {
  return message.wire.length + ROW_BYTES;
}
