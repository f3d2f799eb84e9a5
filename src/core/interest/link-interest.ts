/**
 * What the two ends of one link told each other.
 *
 * Invariant: `mine` and `theirs` change only here, and whatever changes a tag or a floor in them makes {@link LinkInterest.shared}
 * another array. So who remembers that array knows by it alone that nothing has changed.
 */
import { sortByBytes } from '../membership/records.ts';
import type { TagFloor } from '../wire/frame.ts';

/** A channel that both ends of a link keep, from the higher floor on. */
export interface Shared {
  readonly tag: string;
  /** hours since 1970 */
  readonly floorHour: number;
}

export class LinkInterest {
  readonly #mine = new Map<string, number>();
  readonly #theirs = new Map<string, number>();
  #shared: readonly Shared[] | undefined;
  /** of theirs, those that are kept as far back as they say although they are a newcomer */
  readonly deep = new Set<string>();
  /** what a visit of ours is about */
  offered: readonly string[] = [];
  /** whether they said that they keep our channels while we are away */
  keepsMailbox = false;

  /** told by us, with floors; at most `LIMITS.sharedChannelsMax` */
  get mine(): ReadonlyMap<string, number> {
    return this.#mine;
  }

  /** told by them */
  get theirs(): ReadonlyMap<string, number> {
    return this.#theirs;
  }

  /** We have told this. */
  tell(set: readonly TagFloor[], unset: readonly string[]): void {
    for (const { tag, floorHour } of set) this.#set(this.#mine, this.#theirs, tag, floorHour);
    for (const tag of unset) this.#delete(this.#mine, this.#theirs, tag);
  }

  /** They have told this. */
  hear({ tag, floorHour }: TagFloor): void {
    this.#set(this.#theirs, this.#mine, tag, floorHour);
  }

  /** They have taken this back. */
  unhear(tags: Iterable<string>): void {
    for (const tag of tags) this.#delete(this.#theirs, this.#mine, tag);
  }

  #set(side: Map<string, number>, other: ReadonlyMap<string, number>, tag: string, floorHour: number): void {
    if (side.get(tag) === floorHour) return;
    side.set(tag, floorHour);
    if (other.has(tag)) this.#shared = undefined;
  }

  #delete(side: Map<string, number>, other: ReadonlyMap<string, number>, tag: string): void {
    if (side.delete(tag) && other.has(tag)) this.#shared = undefined;
  }

  /** What both told, in ascending order of tags, with the floor that both agreed to by it: the same array until that changes. */
  get shared(): readonly Shared[] {
    this.#shared ??= this.#inCommon();
    return this.#shared;
  }

  #inCommon(): Shared[] {
    const shared: Shared[] = [];
    for (const [tag, mine] of this.#mine) {
      const theirs = this.#theirs.get(tag);
      if (theirs !== undefined) shared.push({ tag, floorHour: Math.max(mine, theirs) });
    }
    return sortByBytes(shared, ({ tag }) => tag);
  }

  /** Of one channel, as in {@link LinkInterest.shared}; undefined for one that they did not both tell. */
  sharedFloor(tag: string): number | undefined {
    const [mine, theirs] = [this.#mine.get(tag), this.#theirs.get(tag)];
    return mine === undefined || theirs === undefined ? undefined : Math.max(mine, theirs);
  }
}
