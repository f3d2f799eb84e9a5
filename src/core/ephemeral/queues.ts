/**
 * Ephemerals on their way out, a queue for each link. Of one run only the newest waits: it has all that the ones before it
 * had. The first one leaves at once; what comes within 100 ms behind it, or while its frame has not left, is gathered.
 *
 * Invariants:
 * 1. One small frame of them at most waits in the send queue of a link, so that they delay real messages by no more.
 * 2. A link never gets more than its other end takes of us: the same rate, half of it at once.
 * 3. What waits is bounded in number and in time; the oldest gives way.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { runKey } from '../message/ephemeral.ts';
import { isExpired } from '../message/message.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import { type BucketRate, TokenBuckets } from '../token-buckets.ts';
import type { EphemeralItem } from '../wire/frame.ts';
import { encodeFrame } from '../wire/frames.ts';

interface Waiting extends EphemeralItem {
  readonly sinceMs: number;
}

interface Queue {
  /** by run; in the order in which the runs came */
  readonly waiting: Map<string, Waiting>;
  /** when the last frame was given to the link, and whether it may still be in its send queue */
  sentMs: number;
  isUnderWay: boolean;
}

export class EphemeralQueues {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #rate: () => BucketRate;
  readonly #queues = new Map<Link, Queue>();
  readonly #buckets = new TokenBuckets<Link>(LIMITS.linksMax);

  /** @param rate what others take of us, ephemerals of one link */
  constructor(ctx: Context, links: Links, rate: () => BucketRate) {
    this.#ctx = ctx;
    this.#links = links;
    this.#rate = rate;
  }

  /** @param root short id, '' where the receiver becomes it */
  add(link: Link, root: string, verified: VerifiedMessage): void {
    const { message } = verified;
    const sinceMs = this.#ctx.now.monotonicMs;
    let queue = this.#queues.get(link);
    if (!queue) {
      queue = { waiting: new Map(), sentMs: Number.NEGATIVE_INFINITY, isUnderWay: false };
      this.#queues.set(link, queue);
    }
    queue.waiting.set(runKey(message), { root, message, sinceMs });
    if (queue.waiting.size > LIMITS.ephemeralQueueMax) forgetFirst(queue.waiting);
    this.#send(link, queue);
    if (queue.waiting.size > 0) this.#ctx.arm('ephemeral', LIMITS.ephemeralBatchMs);
  }

  /** Sends what may leave now. */
  flush(): void {
    let isLeft = false;
    for (const [link, queue] of this.#queues) {
      this.#send(link, queue);
      isLeft ||= queue.waiting.size > 0;
    }
    if (isLeft) this.#ctx.arm('ephemeral', LIMITS.ephemeralBatchMs);
  }

  #send(link: Link, queue: Queue): void {
    const now = this.#ctx.now.monotonicMs;
    const sinceMs = now - queue.sentMs;
    if (sinceMs < LIMITS.ephemeralBatchMs) return;
    if (queue.isUnderWay && sinceMs < LIMITS.ephemeralStallMs) return;
    const items = this.#take(link, queue, now);
    if (items.length === 0) return;
    queue.sentMs = now;
    queue.isUnderWay = true;
    // A frame that was dropped is never answered: then its time runs out.
    const onFlushed = (): void => {
      if (queue.sentMs === now) queue.isUnderWay = false;
    };
    const frame = encodeFrame({ type: 'ephemeral', items });
    this.#links.sendBytes([link], frame, { droppable: 'first', onFlushed });
  }

  /** The oldest runs that fit into one frame and the link's rate. */
  #take(link: Link, queue: Queue, now: number): EphemeralItem[] {
    const rate = this.#rate();
    const sendRate = { perSecond: rate.perSecond, burst: rate.burst / 2 };
    const room = this.#buckets.left(link, sendRate, now);
    const items: EphemeralItem[] = [];
    let bytes = 0;
    for (const [key, { root, message, sinceMs }] of queue.waiting) {
      const isOver = now - sinceMs > LIMITS.ephemeralWaitMs;
      if (!isOver && !isExpired(message.expiresMs, this.#ctx.now.wallMs)) {
        bytes += message.wire.length + 10;
        if (items.length >= room || (items.length > 0 && bytes > LIMITS.ephemeralFrameBytes)) break;
        items.push({ root, message });
      }
      queue.waiting.delete(key);
    }
    if (items.length > 0) this.#buckets.take(link, sendRate, now, items.length);
    return items;
  }

  down(link: Link): void {
    this.#queues.delete(link);
    this.#buckets.forget(link);
  }

  /** the most that wait for one link */
  get longest(): number {
    return Math.max(0, ...[...this.#queues.values()].map(({ waiting }) => waiting.size));
  }
}

function forgetFirst(waiting: Map<string, Waiting>): void {
  for (const key of waiting.keys()) {
    waiting.delete(key);
    return;
  }
}
