/** Catch-up between neighbours, with one side played by the test. */
import { describe, expect, it } from 'vitest';
import { HOUR, LIMITS, MINUTE } from '../../core/limits.ts';
import type { Message } from '../../core/message/message.ts';
import { type Bench, tagOf } from '../../core/peer.fixture.ts';
import { MINUTE_END, type Position } from '../../core/persistence.ts';
import type { Remote } from '../../core/remote.fixture.ts';
import { bodies, createPair, fill } from './holder.fixture.ts';

/** `count` messages that end 5 minutes ago, `perTime` of them with each time. */
function history(
  bench: Bench,
  count: number,
  options: { perTime?: number; everyMs?: number } = {},
): Message[] {
  const { perTime = 1, everyMs = 1000 } = options;
  const times = Math.ceil(count / perTime);
  return Array.from({ length: count }, (_, i) => {
    const timeMs = bench.now.wallMs - 5 * MINUTE - (times - Math.floor(i / perTime)) * everyMs;
    return bench.message(`${i}`, { time: { timeMs, counter: 0 } });
  });
}

const quiet = (remote: Remote) =>
  remote.frames.filter(({ type }) => !['ping', 'heartbeat', 'holds', 'mailbox'].includes(type));

describe('two that have the same', () => {
  it('exchange sums once, then a heartbeat every five seconds and nothing else', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    const messages = history(bench, 50);
    fill(store, messages);
    fill(holder.store, messages);
    holder.tell(floorHour, 'dev');
    bench.run(0);
    expect(quiet(remote).map(({ type }) => type)).toEqual(['sums']);
    holder.sums(floorHour);
    remote.clear();
    for (let i = 0; i < 60; i++) {
      holder.heartbeat(floorHour);
      bench.run(5000);
    }
    expect(quiet(remote)).toEqual([]);
    expect(remote.got('heartbeat').length).toBeGreaterThan(48);
    expect(remote.got('heartbeat').length).toBeLessThan(77);
  });

  it('have nothing to say where they share no channel', () => {
    const { bench, holder, remote, floorHour } = createPair();
    holder.tell(floorHour, 'ops');
    bench.run(60_000);
    expect(quiet(remote)).toEqual([]);
    expect(remote.got('heartbeat')).toEqual([]);
  });

  it('compare from the higher floor up to the last full minute that is 60 s old', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    const [old, young] = [bench.now.wallMs - 40 * HOUR, bench.now.wallMs - 59_000];
    fill(store, [bench.message('below', { time: { timeMs: old, counter: 0 } })]);
    fill(store, [bench.message('unsettled', { time: { timeMs: young, counter: 0 } })]);
    const higher = floorHour + 89 * 24;
    holder.tell(higher, 'dev');
    bench.run(0);
    remote.clear();
    holder.heartbeat(higher);
    expect(quiet(remote)).toEqual([]);
    bench.run(70_000);
    holder.heartbeat(higher);
    expect(quiet(remote).map(({ type }) => type)).toEqual(['sums']);
  });
});

