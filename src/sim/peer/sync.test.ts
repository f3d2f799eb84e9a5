/** Catch-up between neighbours, with one side played by the test. */
import { describe, expect, it } from 'vitest';
import { HOUR, LIMITS, MINUTE } from '../../core/limits.ts';
import type { Message } from '../../core/message/message.ts';
import { type Bench, tagOf } from '../../core/peer.fixture.ts';
import { MINUTE_END } from '../../core/persistence.ts';
import type { Remote } from '../../core/remote.fixture.ts';
import { INFINITY } from '../../core/sync/negentropy/bounds.ts';
import { MessageWriter } from '../../core/sync/negentropy/codec.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { bodies, createPair, fill, type Pair, WAYS } from './holder.fixture.ts';

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
  remote.frames.filter(({ type }) => !['ping', 'heartbeat', 'holds', 'mailbox', 'have'].includes(type));

/** A fingerprint of all that there is, which nobody has. */
const ANYTHING = (() => {
  const writer = new MessageWriter(64);
  writer.write({ upper: INFINITY, mode: 'fingerprint', fingerprint: new Uint8Array(16) });
  return writer.finish();
})();

/** The side that was dialled shows the sums of a channel that is shared now: we do it if we are that side. */
function share({ bench, holder, remote, floorHour }: Pair): void {
  holder.tell(floorHour, 'dev');
  bench.run(0);
  if (remote.role === 'responder') holder.sums(floorHour);
}

describe.each(WAYS)('a peer and %s that have the same', (_, way) => {
  it('exchange sums once, then a heartbeat every five seconds and nothing else', () => {
    const pair = createPair(way);
    const { bench, store, holder, remote, floorHour } = pair;
    const messages = history(bench, 50);
    fill(store, messages);
    fill(holder.store, messages);
    share(pair);
    expect(quiet(remote).map(({ type }) => type)).toEqual(way.isDialled ? ['sums'] : []);
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
    const { bench, holder, remote, floorHour } = createPair(way);
    // A relay keeps what its leaves do.
    if (!way.isDialled) holder.tell(floorHour, 'ops');
    bench.run(60_000);
    expect(quiet(remote)).toEqual([]);
    expect(remote.got('heartbeat')).toEqual([]);
  });
});

