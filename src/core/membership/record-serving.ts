/**
 * Answers to `want`: one frame at a time, the next one when the last has left. A neighbour that asks for much, or again and
 * again for the same, waits for its own link and fills no queue.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { RecordHead } from '../wire/frame.ts';
import { HeadMap } from './head-map.ts';
import type { Kept, RecordStore } from './record-store.ts';

interface Queue {
  /** what is still to be looked up, each relay and kind once: as the neighbour asked for it last */
  readonly heads: HeadMap<RecordHead>;
  /** what was looked up and has not been sent: the rest of one chain */
  items: Kept[];
  isSending: boolean;
  sentMs: number;
}

/** An item with its head, and the signature. */
const ITEM_BYTES = 80;

export class RecordServing {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #store: RecordStore;
  readonly #queues = new Map<Link, Queue>();

  constructor(ctx: Context, links: Links, store: RecordStore) {
    this.#ctx = ctx;
    this.#links = links;
    this.#store = store;
  }

  request(link: Link, heads: readonly RecordHead[]): void {
    const queue = this.#queues.get(link) ?? { heads: new HeadMap(), items: [], isSending: false, sentMs: 0 };
    for (const head of heads) if (this.#store.has(head)) queue.heads.set(head, head);
    this.#queues.set(link, queue);
    if (!queue.isSending) this.#next(link, queue);
  }

  #next(link: Link, queue: Queue): void {
    const records = this.#take(queue);
    queue.isSending = records.length > 0;
    if (!queue.isSending || link.phase !== 'up') {
      this.#queues.delete(link);
      return;
    }
    queue.sentMs = this.#ctx.now.monotonicMs;
    const onFlushed = (): void => {
      if (this.#queues.get(link) === queue) this.#next(link, queue);
    };
    this.#links.send(link, { type: 'records', records }, { onFlushed });
  }

  /** As much as goes into a frame. */
  #take(queue: Queue): Kept[] {
    const taken: Kept[] = [];
    let size = 0;
    while (taken.length < LIMITS.recordsPerFrameMax) {
      const [item] = queue.items;
      if (item === undefined) {
        const [next] = queue.heads.values();
        if (next === undefined) break;
        queue.heads.delete(next);
        queue.items = [...this.#store.since(next)];
        continue;
      }
      size += item.bytes.length + ITEM_BYTES;
      if (size > LIMITS.messageItemsBytesMax && taken.length > 0) break;
      queue.items.shift();
      taken.push(item);
    }
    return taken;
  }

  /** Once a second: of a frame that waits for long it may have been forgotten that we want to know when it leaves. */
  tick(): void {
    for (const [link, queue] of this.#queues)
      if (this.#ctx.now.monotonicMs - queue.sentMs > LIMITS.requestMs) this.#next(link, queue);
  }

  down(link: Link): void {
    this.#queues.delete(link);
  }

  /** heads that the neighbour with most of them waits for */
  get longest(): number {
    return Math.max(0, ...Array.from(this.#queues.values(), ({ heads }) => heads.size));
  }
}
