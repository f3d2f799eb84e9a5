/**
 * Whom a channel is kept for that was not joined: what decides who gives way when there is not room for all. Peer ids cost
 * nothing, so what only newcomers want is little and goes first.
 */

import type { Context } from '../context.ts';
import { SECOND } from '../limits.ts';

export type KeptFor =
  /** somebody who has been linked for long enough */
  | 'known'
  /** whoever asks: something was published into it here, or a mesh/1 peer wants it */
  | 'anybody'
  /** nobody but newcomers: their address groups */
  | readonly string[];

/** Tags that a leaf or the owner of a mailbox wants, and the address group where that is a newcomer. */
export type Claim = readonly [tags: Iterable<string>, newcomerFrom: string | undefined];

export function keptFor(claims: Iterable<Claim>, anybody: Iterable<Iterable<string>>): Map<string, KeptFor> {
  const found = new Map<string, KeptFor>();
  const byGroup = new Map<string, Iterable<string>[]>();
  for (const [tags, group] of claims) {
    if (group === undefined) for (const tag of tags) found.set(tag, 'known');
    else if (byGroup.has(group)) byGroup.get(group)?.push(tags);
    else byGroup.set(group, [tags]);
  }
  for (const tags of anybody)
    for (const tag of tags) if (found.get(tag) !== 'known') found.set(tag, 'anybody');
  const lists = new Map<string, string[]>();
  for (const [group, all] of byGroup) addGroup(found, lists, group, all);
  return found;
}

/** One group after the other: that a tag has it already shows at the end of its list, however many want that tag. */
function addGroup(
  found: Map<string, KeptFor>,
  lists: Map<string, string[]>,
  group: string,
  all: readonly Iterable<string>[],
): void {
  const alone: KeptFor = [group];
  for (const tags of all)
    for (const tag of tags) {
      const others = found.get(tag);
      if (others === undefined) found.set(tag, alone);
      if (typeof others !== 'object' || others.at(-1) === group) continue;
      const list = lists.get(tag) ?? [...others];
      list.push(group);
      lists.set(tag, list);
      found.set(tag, list);
    }
}

/**
 * That of all channels now, worked out when it is asked for. All claims count for it, which are hundreds of thousands on a
 * large relay, so what is asked for with each message may be a second old where somebody wants something no longer. What
 * somebody wants as well counts at once: a crowd says much in a second.
 */
export class AllKeptFor {
  readonly #ctx: Context;
  readonly #work: () => Map<string, KeptFor>;
  #found = new Map<string, KeptFor>();
  #isStale = true;
  #workedMs = Number.NEGATIVE_INFINITY;

  constructor(ctx: Context, work: () => Map<string, KeptFor>) {
    this.#ctx = ctx;
    this.#work = work;
  }

  /** Others want something, or something else. */
  changed(): void {
    this.#isStale = true;
  }

  /** Whoever asks gets it from now on: else what is to be kept in it is refused as if only newcomers wanted it. */
  carried(tag: string): void {
    if (this.#found.get(tag) !== 'known') this.#found.set(tag, 'anybody');
    this.changed();
  }

  /** Somebody wants it too. @param newcomerFrom the address group, of a newcomer */
  claimed(tag: string, newcomerFrom: string | undefined): void {
    const others = this.#found.get(tag);
    if (newcomerFrom === undefined) this.#found.set(tag, 'known');
    else if (others === undefined) this.#found.set(tag, [newcomerFrom]);
    else if (typeof others === 'object' && !others.includes(newcomerFrom))
      this.#found.set(tag, [...others, newcomerFrom]);
    this.changed();
  }

  now(): ReadonlyMap<string, KeptFor> {
    if (!this.#isStale) return this.#found;
    this.#found = this.#work();
    this.#isStale = false;
    this.#workedMs = this.#ctx.now.monotonicMs;
    return this.#found;
  }

  /** At most a second old. */
  recent(): ReadonlyMap<string, KeptFor> {
    return this.#ctx.now.monotonicMs - this.#workedMs < SECOND ? this.#found : this.now();
  }
}
