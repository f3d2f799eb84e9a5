/**
 * The two signed records of this relay: made anew when their content has changed, at most once a second and rarer while
 * it goes on changing, and at the latest every 20 minutes. One that flaps does not drag the other along.
 *
 * Interest is told as a delta on what was told before, if the chain of deltas is within its bounds and begins with a
 * full record of this hour.
 */
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { RECORD } from '../wire/frame.ts';
import type { Flood } from './flood.ts';
import type { RelayMap } from './map.ts';
import { type ChainSize, sizeOfFull, sizeWith } from './record-store.ts';
import {
  DELTA,
  encodeRecord,
  firstOf,
  type InterestDelta,
  type InterestRecord,
  type SignedContent,
  toSet,
} from './records.ts';
import { TagSet } from './tag-set.ts';

export interface OwnRecordsHost {
  readonly map: RelayMap;
  readonly flood: Flood;
  /** overlay neighbours, and how far away they are if that is known, ms */
  readonly links: () => readonly { readonly peer: string; readonly distanceMs: number | undefined }[];
  readonly urls: () => readonly string[];
  /** in the order in which they are told while there is room */
  readonly tags: () => Iterable<string>;
  /** an own record changed the map */
  readonly published: () => void;
}

/** One step of the cost of a link, in ms of a round trip (guess: finer than what trees differ by). */
const COST_STEP_MS = 4;
/** A cost is told anew where it is off by more than so many steps, and than this share (guess: above what a link swings by). */
const COST_STEPS_MIN = 2;
const COST_SHARE = 1 / 4;

