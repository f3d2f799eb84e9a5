/**
 * Messages on their way out, gathered until the end of the turn: many messages go into one frame, and a frame that
 * several links get is serialised once.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import { type Links, shortId } from '../link/links.ts';
import type { Message } from '../message/message.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import { encodeFrame } from '../wire/frames.ts';

export interface PushOptions {
  /** peer id of the root, or '' where the receiver becomes it */
  readonly root: string;
  readonly keep: boolean;
  /** of a local identity */
  readonly own: boolean;
}

interface Batch {
  readonly links: readonly Link[];
  /** short id of the root, '' where the receiver becomes it */
  readonly root: string;
  readonly keep: boolean;
  readonly own: boolean;
  messages: VerifiedMessage[];
  bytes: number;
}

export class Outbound {
  readonly #ctx: Context;
  readonly #links: Links;
  #batches = new Map<string, Batch>();
  /** told when a link has really taken messages of local identities */
  onTaken: (messages: readonly Message[]) => void = () => undefined;

  constructor(ctx: Context, links: Links) {
    this.#ctx = ctx;
    this.#links = links;
  }

  push(links: readonly Link[], message: VerifiedMessage, options: PushOptions): void {
    if (links.length === 0) return;
    const root = options.root === '' ? '' : shortId(options.root);
    const key = `${root}:${options.keep}:${options.own}:${links.map((link) => link.id).join()}`;
    let batch = this.#batches.get(key);
    const size = message.message.wire.length;
    const full =
      batch !== undefined &&
      (batch.bytes + size > LIMITS.messageItemsBytesMax ||
        batch.messages.length >= LIMITS.messagesPerFrameMax);
    if (batch && full) this.#send(batch);
    if (!batch || full) {
      batch = { links, root, keep: options.keep, own: options.own, messages: [], bytes: 0 };
      this.#batches.set(key, batch);
    }
    batch.messages.push(message);
    batch.bytes += size;
    this.#ctx.arm('flush', 0);
  }

  #send(batch: Batch): void {
    const messages = batch.messages.map((verified) => verified.message);
    const frame = encodeFrame({ type: 'push', root: batch.root, keep: batch.keep, messages });
    // What is to be kept is paced by its window, not by dropping.
    const droppable = !batch.keep;
    const onFlushed = (): void => this.onTaken(messages);
    this.#links.sendBytes(batch.links, frame, batch.own ? { droppable, onFlushed } : { droppable });
  }

  flush(): void {
    const batches = this.#batches;
    if (batches.size === 0) return;
    this.#batches = new Map();
    for (const batch of batches.values()) this.#send(batch);
  }
}
