/** In which parts a long channel is compared. */
import type { Now } from '../contract.ts';
import { HOUR, LIMITS } from '../limits.ts';
import type { Vain } from './vain.ts';

/** A part of a channel, from an hour on. */
export interface Part {
  readonly name: string;
  readonly floorHour: number;
  readonly untilMinute: number;
}

/**
 * A message of negentropy goes from the oldest to the newest: of a long channel the last hours are compared first, and then
 * what lies before them. What was found in those is still on its way, so to compare them again would list it again. What
 * was compared in vain is left out for a while.
 */
export function partsOf(
  {
    tag,
    floorHour,
    untilMinute,
  }: { readonly tag: string; readonly floorHour: number; readonly untilMinute: number },
  vain: Vain,
  { wallMs, monotonicMs }: Now,
): Part[] {
  const mayCompare = ({ name }: Part): boolean => vain.mayCompare(name, monotonicMs);
  const recent = LIMITS.reconcileRecentHours
    .map((hours) => ({ name: `${tag} ${hours}`, floorHour: Math.floor(wallMs / HOUR) - hours, untilMinute }))
    .filter((part) => floorHour < part.floorHour && part.floorHour * 60 < untilMinute);
  const whole = { name: tag, floorHour, untilMinute };
  // The shortest is compared in any case.
  const first = recent.find(mayCompare) ?? recent.at(-1);
  if (!mayCompare(whole)) return first ? [first] : [];
  const [longest] = recent;
  const isLong = longest && recent.length === LIMITS.reconcileRecentHours.length;
  return first && isLong ? [first, { ...whole, untilMinute: longest.floorHour * 60 }] : [whole];
}
