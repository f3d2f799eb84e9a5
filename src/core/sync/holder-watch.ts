/**
 * Which of our channels other relays have come to hold. Thousands of relays may be new at once, at a start or when a
 * partition heals: what one second has no time for is left to the next ones.
 *
 * Invariants:
 * 1. A second costs our own channels, the relays, and a bounded number of comparisons of tags and of holders met.
 * 2. A relay is noted only when it was looked at whole, so what is left out once is found later.
 */
import type { RelayMap } from '../membership/map.ts';
import { NO_TAGS, type TagSet, type TagWords, wordsOf } from '../membership/tag-set.ts';
import type { Random } from '../random.ts';
import type { VisitSchedule } from './visit-schedule.ts';

/** Tags compared and holders met in a second (guess: some 10 ms, several times as many where each is found). */
const STEPS_MAX = 65_536;
const NOTHING: readonly Own[] = [];

interface Own {
  readonly tag: string;
  readonly words: TagWords;
}

export class HolderWatch {
  readonly #random: Random;
  readonly #schedule: VisitSchedule;
  /** what relays that count held when they were last looked at */
  readonly #known = new Map<string, TagSet>();
  /** channels that are to be stirred when it is known how many hold them */
  readonly #waiting = new Set<string>();
  /** of the map when all of it had been looked at */
  #lookedAt = -1;

  constructor(random: Random, schedule: VisitSchedule) {
    this.#random = random;
    this.#schedule = schedule;
  }

  /** Others may hold this channel now, or nobody compares it with us any more. */
  stir(tag: string): void {
    if (this.#schedule.canStir(tag)) this.#waiting.add(tag);
  }

  /** What is held here and what others hold may have changed. @returns whether all of it was looked at */
  look(map: RelayMap, own: string): boolean {
    if (map.holdings === this.#lookedAt) return true;
    const changed: string[] = [];
    let met = 0;
    map.eachConnected((peer, tags) => {
      if (peer === own) return;
      const known = this.#known.get(peer);
      if (known !== undefined) met++;
      if (known !== tags) changed.push(peer);
    });
    if (met < this.#known.size)
      for (const peer of this.#known.keys()) if (!map.isConnected(peer)) this.#known.delete(peer);
    if (changed.length === 0) {
      this.#lookedAt = map.holdings;
      return true;
    }
    const open = this.#open();
    let steps = 0;
    // By chance: those at the end are not left out for good, however often the others change.
    for (const peer of this.#random.shuffle(changed)) {
      if (steps >= STEPS_MAX) return false;
      const tags = map.tagsOf(peer);
      steps += this.#compare(tags, this.#known.get(peer) ?? NO_TAGS, open);
      this.#known.set(peer, tags);
    }
    this.#lookedAt = map.holdings;
    return true;
  }

  /** What could be stirred, by the upper halves of the tags. */
  #open(): Map<number, Own[]> {
    const open = new Map<number, Own[]>();
    for (const tag of this.#schedule.tags()) {
      if (!this.#schedule.canStir(tag) || this.#waiting.has(tag)) continue;
      const words = wordsOf(tag);
      open.set(words.hi, [...(open.get(words.hi) ?? []), { tag, words }]);
    }
    return open;
  }

  /** Takes what a relay holds now and did not before out of `open`. @returns how many tags it went through */
  #compare(tags: TagSet, before: TagSet, open: Map<number, Own[]>): number {
    const steps = Math.min(open.size, tags.size);
    const isNew = ({ words }: Own): boolean => tags.has(words) && !before.has(words);
    const found: Own[] = [];
    const find = (own: readonly Own[] = NOTHING): void => {
      for (const one of own) if (isNew(one)) found.push(one);
    };
    if (open.size < tags.size) for (const own of open.values()) find(own);
    else for (let i = 0; i < tags.size; i++) find(open.get(tags.hi(i)));
    for (const { tag, words } of found) {
      this.#waiting.add(tag);
      const others = (open.get(words.hi) ?? []).filter((own) => own.tag !== tag);
      if (others.length > 0) open.set(words.hi, others);
      else open.delete(words.hi);
    }
    return steps;
  }

  /** Stirs what is to be stirred: as many as a second has time for. */
  tick(map: RelayMap, nowMs: number): void {
    let steps = 0;
    for (const tag of this.#waiting) {
      if (steps >= STEPS_MAX) return;
      this.#waiting.delete(tag);
      if (!this.#schedule.canStir(tag)) continue;
      const holders = map.countHolders(tag);
      steps += 1 + holders;
      this.#schedule.stirred(tag, holders, nowMs);
    }
  }
}
