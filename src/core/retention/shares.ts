/** How carried channels share their room: as pure functions over what they cost and whom they are kept for. */
import type { KeptFor } from '../interest/kept-for.ts';
import { LIMITS } from '../limits.ts';
import type { TagUse } from '../persistence.ts';
import { type Room, waterLevel } from './plan.ts';

/** What gives way last, first: what somebody known wants, what is for whoever asks, and the rest. */
const RANKS = ['known', 'anybody', 'newcomers'] as const;

function rankOf(keptFor: KeptFor | undefined): (typeof RANKS)[number] {
  return typeof keptFor === 'string' ? keptFor : 'newcomers';
}

/** The address groups, where a channel is kept for newcomers only. */
export function newcomersOf(keptFor: KeptFor | undefined): readonly string[] {
  return typeof keptFor === 'object' ? keptFor : [];
}

/** Bytes of the channels that are kept for newcomers only, by address group; what several want counts for each. */
export function newcomerSizes(
  uses: readonly TagUse[],
  keptFor: ReadonlyMap<string, KeptFor>,
): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { tag, bytes } of uses)
    for (const group of newcomersOf(keptFor.get(tag))) {
      const sizes = found.get(group);
      if (sizes) sizes.push(bytes);
      else found.set(group, [bytes]);
    }
  return found;
}

export function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What is carried. What a channel's own limit cuts anyway is nothing that others have to give way for. */
export function carriedUses(rooms: readonly Room[]): TagUse[] {
  return rooms
    .filter(({ kind }) => kind === 'carried')
    .map(({ use, bytesMax }) => ({ ...use, bytes: Math.min(use.bytes, bytesMax) }));
}

/**
 * Lowers the limits of carried channels until there is room for what is kept for newcomers of each address group, and for
 * all together. What newcomers of several groups want is cut only where none of them has room for it.
 * @param room bytes for each group, and for all
 */
export function shareOut(
  rooms: readonly Room[],
  keptFor: ReadonlyMap<string, KeptFor>,
  room: { readonly ofGroup: number; readonly ofAll: number },
): Room[] {
  const carried = carriedUses(rooms);
  const groupLevels = new Map<string, number>();
  for (const [group, sizes] of newcomerSizes(carried, keptFor))
    groupLevels.set(group, levelOf(sizes, room.ofGroup));
  const levelIn = (tag: string): number => {
    const levels = newcomersOf(keptFor.get(tag)).map((group) => groupLevels.get(group) ?? 0);
    return levels.length === 0 ? Number.MAX_SAFE_INTEGER : Math.max(...levels);
  };
  const sizeOf = ({ tag, bytes }: TagUse): number => Math.min(bytes, levelIn(tag));
  const rankLevels = levelsOf(
    RANKS.map((rank) => carried.filter(({ tag }) => rankOf(keptFor.get(tag)) === rank).map(sizeOf)),
    room.ofAll,
  );
  return rooms.map((one) => {
    if (one.kind === 'joined') return one;
    const { tag } = one.use;
    const level = rankLevels[RANKS.indexOf(rankOf(keptFor.get(tag)))] ?? 0;
    return { ...one, bytesMax: Math.min(one.bytesMax, levelIn(tag), level) };
  });
}

/**
 * To what level each rank is cut. Each but the first has some room that the ones before it leave: else one peer of a
 * higher rank takes everything from all others.
 * @param ranks sizes, the one that gives way last first
 */
function levelsOf(ranks: readonly (readonly number[])[], most: number): number[] {
  let rest = roomFor(ranks.flat(), most);
  const share = rest * LIMITS.rankShare;
  const reserved = ranks.map((sizes, i) => (i === 0 ? 0 : Math.min(sumOf(sizes), share)));
  return ranks.map((sizes, i) => {
    const level = waterLevel(sizes, rest - sumOf(reserved.slice(i + 1)));
    rest -= sumOf(sizes.map((size) => Math.min(size, level)));
    return level;
  });
}

/** Where something has to be cut, some room is left afterwards. */
function roomFor(sizes: readonly number[], most: number): number {
  return sumOf(sizes) > most ? most * LIMITS.pruneToShare : Number.MAX_SAFE_INTEGER;
}

/** What channels are cut down to where they are too much together. */
export function levelOf(sizes: readonly number[], most: number): number {
  return waterLevel(sizes, roomFor(sizes, most));
}
