import { describe, expect, it } from 'vitest';
import { Problems } from './problems.ts';
import { Room } from './room.ts';
import { ManualLater } from './testing/later.ts';

function setUp() {
  const later = new ManualLater();
  const told: string[] = [];
  const world = { isFull: false };
  const problems = new Problems(
    () => 0,
    ({ code }) => told.push(code),
  );
  const room = new Room({
    isFull: () => world.isFull,
    problems,
    later,
    onRoom: () => told.push('room'),
  });
  return { room, later, told, world, problems };
}

describe('a full store', () => {
  it('is a problem once, until there is room again', () => {
    const { room, later, told, world, problems } = setUp();
    room.start();
    world.isFull = true;
    later.pass(5_000);
    later.pass(5_000);
    room.refused();
    expect(told).toEqual(['store_full']);
    expect(problems.list).toMatchObject([{ code: 'store_full' }]);
    world.isFull = false;
    later.pass(5_000);
    later.pass(5_000);
    expect(told).toEqual(['store_full', 'room']);
    expect(problems.list).toEqual([]);
  });

  it('shows at once when a publish is refused, and when somebody looks', () => {
    const { room, told, world } = setUp();
    room.refused();
    expect(told).toEqual(['store_full']);
    room.look();
    expect(told).toEqual(['store_full', 'room']);
    world.isFull = true;
    room.look();
    expect(told).toEqual(['store_full', 'room', 'store_full']);
  });

  it('is not asked about after the stop', () => {
    const { room, later } = setUp();
    room.start();
    expect(later.waiting).toEqual([5_000]);
    room.stop();
    room.start();
    expect(later.waiting).toEqual([]);
  });
});
