/** The checker of feeds is shown stores that do not keep to their rule; a checker that never fires might be blind. */
import { describe, expect, it } from 'vitest';
import type { VerifiedMessage } from '../core/message/verified.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import type { Store } from '../store/store.ts';
import { SupersededChecker } from './superseded-checker.ts';
import { failureOf } from './testing/failure.ts';
import { createCore } from './testing/seeds.ts';
import { World } from './world.ts';

const KIND = 20;

/** A has a feed, which B and C follow: B over A, C over B. B's store may be broken. */
function meshOf(wrapStore: (store: Store) => Store = (store) => store): { world: World; feed: string } {
  const world = new World({ scenario: 'superseded', seed: 5, createCore });
  world.add('A');
  world.add('B', { fixed: ['A'], wrapStore });
  world.add('C', { fixed: ['B'] });
  world.restrict(['A', 'B'], ['B', 'C']);
  const feed = `@${world.host('A').identityAt(0)}`;
  for (const name of ['A', 'B', 'C']) {
    world.start(name);
    world.join(name, feed);
  }
  world.run(5000);
  return { world, feed };
}

function publish(world: World, feed: string, ...bodies: readonly string[]): VerifiedMessage {
  for (const body of bodies) {
    world.publish('A', feed, body, { kind: KIND });
    world.run(5000);
  }
  const id = world.registry.committedIn(feed).at(-1)?.message?.idText ?? '';
  return world.host('A').store.readMessage(id)?.message as VerifiedMessage;
}

/** Says of every record that it ever took that it has it. */
function neverForgets(store: Store): Store {
  const all = new Set<string>();
  const transact: Store['transact'] = (effects) => {
    for (const op of effects.flat()) if (op.kind === 'message') all.add(op.message.message.idText);
    return store.transact(effects);
  };
  const read: Store['read'] = (query) => {
    const answer = store.read(query);
    if (query.kind !== 'has' || answer.kind !== 'has') return answer;
    const isOld = (id: Uint8Array) => all.has(Buffer.from(id).toString('base64url'));
    return {
      kind: 'has',
      holdings: query.ids.map((id, i) => (isOld(id) ? 'held' : answer.holdings[i])) as never,
    };
  };
  return { ...bound(store), transact, read };
}

function bound(store: Store): Store {
  return Object.fromEntries(
    Object.entries(store).map(([name, method]) => [name, (...args: unknown[]) => method(...args)]),
  ) as unknown as Store;
}

describe('the checker of feeds', () => {
  it('lets peers pass that keep to the rule, whatever they missed', () => {
    const { world, feed } = meshOf();
    publish(world, feed, 'one', 'two');
    world.crash('C');
    publish(world, feed, 'three');
    world.crash('B');
    publish(world, feed, 'four');
    world.start('B');
    world.start('C');
    world.run(60_000);
    world.converge(60_000);
    const last = publish(world, feed, 'five').message.idText;
    for (const { message } of world.registry.committedIn(feed))
      expect(world.host('C').store.readMessage(message?.idText ?? '') !== undefined).toBe(
        message?.idText === last,
      );
    expect(failureOf(() => world.end())?.message).toBeUndefined();
  });

  it('catches a store that keeps what is superseded', () => {
    const { world, feed } = meshOf(neverForgets);
    expect(failureOf(() => publish(world, feed, 'one', 'two'))?.message).toMatch(/superseded: B keeps/);
  });

  it('catches a store that takes it again, or a feed that shows it, and not what retention made it forget', () => {
    const { world, feed } = meshOf();
    const old = publish(world, feed, 'one');
    const now = publish(world, feed, 'two');
    const host = world.host('B');
    const tag = host.store.channels().find(({ channel }) => channel === feed)?.tag ?? '';
    const checker = new SupersededChecker(world);
    const commit = (op: PersistOp, result: PersistResult) =>
      checker.committed(host, [{ token: 1, ops: [op] }], [[result]]);
    const take = (message: VerifiedMessage) =>
      commit({ kind: 'message', message, tag }, { kind: 'message', inserted: true, arrival: 9 });
    const prune = () => {
      const after = { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(0) };
      const op = { kind: 'prune' as const, tag, beforeHour: 9e9, ownBeforeHour: 9e9, floorHour: 0, after };
      const [[result] = []] = host.store.transact([[op]]);
      commit(op, result as PersistResult);
    };
    take(now);
    expect(failureOf(() => take(old))?.message).toMatch(/superseded: B stores/);
    const row = { arrival: 9, message: old, delivery: undefined, equivocates: false };
    expect(failureOf(() => checker.shown(host, feed, row))?.message).toMatch(/superseded: B shows/);
    prune();
    checker.shown(host, feed, row);
    take(old);
  });

  it('catches a store that has both at the end', () => {
    let isBroken = false;
    const { world, feed } = meshOf((store) => {
      const read: Store['read'] = (query) =>
        query.kind === 'has' && isBroken
          ? { kind: 'has', holdings: query.ids.map(() => 'held') }
          : store.read(query);
      return { ...bound(store), read };
    });
    publish(world, feed, 'one', 'two');
    isBroken = true;
    expect(failureOf(() => new SupersededChecker(world).end())?.message).toMatch(/superseded: B holds/);
  });
});
