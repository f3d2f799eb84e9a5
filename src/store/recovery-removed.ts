/**
 * What a damaged database says of what was removed from it. Where a part of its log is lost, a page may be read as it was
 * before: a row stands in it that was removed, or has its content still, while other pages tell of the removal.
 *
 * None of this proves itself, so it is asked only about rows that may be such old ones.
 */
import { type Bytes, compare, toBase64url } from '../core/bytes.ts';
import { HOUR } from '../core/limits.ts';
import { AMENDS, amends } from '../core/message/amend.ts';
import { isMesh1Header } from '../core/message/mesh1-record.ts';
import { Message } from '../core/message/message.ts';
import { toTimeBytes } from '../core/message/time.ts';
import type { Storable } from './sqlite-writer.ts';

/** What a delete and its target have in common. */
interface Place {
  /** of the target */
  readonly id: Bytes;
  readonly author: Bytes;
  readonly channel: string;
}

function keyOf({ id, author, channel }: Place): string {
  return `${toBase64url(id)} ${toBase64url(author)} ${channel}`;
}

export class Removed {
  readonly #wallMs: number;
  readonly #floors = new Map<string, number>();
  /** time of the newest delete */
  readonly #deletes = new Map<string, Bytes>();
  #expiredMs = 0;

  /** @param wallMs now, ms since 1970: what claims to lie ahead of it is not believed */
  constructor(wallMs: number) {
    this.#wallMs = wallMs;
  }

  /** What had expired at `clockMs` was removed. */
  addExpiry(clockMs: number): void {
    this.#expiredMs = Math.min(clockMs, this.#wallMs);
  }

  /** What is older than the hour `floor` was removed. @returns false if that cannot be */
  addFloor(tag: string, floor: number): boolean {
    // The current hour may be above it already.
    if ((floor - 1) * HOUR > this.#wallMs) return false;
    this.#floors.set(tag, floor);
    return true;
  }

  /** @param time 8 bytes, of the delete */
  addDelete(place: Place, time: Bytes): void {
    const key = keyOf(place);
    const known = this.#deletes.get(key);
    if (known === undefined || compare(known, time) < 0) this.#deletes.set(key, time);
  }

  /** Whether a message that is none of our own had gone. */
  isGone({ time, expiresMs }: Storable, tag: string): boolean {
    const isExpired = expiresMs > 0 && expiresMs <= this.#expiredMs;
    return isExpired || time.timeMs < (this.#floors.get(tag) ?? 0) * HOUR;
  }

  /** Whether a message had lost its content to a delete of its author. */
  isDeleted(message: Storable): boolean {
    const what = message instanceof Message ? amends(message) : message.amends;
    if (what === AMENDS.deletes || isMesh1Header(message.bytes)) return false;
    const time = this.#deletes.get(keyOf(message));
    return time !== undefined && compare(toTimeBytes(message.time), time) <= 0;
  }
}
