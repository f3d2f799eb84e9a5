/**
 * The sums of one channel by hours and minutes: read from the store, and told to whoever shows a sum that differs. They are
 * told one channel after the other, each when the last one has left: a thousand long channels at once would overflow the
 * send queue, and the link would end for it each time.
 */
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import type { Shared } from '../interest/interest.ts';
import { HOUR, LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Footprint } from '../peer-types.ts';
import type { Bucket, Sum } from '../persistence.ts';
import type { BucketSum } from '../wire/frame.ts';
import { fingerprint } from './fingerprint.ts';

interface Told extends Shared {
  readonly untilMinute: number;
}

interface Queue {
  /** the first one is under way */
  readonly channels: Told[];
  sinceMs: number;
}

/** Minutes since 1970 from which on buckets are minutes and not hours. */
export function minutesFrom(wallMs: number): number {
  return (Math.floor(wallMs / HOUR) - (LIMITS.minuteSumHours - 1)) * 60;
}

/** @param minutesFromMinute from which minute on they are minutes and not hours */
export function bucketsQuery({ tag, floorHour }: Shared, untilMinute: number, minutesFromMinute: number) {
  const window = { tag, fromMinute: floorHour * 60, untilMinute };
  return { kind: 'buckets', window, minutesFromMinute } as const;
}

export class Buckets {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #queues = new Map<LinkId, Queue>();

  constructor(ctx: Context, links: Links) {
    this.#ctx = ctx;
    this.#links = links;
  }

  print(sum: Sum): Bytes {
    return fingerprint(this.#ctx.config.sha256, sum);
  }

  /** Tells the buckets of these channels. Above as many as a link can share they are left to a later comparison. */
  tell(link: Link, channels: readonly Shared[], untilMinute: number): void {
    if (link.phase !== 'up') return;
    const queue = this.#queues.get(link.id) ?? { channels: [], sinceMs: 0 };
    const before = queue.channels.length;
    for (const { tag, floorHour } of channels.slice(0, LIMITS.sharedChannelsMax - before))
      queue.channels.push({ tag, floorHour, untilMinute });
    this.#queues.set(link.id, queue);
    if (before === 0) this.#next(link, queue);
  }

  #next(link: Link, queue: Queue): void {
    const [first] = queue.channels;
    if (first === undefined) {
      this.#queues.delete(link.id);
      return;
    }
    queue.sinceMs = this.#ctx.now.monotonicMs;
    const done = (): void => {
      if (queue.channels[0] === first) this.#over(link, queue);
    };
    const minutes = minutesFrom(this.#ctx.now.wallMs);
    const then = (buckets: readonly Bucket[]): void => {
      if (link.phase === 'up') this.#send(link, first, minutes, buckets, done);
    };
    this.#ctx.read(bucketsQuery(first, first.untilMinute, minutes), ({ buckets }) => then(buckets), done);
  }

  #over(link: Link, queue: Queue): void {
    queue.channels.shift();
    if (this.#queues.get(link.id) === queue) this.#next(link, queue);
  }

  /** Once a second: of a frame that waits for long it may have been forgotten that we want to know when it leaves. */
  tick(): void {
    for (const [id, queue] of this.#queues) {
      const link = this.#links.get(id);
      if (link && this.#ctx.now.monotonicMs - queue.sinceMs > LIMITS.requestMs) this.#over(link, queue);
    }
  }

  #send(link: Link, told: Told, minutes: number, buckets: readonly Bucket[], onFlushed: () => void): void {
    const sums = buckets.slice(-LIMITS.bucketsPerFrameMax).map((b): BucketSum => {
      return { startMinute: b.startMinute, minutes: b.minutes, fingerprint: this.print(b) };
    });
    this.#links.send(link, { type: 'buckets', ...told, minutesFrom: minutes, buckets: sums }, { onFlushed });
  }

  /** Whether something is still to be told over this link. */
  isBusy(link: Link): boolean {
    return this.#queues.has(link.id);
  }

  footprint(): Footprint {
    const longest = Math.max(0, ...[...this.#queues.values()].map(({ channels }) => channels.length));
    return { bucketsToTellOneLink: { size: longest, max: LIMITS.sharedChannelsMax } };
  }

  down(link: Link): void {
    this.#queues.delete(link.id);
  }
}
