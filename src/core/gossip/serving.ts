/**
 * Serving messages by id. What a neighbour asks for is queued (bounded) and answered a frame at a time, the next one
 * when the last has left, so that a slow reader costs a queue of ids and not one of messages.
 */

import { type Bytes, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { type Tombstone, tombstoneBytes } from '../message/header.ts';
import { isExpired, type Message } from '../message/message.ts';
import type { Footprint } from '../peer-types.ts';
import type { SeenMessages } from './seen.ts';

/** ids read from the store at once: at 400 bytes a message they fill half a frame (guess) */
const READ_MAX = 128;
/** ids read first, before it is known how many fill a frame: two of the largest messages do, 300 small ones (guess) */
const READ_FIRST = 32;

interface Queue {
  ids: Bytes[];
  busy: boolean;
  /** ids to read next: twice what fitted into the last frame, so that little is read in vain */
  take: number;
}

export class Serving {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #seen: SeenMessages;
  readonly #queues = new Map<Link, Queue>();
  /** told which messages a link took */
  onServed: (messages: readonly Message[], link: Link) => void = () => undefined;

  constructor(ctx: Context, links: Links, seen: SeenMessages) {
    this.#ctx = ctx;
    this.#links = links;
    this.#seen = seen;
  }

  request(link: Link, ids: readonly Bytes[]): void {
    const queue = this.#queues.get(link) ?? { ids: [], busy: false, take: READ_FIRST };
    this.#queues.set(link, queue);
    if (queue.ids.length + ids.length > LIMITS.servingMax) {
      this.#links.offend(link, 'unasked', `more than ${LIMITS.servingMax} ids asked for at once`);
      return;
    }
    for (const id of ids) queue.ids.push(id);
    if (!queue.busy) this.#next(link, queue);
  }

  #next(link: Link, queue: Queue): void {
    const ids = queue.ids.slice(0, queue.take);
    if (ids.length === 0) {
      this.#queues.delete(link);
      return;
    }
    queue.busy = true;
    const nothing = (): void => this.#answer(link, queue, ids, () => undefined);
    this.#ctx.read(
      { kind: 'messages', ids },
      ({ messages }) => {
        if (link.phase !== 'up') return;
        const rest = ids.filter((_, i) => messages[i] === undefined);
        if (rest.length === 0) return this.#answer(link, queue, ids, (i) => messages[i]?.message);
        this.#ctx.read(
          { kind: 'tombstones', ids: rest },
          ({ tombstones }) => {
            if (link.phase !== 'up') return;
            const graves = tombstones.values();
            const items = messages.map((message) => message?.message ?? graves.next().value);
            this.#answer(link, queue, ids, (i) => items[i]);
          },
          nothing,
        );
      },
      nothing,
    );
  }

  #answer(
    link: Link,
    queue: Queue,
    ids: readonly Bytes[],
    stored: (i: number) => Message | Tombstone | undefined,
  ): void {
    const messages: Message[] = [];
    const tombstones: Tombstone[] = [];
    const notHeld: Bytes[] = [];
    let size = 0;
    let done = 0;
    for (const [i, id] of ids.entries()) {
      const held = stored(i) ?? this.#seen.message(toBase64url(id))?.message;
      const item = held && this.#isServed(held) ? held : undefined;
      const bytes = item === undefined ? 34 : 'header' in item ? tombstoneBytes(item) : item.wire.length;
      if (size + bytes > LIMITS.messageItemsBytesMax) break;
      size += bytes;
      done++;
      if (item === undefined) notHeld.push(id);
      else if ('header' in item) tombstones.push(item);
      else messages.push(item);
    }
    queue.ids = queue.ids.slice(done);
    queue.take = Math.min(2 * done, READ_MAX);
    const onFlushed = (): void => {
      this.onServed(messages, link);
      this.#flushed(link);
    };
    const buried = tombstones.length > 0 && { tombstones };
    this.#links.send(link, { type: 'fetched', messages, notHeld, ...buried }, { onFlushed });
  }

  /** What has expired is refused by whoever gets it. A delete may have come since its target was read: the next time there is
   *  a tombstone. */
  #isServed(held: Message | Tombstone): boolean {
    const { expiresMs } = 'header' in held ? held.header : held;
    if (isExpired(expiresMs, this.#ctx.now.wallMs)) return false;
    return 'header' in held || !this.#seen.isDeleted(held);
  }

  /** The last answer has left: the next one may. */
  #flushed(link: Link): void {
    const queue = this.#queues.get(link);
    if (!queue?.busy) return;
    queue.busy = false;
    this.#next(link, queue);
  }

  /** Whether something that this link asked for has not left yet. */
  isBusy(link: Link): boolean {
    return this.#queues.has(link);
  }

  footprint(): Footprint {
    const longest = Math.max(0, ...[...this.#queues.values()].map(({ ids }) => ids.length));
    return { servingIdsOfOneLink: { size: longest, max: LIMITS.servingMax } };
  }

  down(link: Link): void {
    this.#queues.delete(link);
  }
}
