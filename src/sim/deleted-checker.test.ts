/** The checker of deletes is shown stores that do not keep to them; a checker that never fires might be blind. */
import { describe, expect, it } from 'vitest';
import { readSignedHeader, VerifiedHeader } from '../core/message/header.ts';
import { createMessageContext, type Message, RELATION } from '../core/message/message.ts';
import { StoreReceipt, type VerifiedMessage } from '../core/message/verified.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import { sha256 } from '../crypto/index.ts';
import type { Store } from '../store/store.ts';
import { DeletedChecker } from './deleted-checker.ts';
import { SIM_NETWORK } from './network.ts';
import { failureOf } from './testing/failure.ts';
import { createCore } from './testing/seeds.ts';

import { World } from './world.ts';

/** A and B want `dev`; C comes when it is started. B's store may be broken. */
function meshOf(wrapStore: (store: Store) => Store = (store) => store): World {
  const world = new World({ scenario: 'deleted', seed: 3, createCore });
  world.add('A', { joined: ['dev'] });
  world.add('B', { fixed: ['A'], joined: ['dev'], wrapStore });
  world.add('C', { fixed: ['B'], joined: ['dev'] });
  world.restrict(['A', 'B'], ['B', 'C']);
  for (const name of ['A', 'B']) world.start(name);
  world.run(5000);
  return world;
}

/** A publishes and regrets. @returns the message and its delete */
function regret(world: World): { post: VerifiedMessage; deletion: VerifiedMessage } {
  world.publish('A', 'dev', 'regretted');
  world.run(5000);
  const store = world.host('A').store;
  const [row] = store.readPage({ channel: 'dev', limit: 1, wallMs: 0 });
  const post = row?.message as VerifiedMessage;
  world.publish('A', 'dev', '', { refs: [{ relation: RELATION.delete, id: post.message.id }] });
  world.run(5000);
  const found = world.registry.committedIn('dev').at(-1)?.message as Message;
  return { post, deletion: store.readMessage(found.idText)?.message as VerifiedMessage };
}

/** Says of every message that it ever took that it has it, and knows no tombstones. */
function neverForgets(store: Store): Store {
  const all = new Map<string, VerifiedMessage>();
  const transact: Store['transact'] = (effects) => {
    for (const op of effects.flat())
      if (op.kind === 'message') all.set(op.message.message.idText, op.message);
    return store.transact(effects);
  };
  const read: Store['read'] = (query) => {
    if (query.kind === 'tombstones')
      return { kind: 'tombstones', tombstones: query.ids.map(() => undefined) };
    if (query.kind !== 'messages') return store.read(query);
    const texts = query.ids.map((id) => Buffer.from(id).toString('base64url'));
    return { kind: 'messages', messages: texts.map((text) => all.get(text)) };
  };
  const readMessage: Store['readMessage'] = (id) => {
    const message = all.get(id);
    return (
      store.readMessage(id) ?? (message && { arrival: 1, message, delivery: undefined, equivocates: false })
    );
  };
  return { ...bound(store), transact, read, readMessage };
}

function callsAllDeleted(store: Store): Store {
  const read: Store['read'] = (query) => {
    const answer = store.read(query);
    if (answer.kind !== 'has') return answer;
    return { kind: 'has', holdings: answer.holdings.map((one) => (one === 'held' ? 'deleted' : one)) };
  };
  return { ...bound(store), read };
}

function bound(store: Store): Store {
  return Object.fromEntries(
    Object.entries(store).map(([name, method]) => [name, (...args: unknown[]) => method(...args)]),
  ) as unknown as Store;
}

describe('the checker of deletes', () => {
  it('lets peers pass that keep to them, and that restart', () => {
    const world = meshOf();
    const { post } = regret(world);
    world.crash('B');
    world.start('B');
    world.start('C');
    world.run(60_000);
    world.converge(60_000);
    const answer = world.host('C').store.read({ kind: 'has', ids: [post.message.id] });
    expect(answer).toEqual({ kind: 'has', holdings: ['deleted'] });
    expect(failureOf(() => world.end())?.message).toBeUndefined();
  });

  it('catches a peer that gives deleted content away', () => {
    const world = meshOf(neverForgets);
    regret(world);
    world.crash('B');
    world.start('B');
    world.start('C');
    expect(failureOf(() => world.run(60_000))?.message).toMatch(/deleted: B sends/);
  });

  it('catches a store that still has the content', () => {
    const world = meshOf(neverForgets);
    regret(world);
    expect(failureOf(() => world.end())?.message).toMatch(/deleted: B holds/);
  });

  it('catches a peer that calls deleted what is not', () => {
    const world = meshOf(callsAllDeleted);
    world.publish('A', 'dev', 'still wanted');
    world.run(10_000);
    const failure = failureOf(() => new DeletedChecker(world).end());
    expect(failure?.message).toMatch(/deleted: B calls/);
  });

  it('catches a store that takes or a feed that shows deleted content, and a header that nobody signed', () => {
    const world = meshOf();
    const { post, deletion } = regret(world);
    const checker = new DeletedChecker(world);
    const host = world.host('B');
    const tag = host.store.channels()[0]?.tag ?? '';
    const commit = (op: PersistOp, result: PersistResult) =>
      checker.committed(host, [{ token: 1, ops: [op] }], [[result]]);
    const take = (message: VerifiedMessage) =>
      commit({ kind: 'message', message, tag }, { kind: 'message', inserted: true, arrival: 9 });
    const row = { arrival: 9, message: post, delivery: undefined, equivocates: false };
    take(post);
    checker.shown(host, 'dev', row);
    take(deletion);
    expect(failureOf(() => take(post))?.message).toMatch(/deleted: B stores/);
    expect(failureOf(() => checker.shown(host, 'dev', row))?.message).toMatch(/deleted: B shows/);
    const context = createMessageContext(SIM_NETWORK, sha256);
    const bury = (signature: Uint8Array) => {
      const header = readSignedHeader(context, post.message.bytes, signature);
      const verified = VerifiedHeader.fromStore(header, StoreReceipt.issue(header.id)) as VerifiedHeader;
      return failureOf(() => commit({ kind: 'tombstone', header: verified, tag }, { kind: 'done' }));
    };
    expect(bury(post.message.signature)).toBeUndefined();
    expect(bury(new Uint8Array(64))?.message).toMatch(/header that nobody signed/);
  });
});
