/**
 * Two links with one peer, of which the older is preferred if it lives: it is pinged, and any frame on it ends the newer.
 * If it stays silent, or ends by itself, the newer takes its place.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { type Link, nextPing } from './link.ts';

interface Contest {
  readonly older: Link;
  readonly newer: Link;
  askedMs: number;
}

export interface ContestHost {
  readonly send: (link: Link, frame: ReturnType<typeof nextPing>) => void;
  readonly close: (link: Link, code: 'duplicate_link' | 'timed_out', detail: string) => void;
  readonly raise: (link: Link) => void;
  /** the link that counts as the one with this peer */
  readonly current: (peer: string) => Link | undefined;
}

export class Contests {
  readonly #ctx: Context;
  readonly #host: ContestHost;
  readonly #contests: Contest[] = [];

  constructor(ctx: Context, host: ContestHost) {
    this.#ctx = ctx;
    this.#host = host;
  }

  begin(older: Link, newer: Link): void {
    this.#host.send(older, nextPing(older, this.#ctx.now.monotonicMs));
    this.#contests.push({ older, newer, askedMs: this.#ctx.now.monotonicMs });
  }

  isNewer(link: Link): boolean {
    return this.#contests.some(({ newer }) => newer === link);
  }

  /** A link that must show life does. */
  showsLife(older: Link): void {
    for (const contest of this.#contests)
      if (contest.older === older)
        this.#host.close(contest.newer, 'duplicate_link', 'the older link is alive');
  }

  /** We stood still: that is not the silence of the older links. */
  forgive(later: (ms: number) => number): void {
    for (const contest of this.#contests) contest.askedMs = later(contest.askedMs);
  }

  /** Once a second. */
  settle(): void {
    for (let i = this.#contests.length - 1; i >= 0; i--) {
      const { older, newer, askedMs } = this.#contests[i] as Contest;
      const waitedMs = this.#ctx.now.monotonicMs - askedMs;
      const over = older.phase === 'closed' || waitedMs >= LIMITS.duplicatePingMs;
      if (!over && newer.phase !== 'closed') continue;
      this.#contests.splice(i, 1);
      if (newer.phase === 'closed') continue;
      if ((this.#host.current(newer.peer) ?? older) !== older) {
        this.#host.close(newer, 'duplicate_link', 'another link took over');
      } else {
        if (older.phase === 'up') this.#host.close(older, 'timed_out', 'no answer to a ping');
        this.#host.raise(newer);
      }
    }
  }
}
