/** What is refused, what is forgotten, and what the failure of one copy costs the others. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { idOf } from '../membership/records.fixture.ts';
import { authorOf } from '../message/message.fixture.ts';
import type { Message } from '../message/message.ts';
import { Bench, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import { FarSet } from '../sync/far-set.fixture.ts';
import { encodeFrame, type Frame } from '../wire/frames.ts';
import { createMesh, junk, push, pushed, stored } from './mesh.fixture.ts';

describe('a message that may not be', () => {
  it('is refused with a junk signature and blamed on the sender, and the genuine copy is stored', () => {
    const { bench, a, b, far } = createMesh({ state: { joined: ['dev'] } });
    const message = bench.message('hello');
    push(a, [junk(message)], { root: idOf(far) });
    bench.run(1000);
    expect(bench.reports('offence')).toMatchObject([{ code: 'invalid_signature', data: { peer: a.id } }]);
    expect([stored(bench), pushed(b)]).toEqual([[], []]);
    push(a, [message], { root: idOf(far) });
    bench.run(1000);
    expect([stored(bench), pushed(b)]).toEqual([['hello'], ['hello']]);
  });

  it('is refused beside its genuine copy, in one frame or while that is being verified', () => {
    const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
    const message = bench.message('hello');
    bench.hold('verify');
    push(a, [junk(message), message, junk(message)]);
    push(b, [junk(message)]);
    bench.release('verify');
    bench.run(1000);
    expect(stored(bench)).toEqual(['hello']);
    expect(new Set(bench.reports('offence').map(({ data }) => data.peer))).toEqual(new Set([a.id, b.id]));
  });

  it('does not keep us from fetching the genuine one that was announced', () => {
    const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
    const message = bench.message('hello');
    b.send({ type: 'announce', ids: [message.id] });
    push(a, [junk(message)]);
    bench.run(500);
    expect(b.got('fetch')).toEqual([{ type: 'fetch', ids: [message.id] }]);
    push(a, [junk(message)]);
    b.send({ type: 'fetched', messages: [message], notHeld: [] });
    expect(stored(bench)).toEqual(['hello']);
    expect(bench.reports('offence').every(({ data }) => data.peer === a.id)).toBe(true);
  });

  it('is fetched from the next neighbour when the first answers with a junk copy', () => {
    const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
    const message = bench.message('hello');
    for (const remote of [a, b]) remote.send({ type: 'announce', ids: [message.id] });
    bench.run(500);
    expect([a.got('fetch').length, b.got('fetch').length]).toEqual([1, 0]);
    a.send({ type: 'fetched', messages: [junk(message)], notHeld: [] });
    bench.run(500);
    expect(b.got('fetch')).toHaveLength(1);
    b.send({ type: 'fetched', messages: [message], notHeld: [] });
    expect(stored(bench)).toEqual(['hello']);
  });

  it.each(['before', 'while'] as const)(
    'is fetched from the next neighbour when the first answers late with a junk copy, %s the genuine one comes',
    (when) => {
      const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
      const message = bench.message('hello');
      for (const remote of [a, b]) remote.send({ type: 'announce', ids: [message.id] });
      bench.run(LIMITS.requestMs + 2000);
      expect([a.got('fetch').length, b.got('fetch').length]).toEqual([1, 1]);
      bench.hold('verify');
      a.send({ type: 'fetched', messages: [junk(message)], notHeld: [] });
      if (when === 'before') bench.release('verify');
      b.send({ type: 'fetched', messages: [message], notHeld: [] });
      bench.release('verify');
      bench.run(500);
      if (when === 'while') b.send({ type: 'fetched', messages: [message], notHeld: [] });
      expect(stored(bench)).toEqual(['hello']);
      expect(bench.reports('offence').map(({ data }) => data.peer)).toEqual([a.id]);
    },
  );

  it('is forgotten without offence if it is more than ten minutes ahead, and welcome when its time comes', () => {
    const { bench, a, b, far } = createMesh({ state: { joined: ['dev'] } });
    const at = (aheadMs: number) =>
      bench.message(`+${aheadMs}`, { time: { timeMs: bench.now.wallMs + aheadMs, counter: 0 } });
    const early = at(LIMITS.futureMs + 1000);
    push(a, [at(LIMITS.futureMs), early, at(2 ** 46)], { root: idOf(far) });
    bench.run(500);
    expect([stored(bench), pushed(b)]).toEqual([['+600000'], ['+600000']]);
    expect(bench.reports('offence')).toEqual([]);
    bench.run(1000);
    push(a, [early], { root: idOf(far) });
    bench.run(500);
    expect(pushed(b)).toEqual(['+600000', '+601000']);
  });

  it('is dropped without offence if it has expired', () => {
    const { bench, a, b, far } = createMesh({ state: { joined: ['dev'] } });
    const { wallMs } = bench.now;
    push(
      a,
      [bench.message('over', { expiresMs: wallMs }), bench.message('not yet', { expiresMs: wallMs + 1 })],
      { root: idOf(far) },
    );
    bench.run(500);
    expect([stored(bench), pushed(b)]).toEqual([['not yet'], ['not yet']]);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('passes in a feed only from the identity that the feed is of', () => {
    const owner = authorOf('owner');
    const channel = `@${toBase64url(owner.publicKey)}`;
    const { bench, a, b, far } = createMesh({ channel, state: { joined: [channel] } });
    push(a, [bench.message('false', { channel })], { root: idOf(far) });
    bench.run(500);
    expect(bench.reports('offence')).toHaveLength(1);
    expect([stored(bench), pushed(b)]).toEqual([[], []]);
    push(a, [bench.message('true', { channel }, owner)], { root: idOf(far) });
    bench.run(500);
    expect([stored(bench), pushed(b)]).toEqual([['true'], ['true']]);
  });

  it('is neither stored nor passed on in channels that this version does not know how to check', () => {
    const author = authorOf('owner');
    for (const channel of [`~${toBase64url(author.publicKey)}`, `inbox:${toBase64url(author.publicKey)}`]) {
      const { bench, a, b, far } = createMesh({ channel, state: { joined: [channel] } });
      push(a, [bench.message('sealed', { channel }, author)], { root: idOf(far), keep: true });
      bench.run(500);
      expect([stored(bench), pushed(b), bench.reports('offence')]).toEqual([[], [], []]);
    }
  });

  it('is another message if it is signed for another channel or network, or altered anywhere', () => {
    const { bench, a } = createMesh({ state: { joined: ['dev'] } });
    const message = bench.message('hello');
    const frame = encodeFrame({ type: 'push', root: '', keep: false, messages: [message] });
    for (let at = 12; at < frame.length; at += 3) {
      const altered = Uint8Array.from(frame);
      altered[at] = (altered[at] as number) ^ 1;
      if (!a.closed) a.bytes(altered);
    }
    expect(stored(bench)).toEqual([]);
    expect(a.refusal).toBe('banned');
  });

  it('moves no clock of ours', () => {
    const bench = new Bench();
    const b = bench.connect('b', { relay: true });
    bench.publish('first');
    const ahead = { timeMs: bench.now.wallMs + 50_000, counter: 0 };
    push(b, [junk(bench.message('forged', { time: ahead }))]);
    b.send({ type: 'fetched', messages: [bench.message('unasked', { time: ahead })], notHeld: [] });
    bench.run(10);
    bench.publish('second');
    const times = bench.ops('own-message').map(({ message }) => message.message.time.timeMs);
    expect(times).toEqual([bench.now.wallMs - 10, bench.now.wallMs]);
  });
});

describe('a failing disk', () => {
  it('costs a message nothing but time: it is taken when it comes again, and confirmed only then', () => {
    const { bench, a } = createMesh();
    bench.failPersists = 1;
    const message = bench.message('hello');
    push(a, [message], { keep: true });
    bench.run(500);
    expect(a.got('stored')).toEqual([]);
    push(a, [message], { keep: true });
    bench.run(500);
    expect(a.got('stored')).toEqual([{ type: 'stored', ids: [message.id] }]);
    expect(stored(bench)).toEqual(['hello', 'hello']);
    expect(bench.ops('carry')).toHaveLength(2);
  });

  it('does not make us forget that we carry a channel', () => {
    const { bench, a, b } = createMesh();
    push(a, [bench.message('first')], { keep: true });
    bench.run(2 * 3_600_000);
    bench.failPersists = 1;
    push(a, [bench.message('second')], { keep: true });
    push(b, [bench.message('third')], { root: b.id });
    expect(stored(bench)).toContain('third');
  });
});

describe('a message that passed here before its channel was held', () => {
  /** A relay that passed a message on, and now holds the channel as its neighbour `a` does. */
  function passedAndJoined() {
    const { bench, a, far } = createMesh({ both: true });
    const message = bench.message('hello');
    push(a, [message], { root: idOf(far) });
    bench.run(1000);
    expect(stored(bench)).toEqual([]);
    bench.join('dev');
    a.send({ type: 'holds', reset: false, set: [{ tag: tagOf('dev'), floorHour: 1 }], unset: [] });
    bench.run(1000);
    return { bench, a, message };
  }
  /** `a` compares what it holds with what we do, and offers what we lack. */
  const offered = (bench: Bench, a: Remote, message: Message): void => {
    const floorHour = a.got('sums')[0]?.sums[0]?.floorHour;
    const set = new FarSet(a, [message], { floorHour });
    set.ask(1);
    bench.run(100);
    const { have } = set.take(a.got('reconciled')[0] as Extract<Frame, { type: 'reconciled' }>);
    expect(have).toEqual([message.id]);
    set.offer(have);
    bench.run(1000);
  };

  it('is stored when catch-up finds it, and not asked for', () => {
    const { bench, a, message } = passedAndJoined();
    offered(bench, a, message);
    expect(a.got('fetch')).toEqual([]);
    expect(stored(bench)).toEqual(['hello']);
  });

  it('is asked for where only its id is remembered, and stored when it has proved itself', () => {
    const { bench, a, message } = passedAndJoined();
    const length = Math.ceil(LIMITS.transitBytesMax / 60_000);
    const large = Array.from({ length }, (_, i) =>
      bench.message(`${i}`.padEnd(60_000), { channel: 'other' }),
    );
    for (const one of large) push(a, [one]);
    offered(bench, a, message);
    expect(a.got('fetch')).toEqual([{ type: 'fetch', ids: [message.id] }]);
    a.send({ type: 'fetched', messages: [junk(message)], notHeld: [] });
    bench.run(1000);
    expect(stored(bench)).toEqual([]);
    push(a, [message], { keep: true });
    bench.run(1000);
    expect(stored(bench)).toEqual(['hello']);
  });
});
