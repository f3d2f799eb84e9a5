/** What is kept and what goes, with a real store behind the peer. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_RATES, DEFAULT_RETENTION } from '../../core/defaults.ts';
import { DAY, HOUR, LIMITS, MINUTE } from '../../core/limits.ts';
import type { Message } from '../../core/message/message.ts';
import { Bench, EPOCH_MS, tagOf } from '../../core/peer.fixture.ts';
import type { RetentionLimits } from '../../core/peer-types.ts';
import type { TagUse } from '../../core/persistence.ts';
import type { Store } from '../../store/store.ts';
import { bodies, createPair, createStore, fill, Holder, type Pair, series } from './holder.fixture.ts';

const SMALL: RetentionLimits = {
  joined: { ageMs: 10 * DAY, messages: 1000, bytes: 1024 * 1024 },
  carried: { ageMs: 2 * DAY, bytes: 256 * 1024 },
  carriedBytesAll: 512 * 1024,
  newcomerBytes: 512 * 1024,
  bytesAll: 2 * 1024 * 1024,
};

/** Days go by for the clock, and a minute of each for the peer. */
function passDays(bench: Bench, days: number): void {
  for (let day = 0; day < days; day++) {
    bench.wallOffsetMs += DAY;
    bench.run(70_000);
  }
}

function usage(store: Store, channel: string): TagUse | undefined {
  const answer = store.read({ kind: 'usage' });
  return answer.kind === 'usage' ? answer.tags.find(({ tag }) => tag === tagOf(channel)) : undefined;
}

const floorOf = ({ bench }: Pair, channel = 'dev') =>
  bench.peer.snapshot(bench.now).floors.get(tagOf(channel));
const prints = (store: Store, fromHour: number) => {
  const windows = [{ tag: tagOf('dev'), fromMinute: fromHour * 60, untilMinute: 2 ** 42 }];
  return store.read({ kind: 'sums', windows });
};

describe('what is too old', () => {
  it('goes by whole hours, and own messages with it unless nobody has confirmed them', () => {
    const pair = createPair({ config: { retention: SMALL } });
    const { bench, store } = pair;
    fill(store, series(bench, 48, { everyMs: HOUR, endMs: 9 * DAY }));
    expect(bench.codeOf(bench.publish('mine', { channel: 'dev' }))).toBe('');
    bench.run(2000);
    const kept = bodies(store).length;
    expect(kept).toBeGreaterThan(22);
    expect(kept).toBeLessThan(27);
    expect(floorOf(pair)).toBe(Math.floor((EPOCH_MS - 10 * DAY) / HOUR) + 1);
    passDays(bench, 20);
    expect(bodies(store)).toEqual(['mine']);
    pair.remote.send({
      type: 'stored',
      ids: bench.ops('own-message').map(({ message }) => message.message.id),
    });
    bench.wallOffsetMs += HOUR;
    bench.run(70_000);
    expect(bodies(store)).toEqual([]);
  });

  it('does not come back: it is neither asked for nor taken', () => {
    const { bench, store, holder, remote, floorHour } = createPair({ config: { retention: SMALL } });
    const old = series(bench, 20, { endMs: 11 * DAY });
    const young = series(bench, 20);
    fill(holder.store, [...old, ...young]);
    holder.tell(floorHour - 80 * 24, 'dev');
    holder.sums(floorHour - 80 * 24);
    let asked = 0;
    for (let i = 0; i < 50; i++) {
      bench.run(10);
      for (const { ids } of remote.got('fetch')) asked += ids.length;
      holder.answer();
    }
    expect(bodies(store)).toEqual(young.map(({ body }) => body));
    expect(asked).toBe(20);
    remote.send({ type: 'push', root: '', keep: false, messages: old });
    expect(bodies(store)).toHaveLength(20);
  });
});

