/** What may be missing at a host and what may not: the durability and convergence checkers stand on it. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETENTION } from '../core/defaults.ts';
import { HOUR } from '../core/limits.ts';
import type { QueryAnswer } from '../core/persistence.ts';
import type { Store } from '../store/store.ts';
import type { PeerOptions } from './peer-options.ts';
import type { Publication } from './registry.ts';
import { floodPeer } from './testing/flood-peer.ts';
import { World } from './world.ts';

const TWO_HOURS = { retention: { joined: { ...DEFAULT_RETENTION.joined, ageMs: 2 * HOUR } } };

/** A writes one message, and B has it. */
function createPair(b: PeerOptions = {}, expiresInMs = 0): { world: World; publication: Publication } {
  const world = new World({ scenario: 'keeping', seed: 3, createCore: floodPeer() });
  world.add('A', { joined: ['dev'] });
  world.add('B', { fixed: ['A'], joined: ['dev'], ...b });
  world.start('A');
  world.start('B');
  world.run(2000);
  const expiresMs = expiresInMs === 0 ? 0 : world.wallMs(world.host('A')) + expiresInMs;
  world.publish('A', 'dev', 'keep me', { expiresMs });
  world.run(2000);
  const [publication] = world.registry.committedIn('dev');
  if (publication === undefined) throw new Error('nothing was published');
  return { world, publication };
}

/** A store that says so of what it has and removed. */
function saying(holding: 'dropped' | 'wanted', floorHour: number) {
  return (store: Store): Store => {
    const read: Store['read'] = (query): QueryAnswer => {
      const answer = store.read(query);
      return answer.kind === 'has' ? { ...answer, holdings: answer.holdings.map(() => holding) } : answer;
    };
    const restore: Store['restore'] = () => {
      const floors = store.channels().map(({ tag }) => ({ tag, floorHour }));
      return { ...store.restore(), floors };
    };
    return Object.assign(Object.create(store), { read, restore });
  };
}

describe('a message', () => {
  it('has to be kept for its age, and whole hours longer than that nobody can ask', () => {
    const { world, publication } = createPair(TWO_HOURS);
    const keeps = () => world.keeps(world.host('B'), publication);
    expect(keeps()).toBe(true);
    world.sleep(HOUR);
    expect(keeps()).toBe(true);
    world.sleep(2 * HOUR);
    expect(keeps()).toBe(false);
    expect(world.keeps(world.host('A'), publication)).toBe(true);
  });

  it('has to be kept for what a client asked for, shorter or longer', () => {
    const { world, publication } = createPair(TWO_HOURS);
    world.sleep(3 * HOUR);
    world.retain('B', 'dev', { ageMs: 5 * HOUR });
    expect(world.keeps(world.host('B'), publication)).toBe(true);
    world.retain('B', 'dev', { ageMs: HOUR });
    expect(world.keeps(world.host('B'), publication)).toBe(false);
  });

  it('need not be kept once it has expired', () => {
    const { world, publication } = createPair({}, 60_000);
    expect(world.keeps(world.host('B'), publication)).toBe(true);
    world.sleep(60_000);
    expect(world.keeps(world.host('B'), publication)).toBe(false);
  });

  it('may go before its age where there is little room, and only with a floor or a header to tell', () => {
    const tight = { retention: { bytesAll: 1000 } };
    const told = Number.MAX_SAFE_INTEGER;
    const keepsWith = (options: PeerOptions) => {
      const { world, publication } = createPair(options);
      return world.keeps(world.host('B'), publication);
    };
    expect(keepsWith({ ...tight, wrapStore: saying('wanted', 0) })).toBe(true);
    expect(keepsWith({ ...tight, wrapStore: saying('dropped', 0) })).toBe(false);
    expect(keepsWith({ ...tight, wrapStore: saying('wanted', told) })).toBe(false);
    expect(keepsWith({ wrapStore: saying('dropped', told) })).toBe(true);
  });

  it('of its own a host keeps by age alone', () => {
    const world = new World({ scenario: 'keeping', seed: 4, createCore: floodPeer() });
    const wrapStore = saying('dropped', Number.MAX_SAFE_INTEGER);
    world.add('A', { joined: ['dev'], retention: { bytesAll: 1000 }, wrapStore });
    world.start('A');
    world.publish('A', 'dev', 'mine');
    world.run(1000);
    const [publication] = world.registry.committedIn('dev');
    expect(world.keeps(world.host('A'), publication as Publication)).toBe(true);
  });
});
