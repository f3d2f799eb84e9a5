/**
 * Gaps in the chains of authors. In an open channel each message names the one before it; where a message that has just
 * come names one that is not known here, that one was lost on the way, and somebody who holds the channel may have it. It
 * is asked for before catch-up would find it: catch-up leaves out the last minute.
 *
 * Invariants:
 * 1. Nothing waits for a gap: the message that showed it is stored, shown and passed on.
 * 2. What is asked for is bounded by what came: a few requests for each message, and none for what catch-up brings.
 * 3. What a gap brings counts against the rate of its author like anything that comes by itself.
 */
import { type Bytes, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Interest } from '../interest/interest.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Message } from '../message/message.ts';
import type { Fetcher } from '../sync/fetcher.ts';
import type { SeenMessages } from './seen.ts';

interface Gap {
  readonly id: Bytes;
  readonly tag: string;
  /** how many gaps in a row led to this one */
  readonly depth: number;
  /** neighbours that the message after it came by */
  readonly from: readonly Link[];
  /** how often it was asked for */
  tries: number;
  dueMs: number;
}

export interface GapsParts {
  readonly links: Links;
  readonly interest: Interest;
  readonly fetcher: Fetcher;
  readonly seen: SeenMessages;
}

export class Gaps {
  readonly #ctx: Context;
  readonly #parts: GapsParts;
  /** by the id that is missing, oldest first */
  readonly #gaps = new Map<string, Gap>();
  /** told of a channel in which the neighbours do not have what is missing */
  onUnfilled: (tag: string) => void = () => undefined;

  constructor(ctx: Context, parts: GapsParts) {
    this.#ctx = ctx;
    this.#parts = parts;
  }

  get size(): number {
    return this.#gaps.size;
  }

  /** A message is stored that names one that is not known here. */
  found({ prev, idText }: Pick<Message, 'prev' | 'idText'>, tag: string, from: readonly Link[]): void {
    const depth = 1 + (this.#gaps.get(idText)?.depth ?? 0);
    const missing = toBase64url(prev);
    if (depth > LIMITS.gapDepthMax || this.#gaps.size >= LIMITS.gapsMax || this.#gaps.has(missing)) return;
    const dueMs = this.#ctx.now.monotonicMs + LIMITS.gapWaitMs;
    this.#gaps.set(missing, { id: prev.slice(), tag, depth, from, tries: 0, dueMs });
  }

  /** A message is stored: it is missing no more. To be called after {@link found} for it. */
  filled(idText: string): void {
    this.#gaps.delete(idText);
  }

  /** Once a second: what has not come by itself is looked up and asked for. */
  tick(): void {
    if (this.#gaps.size === 0) return;
    const now = this.#ctx.now.monotonicMs;
    const due: Gap[] = [];
    for (const gap of this.#gaps.values()) {
      if (due.length >= LIMITS.gapsPerSecond) break;
      if (gap.dueMs <= now) due.push(gap);
    }
    if (due.length === 0) return;
    // Until the answer is there nobody asks again.
    for (const gap of due) gap.dueMs = now + LIMITS.gapRetryMs;
    this.#ctx.read({ kind: 'has', ids: due.map(({ id }) => id) }, ({ holdings }) => {
      due.forEach((gap, i) => {
        const idText = toBase64url(gap.id);
        // What passed here and was not stored lies below our floor.
        if (holdings[i] === 'unknown' && !this.#parts.seen.has(idText)) this.#ask(gap, idText);
        else this.#gaps.delete(idText);
      });
    });
  }

  #ask(gap: Gap, idText: string): void {
    const { links, interest, fetcher } = this.#parts;
    if (gap.tries > 0) this.onUnfilled(gap.tag);
    if (gap.tries === LIMITS.gapTriesMax) {
      this.#gaps.delete(idText);
      return;
    }
    gap.tries++;
    gap.dueMs = this.#ctx.now.monotonicMs + LIMITS.gapRetryMs * gap.tries;
    const others = links.all().filter((link) => !gap.from.includes(link) && interest.isShared(link, gap.tag));
    const all = [...gap.from, ...this.#ctx.random.shuffle(others)];
    fetcher.want(gap.id, all, 'live');
  }
}
