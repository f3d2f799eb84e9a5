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

/** Links that get the same frames; made once for many messages. */
export interface Target {
  readonly links: readonly Link[];
  /** short id of the root, '' where the receiver becomes it */
  readonly root: string;
  readonly keep: boolean;
  readonly own: boolean;
  /** equal for targets whose messages go into one frame */
  readonly key: string;
}

interface Batch {
  readonly target: Target;
  messages: VerifiedMessage[];
  bytes: number;
}

export function targetOf(links: readonly Link[], { root, keep, own }: PushOptions): Target {
  const short = root === '' ? '' : shortId(root);
  const key = `${short}:${keep}:${own}:${links.map((link) => link.id).join()}`;
  return { links, root: short, keep, own, key };
}

export class Outbound {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #isDeleted: (message: Message) => boolean;
  #batches = new Map<string, Batch>();
  /** told when a link has really taken messages of local identities */
  onTaken: (messages: readonly Message[], link: Link) => void = () => undefined;

  /** @param isDeleted tells of messages that are given to nobody any more */
  constructor(ctx: Context, links: Links, isDeleted: (message: Message) => boolean) {
    this.#ctx = ctx;
    this.#isDeleted = isDeleted;
    this.#links = links;
  }

  push(target: Target, message: VerifiedMessage): void {
    if (target.links.length === 0 || this.#isDeleted(message.message)) return;
    let batch = this.#batches.get(target.key);
    const size = message.message.wire.length;
    const full =
      batch !== undefined &&
      (batch.bytes + size > LIMITS.messageItemsBytesMax ||
        batch.messages.length >= LIMITS.messagesPerFrameMax);
    if (batch && full) this.#send(batch);
    if (!batch || full) {
      batch = { target, messages: [], bytes: 0 };
      this.#batches.set(target.key, batch);
    }
    batch.messages.push(message);
    batch.bytes += size;
    this.#ctx.arm('flush', 0);
  }

  #send(batch: Batch): void {
    const { links, root, keep, own } = batch.target;
    const messages = batch.messages.map((verified) => verified.message);
    const frame = encodeFrame({ type: 'push', root, keep, messages });
    // What is to be kept is paced by its window, not by dropping.
    const droppable = !keep;
    const onFlushed = (link: Link): void => this.onTaken(messages, link);
    this.#links.sendBytes(links, frame, own ? { droppable, onFlushed } : { droppable });
  }

  flush(): void {
    const batches = this.#batches;
    if (batches.size === 0) return;
    this.#batches = new Map();
    for (const batch of batches.values()) this.#send(batch);
  }
}