it('a window begins at the higher floor and ends at the last full minute that is 60 s old', () => {
  const { bench, store, holder, remote, floorHour } = createPair({ isDialled: true });
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

describe.each(WAYS)('a peer that lacks what is at %s', (_, way) => {
  it('gets all of it, once, and the other side gets what it lacks itself', () => {
    const pair = createPair(way);
    const { bench, store, holder } = pair;
    const messages = history(bench, 2500, { everyMs: 20_000 });
    fill(holder.store, messages.slice(100));
    fill(store, [...messages.slice(0, 100), ...messages.slice(1000, 1400)]);
    share(pair);
    holder.serve();
    for (const one of [store, holder.store]) expect(bodies(one)).toEqual(messages.map(({ body }) => body));
    expect(bench.reports('offence')).toEqual([]);
    const fetched = bench.ops('message').map(({ message }) => message.message.idText);
    expect(new Set(fetched).size).toBe(fetched.length);
    expect(fetched).toHaveLength(2000);
  });

  it('gets all of it in whatever pieces it is told, and in the middle of equal times', () => {
    const pair = createPair(way);
    const { bench, store, holder } = pair;
    holder.style = { pieces: 5, listBelow: { initiator: 40, responder: 300 }, bytesMax: 4096 };
    fill(holder.store, history(bench, 1500, { perTime: 700 }));
    share(pair);
    holder.serve();
    expect(bodies(store)).toHaveLength(1500);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('hears of what is missing later, too', () => {
    const pair = createPair(way);
    const { bench, store, holder, floorHour } = pair;
    share(pair);
    holder.serve();
    fill(holder.store, history(bench, 10));
    holder.compare(floorHour);
    holder.serve();
    expect(bodies(store)).toHaveLength(10);
  });

  it('never has more than 256 ids asked for, and asks for the next as answers come', () => {
    const pair = createPair(way);
    const { bench, store, holder, remote } = pair;
    fill(holder.store, history(bench, 1500, { everyMs: 10 }));
    share(pair);
    let inFlight = 0;
    let most = 0;
    for (let i = 0; i < 600 && bodies(store).length < 1500; i++) {
      bench.run(10);
      for (const frame of remote.frames.splice(0)) {
        holder.hearSync(frame);
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

  it('does not ask again and again for what is not given', () => {
    const pair = createPair(way);
    const { bench, holder, remote, floorHour } = pair;
    fill(holder.store, history(bench, 20));
    share(pair);
    let asked = 0;
    for (let i = 0; i < 600; i++) {
      bench.run(1000);
      if (i % 5 === 0) holder.compare(floorHour);
      for (const frame of remote.frames.splice(0)) {
        holder.hearSync(frame);
        if (frame.type !== 'fetch') continue;
        asked++;
        remote.send({ type: 'fetched', messages: [], notHeld: frame.ids });
      }
    }
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(8);
  });

  it('goes on when the other side never answers a request, once it does', () => {
    const pair = createPair(way);
    const { bench, store, holder, remote, floorHour } = pair;
    fill(holder.store, history(bench, 900, { everyMs: 10 }));
    share(pair);
    for (let i = 0; i < 9; i++) {
      for (const frame of remote.frames.splice(0)) holder.hearSync(frame);
      bench.run(1);
    }
    bench.run(10);
    expect(bodies(store)).toEqual([]);
    remote.clear();
    for (let i = 0; i < 12 && bodies(store).length < 900; i++) {
      bench.run(LIMITS.requestMs);
      holder.compare(floorHour);
      holder.serve();
    }
    expect(bodies(store)).toHaveLength(900);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('one that has more', () => {
  it('offers all of it, once, in frames of 1000 ids, where it dialled', () => {
    const pair = createPair();
    const { bench, store, remote } = pair;
    const messages = history(bench, 2500, { perTime: 900 });
    fill(store, messages);
    share(pair);
    const offers: Extract<Frame, { type: 'offer' }>[] = [];
    for (let i = 0; i < 50; i++) {
      bench.run(10);
      offers.push(...remote.got('offer'));
      for (const frame of remote.frames.splice(0)) if (frame.type === 'reconcile') pair.holder.respond(frame);
    }
    for (const { tag, ids } of offers) {
      expect(tag).toBe(tagOf('dev'));
      expect(ids.length).toBeLessThanOrEqual(LIMITS.offeredIdsMax);
    }
    const offered = offers.flatMap(({ ids }) => ids.map((id) => id.join()));
    expect(offered).toHaveLength(2500);
    expect(new Set(offered)).toEqual(new Set(messages.map(({ id }) => id.join())));
  });

  it('lets the other side find all of it, where it was dialled', () => {
    const pair = createPair({ isDialled: true });
    const { bench, store, holder } = pair;
    const messages = history(bench, 2500, { perTime: 900 });
    fill(store, messages);
    share(pair);
    holder.serve();
    expect(bodies(holder.store)).toHaveLength(2500);
    expect(bench.ops('message')).toEqual([]);
  });

  it('says nothing of a channel that is not shared, nor of what is below the floor', () => {
    const joined = ['dev', 'secret'];
    const dialled = createPair({ isDialled: true, joined });
    const compare = (channel: string, floorHour: number) => {
      const frame = { type: 'reconcile', number: 7, untilMinute: MINUTE_END, message: ANYTHING } as const;
      dialled.remote.send({ ...frame, tag: tagOf(channel), floorHour });
    };
    fill(dialled.store, [dialled.bench.message('hidden', { channel: 'secret' })]);
    dialled.holder.tell(dialled.floorHour, 'dev');
    dialled.remote.clear();
    compare('secret', dialled.floorHour);
    compare('dev', dialled.floorHour - 1);
    dialled.remote.send({ type: 'offer', tag: tagOf('secret'), ids: [] });
    const refused = { type: 'reconciled', number: 7, message: new Uint8Array(0) };
    expect(quiet(dialled.remote)).toEqual([refused, refused]);
    const dialler = createPair({ joined });
    fill(dialler.store, [dialler.bench.message('hidden', { channel: 'secret' })]);
    dialler.holder.tell(dialler.floorHour, 'dev');
    dialler.remote.clear();
    dialler.holder.sums(0, 'secret');
    expect(quiet(dialler.remote)).toEqual([]);
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
    const { bench, store, holder, remote, floorHour } = createPair({ isDialled: true });
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

  it('is compared after 25 s, then ever more rarely, by the side that dialled, however often sums are shown', () => {
    const { bench, store, holder, remote, floorHour } = createPair();
    fill(store, history(bench, 3));
    holder.tell(floorHour, 'dev');
    bench.run(0);
    remote.clear();
    const at: number[] = [];
    for (let seconds = 0; seconds < 4 * 3600; seconds += 5) {
      holder.compare(floorHour);
      let rounds = 0;
      for (let next = remote.got('reconcile')[0]; next; next = remote.got('reconcile')[0]) {
        remote.clear();
        holder.respond(next);
        rounds++;
      }
      if (rounds > 0) at.push(seconds);
      bench.run(5000);
    }
    const waits = at.slice(1).map((second, i) => second - (at[i] as number));
    expect(waits.slice(0, 5)).toEqual([25, 50, 100, 200, 400]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3600);
  });

  it('is looked into at once when it differs in another way, and from the start after it was equal', () => {
    const { bench, store, holder, remote, floorHour } = createPair({ isDialled: true });
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
    const { bench, store, holder, remote, floorHour } = createPair({ isDialled: true });
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

describe('heartbeats without end', () => {
  it('are looked into at the pace of comparisons', () => {
    const { bench, remote, holder, floorHour } = createPair({ isDialled: true });
    holder.tell(floorHour, 'dev');
    bench.run(0);
    remote.clear();
    const [mark, seconds] = [bench.mark, 60];
    const untilMinute = Math.floor((bench.now.wallMs - LIMITS.settleMs) / MINUTE);
    for (let i = 0; i < 50 * seconds; i++) {
      const fingerprint = Uint8Array.from({ length: 16 }, (_, at) => (at < 2 ? i >> (8 * at) : 7));
      remote.send({ type: 'heartbeat', untilMinute, channels: 1, fingerprint });
      bench.run(20);
    }
    const looks = remote.got('sums').length;
    expect(looks).toBeGreaterThan(seconds);
    expect(looks).toBeLessThanOrEqual(LIMITS.comparesMax + seconds);
    const reads = bench.of('read', mark).filter(({ query }) => query.kind === 'sums');
    // and our own heartbeats
    expect(reads.length).toBeLessThan(LIMITS.comparesMax + seconds + 20);
  });
});
