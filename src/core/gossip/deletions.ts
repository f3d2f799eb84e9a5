/**
 * Deletes that were verified lately. The store knows them all; this one answers while a message and its delete cross each
 * other, between a look at the store and what follows from it. What is forgotten here costs a copy that whoever gets it drops.
 */
import { toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { AMENDS, type Amendable, countsFor, isDeletable, targetsOf } from '../message/amend.ts';
import type { Message } from '../message/message.ts';
import { compareTime } from '../message/time.ts';
import { Recent } from '../recent.ts';

export class Deletions {
  /** by target and author, so that nobody pushes out what others deleted with deletes of the same */
  readonly #recent = new Recent<Amendable>(LIMITS.deletionsMax);

  /** @param deletion verified, and a delete */
  note({ author, channel, time, refs }: Message): void {
    for (const id of targetsOf(refs, AMENDS.deletes)) {
      const place = placeOf(toBase64url(id), author);
      const known = this.#recent.get(place);
      // Without the frame that it came in.
      if (!known || compareTime(time, known.time) > 0)
        this.#recent.set(place, { author: author.slice(), channel, time });
    }
  }

  /** Whether one of them counts for this message. */
  has(message: Message): boolean {
    if (this.#recent.size === 0) return false;
    const known = this.#recent.get(placeOf(message.idText, message.author));
    return known !== undefined && isDeletable(message) && countsFor(known, message);
  }

  get size(): number {
    return this.#recent.size;
  }
}

const placeOf = (idText: string, author: Uint8Array): string => `${idText} ${toBase64url(author)}`;
