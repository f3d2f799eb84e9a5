/** Frames on their way out: the effects that send them, and who is to be told when one has left our queue. */
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Droppable } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from './link.ts';

export interface SendOptions {
  /** may be dropped when the queue is full, `first` long before that */
  readonly droppable?: Droppable;
  /** called once the frame has left our queue; never if it was dropped or the link ended */
  readonly onFlushed?: (link: Link) => void;
}

export class Sending {
  readonly #ctx: Context;
  /** number of the last frame of which we want to know when it has left */
  #notified = 0;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** The same bytes over all of these links. */
  bytes(links: readonly Link[], frame: Bytes, { droppable = false, onFlushed }: SendOptions): void {
    const open = links.filter(({ phase }) => phase !== 'closed');
    for (const link of open) link.carrier?.send(frame, onFlushed && (() => onFlushed(link)));
    const direct = open.filter(({ carrier }) => !carrier);
    if (direct.length === 0) return;
    const notify = this.#await(direct, onFlushed);
    this.#ctx.emit({ kind: 'send', links: direct.map(({ id }) => id), frame, droppable, notify });
  }

  /** A text for a mesh/1 peer. */
  text(link: Link, text: string, onFlushed?: (link: Link) => void): void {
    if (link.phase !== 'mesh1') return;
    this.#ctx.emit({ kind: 'send-text', link: link.id, text, notify: this.#await([link], onFlushed) });
  }

  /** @returns the number of the notice, 0 where nobody waits for one */
  #await(links: readonly Link[], onFlushed: ((link: Link) => void) | undefined): number {
    if (!onFlushed) return 0;
    const notify = ++this.#notified;
    for (const { unflushed } of links) {
      unflushed.set(notify, onFlushed);
      // Dropped frames are never answered: the oldest ones are those.
      const [oldest] = unflushed.keys();
      if (unflushed.size > LIMITS.unflushedMax && oldest !== undefined) unflushed.delete(oldest);
    }
    return notify;
  }

  /** A frame has left our queue. */
  flushed(link: Link, notify: number): void {
    const onFlushed = link.unflushed.get(notify);
    link.unflushed.delete(notify);
    if (link.phase === 'up' || link.phase === 'mesh1') onFlushed?.(link);
  }
}
