/**
 * A mesh that runs for twenty hours of its time, with links that break, a peer that restarts, strangers that come and go
 * and a retention of an hour, needs no more memory at the end than after a tenth of it.
 */
import { expect, it } from 'vitest';
import type { Event } from '../core/contract.ts';
import { DEFAULT_RETENTION } from '../core/defaults.ts';
import { GROWTH_MAX, measureHeap } from '../core/heap.fixture.ts';
import { HOUR, MINUTE } from '../core/limits.ts';
import type { PeerConfig } from '../core/peer-types.ts';
import { startFaults } from './faults.ts';
import type { CoreFactory, SimCore } from './host.ts';
import { MemoryChecker } from './memory-checker.ts';
import { createCore } from './testing/seeds.ts';
import { startTalk } from './traffic.ts';
import { World } from './world.ts';

const HOURS = 20;
const RELAYS = ['R1', 'R2'] as const;
const LEAVES = ['A', 'B', 'C', 'D'] as const;
function createMesh(seed: number, createCore: CoreFactory): World {
  const world = new World({
    scenario: 'memory',
    seed,
    createCore,
    checkers: (checked) => [new MemoryChecker(checked)],
    // A cache that is full at one tenth of the run grows no more.
    verdictsMax: 1000,
  });
  const { joined, carried } = DEFAULT_RETENTION;
  const retention = { joined: { ...joined, ageMs: HOUR }, carried: { ...carried, ageMs: HOUR } };
  for (const name of RELAYS)
    world.add(name, { bootstrap: RELAYS.filter((other) => other !== name), retention });
  for (const name of LEAVES) world.add(name, { bootstrap: RELAYS, joined: ['dev', 'lobby'], retention });
  for (const name of [...RELAYS, ...LEAVES]) world.start(name);
  startFaults(world, {
    durationMs: HOURS * HOUR,
    everyMs: [20_000, 120_000],
    downMs: [1000, 20_000],
    downShareMax: 0,
    kinds: ['break', 'break', 'silence', 'drops', 'disk'],
  });
  startTalk(world, world.random('talk'), {
    channels: ['dev', 'lobby', 'somewhere else'],
    interests: new Map(LEAVES.map((name) => [name, ['dev', 'lobby']])),
    durationMs: HOURS * HOUR,
    everyMs: 10_000,
    names: LEAVES,
  });
  return world;
}

/** D restarts, and somebody whom nobody has seen before is there for three minutes. */
function visit(world: World, number: number): void {
  const stranger = `stranger ${number}`;
  world.add(stranger, { bootstrap: RELAYS, joined: ['lobby', `only ${number}`] });
  world.start(stranger);
  world.run(MINUTE);
  world.publish(stranger, `only ${number}`, 'is anybody here?');
  world.crash('D');
  world.run(2 * MINUTE);
  world.start('D');
  world.remove(stranger);
  world.run(7 * MINUTE);
  world.registry.forgetBefore(world.nowMs - HOUR);
}

/** Memory at one tenth of twenty hours and after `hours`. */
function play(
  createCore: CoreFactory,
  hours: number,
): Record<'early' | 'late', ReturnType<typeof measureHeap>> {
  const world = createMesh(1, createCore);
  const runHours = (from: number, to: number) => {
    for (let i = from * 6; i < to * 6; i++) visit(world, i);
  };
  runHours(0, HOURS / 10);
  const early = measureHeap();
  runHours(HOURS / 10, hours);
  const late = measureHeap();
  world.end();
  return { early, late };
}

it('needs no more memory after twenty hours than after two', () => {
  const { early, late } = play(createCore, HOURS);
  const words = `heap ${early.heap} to ${late.heap}, buffers ${early.buffers} to ${late.buffers} bytes`;
  expect(late.heap, words).toBeLessThanOrEqual(GROWTH_MAX * early.heap);
  expect(late.buffers, words).toBeLessThanOrEqual(GROWTH_MAX * early.buffers);
});

it('would notice a core that remembers what it heard', () => {
  const hoarding = (config: PeerConfig): SimCore => {
    const core = createCore(config);
    const heard: Event[] = [];
    const handle: SimCore['handle'] = (event, now) => {
      if (event.kind === 'frame-received') heard.push({ ...event });
      return core.handle(event, now);
    };
    return { handle };
  };
  const { early, late } = play(hoarding, HOURS / 4);
  expect(late.heap).toBeGreaterThan(GROWTH_MAX * early.heap);
});
