/** Own messages on their way to somebody who keeps them. */
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../core/bytes.ts';
import { LIMITS, MINUTE } from '../../core/limits.ts';
import { Bench } from '../../core/peer.fixture.ts';
import type { ConnectOptions, Remote } from '../../core/remote.fixture.ts';
import type { Store } from '../../store/store.ts';
import { createStore, restored } from './holder.fixture.ts';

function createBench(store: Store = createStore()) {
  return { bench: new Bench({ store, state: restored(store) }), store };
}

const HOME: ConnectOptions = { role: 'responder', relay: true };

/** Bodies of what a remote end was asked to keep, in order. */
const kept = (remote: Remote): string[] =>
  remote.got('push').flatMap(({ keep, messages }) => (keep ? messages.map(({ body }) => body) : []));

/** Says that it has stored what it was asked to keep since the last time. */
function confirm(remote: Remote): number {
  const ids = remote.got('push').flatMap(({ keep, messages }) => (keep ? messages.map(({ id }) => id) : []));
  remote.clear();
  for (let at = 0; at < ids.length; at += 1000)
    remote.send({ type: 'stored', ids: ids.slice(at, at + 1000) });
  return ids.length;
}

function publishMany(bench: Bench, count: number, from = 0): void {
  for (let i = from; i < from + count; i++) bench.publish(`${i}`);
  bench.run(10);
}

const states = (bench: Bench): string[] =>
  bench.of('delivery').map(({ state, by }) => `${state} ${by}`.trim());
const stateOf = (store: Store, id: string) => store.readMessage(id)?.delivery;
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

describe('the outbox of a leaf', () => {
  it('hands a message to the live home relay, which becomes its root and is asked to keep it', () => {
    const { bench, store } = createBench();
    const home = bench.connect('home', HOME);
    bench.publish('hello');
    bench.run(10);
    expect(home.got('push')).toMatchObject([{ root: '', keep: true }]);
    expect(states(bench)).toEqual(['relayed']);
    confirm(home);
    expect(states(bench)).toEqual(['relayed', `stored ${home.id}`]);
    const id = bench.of('delivery')[0]?.id ?? '';
    expect(stateOf(store, id)).toEqual({ state: 'stored', storedBy: [home.id] });
  });

  it('believes only the keeper, only for what it was given, and only after its own disk has noted it', () => {
    const { bench, store } = createBench();
    const home = bench.connect('home', HOME);
    const standby = bench.connect('standby', HOME);
    bench.publish('hello');
    bench.run(10);
    const id = home.got('push')[0]?.messages[0]?.id as Bytes;
    standby.send({ type: 'stored', ids: [id] });
    home.send({ type: 'stored', ids: [new Uint8Array(32), bench.message('of another').id] });
    bench.run(1000);
    expect(states(bench)).toEqual(['relayed']);
    bench.hold('persist');
    confirm(home);
    expect(states(bench)).toEqual(['relayed']);
    bench.release('persist');
    expect(states(bench)).toEqual(['relayed', `stored ${home.id}`]);
    home.send({ type: 'stored', ids: [id] });
    expect(states(bench)).toHaveLength(2);
    expect(store.read({ kind: 'outbox', afterArrival: 0, limit: 10 })).toMatchObject({ rows: [] });
  });

  it('keeps what nobody can take, says queued by saying nothing, and hands it over when a relay comes', () => {
    const { bench } = createBench();
    publishMany(bench, 700);
    bench.run(60_000);
    expect(states(bench)).toEqual([]);
    const home = bench.connect('home', HOME);
    const given: string[] = [];
    for (let i = 0; i < 10; i++) {
      bench.run(10);
      given.push(...kept(home));
      confirm(home);
    }
    expect(given).toEqual(numbers(700));
  });

  it('has 512 messages under way at most, the rest follows as they are confirmed, in order and once', () => {
    const { bench } = createBench();
    const home = bench.connect('home', HOME);
    publishMany(bench, 2000);
    expect(kept(home).length).toBe(LIMITS.outboxWindow);
    const given: string[] = [];
    for (let i = 0; i < 20; i++) {
      expect(kept(home).length).toBeLessThanOrEqual(LIMITS.outboxWindow);
      given.push(...kept(home));
      confirm(home);
      bench.run(10);
    }
    expect(given).toEqual(numbers(2000));
    const done = states(bench).filter((state) => state.startsWith('stored'));
    expect(done).toHaveLength(2000);
  });

  it('takes what is published while a backlog goes out, and forgets nothing of it', () => {
    const { bench, store } = createBench();
    publishMany(bench, 600);
    const home = bench.connect('home', HOME);
    bench.hold('read');
    publishMany(bench, 300, 600);
    bench.release('read');
    const given = new Set<string>();
    for (let i = 0; i < 20; i++) {
      bench.run(10);
      for (const body of kept(home)) given.add(body);
      confirm(home);
      if (i < 5) publishMany(bench, 20, 900 + i * 20);
    }
    expect(given.size).toBe(1000);
    expect(store.read({ kind: 'outbox', afterArrival: 0, limit: 10 })).toMatchObject({ rows: [] });
  });

  it('asks the next home relay for what the last one had not confirmed', () => {
    const { bench } = createBench();
    const home = bench.connect('home', HOME);
    const standby = bench.connect('standby', HOME);
    publishMany(bench, 3);
    const [first] = home.got('push').flatMap(({ messages }) => messages);
    home.send({ type: 'stored', ids: [first?.id as Bytes] });
    expect(kept(standby)).toEqual([]);
    home.hangUp();
    bench.run(10);
    expect(kept(standby)).toEqual(['1', '2']);
    expect(standby.got('role').at(-1)).toMatchObject({ live: true });
  });

  it('asks again after ten seconds without a word, and for nothing that was confirmed', () => {
    const { bench } = createBench();
    const home = bench.connect('home', HOME);
    publishMany(bench, 3);
    const pushed = home.got('push').flatMap(({ messages }) => messages);
    home.send({ type: 'stored', ids: [pushed[1]?.id as Bytes] });
    home.clear();
    bench.run(LIMITS.outboxRetryMs - 2000);
    expect(kept(home)).toEqual([]);
    bench.run(4000);
    expect(kept(home)).toEqual(['0', '2']);
  });

  it('goes on after a restart with what was not confirmed', () => {
    const { bench, store } = createBench();
    const home = bench.connect('home', HOME);
    publishMany(bench, 3);
    const pushed = home.got('push').flatMap(({ messages }) => messages);
    home.send({ type: 'stored', ids: [pushed[0]?.id as Bytes] });
    const again = createBench(store).bench;
    const later = again.connect('home', HOME);
    again.run(10);
    expect(kept(later)).toEqual(['1', '2']);
  });

  it('loses no message when a confirmation cannot be noted', () => {
    const { bench, store } = createBench();
    const home = bench.connect('home', HOME);
    publishMany(bench, 2);
    bench.failPersists = 1;
    confirm(home);
    expect(states(bench).filter((state) => state.startsWith('stored'))).toEqual([]);
    bench.run(3000);
    expect(kept(home)).toEqual(['0', '1']);
    confirm(home);
    expect(store.read({ kind: 'outbox', afterArrival: 0, limit: 10 })).toMatchObject({ rows: [] });
  });

  it('goes on when the table cannot be read for once', () => {
    const { bench } = createBench();
    publishMany(bench, 5);
    bench.failReads = 1;
    const home = bench.connect('home', HOME);
    bench.run(3000);
    expect(kept(home)).toEqual(numbers(5));
  });
});