describe('a clock that is suddenly far ahead', () => {
  const setUp = () => {
    const pair = createPair({ config: { retention: SMALL } });
    fill(pair.store, series(pair.bench, 30));
    fill(pair.store, [pair.bench.message('short-lived', { expiresMs: EPOCH_MS + DAY })]);
    pair.bench.run(70_000);
    pair.bench.wallOffsetMs += 3650 * DAY;
    pair.bench.run(2 * MINUTE);
    return pair;
  };

  it('removes nothing by age, and says so once', () => {
    const { bench, store } = setUp();
    bench.run(HOUR);
    expect(bodies(store)).toHaveLength(31);
    const warnings = bench.effects.filter(
      (effect) => effect.kind === 'report' && effect.phrase.includes('clock'),
    );
    expect(warnings).toHaveLength(1);
    bench.wallOffsetMs = 0;
    bench.run(2 * MINUTE);
    expect(bodies(store)).toHaveLength(31);
  });

  it('is believed when a neighbour has the same time', () => {
    const { bench, store, holder, floorHour } = setUp();
    holder.tell(floorHour, 'dev');
    holder.heartbeat(floorHour);
    bench.run(2 * MINUTE);
    expect(bodies(store)).toEqual([]);
  });

  it('is in doubt after a restart too, and believed after a week', () => {
    const { store } = setUp();
    const state = { joined: ['dev'], clockMs: store.restore().clockMs };
    const second = new Bench({ store, config: { retention: SMALL }, state });
    second.wallOffsetMs = 3650 * DAY;
    second.run(LIMITS.clockDoubtMs - HOUR);
    expect(bodies(store)).toHaveLength(31);
    second.run(2 * HOUR);
    expect(bodies(store)).toEqual([]);
  });
});

describe('a channel over its limit', () => {
  it('of messages loses its oldest hours, tells its floor, and keeps a tenth of room', () => {
    const pair = createPair({ config: { retention: SMALL } });
    const { bench, store, remote } = pair;
    const messages = series(bench, 1200);
    fill(store, messages);
    bench.run(2000);
    const kept = bodies(store);
    expect(kept.length).toBeLessThanOrEqual(900);
    expect(kept.length).toBeGreaterThan(900 - 61);
    expect(kept).toEqual(messages.slice(-kept.length).map(({ body }) => body));
    const floor = floorOf(pair) as number;
    expect(floor * HOUR).toBeLessThanOrEqual((messages.at(-kept.length) as Message).time.timeMs);
    expect(remote.got('holds').at(-1)?.set).toEqual([{ tag: tagOf('dev'), floorHour: floor }]);
    expect(store.restore().floors).toEqual([{ tag: tagOf('dev'), floorHour: floor }]);
  });

  it('of bytes loses content of its heaviest author, and still knows the messages', () => {
    const pair = createPair({ config: { retention: SMALL } });
    const { bench, store, remote, holder } = pair;
    const quiet = series(bench, 100, { author: 'quiet', endMs: 5 * MINUTE });
    const heavy = series(bench, 60, { author: 'heavy', body: 'x'.repeat(20_000) });
    fill(store, [...quiet, ...heavy]);
    const floor = floorOf(pair) as number;
    const before = prints(store, floor);
    bench.run(2000);
    expect(bodies(store).filter((body) => body.length < 100)).toHaveLength(100);
    expect(usage(store, 'dev')?.bytes).toBeLessThanOrEqual(SMALL.joined.bytes * LIMITS.pruneToShare);
    expect(bodies(store).filter((body) => body.length > 100).length).toBeLessThan(60);
    expect(floorOf(pair)).toBe(floor);
    expect(prints(store, floor)).toEqual(before);
    fill(holder.store, [...quiet, ...heavy]);
    holder.tell(floor, 'dev');
    remote.clear();
    holder.compare(floor);
    bench.run(20_000);
    expect([remote.got('reconcile'), remote.got('offer'), remote.got('fetch')]).toEqual([[], [], []]);
    const first = (heavy[0] as Message).id;
    remote.send({ type: 'fetch', ids: [first] });
    expect(remote.got('fetched').map(({ notHeld }) => notHeld)).toEqual([[first]]);
  });

  it('within the hour that is running takes nothing more of others, and passes it on', () => {
    const pair = createPair({
      config: { retention: { ...SMALL, joined: { ...SMALL.joined, messages: 20 } } },
    });
    const { bench, store, remote } = pair;
    remote.send({ type: 'push', root: '', keep: false, messages: series(bench, 26, { everyMs: 1000 }) });
    bench.run(2000);
    expect(bodies(store)).toHaveLength(26);
    remote.send({
      type: 'push',
      root: '',
      keep: false,
      messages: series(bench, 5, { author: 'other', everyMs: 1000 }),
    });
    bench.run(2000);
    expect(bodies(store)).toHaveLength(26);
    expect(bench.codeOf(bench.publish('mine', { channel: 'dev' }))).toBe('');
    expect(bodies(store)).toContain('mine');
  });
});

