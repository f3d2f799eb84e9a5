/** What an adversarial reading of retention found, each as a story with a real store. */
import { expect, it } from 'vitest';
import { DEFAULT_RATES, DEFAULT_RETENTION } from '../../core/defaults.ts';
import { DAY, HOUR, LIMITS, MINUTE } from '../../core/limits.ts';
import { authorOf } from '../../core/message/message.fixture.ts';
import type { Message } from '../../core/message/message.ts';
import { Bench, EPOCH_MS, tagOf } from '../../core/peer.fixture.ts';
import { PRUNE_STEP } from '../../core/persistence.ts';
import { HEAVY_BYTES } from '../../store/buckets.ts';
import { bodies, createPair, createStore, fill, Holder, series } from './holder.fixture.ts';

it('another program fills the disk for a minute', () => {
  let free = 10 * LIMITS.diskReserveBytes;
  const store = createStore({ freeBytes: () => free });
  const bench = new Bench({ store, state: { joined: ['dev'] } });
  fill(store, series(bench, 300, { everyMs: HOUR, endMs: DAY }));
  bench.run(70_000);
  expect(bodies(store)).toHaveLength(300);
  free = LIMITS.diskReserveBytes / 2;
  bench.run(61_000);
  free = 10 * LIMITS.diskReserveBytes;
  bench.run(61_000);
  expect(bodies(store)).toHaveLength(300);
});

it('a confirmed message survives a round that began before its channel was held', () => {
  const store = createStore();
  const bench = new Bench({ store });
  const leaf = bench.connect('leaf', { live: true });
  fill(store, series(bench, 3, { channel: 'a', endMs: DAY }));
  fill(store, series(bench, 3, { channel: 'x', endMs: DAY }));
  bench.hold('read'); // the answer of usage is on its way
  bench.release('read');
  bench.run(LIMITS.unwantedMs);
  bench.hold('read');
  bench.run(61_000);
  bench.hold('persist'); // the removal in a is under way
  bench.release('read');
  const msg = bench.message('precious', { channel: 'x' });
  leaf.send({ type: 'push', root: '', keep: true, messages: [msg] });
  bench.release('persist');
  bench.run(5000);
  expect(leaf.got('stored').flatMap(({ ids }) => ids)).toHaveLength(1);
  expect(bodies(store, 'x')).toContain('precious');
});

it('a join during a long removal keeps what is left', () => {
  const store = createStore();
  const bench = new Bench({ store });
  fill(store, series(bench, 3000, { channel: 'x', endMs: DAY, everyMs: 1000 }));
  bench.run(LIMITS.unwantedMs);
  bench.hold('read');
  bench.run(61_000);
  bench.hold('persist'); // the first step of the removal is done, and the peer has not heard of it
  bench.release('read');
  bench.event({ kind: 'join', request: 8, channel: 'x' });
  const left = bodies(store, 'x').length;
  bench.release('persist');
  bench.run(5000);
  expect(bench.reply(8)).toMatchObject({ kind: 'joined' });
  expect(left).toBe(3000 - PRUNE_STEP);
  expect(bodies(store, 'x').length).toBe(left);
});

it('leaving and joining again at once loses nothing', () => {
  const { bench, store } = createPair();
  fill(store, series(bench, 60, { everyMs: DAY, endMs: HOUR }));
  bench.run(2000);
  expect(bodies(store)).toHaveLength(60);
  bench.event({ kind: 'leave', request: 7, channel: 'dev' });
  bench.run(3000);
  bench.event({ kind: 'join', request: 8, channel: 'dev' });
  bench.run(3000);
  expect(bodies(store)).toHaveLength(60);
});

