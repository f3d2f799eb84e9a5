/**
 * Which channels are wanted and held here, by whom, and which of them each link has in common with us.
 *
 * A channel is *held* if it was joined, is carried because something was published into it here, is kept in a mailbox,
 * or is wanted by a leaf of ours. A relay lists what it holds in its interest record; a leaf tells its joined channels
 * to its home relays only, in a `holds` frame. Between any two peers `holds` frames tell the floors: the whole UTC hour
 * since which each keeps a channel. What both told is *shared*, and catch-up compares it.
 */

import type { Context } from '../context.ts';
import type { LinkId, RestoredState } from '../contract.ts';
import { HOUR, LIMITS, MINUTE } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Membership } from '../membership/membership.ts';
import { type TagWords, wordsOf } from '../membership/tag-set.ts';
import type { Footprint } from '../peer-types.ts';
import type { Frame, TagFloor } from '../wire/frame.ts';
import { Kept } from './kept.ts';
import { AllKeptFor, type KeptFor, keptFor } from './kept-for.ts';
import { LinkInterest, type Shared } from './link-interest.ts';
import { Mailboxes } from './mailboxes.ts';

const NONE: readonly Shared[] = [];

export interface InterestHost {
  /** channels that a link has newly in common with us */
  readonly shared: (link: Link, tags: readonly string[]) => void;
  /** what is kept, or how much of it, has changed */
  readonly policyChanged: () => void;
  /** tags of the channels that mesh/1 peers subscribed to here: interest of this peer, without a mailbox */
  readonly mesh1Tags: () => Iterable<string>;
}

export class Interest {
  readonly kept: Kept;
  /** whom each channel is kept for that was not joined; those that are kept for nobody are missing */
  readonly keptFor: AllKeptFor;
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #membership: Membership;
  readonly #host: InterestHost;
  readonly #mailboxes: Mailboxes;
  readonly #perLink = new Map<LinkId, LinkInterest>();
  readonly #stale = new Set<Link>();
  /** counts the changes of links, roles, interest and map: who wants what is the same as long as it stands still */
  version = 0;
  /** all that is held, as text and as numbers */
  #held: ReadonlyMap<string, TagWords> = new Map();
  #isHeldStale = true;
  #toldHour = 0;
  #lapsedMs = Number.NEGATIVE_INFINITY;

