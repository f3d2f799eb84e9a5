/**
 * The two signed records of this relay: made anew when their content has changed, at most once a second and rarer while
 * it goes on changing, and at the latest every 20 minutes. One that flaps does not drag the other along.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { RECORD } from '../wire/frame.ts';
import type { Flood } from './flood.ts';
import type { RelayMap } from './map.ts';
import { type SignedContent, toSet } from './records.ts';

export interface OwnRecordsHost {
  readonly map: RelayMap;
  readonly flood: Flood;
  /** peer ids of overlay neighbours */
  readonly links: () => Iterable<string>;
  readonly urls: () => readonly string[];
  readonly tags: () => Iterable<string>;
  /** an own record changed the map */
  readonly published: () => void;
}

/** How often one record may be made anew: twice as rarely each time that it changes again soon. */
class Pace {
  #everyMs: number = LIMITS.recordMinMs;
  #lastMs = Number.NEGATIVE_INFINITY;

  waitMs(nowMs: number): number {
    return this.#lastMs + this.#everyMs - nowMs;
  }

  made(nowMs: number): void {
    const isFlapping = nowMs - this.#lastMs < 4 * this.#everyMs;
    this.#everyMs = isFlapping ? Math.min(2 * this.#everyMs, LIMITS.recordFlapMs) : LIMITS.recordMinMs;
    this.#lastMs = nowMs;
  }
}

export class OwnRecords {
  readonly #ctx: Context;
  readonly #host: OwnRecordsHost;
  readonly #pace = { peer: new Pace(), interest: new Pace() };
  #sequence = 0;
  /** when both records were last made, changed or not */
  #renewedMs = Number.NEGATIVE_INFINITY;
  /** what the records say; undefined: nothing yet that counts */
  #peer: string | undefined;
  #interest: string | undefined;

  constructor(ctx: Context, host: OwnRecordsHost) {
    this.#ctx = ctx;
    this.#host = host;
  }

  restore(sequence: number): void {
    this.#sequence = sequence;
  }

  /** A record of ours with a higher sequence came back from the mesh: an earlier life signed it. */
  outdated(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#peer = undefined;
    this.#interest = undefined;
    this.#ctx.arm('records', LIMITS.recordMinMs);
  }

  get isStale(): boolean {
    return this.#ctx.now.monotonicMs - this.#renewedMs > LIMITS.recordRefreshMs;
  }

  /** Publishes what has changed and may be published now; the rest has its turn later. */
  publish(): void {
    const { monotonicMs, wallMs } = this.#ctx.now;
    const { isStale } = this;
    const peer = this.#ctx.config.peerId;
    const links = toSet(this.#host.links(), LIMITS.recordLinksMax);
    const urls = this.#host.urls();
    const tags = toSet(this.#host.tags(), LIMITS.tagsMax);
    const [isPeer, isInterest] = [`${links.join()} ${urls.join()}`, tags.join()];
    const may = (pace: Pace): boolean => {
      const waitMs = pace.waitMs(monotonicMs);
      if (waitMs > 0) this.#ctx.arm('records', Math.min(waitMs, LIMITS.recordMinMs));
      return waitMs <= 0;
    };
    // A clock that was far ahead in an earlier life: nobody took a record like that, so there is nothing to overtake.
    const former = this.#sequence > wallMs + LIMITS.recordMs ? 0 : this.#sequence;
    const sequence = Math.max(former + 1, Math.floor(wallMs));
    const contents: SignedContent[] = [];
    if ((isStale || isPeer !== this.#peer) && may(this.#pace.peer)) {
      const expiresMs = Math.floor(wallMs) + LIMITS.recordMs;
      contents.push({ kind: RECORD.peer, peer, sequence, urls, links, expiresMs });
      this.#pace.peer.made(monotonicMs);
      this.#peer = isPeer;
    }
    if ((isStale || isInterest !== this.#interest) && may(this.#pace.interest)) {
      contents.push({ kind: RECORD.interest, peer, sequence, tags });
      this.#pace.interest.made(monotonicMs);
      this.#interest = isInterest;
    }
    if (contents.length === 0) return;
    if (contents.length === 2) this.#renewedMs = monotonicMs;
    this.#sequence = sequence;
    for (const content of contents) {
      if (content.kind === RECORD.peer) this.#host.map.setPeer(content);
      else this.#host.map.setInterest(content);
    }
    this.#ctx.persist([{ kind: 'record-sequence', sequence }]);
    this.#host.flood.publish(contents);
    this.#host.published();
  }
}
