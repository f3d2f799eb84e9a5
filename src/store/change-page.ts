/**
 * One page of changes, as both stores fill it. Anybody can write an edit or a delete of a few hundred bytes that leads to many
 * long posts, and a page is read in one turn of the event loop. So:
 *
 * 1. A post is looked at once in a page, and told with the last edit or delete of the page that changed it: how it is now is
 *    the same for all of them.
 * 2. What is looked at counts: edits, deletes and posts towards the limit of the page, and the bytes of posts towards
 *    {@link LIMITS.changesBytesMax}. The page ends with the edit or delete that reaches either.
 * 3. One edit or delete is never divided, so a page always gets on. An edit leads to {@link LIMITS.refsMax} posts at most, a
 *    delete to those of as many edits.
 */
import { LIMITS } from '../core/limits.ts';
import { isExpired } from '../core/message/message.ts';
import type { Change, ChangePage, StoredMessage } from './store.ts';

/** What an edit or a delete leads to. */
export interface Amended {
  readonly arrival: number;
  readonly channel: string;
  /** id texts of posts that it deleted */
  readonly deleted: readonly string[];
  /** id texts of posts that it edited, or whose edit it deleted */
  readonly edited: ReadonlySet<string>;
}

interface Look {
  /** of the last edit or delete that changed it */
  readonly arrival: number;
  /** `undefined` where nobody is shown it */
  readonly stored: StoredMessage | undefined;
}

interface Parts {
  readonly limit: number;
  readonly wallMs: number;
  /** a post by its id text, as clients see it; `undefined` where it is not held */
  readonly read: (id: string) => StoredMessage | undefined;
}

export class ChangePageFill {
  readonly #parts: Parts;
  readonly #amended: Amended[] = [];
  readonly #looks = new Map<string, Look>();
  #left: number;
  #bytes = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#left = parts.limit;
  }

  /** The next edit or delete, `undefined` if it leads to nothing. @returns whether the page ends with it */
  add(amended: Amended | undefined): boolean {
    this.#left--;
    if (amended !== undefined) {
      this.#amended.push(amended);
      for (const id of amended.edited) this.#look(id, amended.arrival);
    }
    return this.#left <= 0 || this.#bytes >= LIMITS.changesBytesMax;
  }

  /** @param next where to go on, `undefined` at the end */
  page(next: number | undefined): ChangePage {
    const edited = new Map<number, StoredMessage[]>();
    for (const { arrival, stored } of this.#looks.values())
      if (stored !== undefined) edited.set(arrival, [...(edited.get(arrival) ?? []), stored]);
    const changes = this.#amended.map(({ arrival, channel, deleted }): Change => {
      return { arrival, channel, deleted, edited: edited.get(arrival) ?? [] };
    });
    return { changes: changes.filter((one) => one.deleted.length + one.edited.length > 0), next };
  }

  #look(id: string, arrival: number): void {
    const known = this.#looks.get(id);
    this.#looks.set(id, { arrival, stored: known ? known.stored : this.#read(id) });
  }

  #read(id: string): StoredMessage | undefined {
    this.#left--;
    const stored = this.#parts.read(id);
    if (stored === undefined) return undefined;
    const { message } = stored.message;
    this.#bytes += message.wire.length + (stored.edit?.message.wire.length ?? 0);
    return isExpired(message.expiresMs, this.#parts.wallMs) ? undefined : stored;
  }
}