function costOf(distanceMs: number | undefined): number {
  return distanceMs === undefined ? 0 : Math.min(255, 1 + Math.floor(distanceMs / COST_STEP_MS));
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

/** The interest that was told last, and the chain that told it. */
interface Told {
  readonly tags: TagSet;
  readonly sequence: number;
  readonly size: ChainSize;
  /** of the full record, monotonic ms */
  readonly fullMs: number;
  /** its sequence: by that others judge how old it is */
  readonly fullSequence: number;
}

type Made = { readonly content: SignedContent; readonly bytes: Bytes };

/** Exact up to 4096, then a filter; and exact again only where it is well below. */
function tagSetOf(tags: Iterable<string>, before: TagSet | undefined): TagSet {
  const all = TagSet.of(firstOf(tags, LIMITS.relayTagsMax));
  const most = before?.isExact === false ? (LIMITS.tagsMax * 3) / 4 : LIMITS.tagsMax;
  return all.size <= most ? all : all.toFilter();
}

function isSame(a: TagSet, b: TagSet): boolean {
  return a.isExact === b.isExact && a.size === b.size && a.words.every((word, i) => word === b.words[i]);
}

export class OwnRecords {
  readonly #ctx: Context;
  readonly #host: OwnRecordsHost;
  readonly #pace = { peer: new Pace(), interest: new Pace() };
  #sequence = 0;
  /** when both records were last made, changed or not */
  #renewedMs = Number.NEGATIVE_INFINITY;
  #renewedWallMs = 0;
  /** what the records say; undefined: nothing yet that counts */
  #peer: string | undefined;
  #interest: Told | undefined;
  /** the costs of links that were told last, and when */
  #costs: ReadonlyMap<string, number> = new Map();
  #costsMs = Number.NEGATIVE_INFINITY;

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

  /** Whether it is time, though nothing has changed that the mesh hangs on. */
  get isDue(): boolean {
    return this.#isStale || this.#haveCostsMoved;
  }

  /** The wall clock counts too: others go by it, and the other one stands still while a machine sleeps. */
  get #isStale(): boolean {
    const { monotonicMs, wallMs } = this.#ctx.now;
    return Math.max(monotonicMs - this.#renewedMs, wallMs - this.#renewedWallMs) > LIMITS.recordRefreshMs;
  }

  /** Costs only choose between ways that are as short: they are told late, and where they are much different. */
  get #haveCostsMoved(): boolean {
    if (this.#ctx.now.monotonicMs - this.#costsMs < LIMITS.recordFlapMs) return false;
    return this.#host.links().some((link) => this.#costOf(link) !== (this.#costs.get(link.peer) ?? 0));
  }

  /** The cost of a link: what was told of it, unless it is far from that. */
  #costOf({ peer, distanceMs }: { readonly peer: string; readonly distanceMs: number | undefined }): number {
    const told = this.#costs.get(peer) ?? 0;
    const cost = costOf(distanceMs);
    const isFar = told === 0 || Math.abs(cost - told) > Math.max(COST_STEPS_MIN, told * COST_SHARE);
    return isFar ? cost : told;
  }

  /** Publishes what has changed and may be published now; the rest has its turn later. */
  publish(): void {
    const { wallMs } = this.#ctx.now;
    const isStale = this.#isStale;
    const areMoved = this.#haveCostsMoved;
    // A clock that was far ahead in an earlier life: nobody took a record like that, so there is nothing to overtake.
    const former = this.#sequence > wallMs + LIMITS.recordMs ? 0 : this.#sequence;
    const sequence = Math.max(former + 1, Math.floor(wallMs));
    const made = [this.#makePeer(sequence, isStale || areMoved), this.#makeInterest(sequence, isStale)];
    const records = made.filter((one) => one !== undefined);
    if (records.length === 0) return;
    if (records.length === 2) {
      this.#renewedMs = this.#ctx.now.monotonicMs;
      this.#renewedWallMs = wallMs;
    }
    this.#sequence = sequence;
    this.#ctx.persist([{ kind: 'record-sequence', sequence }]);
    this.#host.flood.publish(records);
    this.#host.published();
  }

  /** Whether this one may be made now; if not, it is tried again when it may. */
  #may(pace: Pace): boolean {
    const { monotonicMs } = this.#ctx.now;
    const waitMs = pace.waitMs(monotonicMs);
    if (waitMs > 0) this.#ctx.arm('records', Math.min(waitMs, LIMITS.recordMinMs));
    else pace.made(monotonicMs);
    return waitMs <= 0;
  }

  #makePeer(sequence: number, isStale: boolean): Made | undefined {
    const peer = this.#ctx.config.peerId;
    const neighbours = this.#host.links();
    const links = toSet(
      neighbours.map((link) => link.peer),
      LIMITS.recordLinksMax,
    );
    const urls = this.#host.urls();
    const says = `${links.join()} ${urls.join()}`;
    if (!(isStale || says !== this.#peer) || !this.#may(this.#pace.peer)) return undefined;
    this.#peer = says;
    this.#costs = new Map(neighbours.map((link) => [link.peer, this.#costOf(link)]));
    this.#costsMs = this.#ctx.now.monotonicMs;
    const costs = links.map((link) => this.#costs.get(link) as number);
    const expiresMs = Math.floor(this.#ctx.now.wallMs) + LIMITS.recordMs;
    const content = { kind: RECORD.peer, peer, sequence, urls, links, costs, expiresMs } as const;
    this.#host.map.setPeer(content);
    return { content, bytes: encodeRecord(content) };
  }

  #makeInterest(sequence: number, isStale: boolean): Made | undefined {
    const told = this.#interest;
    const tags = tagSetOf(this.#host.tags(), told?.tags);
    const isChanged = !told || !isSame(told.tags, tags);
    if (!(isStale || isChanged) || !this.#may(this.#pace.interest)) return undefined;
    this.#host.map.setTags(this.#ctx.config.peerId, tags);
    const delta = told && this.#deltaFrom(told, tags, sequence);
    if (delta) return delta;
    const content: InterestRecord = { kind: RECORD.interest, peer: this.#ctx.config.peerId, sequence, tags };
    const bytes = encodeRecord(content);
    const fullMs = this.#ctx.now.monotonicMs;
    this.#interest = { tags, sequence, size: sizeOfFull(content, bytes), fullMs, fullSequence: sequence };
    return { content, bytes };
  }

  #deltaFrom(told: Told, tags: TagSet, sequence: number): Made | undefined {
    if (told.tags.isExact !== tags.isExact) return undefined;
    const { monotonicMs, wallMs } = this.#ctx.now;
    const ageMs = Math.max(monotonicMs - told.fullMs, wallMs - told.fullSequence);
    if (ageMs >= LIMITS.recordFullMs) return undefined;
    const [added, removed] = [tags.minus(told.tags), told.tags.minus(tags)];
    if (Math.max(added.size, removed.size) > LIMITS.tagsMax) return undefined;
    const { peerId: peer } = this.#ctx.config;
    const content: InterestDelta = { kind: DELTA, peer, sequence, base: told.sequence, added, removed };
    const bytes = encodeRecord(content);
    const size = sizeWith(told.size, content, bytes);
    if (!size) return undefined;
    this.#interest = { ...told, tags, sequence, size };
    return { content, bytes };
  }
}