  constructor(ctx: Context, links: Links, membership: Membership, host: InterestHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#membership = membership;
    this.#host = host;
    this.keptFor = new AllKeptFor(ctx, () => this.#allKeptFor());
    this.#mailboxes = new Mailboxes(ctx, links, {
      isLeaf: (link) => membership.kindOf(link) === 'leaf',
      keeps: (tags, newcomerFrom) => {
        for (const tag of tags) this.keptFor.claimed(tag, newcomerFrom);
        this.changed();
      },
      established: (link) => {
        this.#allLeafKeeps(link);
        this.changed();
      },
    });
    this.kept = new Kept(ctx, {
      carries: (tag) => {
        this.keptFor.carried(tag);
        this.changed();
      },
      floorsChanged: () => this.#floorsChanged(),
      joinedChanged: () => this.#joinedChanged(),
      isForNewcomers: (tag) => typeof this.keptFor.now().get(tag) !== 'string',
    });
  }

  restore(state: RestoredState): void {
    this.kept.restore(state);
    this.#mailboxes.restore(state.mailboxes);
  }

  /** Whether messages of the channel are stored here. */
  holds(tag: string): boolean {
    return this.#heldTags().has(tag);
  }

  #heldTags(): ReadonlyMap<string, TagWords> {
    if (!this.#isHeldStale) return this.#held;
    const held = new Map<string, TagWords>();
    for (const tag of this.ownTags()) if (!held.has(tag)) held.set(tag, this.#held.get(tag) ?? wordsOf(tag));
    this.#held = held;
    this.#isHeldStale = false;
    return held;
  }

  /** What the interest record lists; own channels first, because the list is bounded. */
  *ownTags(): Iterable<string> {
    yield* this.kept.joinedTags();
    yield* this.#mailboxes.tags();
    yield* this.kept.carriedTags();
    for (const link of this.#membership.leaves()) yield* this.#perLink.get(link.id)?.theirs.keys() ?? [];
    yield* this.#host.mesh1Tags();
  }

  #allKeptFor(): Map<string, KeptFor> {
    const leaves = this.#membership.leaves().map((link) => {
      const tags = this.#perLink.get(link.id)?.theirs.keys() ?? [];
      return [tags, this.#mailboxes.newcomerFrom(link)] as const;
    });
    const anybody = [this.kept.carriedTags(), this.#host.mesh1Tags()];
    return keptFor([...this.#mailboxes.claims(), ...leaves], anybody);
  }

  /** What a leaf wants of its home relays. */
  *#wanted(): Iterable<string> {
    yield* this.kept.joinedTags();
    yield* this.#host.mesh1Tags();
  }

  /** Whether this neighbour (leaf or relay) wants or holds the channel. */
  wants(link: Link, tag: string): boolean {
    if (this.#membership.kindOf(link) === 'overlay' && this.#membership.map.holds(link.peer, tag))
      return true;
    return this.#perLink.get(link.id)?.theirs.has(tag) ?? false;
  }

  /** Since when each held channel is complete here. */
  floors(): ReadonlyMap<string, number> {
    return new Map([...new Set(this.ownTags())].map((tag) => [tag, this.kept.floorHour(tag)]));
  }

  #heldChanged(): void {
    this.#isHeldStale = true;
    this.keptFor.changed();
  }

  #floorsChanged(): void {
    for (const link of this.#links.all()) this.#stale.add(link);
    this.#ctx.arm('flush', 0);
  }

  #joinedChanged(): void {
    this.changed();
    this.#host.policyChanged();
    for (const link of this.#links.all()) this.#askMailbox(link);
  }

  /** Own interest changed: tell everybody, soon. */
  changed(): void {
    this.version++;
    this.#heldChanged();
    for (const link of this.#links.all()) this.#stale.add(link);
    this.#ctx.arm('flush', 0);
    if (this.#membership.isRelay) this.#ctx.arm('records', 0);
  }

  /** A link is there or has another role: what leaves of ours want may be more or less. */
  review(link: Link): void {
    this.#heldChanged();
    if (this.#membership.kindOf(link) === 'leaf') this.#allLeafKeeps(link);
    this.mapChanged(link);
  }

  #allLeafKeeps(link: Link): void {
    const interest = this.#perLink.get(link.id);
    if (interest) for (const [tag, hour] of interest.theirs) this.#leafKeeps(link, interest, tag, hour);
  }

  /** Peer ids cost nothing: of a newcomer only the first channels are kept as far back as it says. */
  #leafKeeps(link: Link, { deep }: LinkInterest, tag: string, hour: number): void {
    const isNewcomer = this.#mailboxes.newcomerFrom(link) !== undefined;
    if (isNewcomer && deep.size < LIMITS.mailboxTagsMax) deep.add(tag);
    if (!isNewcomer || deep.has(tag)) this.kept.leafKeeps(tag, hour, isNewcomer);
  }

  /** The map changed. @param link the one whose end has other interest now, if there is one: others are told nothing new */
  mapChanged(link: Link | undefined): void {
    this.version++;
    if (link) this.#answer(link);
  }

  up(link: Link): void {
    this.#perLink.set(link.id, new LinkInterest());
    if (link.isVisit) return;
    this.review(link);
    this.#askMailbox(link);
  }

  /** A visit of ours is about these channels. */
  offer(link: Link, tags: readonly string[]): void {
    const interest = this.#perLink.get(link.id);
    if (!interest) return;
    interest.offered = tags;
    this.#answer(link);
  }

  /** Tells a link soon what has changed for it alone. */
  #answer(link: Link): void {
    this.#stale.add(link);
    this.#ctx.arm('flush', 0);
  }

  down(link: Link): void {
    const had = this.#perLink.get(link.id);
    this.#perLink.delete(link.id);
    this.#stale.delete(link);
    if (link.isVisit) return;
    this.version++;
    if (had && had.theirs.size > 0 && this.#membership.isRelay) this.changed();
  }

  /** A leaf asks its home relays to keep its channels while it is away. */
  #askMailbox(link: Link): void {
    const interest = this.#perLink.get(link.id);
    if (this.#membership.isRelay || !interest) return;
    const tags = [...this.kept.joinedTags()].slice(0, LIMITS.mailboxTagsFullMax);
    if (tags.length === 0 && !interest.keepsMailbox) return;
    interest.keepsMailbox = false;
    this.#links.send(link, { type: 'mailbox', tags });
  }

  /** Sends `holds` where what we should have told differs from what we told. */
  flush(): void {
    const hour = Math.floor(this.#ctx.now.wallMs / HOUR);
    if (hour !== this.#toldHour) for (const link of this.#links.all()) this.#stale.add(link);
    this.#toldHour = hour;
    for (const link of this.#stale) {
      const interest = this.#perLink.get(link.id);
      if (interest) this.#tell(link, interest);
    }
    this.#stale.clear();
  }

  #toTell(link: Link, interest: LinkInterest): Iterable<string> {
    switch (this.#membership.kindOf(link)) {
      case 'home-live':
      case 'home-standby':
        return this.#wanted();
      case 'leaf':
        return interest.theirs.keys();
      case 'visit': {
        const asked = link.role === 'dialler' ? interest.offered : [...interest.theirs.keys()];
        return asked.filter((tag) => this.holds(tag));
      }
      case 'overlay':
        return this.#inCommon(link.peer);
    }
  }

  /** Of what is held here what a relay's record lists. That may be a filter, which can be asked and not read. */
  *#inCommon(peer: string): Iterable<string> {
    const theirs = this.#membership.map.tagsOf(peer);
    for (const [tag, words] of this.#heldTags()) if (theirs.has(words)) yield tag;
  }

  #tell(link: Link, interest: LinkInterest): void {
    const set: TagFloor[] = [];
    const now = new Set<string>();
    for (const tag of this.#toTell(link, interest)) {
      if (now.size >= LIMITS.sharedChannelsMax) break;
      if (now.has(tag)) continue;
      now.add(tag);
      const floorHour = this.kept.floorHour(tag);
      if (interest.mine.get(tag) !== floorHour) set.push({ tag, floorHour });
    }
    const unset = [...interest.mine.keys()].filter((tag) => !now.has(tag));
    if (set.length === 0 && unset.length === 0) return;
    const fresh = set
      .filter(({ tag }) => !interest.mine.has(tag) && interest.theirs.has(tag))
      .map(({ tag }) => tag);
    interest.tell(set, unset);
    this.#links.send(link, { type: 'holds', reset: false, set, unset });
    if (fresh.length > 0) this.#host.shared(link, fresh);
  }

  receive(link: Link, frame: Extract<Frame, { type: 'holds' | 'mailbox' | 'mailbox-kept' }>): void {
    if (frame.type === 'mailbox') this.#mailboxes.keep(link, frame.tags);
    else if (frame.type === 'holds') this.#told(link, frame);
    else {
      const interest = this.#perLink.get(link.id);
      const { tags, hours } = frame;
      if (interest) interest.keepsMailbox = tags.length > 0;
      this.#ctx.report('debug', 'mailbox kept', { peer: link.peer, tags: tags.length, hours });
    }
  }

  #told(link: Link, frame: Extract<Frame, { type: 'holds' }>): void {
    const interest = this.#perLink.get(link.id);
    if (!interest) return;
    if (link.isVisit) this.#answer(link);
    else this.version++;
    const isLeaf = this.#membership.kindOf(link) === 'leaf';
    const newcomerFrom = this.#mailboxes.newcomerFrom(link);
    const most = link.isVisit ? LIMITS.visitChannelsMax : LIMITS.tagsMax;
    if (frame.reset) interest.unhear(interest.theirs.keys());
    interest.unhear(frame.unset);
    let changed = frame.unset.length > 0;
    const fresh: string[] = [];
    for (const { tag, floorHour } of frame.set) {
      if (!interest.theirs.has(tag)) {
        if (interest.theirs.size >= most) {
          this.#links.offend(link, 'unasked', `more than ${most} channels`);
          break;
        }
        changed = true;
        if (isLeaf) this.keptFor.claimed(tag, newcomerFrom);
        if (interest.mine.has(tag)) fresh.push(tag);
      }
      interest.hear({ tag, floorHour });
      if (isLeaf) this.#leafKeeps(link, interest, tag, floorHour);
    }
    if (changed && isLeaf) this.changed();
    if (fresh.length > 0) this.#host.shared(link, fresh);
  }

  /** Channels in common with a link, as `link-interest.ts` says. */
  sharedWith(link: Link): readonly Shared[] {
    return this.#perLink.get(link.id)?.shared ?? NONE;
  }

  /** What a link and we told each other of a channel. */
  agreed(
    link: Link,
    tag: string,
  ): { readonly isTold: boolean; readonly isHeld: boolean; readonly keepsMailbox: boolean } {
    const interest = this.#perLink.get(link.id);
    return {
      isTold: interest?.mine.has(tag) ?? false,
      isHeld: interest?.theirs.has(tag) ?? false,
      keepsMailbox: interest?.keepsMailbox ?? false,
    };
  }

  isShared(link: Link, tag: string): boolean {
    return this.sharedFloor(link, tag) !== undefined;
  }

  /** From which hour on a channel that both sides of a link told is compared; undefined for one that they did not. */
  sharedFloor(link: Link, tag: string): number | undefined {
    return this.#perLink.get(link.id)?.sharedFloor(tag);
  }

  footprint(): Footprint {
    const longest = Math.max(0, ...[...this.#perLink.values()].map(({ theirs }) => theirs.size));
    return {
      ...this.kept.footprint(),
      ...this.#mailboxes.footprint(),
      tagsOfOneLink: { size: longest, max: LIMITS.tagsMax },
    };
  }

  /** Once a second; most of what it does is due once a minute. @param isClockTrusted whether what has lapsed may be forgotten */
  tick(isClockTrusted: boolean): void {
    this.kept.note();
    if (this.#ctx.now.monotonicMs - this.#lapsedMs < MINUTE) return;
    this.#lapsedMs = this.#ctx.now.monotonicMs;
    this.#renewAll();
    if (isClockTrusted) this.#expire();
  }

  /** Who could not note our mailbox is asked again, and who is linked renews his by being there. */
  #renewAll(): void {
    for (const link of this.#links.all())
      if (!this.#perLink.get(link.id)?.keepsMailbox) this.#askMailbox(link);
    this.#mailboxes.renewAll();
  }

  #expire(): void {
    let lapsed = this.#mailboxes.expire();
    lapsed = this.kept.expire((tag) => this.holds(tag)) || lapsed;
    if (lapsed) this.changed();
  }
}
