/** What visits are for: holders whose ways to each other lead over relays that do not hold the channel. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { publishMany } from './scenario.ts';
import { HOLDERS, startHolders } from './scenarios/visits.ts';
import { createCore } from './testing/seeds.ts';
import { World } from './world.ts';

function startWorld(seed: number, options: Parameters<typeof startHolders>[1] = {}): World {
  const world = new World({ scenario: 'visits', seed, createCore });
  startHolders(world, options);
  return world;
}

/** Virtual seconds until the named hosts have all of their channels; undefined if that takes more than `maxMs`. */
function secondsUntilWhole(world: World, names: readonly string[], maxMs: number): number | undefined {
  const began = world.nowMs;
  const isWhole = world.runUntil(() => world.differences(world.up(names)).length === 0, maxMs);
  return isWhole ? (world.nowMs - began) / 1000 : undefined;
}

describe('holders among relays that pass nothing on', () => {
  it('have every message within a minute, over tunnels soon, and never where those are dropped too', () => {
    const ways = [
      { areApart: false, tunnels: 'drops', withinMs: 60_000 },
      { areApart: true, tunnels: 'carries', withinMs: 120_000 },
      { areApart: true, tunnels: 'drops', withinMs: 600_000 },
    ] as const;
    for (const { withinMs, ...way } of ways) {
      const world = startWorld(1, way);
      publishMany(world, { name: 'A', channel: 'dev', count: 5, everyMs: 100 });
      publishMany(world, { name: 'B', channel: 'ops', count: 5, everyMs: 100 });
      expect(world.differences(world.up(HOLDERS))).not.toEqual([]);
      const seconds = secondsUntilWhole(world, HOLDERS, withinMs);
      expect(seconds === undefined).toBe(way.areApart && way.tunnels === 'drops');
      world.end();
    }
  });

  it('bring a newcomer its history within seconds, be it a relay or a leaf', () => {
    const world = startWorld(2);
    publishMany(world, { name: 'A', channel: 'dev', count: 300, everyMs: 10 });
    publishMany(world, { name: 'B', channel: 'ops', count: 300, everyMs: 10 });
    secondsUntilWhole(world, HOLDERS, 120_000);
    world.join('D', 'dev');
    expect(secondsUntilWhole(world, ['D'], 60_000)).toBeLessThan(15);
    world.join('leaf', 'ops');
    expect(secondsUntilWhole(world, ['leaf'], 60_000)).toBeLessThan(15);
    world.end();
  });

  it('are visited by few at a time, and seldom while nothing happens', () => {
    const world = startWorld(3);
    world.run(60_000);
    let visits = 0;
    let most = 0;
    world.network.observers.push({
      effect(host, effect) {
        if (effect.kind !== 'report' || effect.phrase !== 'link up' || effect.data.visit !== true) return;
        if (host.isHonest && effect.data.role === 'dialler') visits++;
        const links = world.snapshot(host.name)?.links ?? [];
        most = Math.max(most, links.filter(({ kind }) => kind === 'visit').length);
      },
    });
    world.run(12 * 60_000);
    // A and B have two channels each and C has one: each of them is due once or twice, and often with another one.
    expect(visits).toBeGreaterThanOrEqual(3);
    expect(visits).toBeLessThanOrEqual(10);
    expect(most).toBeLessThanOrEqual(LIMITS.visitsInMax + LIMITS.visitsOutMax);
    world.end();
  });
});