describe('the outbox of a relay', () => {
  it('asks one neighbouring relay to keep a copy, in the tree whose root it is itself', () => {
    const { bench } = createBench();
    const first = bench.connect('first', { relay: true });
    const second = bench.connect('second', { relay: true });
    bench.connect('leaf', { live: true });
    bench.run(2000);
    bench.publish('hello');
    bench.run(10);
    expect([kept(first), kept(second)]).toEqual([['hello'], []]);
    expect(first.got('push').some(({ keep, root }) => keep && root.length === 11)).toBe(true);
    second.send({ type: 'stored', ids: [first.got('push')[0]?.messages[0]?.id as Bytes] });
    expect(states(bench)).toEqual(['relayed']);
    confirm(first);
    expect(states(bench)).toEqual(['relayed', `stored ${first.id}`]);
  });

  it('has no keeper among its leaves, and takes the next relay that comes', () => {
    const { bench } = createBench();
    const leaf = bench.connect('leaf', { live: true });
    publishMany(bench, 2);
    expect(kept(leaf)).toEqual([]);
    const relay = bench.connect('relay', { relay: true });
    bench.run(10);
    expect(kept(relay)).toEqual(['0', '1']);
  });

  it('changes to another keeper when its own confirms one message now and then', () => {
    const { bench } = createBench();
    const first = bench.connect('first', { relay: true });
    const second = bench.connect('second', { relay: true });
    bench.run(2000);
    publishMany(bench, 20);
    const ids = first.got('push').flatMap(({ messages }) => messages.map(({ id }) => id));
    for (let i = 0; kept(second).length === 0 && i < 5; i++) {
      bench.run(LIMITS.outboxRetryMs * 2);
      first.send({ type: 'stored', ids: ids.slice(i, i + 1) });
    }
    bench.run(2000);
    expect(kept(second)).toEqual(numbers(20).slice(20 - kept(second).length));
    expect(kept(second).length).toBeGreaterThan(15);
  });

  it('keeps a keeper that is slow with many, and one that has nothing to confirm', () => {
    const { bench } = createBench();
    const first = bench.connect('first', { relay: true });
    const second = bench.connect('second', { relay: true });
    bench.run(2 * LIMITS.outboxSlowMs);
    publishMany(bench, 200);
    const ids = first.got('push').flatMap(({ messages }) => messages.map(({ id }) => id));
    for (let i = 0; i < ids.length; i += 5) {
      bench.run(LIMITS.outboxRetryMs / 2);
      first.send({ type: 'stored', ids: ids.slice(i, i + 5) });
    }
    expect(kept(second)).toEqual([]);
  });

  it('changes to another keeper when its own is no relay any more or goes', () => {
    const { bench } = createBench();
    const first = bench.connect('first', { relay: true });
    const second = bench.connect('second', { relay: true });
    publishMany(bench, 1);
    first.send({ type: 'role', relay: false, live: true });
    bench.run(10);
    expect([kept(first), kept(second)]).toEqual([['0'], ['0']]);
  });
});

