/** Each checker is shown a peer that breaks its rule; a checker that never fires might be blind. */
import { describe, expect, it } from 'vitest';
import type { VerifiedMessage } from '../core/message/verified.ts';
import type { Store } from '../store/store.ts';
import { ComesBackChecker } from './comes-back-checker.ts';
import type { PeerOptions } from './peer-options.ts';
import { failureOf } from './testing/failure.ts';
import { type Fault, floodPeer } from './testing/flood-peer.ts';
import { World } from './world.ts';

/** A - B - C in a line; B is the one that may be broken. */
function lineOf(seed: number, b: PeerOptions = {}, c: PeerOptions = {}): World {
  const world = new World({ scenario: 'checkers', seed, createCore: floodPeer() });
  world.add('A', { joined: ['dev'] });
  world.add('B', { fixed: ['A'], joined: ['dev'], ...b });
  world.add('C', { fixed: ['B'], joined: ['dev'], ...c });
  world.restrict(['A', 'B'], ['B', 'C']);
  for (const name of ['A', 'B', 'C']) world.start(name);
  world.run(2000);
  return world;
}

function play(world: World): void {
  for (let i = 0; i < 10; i++) {
    world.publish('A', 'dev', `${i} of A`);
    world.publish('B', 'dev', `${i} of B`);
    world.run(300);
  }
  world.converge(20_000);
  world.end();
}

function verdictOn(fault: Fault, seed = 7): string | undefined {
  return failureOf(() => play(lineOf(seed, { createCore: floodPeer(fault) })))?.checker;
}

describe('checkers', () => {
  it('let a peer pass that keeps all rules', () => {
    expect(failureOf(() => play(lineOf(7)))?.message).toBeUndefined();
  });

  it('let an honest peer pass that crashes on every side of a commit', () => {
    const world = lineOf(8);
    for (const how of ['killed', 'power', 'before-commit', 'after-commit'] as const) {
      if (how === 'killed' || how === 'power') world.crash('B', how);
      else world.crashAtCommit('B', { side: how, how: 'power' });
      world.publish('B', 'dev', `while ${how}, if there is still somebody`);
      world.run(3000);
      world.start('B');
      world.run(12_000);
    }
    expect(failureOf(() => play(world))?.message).toBeUndefined();
  });

  it('catch a peer that alters what it passes on', () => expect(verdictOn('forges')).toBe('forged'));

  it('catch a store that keeps a message twice', () => {
    const world = lineOf(7, { wrapStore: keepTwice });
    expect(failureOf(() => play(world))?.checker).toBe('shown-twice');
  });

  it('catch a store whose feed leaves a message out', () => {
    const world = lineOf(7, { wrapStore: hideThird });
    expect(failureOf(() => play(world))?.checker).toBe('shown-twice');
  });

  it('catch a peer that acknowledges before the commit', () =>
    expect(verdictOn('acknowledges-early')).toBe('durability'));

  it('catch a peer that sends its own message before the commit', () =>
    expect(verdictOn('sends-early')).toBe('commit-order'));

  it('catch a peer that confirms a message before the commit', () =>
    expect(verdictOn('confirms-early')).toBe('commit-order'));

  it('catch a peer that says for others what they did not say', () =>
    expect(verdictOn('claims-stored')).toBe('durability'));

  it('catch a store that forgets what was acknowledged', () => {
    const world = lineOf(7, { wrapStore: forgetEverything });
    world.publish('B', 'dev', 'remember me');
    world.run(500);
    world.crash('B');
    forgotten.add(world.host('B').name);
    expect(failureOf(() => world.start('B'))?.checker).toBe('durability');
    forgotten.clear();
  });

  it('catch a peer that neither forwards nor catches up', () =>
    expect(verdictOn('keeps-to-itself')).toBe('convergence'));

  it('catch a peer that blames an honest one', () => expect(verdictOn('accuses')).toBe('offence'));

  it('catch a peer that keeps all it ever got', () => expect(verdictOn('hoards')).toBe('memory'));

  it('catch a peer that sends as if queues had no end', () => expect(verdictOn('pours')).toBe('memory'));

  it('catch a store that takes again what it had and removed', () => {
    const world = lineOf(7, { wrapStore: takeAgain });
    world.publish('A', 'dev', 'once and again');
    world.run(5000);
    world.crash('B');
    world.start('B');
    expect(failureOf(() => world.run(20_000))?.checker).toBe('comes-back');
  });

  it('let a channel take again what its new policy allows', () => {
    const world = lineOf(7);
    world.publish('A', 'dev', 'once and again');
    world.run(5000);
    const host = world.host('B');
    const [row] = host.store.readPage({ channel: 'dev', limit: 1, wallMs: 0 });
    const tag = host.store.channels()[0]?.tag ?? '';
    const checker = new ComesBackChecker(world);
    const message = { kind: 'message', message: row?.message as VerifiedMessage, tag } as const;
    const take = () =>
      checker.committed(
        host,
        [{ token: 1, ops: [message] }],
        [[{ kind: 'message', inserted: true, arrival: 1 }]],
      );
    take();
    const retention = { kind: 'retention', channel: 'dev', tag, policy: {} } as const;
    checker.committed(host, [{ token: 2, ops: [retention] }], [[{ kind: 'done' }]]);
    take();
    expect(failureOf(take)?.checker).toBe('comes-back');
  });

  it('catch a peer that stores what has expired', () => {
    const world = lineOf(7);
    world.crash('C');
    const expiresMs = world.wallMs(world.host('B')) + 2000;
    world.publish('A', 'dev', 'short-lived', { expiresMs });
    world.run(20_000);
    world.start('C');
    expect(failureOf(() => world.run(20_000))?.checker).toBe('comes-back');
  });

  it('report an exception of the core with seed, scenario, virtual time and the last events', () => {
    const failure = failureOf(() => play(lineOf(11, { createCore: floodPeer('throws') })));
    expect(failure?.checker).toBe('core');
    expect(failure?.message).toContain('a bug in the core');
    expect(failure?.message).toMatch(/scenario checkers, seed 11, virtual time \d+\.\d{3} ms/);
    expect(failure?.message).toContain('B < frame 7');
  });
});

