/** What each tag, and what is kept for newcomers of each address group, costs: estimated between two looks at the store. */
import type { AllKeptFor } from '../interest/kept-for.ts';
import { LIMITS } from '../limits.ts';
import type { TagUse } from '../persistence.ts';
import type { Room } from './plan.ts';
import { carriedUses, levelOf, newcomerSizes, newcomersOf, sumOf } from './shares.ts';

interface Amount {
  messages: number;
  bytes: number;
}

interface Estimate extends Amount {
  readonly room: Room;
}

/** What is kept for newcomers of one address group. */
interface Group {
  bytes: number;
  /** beyond that nothing more is taken for them until the next look */
  readonly most: number;
  /** what the largest channels are cut to: they take nothing before that */
  readonly level: number;
}

export interface EstimatesHost {
  readonly roomOf: (use: TagUse) => Room;
  /** whom a carried channel is kept for */
  readonly keptFor: Pick<AllKeptFor, 'now' | 'recent'>;
  /** bytes of what is kept for newcomers of one address group only */
  readonly newcomerBytes: number;
  /** there is no room for more of that */
  readonly newcomersFull: (group: string, bytes: number) => void;
}

export class Estimates {
  readonly #host: EstimatesHost;
  readonly #tags = new Map<string, Estimate>();
  /** by tag: what is under way to the disk, and no look at the store finds yet */
  readonly #underWay = new Map<string, Amount>();
  /** by tag: what came to the disk since it is looked at, and that look may not have found */
  #late: Map<string, Amount> | undefined;
  /** by address group */
  #newcomers = new Map<string, Group>();

  constructor(host: EstimatesHost) {
    this.#host = host;
  }

  /** A look at the store begins, and may take long. */
  look(): void {
    this.#late = new Map();
  }

  /** Takes over what a look has found, and what it could not find. What it did find of that counts twice until the next one. */
  replace(found: readonly TagUse[]): void {
    this.#tags.clear();
    const tags = withMore(withMore(found, this.#underWay), this.#late ?? new Map());
    this.#late = undefined;
    const rooms = tags.map((use) => this.#host.roomOf(use));
    for (const room of rooms) {
      const { tag, messages, bytes } = room.use;
      this.#tags.set(tag, { messages, bytes, room });
    }
    const sizes = newcomerSizes(carriedUses(rooms), this.#host.keptFor.now());
    this.#newcomers = new Map([...sizes].map(([group, all]) => [group, this.#groupOf(all)]));
  }

  /** What other groups have room for is not cut. So that it keeps nobody out for ever, a little more is taken each time. */
  #groupOf(sizes: readonly number[]): Group {
    const { newcomerBytes } = this.#host;
    const bytes = sumOf(sizes);
    const more = bytes + newcomerBytes * (1 - LIMITS.pruneToShare);
    const most = bytes > newcomerBytes ? more : newcomerBytes;
    return { bytes, most, level: levelOf(sizes, newcomerBytes) };
  }

  /** Counts a message of somebody else that is on its way to the disk. @returns whether it is too much now */
  reserve(tag: string, bytes: number): boolean {
    addTo(this.#underWay, tag, bytes);
    return this.add(tag, bytes);
  }

  /** What was reserved is on the disk, or nothing was added there. */
  release(tag: string, bytes: number, isStored: boolean): void {
    const more = this.#underWay.get(tag);
    if (more && --more.messages > 0) more.bytes -= bytes;
    else this.#underWay.delete(tag);
    if (isStored && this.#late) addTo(this.#late, tag, bytes);
    if (isStored) return;
    const estimate = this.#tags.get(tag);
    if (!estimate) return;
    estimate.bytes -= bytes;
    estimate.messages--;
    for (const name of this.#newcomersOf(estimate.room)) {
      const group = this.#newcomers.get(name);
      if (group) group.bytes -= bytes;
    }
  }

  /** Counts a message of somebody else. @returns whether it is too much now */
  add(tag: string, bytes: number): boolean {
    const estimate = this.#tags.get(tag) ?? this.#first(tag);
    estimate.bytes += bytes;
    estimate.messages++;
    const { messagesMax, bytesMax } = estimate.room;
    for (const group of this.#newcomersOf(estimate.room)) this.#addTo(group, bytes);
    const isOver = estimate.bytes > bytesMax || estimate.messages > messagesMax;
    return isOver || this.#isCut(estimate);
  }

  #addTo(name: string, bytes: number): void {
    const group = this.#newcomers.get(name) ?? this.#groupOf([]);
    this.#newcomers.set(name, group);
    const before = group.bytes;
    group.bytes += bytes;
    if (before <= this.#host.newcomerBytes && group.bytes > this.#host.newcomerBytes)
      this.#host.newcomersFull(name, group.bytes);
  }

  #first(tag: string): Estimate {
    const estimate = { messages: 0, bytes: 0, room: this.#emptyRoom(tag) };
    this.#tags.set(tag, estimate);
    return estimate;
  }

  #emptyRoom(tag: string): Room {
    return this.#host.roomOf(emptyUse(tag));
  }

  #newcomersOf({ kind, use }: Room): readonly string[] {
    return kind === 'joined' ? [] : newcomersOf(this.#host.keptFor.recent().get(use.tag));
  }

  /** Whether a channel for newcomers is one that has to give way, by the rule of `shares.ts`. */
  #isCut({ bytes, room }: Estimate): boolean {
    const groups = this.#newcomersOf(room);
    const isCutIn = (group: Group | undefined): boolean =>
      group !== undefined && (group.bytes > group.most || bytes > group.level);
    return groups.length > 0 && groups.every((name) => isCutIn(this.#newcomers.get(name)));
  }

  /** Whether there is so much too much that nothing more is taken into a tag until something is pruned. */
  isShut(tag: string): boolean {
    const estimate = this.#tags.get(tag) ?? { messages: 0, bytes: 0, room: this.#emptyRoom(tag) };
    const { messages, bytes, room } = estimate;
    const isFar = bytes > LIMITS.shutShare * room.bytesMax || messages > LIMITS.shutShare * room.messagesMax;
    return isFar || this.#isCut(estimate);
  }
}

function emptyUse(tag: string): TagUse {
  return { tag, messages: 0, bytes: 0, ownBytes: 0, floorHour: 0 };
}

function addTo(amounts: Map<string, Amount>, tag: string, bytes: number): void {
  const amount = amounts.get(tag);
  if (amount) {
    amount.bytes += bytes;
    amount.messages++;
  } else amounts.set(tag, { messages: 1, bytes });
}

function withMore(uses: readonly TagUse[], amounts: ReadonlyMap<string, Amount>): readonly TagUse[] {
  if (amounts.size === 0) return uses;
  const rest = new Map(amounts);
  const all = uses.map((use) => {
    const more = rest.get(use.tag);
    rest.delete(use.tag);
    return more ? { ...use, messages: use.messages + more.messages, bytes: use.bytes + more.bytes } : use;
  });
  for (const [tag, more] of rest) all.push({ ...emptyUse(tag), ...more });
  return all;
}