it('own messages that no keeper takes do not stop later ones', () => {
  const store = createStore();
  const bench = new Bench({ store, state: { joined: ['dev'] } });
  bench.wallOffsetMs = -100 * DAY; // 100 days offline, or clock at 1970
  for (let i = 0; i < 600; i++) bench.publish(`old ${i}`);
  bench.wallOffsetMs = 0;
  const remote = bench.connect('home', { role: 'responder', relay: true });
  const fresh = bench.publish('fresh');
  const id = (bench.reply(fresh) as { id: string }).id;
  let seen = false;
  for (let i = 0; i < 600; i++) {
    bench.run(1000);
    for (const f of remote.got('push')) {
      // the keeper's floor is at 90 days: older ones are neither stored nor confirmed
      const ok = f.messages.filter((m) => f.keep && m.time.timeMs > bench.now.wallMs - 90 * DAY);
      if (ok.some((m) => m.idText === id)) seen = true;
      if (ok.length > 0) remote.send({ type: 'stored', ids: ok.map((m) => m.id) });
    }
    remote.clear();
  }
  expect(seen).toBe(true);
});

it('a full store does not fetch the same messages for ever', () => {
  const store = createStore({ freeBytes: () => 0 });
  const bench = new Bench({ store, state: { joined: ['dev'] } });
  const remote = bench.connect('home', { role: 'responder', relay: true });
  const holder = new Holder(bench, remote);
  const floor = remote.got('holds')[0]?.set[0]?.floorHour ?? 0;
  bench.publish('mine');
  bench.run(65_000);
  fill(holder.store, series(bench, 500));
  remote.clear();
  holder.tell(floor, 'dev');
  let fetched = 0;
  for (let minute = 0; minute < 30; minute++) {
    const m = bench.message(`trickle ${minute}`);
    fill(holder.store, [m]);
    for (let i = 0; i < 12; i++) {
      bench.run(5000);
      holder.compare(floor);
      for (let k = 0; k < 30; k++) {
        bench.run(5);
        for (const f of remote.got('fetch')) fetched += f.ids.length;
        if (holder.answer() === 0) break;
      }
    }
  }
  expect(fetched).toBeLessThan(3000);
});

it('dropped content at the neighbour is not asked for every minute', () => {
  const { bench, holder, remote, floorHour } = createPair();
  const all = series(bench, 500, { body: 'x'.repeat(1000) });
  fill(holder.store, all);
  // the neighbour dropped the content of it: known, not held
  holder.store.transact([[{ kind: 'drop', tag: tagOf('dev'), keepBytes: 0, freeBytes: 2 ** 40 }]]);
  holder.tell(floorHour, 'dev');
  let fetched = 0;
  for (let minute = 0; minute < 30; minute++) {
    fill(holder.store, [bench.message(`trickle ${minute}`, {}, authorOf('other'))]);
    for (let i = 0; i < 12; i++) {
      bench.run(5000);
      holder.compare(floorHour);
      for (let k = 0; k < 30; k++) {
        bench.run(5);
        for (const f of remote.got('fetch')) fetched += f.ids.length;
        if (holder.answer() === 0) break;
      }
    }
  }
  expect(fetched).toBeLessThan(9 * 500);
});

it('a carried channel that is still published in loses what is older than 7 days', () => {
  const store = createStore();
  const bench = new Bench({ store });
  const leaf = bench.connect('leaf', { live: true });
  leaf.send({ type: 'push', root: '', keep: true, messages: [bench.message('day 0', { channel: 'x' })] });
  for (let day = 1; day <= 60; day++) {
    bench.wallOffsetMs = day * DAY;
    leaf.send({
      type: 'push',
      root: '',
      keep: true,
      messages: [bench.message(`day ${day}`, { channel: 'x' })],
    });
    bench.run(61_000);
  }
  expect(bodies(store, 'x').length).toBeLessThanOrEqual(8);
});

it('no confirmation for content that was dropped', () => {
  const store = createStore();
  const bench = new Bench({ store, state: { joined: ['dev'] } });
  const leaf = bench.connect('leaf', { live: true });
  const m = bench.message('x'.repeat(HEAVY_BYTES));
  fill(store, [m]);
  store.transact([[{ kind: 'drop', tag: tagOf('dev'), keepBytes: 0, freeBytes: 2 ** 40 }]]);
  expect(bodies(store)).toEqual([]);
  leaf.send({ type: 'push', root: '', keep: true, messages: [m] });
  bench.run(1000);
  const confirmed = leaf.got('stored').flatMap(({ ids }) => ids).length;
  expect([confirmed, bodies(store).length]).not.toEqual([1, 0]);
});