describe('a keeper', () => {
  it('confirms what it was asked to keep after its own commit, also what it has since long', () => {
    const { bench, store } = createBench();
    const leaf = bench.connect('leaf', { live: true });
    const message = bench.message('keep me');
    const ask = (): void => {
      leaf.send({ type: 'push', root: '', keep: true, messages: [message] });
      bench.run(10);
    };
    bench.hold('persist');
    ask();
    expect(leaf.got('stored')).toEqual([]);
    ask();
    bench.release('persist');
    bench.run(10);
    expect(leaf.got('stored').flatMap(({ ids }) => ids).length).toBeGreaterThan(0);
    leaf.clear();
    ask();
    expect(leaf.got('stored')).toEqual([{ type: 'stored', ids: [message.id] }]);
    const again = createBench(store).bench;
    const later = again.connect('leaf', { live: true });
    later.send({ type: 'push', root: '', keep: true, messages: [message] });
    again.run(10);
    expect(later.got('stored')).toEqual([{ type: 'stored', ids: [message.id] }]);
  });

  it('stores a message on request that it merely passed on before', () => {
    const { bench, store } = createBench();
    const relay = bench.connect('relay', { relay: true });
    const leaf = bench.connect('leaf', { live: true });
    const message = bench.message('in transit');
    relay.send({ type: 'push', root: '', keep: false, messages: [message] });
    bench.run(10);
    expect(store.readMessage(message.idText)).toBeUndefined();
    leaf.send({ type: 'push', root: '', keep: true, messages: [message] });
    bench.run(10);
    expect(store.readMessage(message.idText)).toBeDefined();
    expect(leaf.got('stored')).toHaveLength(1);
    expect(relay.got('stored')).toEqual([]);
  });
});

describe('a message in a channel that a leaf has not joined', () => {
  const alone = (store: Store): number => {
    const answer = store.read({ kind: 'outbox', afterArrival: 0, limit: 10, alone: true });
    return answer.kind === 'outbox' ? answer.rows.length : 0;
  };

  it('gets a second keeper as soon as there is one, also after a restart, and then no more', () => {
    const { bench, store } = createBench();
    const first = bench.connect('first', HOME);
    publishMany(bench, 3);
    confirm(first);
    bench.run(MINUTE);
    expect([alone(store), kept(first)]).toEqual([3, []]);

    const { bench: again } = createBench(store);
    const back = again.connect('first', HOME);
    again.run(MINUTE);
    expect(kept(back)).toEqual([]);
    const second = again.connect('second', HOME);
    again.run(2000);
    expect(kept(second)).toEqual(['0', '1', '2']);
    back.send({ type: 'stored', ids: second.got('push')[0]?.messages.map(({ id }) => id) ?? [] });
    again.run(1000);
    expect(alone(store)).toBe(3);
    second.clear();
    again.run(10 * MINUTE);
    expect(kept(second)).toEqual([]);
    for (let ms = 0; ms < LIMITS.copiesAgainMs && kept(second).length === 0; ms += 1000) again.run(1000);
    expect(kept(second)).toEqual(['0', '1', '2']);
    confirm(second);
    again.run(2000);
    expect(alone(store)).toBe(0);
    const id = store.readPage({ channel: 'dev', limit: 1, wallMs: 0 })[0]?.message.message.idText ?? '';
    expect(stateOf(store, id)).toEqual({ state: 'stored', storedBy: [back.id, second.id] });
    again.connect('third', HOME);
    again.run(5 * MINUTE);
    expect(again.remotes.flatMap(kept)).toEqual([]);
  });

  it('goes to it in parts, each when the one before is stored', () => {
    const { bench, store } = createBench();
    const first = bench.connect('first', HOME);
    for (let i = 0; i < 12; i++) bench.publish(`${i}`.padEnd(60_000));
    for (let i = 0; i < 5; i++) {
      bench.run(2000);
      confirm(first);
    }
    const second = bench.connect('second', HOME);
    bench.run(2000);
    expect(kept(second)).toHaveLength(8);
    confirm(second);
    bench.run(2000);
    expect(kept(second)).toHaveLength(4);
    confirm(second);
    bench.run(2000);
    expect(alone(store)).toBe(0);
  });

  it('needs none where the channel is joined: it is compared', () => {
    const { bench, store } = createBench();
    bench.join('dev');
    const [first, second] = ['first', 'second'].map((name) => bench.connect(name, HOME)) as [Remote, Remote];
    publishMany(bench, 3);
    confirm(first);
    bench.run(MINUTE);
    expect([alone(store), kept(second)]).toEqual([0, []]);
  });
});