/** Every row of the feed of everything comes again under the next number. */
function keepTwice(store: Store): Store {
  const readArrivals: Store['readArrivals'] = (page) => {
    const rows = store.readArrivals({ ...page, after: Math.floor(page.after / 2) });
    return rows.flatMap((row) => [
      { ...row, arrival: 2 * row.arrival },
      { ...row, arrival: 2 * row.arrival + 1 },
    ]);
  };
  return { ...bound(store), readArrivals };
}

/** A feed whose cursor jumps over the third row, as one that orders by time would. */
function hideThird(store: Store): Store {
  const readArrivals: Store['readArrivals'] = (page) => {
    const rows = store.readArrivals(page);
    return page.limit > 1000 ? rows : rows.filter((row) => row.arrival !== 3);
  };
  return { ...bound(store), readArrivals };
}

/** Shows its peer nothing, and says of every message that comes that it is new. */
function takeAgain(store: Store): Store {
  const transact: Store['transact'] = (effects) =>
    store
      .transact(effects)
      .map((results) => results.map((one) => (one.kind === 'message' ? { ...one, inserted: true } : one)));
  const read: Store['read'] = (query) =>
    query.kind === 'ids' ? { kind: 'ids', positions: [], next: undefined } : store.read(query);
  return { ...bound(store), transact, read };
}

const forgotten = new Set<string>();

function forgetEverything(store: Store): Store {
  const readMessage: Store['readMessage'] = (id) => (forgotten.size > 0 ? undefined : store.readMessage(id));
  return { ...bound(store), readMessage };
}

/** The store's methods as own properties, so that a copy of the object keeps them. */
function bound(store: Store): Store {
  return {
    transact: (effects) => store.transact(effects),
    read: (query) => store.read(query),
    restore: () => store.restore(),
    readPage: (page) => store.readPage(page),
    readArrivals: (page) => store.readArrivals(page),
    readChanges: (page) => store.readChanges(page),
    readMessage: (id) => store.readMessage(id),
    known: (range, limit) => store.known(range, limit),
    equivocation: (channel, author) => store.equivocation(channel, author),
    channels: () => store.channels(),
    lastArrival: () => store.lastArrival(),
    outboxSize: (most) => store.outboxSize(most),
    close: () => store.close(),
  };
}