it('a channel over its limit only by what is too old anyway loses only that', () => {
  const { bench, store } = createPair({
    config: {
      retention: { ...DEFAULT_RETENTION, joined: { ageMs: 10 * DAY, messages: 1000, bytes: 2 ** 30 } },
    },
  });
  // 400 too old, 700 young: 1100 > 1000
  fill(store, [
    ...series(bench, 400, { endMs: 12 * DAY, author: 'a' }),
    ...series(bench, 700, { endMs: HOUR, everyMs: 10 * MINUTE, author: 'b' }),
  ]);
  bench.run(2000);
  expect(bodies(store)).toHaveLength(700);
});

it('a restart of a relay does not delete what its leaves hold', () => {
  const store = createStore();
  const first = new Bench({ store });
  fill(store, series(first, 100, { channel: 'of a leaf', endMs: HOUR }));
  const bench = new Bench({ store });
  bench.run(3000); // leaves come back after seconds
  expect(bodies(store, 'of a leaf')).toHaveLength(100);
});

it('content asked for in vain once is asked for again while others are put off', () => {
  const rates = { ...DEFAULT_RATES, leafPerSecond: 0, relayPerSecond: 0, commonPerSecond: 1 };
  const { bench, store, holder, remote, floorHour } = createPair({ config: { rates } });
  holder.tell(floorHour, 'dev');
  const push = (messages: readonly Message[]) => {
    for (let at = 0; at < messages.length; at += 200)
      remote.send({ type: 'push', root: '', keep: false, messages: messages.slice(at, at + 200) });
  };
  push(series(bench, 2060, { author: 'drain', everyMs: 10 }));
  const quiet = series(bench, 60, { author: 'quiet', everyMs: 10 }); // 10 of them are put off
  push(quiet);
  let n = 0;
  const burst = () => {
    const loud = Array.from({ length: 80 }, () => bench.message(`b ${n++}`, {}, authorOf('bursty')));
    fill(holder.store, loud);
    push(loud);
  };
  const seconds = (count: number) => {
    for (let i = 0; i < count; i++) {
      if (i % 15 === 0) burst();
      bench.run(1000);
      holder.answer();
    }
  };
  seconds(60); // asked for in vain
  fill(holder.store, quiet);
  seconds(300);
  const ids = store.read({ kind: 'has', ids: quiet.map(({ id }) => id) });
  expect(ids.kind === 'has' && ids.holdings.filter((h) => h === 'wanted').length).toBe(0);
});

it('empty answers cost their sender something', () => {
  const { bench, remote } = createPair({ config: { rates: DEFAULT_RATES } });
  for (let i = 0; i < 30_000; i++) remote.send({ type: 'fetched', messages: [], notHeld: [] });
  expect(bench.of('pause').length + (remote.closed ? 1 : 0)).toBeGreaterThan(0);
});

it('a wrong clock was believed once: the next wrong start is not believed', () => {
  const store = createStore();
  const first = new Bench({ store, state: { joined: ['dev'] } });
  first.run(2000);
  // wrong by ten years for a day, nobody linked: believed; then it is right again and the daemon runs for months
  first.wallOffsetMs = 3650 * DAY;
  first.run(LIMITS.clockDoubtMs + 3 * MINUTE);
  first.wallOffsetMs = 0;
  first.run(2 * MINUTE);
  fill(store, series(first, 50, { endMs: HOUR }));
  first.run(2 * MINUTE);
  expect(bodies(store)).toHaveLength(50);
  expect(store.restore().clockMs).toBeLessThan(EPOCH_MS + LIMITS.clockDoubtMs + HOUR);
});

it('the first start after an upgrade, when no clock was noted, goes by what came last', () => {
  const store = createStore();
  const maker = new Bench({ store: createStore() });
  fill(store, series(maker, 50, { endMs: 200 * DAY })); // true time is 200 days before what the clock says
  const bench = new Bench({ store, state: { joined: ['dev'], clockMs: store.restore().clockMs } });
  bench.run(5000);
  expect(bodies(store)).toHaveLength(50);
});
