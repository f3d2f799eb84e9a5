/**
 * The options of what is kept. A default gives way to a smaller limit around it (a small MESH_STORE_BYTES alone is
 * enough to make a small daemon); two limits that were both set and contradict each other stop the start.
 */
import { DAY, LIMITS } from '../core/limits.ts';
import type { RetentionLimits } from '../core/peer-types.ts';
import { byteSizeText } from './byte-size.ts';
import type { OptionValues } from './option-table.ts';

/** @param values what was set */
export function retentionLimits(values: OptionValues): RetentionLimits {
  const bytesAll = values.MESH_STORE_BYTES ?? LIMITS.storeBytes;
  const carriedBytesAll = values.MESH_CARRY_BYTES_ALL ?? Math.min(LIMITS.carriedBytesAll, bytesAll);
  return {
    joined: {
      ageMs: values.MESH_KEEP_DAYS === undefined ? LIMITS.joinedMs : values.MESH_KEEP_DAYS * DAY,
      messages: values.MESH_KEEP_MESSAGES ?? LIMITS.joinedMessages,
      bytes: values.MESH_KEEP_BYTES ?? Math.min(LIMITS.joinedBytes, bytesAll),
    },
    carried: {
      ageMs: values.MESH_CARRY_DAYS === undefined ? LIMITS.carriedMs : values.MESH_CARRY_DAYS * DAY,
      bytes: values.MESH_CARRY_BYTES ?? Math.min(LIMITS.carriedBytes, carriedBytesAll),
    },
    carriedBytesAll,
    newcomerBytes: values.MESH_NEWCOMER_BYTES ?? Math.min(LIMITS.newcomerBytes, carriedBytesAll),
    bytesAll,
  };
}

/** One sentence for each limit that is above the one around it. */
export function retentionContradictions(values: OptionValues): string[] {
  const { joined, carried, carriedBytesAll, newcomerBytes, bytesAll } = retentionLimits(values);
  const pairs = [
    ['MESH_KEEP_BYTES', joined.bytes, 'MESH_STORE_BYTES', bytesAll],
    ['MESH_CARRY_BYTES', carried.bytes, 'MESH_CARRY_BYTES_ALL', carriedBytesAll],
    ['MESH_NEWCOMER_BYTES', newcomerBytes, 'MESH_CARRY_BYTES_ALL', carriedBytesAll],
    ['MESH_CARRY_BYTES_ALL', carriedBytesAll, 'MESH_STORE_BYTES', bytesAll],
  ] as const;
  return pairs
    .filter(([, inner, , outer]) => inner > outer)
    .map(
      ([name, inner, around, outer]) =>
        `${name} is ${byteSizeText(inner)}, allowed: at most ${around}, which is ${byteSizeText(outer)}.`,
    );
}