describe('everything over its limit', () => {
  const big = 'x'.repeat(4000);

  it('takes carried channels first, the largest of them, then joined ones by age, and never pinned ones', () => {
    const pair = createPair({ config: { retention: SMALL }, joined: ['old', 'new', 'pinned'] });
    const { bench, store } = pair;
    bench.event({ kind: 'retain', request: 5, channel: 'pinned', policy: { pinned: true } });
    const small = { everyMs: 5 * MINUTE, body: big };
    for (const [channel, count, endMs] of [
      ['pinned', 150, 5 * DAY],
      ['old', 150, 3 * DAY],
      ['new', 150, 2 * MINUTE],
    ] as const)
      fill(store, series(bench, count, { ...small, endMs, channel, author: channel }));
    bench.run(70_000);
    const total = (name: string) => usage(store, name)?.bytes ?? 0;
    expect(total('pinned') + total('old') + total('new')).toBeLessThanOrEqual(SMALL.bytesAll);
    expect(bodies(store, 'pinned')).toHaveLength(150);
    expect(bodies(store, 'new')).toHaveLength(150);
    expect(bodies(store, 'old').length).toBeLessThan(150);
  });

  it('cuts the largest carried channels to one level', () => {
    const store = createStore();
    const bench = new Bench({ store, config: { retention: SMALL } });
    const leaf = bench.connect('leaf', { live: true });
    const push = (channel: string, count: number) =>
      leaf.send({
        ...{ type: 'push', root: '', keep: true },
        messages: series(bench, count, {
          channel,
          author: channel,
          body: 'x'.repeat(1000),
          everyMs: 10 * MINUTE,
        }),
      });
    for (const name of ['a', 'b', 'c', 'd']) push(name, 110);
    push('tiny', 5);
    bench.run(70_000);
    const sizes = ['a', 'b', 'c', 'd'].map((name) => usage(store, name)?.bytes ?? 0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(SMALL.carriedBytesAll);
    for (const size of sizes) expect(size).toBeGreaterThan(80 * 1024);
    expect(bodies(store, 'tiny')).toHaveLength(5);
  });

  it('refuses own messages with store_full when nothing else is left, says so once, and goes on when there is room', () => {
    let free = 10 * LIMITS.diskReserveBytes;
    const store = createStore({ freeBytes: () => free });
    const bench = new Bench({ store, config: { retention: SMALL } });
    expect(bench.codeOf(bench.publish('first', { channel: 'dev' }))).toBe('');
    free = 0;
    bench.run(61_000);
    expect(bench.codeOf(bench.publish('second', { channel: 'dev' }))).toBe('store_full');
    expect(bench.peer.snapshot(bench.now).isFull).toBe(true);
    bench.run(10 * MINUTE);
    const reports = bench.effects.filter(
      (effect) => effect.kind === 'report' && effect.code === 'store_full',
    );
    expect(reports).toHaveLength(1);
    expect(bodies(store)).toEqual(['first']);
    free = 10 * LIMITS.diskReserveBytes;
    bench.run(61_000);
    expect(bench.codeOf(bench.publish('third', { channel: 'dev' }))).toBe('');
  });

  it('looks on where the disk failed in the middle', () => {
    const { bench, store } = createPair({ config: { retention: SMALL } });
    fill(store, series(bench, 1200));
    bench.failPersists = 2; // what removes what has expired, which is not waited for, and what is next
    bench.run(2000);
    expect(bodies(store)).toHaveLength(1200);
    bench.run(2 * MINUTE);
    expect(bodies(store).length).toBeLessThanOrEqual(900);
  });
});

describe('what nobody wants any more', () => {
  it('goes, but own messages stay as long as own ones do', () => {
    const { bench, store } = createPair({ config: { retention: SMALL } });
    fill(store, series(bench, 50));
    bench.publish('mine', { channel: 'dev' });
    bench.event({ kind: 'leave', request: 7, channel: 'dev' });
    passDays(bench, 1);
    expect(bodies(store)).toHaveLength(51);
    passDays(bench, 2);
    bench.run(LIMITS.unwantedMs + 2 * MINUTE);
    expect(bodies(store)).toEqual(['mine']);
    bench.event({ kind: 'join', request: 8, channel: 'dev' });
    bench.run(MINUTE);
    expect(bodies(store)).toEqual(['mine']);
  });

  it('of thousands of channels is found without falling over', () => {
    const store = createStore();
    const bench = new Bench({ store });
    for (let n = 0; n < 2000; n++)
      fill(store, [
        bench.message('once', { channel: `channel ${n}`, time: { timeMs: EPOCH_MS - HOUR, counter: 0 } }),
      ]);
    bench.run(LIMITS.unwantedMs + 2 * MINUTE);
    const answer = store.read({ kind: 'usage' });
    expect(answer.kind === 'usage' && answer.tags).toEqual([]);
  });
});

describe('content that was put off', () => {
  const rates = { ...DEFAULT_RATES, leafPerSecond: 0, relayPerSecond: 0, commonPerSecond: 10 };

  it('is fetched from a neighbour as the buckets fill, shown once, in the end all of it', () => {
    const store = createStore();
    const bench = new Bench({ store, config: { rates }, state: { joined: ['dev'] } });
    const remote = bench.connect('home', { role: 'responder', relay: true });
    const holder = new Holder(bench, remote);
    const loud = series(bench, 2400, { author: 'loud', everyMs: 10 });
    const quiet = series(bench, 30, { author: 'quiet', everyMs: 1000 });
    fill(holder.store, [...loud, ...quiet]);
    holder.tell(remote.got('holds')[0]?.set[0]?.floorHour ?? 0, 'dev');
    remote.clear();
    const push = (messages: readonly Message[]) => {
      for (let at = 0; at < messages.length; at += 200)
        remote.send({ type: 'push', root: '', keep: false, messages: messages.slice(at, at + 200) });
    };
    push(loud);
    push(quiet);
    const shownAtOnce = LIMITS.authorBurst + LIMITS.commonBurst;
    expect(bodies(store)).toHaveLength(shownAtOnce + 30);
    expect(usage(store, 'dev')?.messages).toBe(2430);
    const shown = store.lastArrival();
    for (let i = 0; i < 400 && bodies(store).length < 2430; i++) {
      bench.run(1000);
      holder.answer();
    }
    expect(bodies(store)).toHaveLength(2430);
    const late = store.readArrivals({
      after: shown,
      limit: 5000,
      wallMs: bench.now.wallMs,
      channels: ['dev'],
    });
    expect(late).toHaveLength(2430 - shownAtOnce - 30);
    expect(remote.got('error')).toEqual([]);
  });

  it('is fetched after a restart too, and is not asked for where nobody is linked', () => {
    const store = createStore();
    const first = new Bench({ store, config: { rates }, state: { joined: ['dev'] } });
    const loud = series(first, 2100, { author: 'loud', everyMs: 10 });
    const home = first.connect('home', { role: 'responder', relay: true });
    for (let at = 0; at < loud.length; at += 200)
      home.send({ type: 'push', root: '', keep: false, messages: loud.slice(at, at + 200) });
    expect(bodies(store).length).toBe(2050);
    const second = new Bench({
      store,
      config: { rates: { ...rates, authorPerSecond: 50 } },
      state: { joined: ['dev'] },
    });
    second.run(30_000);
    const remote = second.connect('home', { role: 'responder', relay: true });
    const holder = new Holder(second, remote);
    fill(holder.store, loud);
    holder.tell(remote.got('holds')[0]?.set[0]?.floorHour ?? 0, 'dev');
    for (let i = 0; i < 100 && bodies(store).length < 2100; i++) {
      second.run(1000);
      holder.answer();
    }
    expect(bodies(store)).toHaveLength(2100);
  });

  it('that nobody has any more is asked for ever more rarely', () => {
    const { bench, store, holder, remote, floorHour } = createPair({ config: { rates } });
    holder.tell(floorHour, 'dev');
    const loud = series(bench, 2100, { author: 'loud', everyMs: 10 });
    for (let at = 0; at < loud.length; at += 200)
      remote.send({ type: 'push', root: '', keep: false, messages: loud.slice(at, at + 200) });
    const asked: number[] = [];
    for (let minute = 0; minute < 60; minute++) {
      asked.push(0);
      for (let i = 0; i < 60; i++) {
        bench.run(1000);
        asked[minute] = (asked[minute] as number) + remote.got('fetch').length;
        holder.answer();
      }
    }
    expect(bodies(store)).toHaveLength(2050);
    expect(asked.slice(-10).reduce((sum, n) => sum + n, 0)).toBeLessThan(
      asked.slice(0, 10).reduce((sum, n) => sum + n, 0) / 2,
    );
  });
});

it('the defaults are those of the design', () => {
  expect(DEFAULT_RETENTION).toEqual({
    joined: { ageMs: 90 * DAY, messages: 1_000_000, bytes: 2 ** 30 },
    carried: { ageMs: 7 * DAY, bytes: 2 ** 26 },
    carriedBytesAll: 2 ** 30,
    newcomerBytes: 2 ** 26,
    bytesAll: 2 ** 32,
  });
});