describe('one that lacks something', () => {
  it('gets all of it, once, in pages, from the newest range on', () => {
    const { bench, store, holder, floorHour } = createPair();
    const messages = history(bench, 2500, { everyMs: 20_000 });
    fill(holder.store, messages);
    fill(store, messages.slice(1000, 1400));
    holder.tell(floorHour, 'dev');
    holder.serve();
    expect(bodies(store)).toEqual(messages.map(({ body }) => body));
    expect(bench.reports('offence')).toEqual([]);
    const fetched = bench.ops('message').map(({ message }) => message.message.idText);
    expect(new Set(fetched).size).toBe(fetched.length);
    expect(fetched).toHaveLength(2100);
  });

  it('gets pages that end in the middle of equal times', () => {
    const { bench, store, holder, floorHour } = createPair();
    const messages = history(bench, 1500, { perTime: 700 });
    fill(holder.store, messages);
    holder.tell(floorHour, 'dev');
    holder.serve(100);
    expect(bodies(store)).toHaveLength(1500);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('hears of what is missing by a heartbeat too', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    holder.tell(floorHour, 'dev');
    holder.serve();
    remote.clear();
    fill(holder.store, history(bench, 10));
    holder.heartbeat(floorHour);
    holder.serve();
    expect(bodies(store)).toHaveLength(10);
  });

  it('never has more than 256 ids asked for, and asks for the next as answers come', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    fill(holder.store, history(bench, 1500, { everyMs: 10 }));
    holder.tell(floorHour, 'dev');
    let inFlight = 0;
    let most = 0;
    for (let i = 0; i < 400 && bodies(store).length < 1500; i++) {
      bench.run(10);
      for (const frame of remote.frames.splice(0)) {
        if (frame.type === 'sums') holder.buckets(frame);
        if (frame.type === 'list') holder.list(frame);
        if (frame.type !== 'fetch') continue;
        inFlight += frame.ids.length;
        most = Math.max(most, inFlight);
        for (let at = 0; at < frame.ids.length; at += 40) {
          const ids = frame.ids.slice(at, at + 40);
          inFlight -= ids.length;
          bench.later(30, () => holder.fetch({ type: 'fetch', ids }));
        }
      }
    }
    expect(bodies(store)).toHaveLength(1500);
    expect(most).toBeLessThanOrEqual(LIMITS.fetchMax);
  });

  it('does not ask again and again for what the other side does not give', () => {
    const { bench, holder, remote, floorHour } = createPair();
    fill(holder.store, history(bench, 20));
    holder.tell(floorHour, 'dev');
    let asked = 0;
    for (let i = 0; i < 600; i++) {
      bench.run(1000);
      if (i % 5 === 0) holder.heartbeat(floorHour);
      for (const frame of remote.frames.splice(0)) {
        if (frame.type === 'sums') holder.buckets(frame);
        if (frame.type === 'list') holder.list(frame);
        if (frame.type !== 'fetch') continue;
        asked++;
        remote.send({ type: 'fetched', messages: [], notHeld: frame.ids });
      }
    }
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(8);
  });

  it('goes on when the other side never answers a request, once somebody does', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    fill(holder.store, history(bench, 900, { everyMs: 10 }));
    holder.tell(floorHour, 'dev');
    bench.run(10);
    const [sums] = remote.got('sums');
    if (sums) holder.buckets(sums);
    const [list] = remote.got('list');
    if (list) holder.list(list);
    bench.run(10);
    expect(remote.got('fetch')).toHaveLength(1);
    remote.clear();
    for (let i = 0; i < 12 && bodies(store).length < 900; i++) {
      bench.run(LIMITS.requestMs);
      holder.heartbeat(floorHour);
      holder.serve();
    }
    expect(bodies(store)).toHaveLength(900);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('one that has more', () => {
  it('shows its buckets where sums differ, and serves pages in order from any position', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    const messages = history(bench, 2500, { perTime: 900 });
    fill(store, messages);
    holder.tell(floorHour, 'dev');
    remote.clear();
    holder.sums(floorHour);
    expect(remote.got('buckets')).toHaveLength(1);
    expect(remote.got('buckets')[0]).toMatchObject({ tag: tagOf('dev'), floorHour, untilMinute: MINUTE_END });
    const ids: string[] = [];
    let after: Position = { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(32) };
    for (let done = false; !done; ) {
      remote.clear();
      remote.send({ type: 'list', tag: tagOf('dev'), after, untilMinute: MINUTE_END });
      const [page] = remote.got('listed');
      if (page === undefined) throw new Error('no page');
      done = page.done;
      ids.push(...page.positions.map(({ id }) => id.join()));
      after = page.positions.at(-1) ?? after;
    }
    expect(ids).toHaveLength(2500);
    expect(new Set(ids).size).toBe(2500);
  });

  it('says nothing of a channel that is not shared', () => {
    const { bench, store, holder, remote, floorHour } = createPair({ joined: ['dev', 'secret'] });
    fill(store, [bench.message('hidden', { channel: 'secret' })]);
    holder.tell(floorHour, 'dev');
    remote.clear();
    holder.sums(0, 'secret');
    remote.send({
      type: 'buckets',
      untilMinute: MINUTE_END,
      tag: tagOf('secret'),
      floorHour: 0,
      minutesFrom: 0,
      buckets: [],
    });
    const after = { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(32) };
    remote.send({ type: 'list', tag: tagOf('secret'), after, untilMinute: MINUTE_END });
    expect(quiet(remote)).toEqual([{ type: 'listed', tag: tagOf('secret'), done: true, positions: [] }]);
  });

  it('serves a thousand messages by id, in frames that fit', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    const messages = history(bench, 1000).map(({ time }, i) =>
      bench.message(`${i}`.padEnd(600, '.'), { time }),
    );
    fill(store, messages);
    holder.tell(floorHour, 'dev');
    remote.clear();
    const mark = bench.mark;
    remote.send({ type: 'fetch', ids: messages.map(({ id }) => id) });
    bench.run(100);
    const served = remote.got('fetched').flatMap((frame) => frame.messages);
    expect(served.map(({ body }) => body)).toEqual(messages.map(({ body }) => body));
    for (const { frame } of bench.of('send', mark)) expect(frame.length).toBeLessThan(LIMITS.frameBytesMax);
  });
});

describe('a pair that differs for good', () => {
  it('is looked into after 25 s, then ever more rarely, up to once an hour', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    fill(store, history(bench, 3));
    holder.tell(floorHour, 'dev');
    bench.run(0);
    remote.clear();
    const at: number[] = [];
    for (let seconds = 0; seconds < 4 * 3600; seconds += 5) {
      holder.heartbeat(floorHour);
      if (remote.frames.splice(0).some(({ type }) => type === 'sums')) at.push(seconds);
      bench.run(5000);
    }
    const waits = at.slice(1).map((second, i) => second - (at[i] as number));
    expect(waits.slice(0, 5)).toEqual([25, 50, 100, 200, 400]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3600);
  });

  it('is looked into at once when it differs in another way, and from the start after it was equal', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    const messages = history(bench, 3);
    fill(store, messages);
    holder.tell(floorHour, 'dev');
    bench.run(0);
    const looks = (): boolean => {
      remote.clear();
      holder.heartbeat(floorHour);
      return remote.got('sums').length > 0;
    };
    expect([looks(), looks()]).toEqual([true, false]);
    fill(holder.store, messages.slice(0, 1));
    expect([looks(), looks()]).toEqual([true, false]);
    fill(holder.store, messages);
    expect(looks()).toBe(false);
    fill(
      holder.store,
      [history(bench, 1)[0] as Message].map(({ time }) => bench.message('new', { time })),
    );
    expect([looks(), looks()]).toEqual([true, false]);
  });

  it('is not looked into by a beat that is not settled for us, and by whole hours if the clocks are far apart', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    fill(store, history(bench, 3));
    holder.tell(floorHour, 'dev');
    bench.run(0);
    remote.clear();
    holder.heartbeat(floorHour, 'dev', holder.settledMinute + 1);
    expect(quiet(remote)).toEqual([]);
    const old = holder.settledMinute - 120;
    holder.heartbeat(floorHour, 'dev', old);
    holder.heartbeat(floorHour, 'dev', old);
    expect(remote.got('sums')).toMatchObject([{ untilMinute: Math.floor(old / 60) * 60 }]);
    remote.clear();
    holder.heartbeat(floorHour);
    expect(quiet(remote)).toHaveLength(1);
  });
});
