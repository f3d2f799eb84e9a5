import { describe, expect, it } from 'vitest';
import { DEFAULT_RETENTION } from '../defaults.ts';
import { LIMITS } from '../limits.ts';
import type { TagUse } from '../persistence.ts';
import { floorFor, mergeHours, roomOf, waterLevel } from './plan.ts';

const use: TagUse = { tag: 'AAAAAAAAAAA', messages: 1, bytes: 1, ownBytes: 0, floorHour: 0 };

describe('the room of a channel', () => {
  it('is that of its policy where it is joined, and the default for what the policy leaves open', () => {
    const room = roomOf(use, DEFAULT_RETENTION, { messages: 5, pinned: true });
    expect(room).toMatchObject({
      kind: 'joined',
      pinned: true,
      messagesMax: 5,
      bytesMax: LIMITS.joinedBytes,
    });
  });

  it('is small where it is not', () => {
    expect(roomOf(use, DEFAULT_RETENTION, undefined)).toMatchObject({
      ...{ kind: 'carried', pinned: false, bytesMax: LIMITS.carriedBytes },
    });
  });
});

describe('the water level', () => {
  it('cuts the largest first and leaves the small ones whole', () => {
    const sizes = [10, 500, 20, 300];
    const level = waterLevel(sizes, 430);
    expect(level).toBe(200);
    expect(sizes.reduce((sum, size) => sum + Math.min(size, level), 0)).toBe(430);
  });

  it('cuts nothing where all fits, and everything where there is no room', () => {
    expect(waterLevel([1, 2, 3], 6)).toBe(Number.MAX_SAFE_INTEGER);
    expect(waterLevel([], 0)).toBe(Number.MAX_SAFE_INTEGER);
    expect(waterLevel([4, 5], 0)).toBe(0);
    expect(waterLevel([4, 5], -7)).toBe(0);
  });
});

describe('the floor', () => {
  const hours = [10, 11, 13, 14].map((hour) => ({ hour, messages: 100, bytes: 1000 }));

  it('rises hour by hour until enough of both is gone', () => {
    expect(floorFor(hours, { messages: 0, bytes: 0 }, 20)).toBe(0);
    expect(floorFor(hours, { messages: 1, bytes: 0 }, 20)).toBe(11);
    expect(floorFor(hours, { messages: 100, bytes: 1001 }, 20)).toBe(12);
    expect(floorFor(hours, { messages: 250, bytes: 0 }, 20)).toBe(14);
  });

  it('never takes the hour that is running', () => {
    expect(floorFor(hours, { messages: 1_000_000, bytes: 0 }, 14)).toBe(14);
    expect(floorFor(hours, { messages: 1_000_000, bytes: 0 }, 10)).toBe(0);
  });

  it('of several channels counts what they have in the same hour together', () => {
    const merged = mergeHours([hours, [{ hour: 11, messages: 1, bytes: 1 }]]);
    expect(merged.map(({ hour }) => hour)).toEqual([10, 11, 13, 14]);
    expect(merged[1]).toEqual({ hour: 11, messages: 101, bytes: 1001 });
  });
});
