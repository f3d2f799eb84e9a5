/** From a client's command to a durable message: idempotency, order, clocks, and what is refused. */
import { describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../../core/bytes.ts';
import type { Reply } from '../../core/contract.ts';
import { HOUR, LIMITS } from '../../core/limits.ts';
import { authorOf } from '../../core/message/message.fixture.ts';
import type { Message } from '../../core/message/message.ts';
import { compareTime } from '../../core/message/time.ts';
import { Bench } from '../../core/peer.fixture.ts';
import { bodies, createStore, restored } from './holder.fixture.ts';

function createBench(store = createStore()) {
  return { bench: new Bench({ store, state: restored(store) }), store };
}

/** Own messages given to the store, in order. */
const own = (bench: Bench): Message[] => bench.ops('own-message').map(({ message }) => message.message);

function idIn(reply: Reply | undefined): string {
  return reply?.kind === 'published' ? reply.id : '';
}

describe('a publication', () => {
  it('is answered, and leaves, only once it is durable', () => {
    const { bench, store } = createBench();
    const relay = bench.connect('relay', { role: 'responder', relay: true });
    relay.clear();
    bench.hold('persist');
    const request = bench.publish('hello');
    bench.run(1000);
    expect([bench.reply(request), relay.got('push'), relay.got('announce')]).toEqual([undefined, [], []]);
    bench.release('persist');
    bench.run(10);
    expect(bench.reply(request)).toMatchObject({ kind: 'published', isNew: true });
    expect(relay.got('push')[0]?.messages.map(({ idText }) => idText)).toEqual([idIn(bench.reply(request))]);
    expect(bodies(store)).toEqual(['hello']);
  });

  it('is a plain message of the identity, with everything that was asked for', () => {
    const { bench } = createBench();
    const refs = [{ relation: 1, id: new Uint8Array(32).fill(5) }];
    const expiresMs = bench.now.wallMs + HOUR;
    bench.publish('body', { channel: 'ops', payload: utf8('{"a":1}'), refs, expiresMs });
    const author = bench.identity.publicKey;
    const time = { timeMs: bench.now.wallMs, counter: 0 };
    expect(own(bench)[0]).toMatchObject({
      kind: 1,
      author,
      channel: 'ops',
      body: 'body',
      refs,
      expiresMs,
      time,
      nonce: 0,
    });
    expect(own(bench)[0]?.payload).toEqual(utf8('{"a":1}'));
  });

  it('carries its channel from then on, noted once an hour', () => {
    const { bench } = createBench();
    for (let i = 0; i < 3; i++) bench.publish(`${i}`);
    expect(bench.ops('carry')).toHaveLength(1);
    bench.run(HOUR + 1000);
    bench.publish('later');
    expect(bench.ops('carry')).toHaveLength(2);
  });

  it('follows the one before in its channel, and has the next time, however many are under way', () => {
    const { bench } = createBench();
    bench.hold('persist');
    bench.hold('sign');
    for (let i = 0; i < 20; i++) bench.publish(`${i}`, { channel: i % 2 ? 'dev' : 'ops' });
    bench.release('sign');
    bench.release('persist');
    for (const channel of ['dev', 'ops']) {
      const chain = own(bench).filter((message) => message.channel === channel);
      expect(chain).toHaveLength(10);
      chain.forEach((message, i) => {
        const before = chain[i - 1];
        expect(message.prev).toEqual(before?.id ?? new Uint8Array(0));
        if (before) expect(compareTime(before.time, message.time)).toBeLessThan(0);
      });
    }
  });

  it('keeps its place in the order of commands, with an idempotency key or without', () => {
    const { bench, store } = createBench();
    bench.hold('read');
    for (let i = 0; i < 6; i++) bench.publish(`${i}`, i % 2 ? {} : { idempotencyKey: `key ${i}` });
    bench.release('read');
    bench.run(10);
    expect(bodies(store)).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('goes on after a restart where it stopped', () => {
    const { bench, store } = createBench();
    bench.publish('before');
    const again = createBench(store).bench;
    again.publish('after');
    expect(own(again)[0]?.prev).toEqual(own(bench)[0]?.id);
    expect(compareTime((own(bench)[0] as Message).time, (own(again)[0] as Message).time)).toBeLessThan(0);
  });
});

describe('an idempotency key', () => {
  const key = { idempotencyKey: 'one' };

  it('names one message: the same request gets the same id, a different one a conflict', () => {
    const { bench, store } = createBench();
    const [first, second, other] = [
      bench.publish('a', key),
      bench.publish('a', key),
      bench.publish('b', key),
    ];
    expect(bench.reply(first)).toMatchObject({ kind: 'published', isNew: true });
    expect(bench.reply(second)).toEqual({ kind: 'published', id: idIn(bench.reply(first)), isNew: false });
    expect(bench.codeOf(other)).toBe('idempotency_conflict');
    expect(bodies(store)).toEqual(['a']);
  });

  it.each(['read', 'sign', 'verify', 'persist'] as const)(
    'does so for requests that come while the first waits for %s',
    (answer) => {
      const { bench, store } = createBench();
      bench.hold(answer);
      const [first, second, other] = [
        bench.publish('a', key),
        bench.publish('a', key),
        bench.publish('b', key),
      ];
      bench.release(answer);
      bench.run(10);
      expect(bench.reply(first)).toMatchObject({ kind: 'published', isNew: true });
      expect(bench.reply(second)).toEqual({ kind: 'published', id: idIn(bench.reply(first)), isNew: false });
      expect(bench.codeOf(other)).toBe('idempotency_conflict');
      expect(bodies(store)).toEqual(['a']);
    },
  );

  it('still does after a restart', () => {
    const { bench, store } = createBench();
    const first = idIn(bench.reply(bench.publish('a', key)));
    const again = createBench(store).bench;
    expect(again.reply(again.publish('a', key))).toEqual({ kind: 'published', id: first, isNew: false });
    expect(again.codeOf(again.publish('b', key))).toBe('idempotency_conflict');
    expect(own(again)).toEqual([]);
  });

  it('covers every part of what was asked for', () => {
    const { bench } = createBench();
    const asked = { ...key, payload: utf8('1'), expiresMs: bench.now.wallMs + HOUR };
    const ref = { relation: 1, id: new Uint8Array(32) };
    const first = bench.publish('a', { ...asked, refs: [ref] });
    const others = [
      { ...asked, refs: [] },
      { ...asked, refs: [{ ...ref, relation: 2 }] },
      { ...asked, refs: [ref], channel: 'ops' },
      { ...asked, refs: [ref], payload: utf8('2') },
      { ...asked, refs: [ref], expiresMs: asked.expiresMs + 1 },
    ].map((changes) => bench.codeOf(bench.publish('a', changes)));
    expect(others).toEqual(others.map(() => 'idempotency_conflict'));
    expect(bench.reply(bench.publish('a', { ...asked, refs: [ref] }))).toMatchObject({
      id: idIn(bench.reply(first)),
    });
  });

  it('is free again if the message was not stored', () => {
    const { bench, store } = createBench();
    bench.failPersists = 1;
    expect(bench.codeOf(bench.publish('a', key))).toBe('store_failed');
    expect(bench.reply(bench.publish('b', key))).toMatchObject({ kind: 'published', isNew: true });
    expect(bodies(store)).toEqual(['b']);
  });
});

describe('the clock of a channel', () => {
  it('goes on after its own newest message if the wall clock was set back a little, and anew if by far', () => {
    const { bench } = createBench();
    bench.publish('0');
    bench.wallOffsetMs = -LIMITS.clockFollowMs + 1000;
    bench.publish('1');
    bench.wallOffsetMs = -HOUR;
    bench.publish('2');
    bench.publish('3');
    const [a, b, c, d] = own(bench) as [Message, Message, Message, Message];
    expect(b.time).toEqual({ timeMs: a.time.timeMs, counter: 1 });
    expect(c.time).toEqual({ timeMs: bench.now.wallMs, counter: 0 });
    expect(d.time).toEqual({ timeMs: bench.now.wallMs, counter: 1 });
    expect([b.prev, c.prev, d.prev]).toEqual([a.id, b.id, c.id]);
  });

  it('follows what was stored in the channel up to 60 s ahead, and nothing further', () => {
    const { bench } = createBench();
    const relay = bench.connect('relay', { role: 'responder', relay: true });
    bench.publish('0');
    const bring = (aheadMs: number): void => {
      const message = bench.message('ahead', { time: { timeMs: bench.now.wallMs + aheadMs, counter: 7 } });
      relay.send({ type: 'push', root: '', keep: false, messages: [message] });
      bench.run(0);
    };
    const published = (): number => {
      bench.publish('next');
      return (own(bench).at(-1) as Message).time.timeMs - bench.now.wallMs;
    };
    bring(9 * 60_000 + 59_000);
    expect(published()).toBe(0);
    bring(30_000);
    expect(published()).toBe(30_000);
    expect(own(bench).at(-1)?.time.counter).toBe(8);
  });

  it('does so after a restart too', () => {
    const { bench, store } = createBench();
    const relay = bench.connect('relay', { role: 'responder', relay: true });
    bench.publish('0');
    const messages = [30_000, 590_000].map((aheadMs) =>
      bench.message('ahead', { time: { timeMs: bench.now.wallMs + aheadMs, counter: 0 } }),
    );
    relay.send({ type: 'push', root: '', keep: false, messages });
    const again = createBench(store).bench;
    again.publish('next');
    expect(own(again)[0]?.time).toEqual({ timeMs: again.now.wallMs + 30_000, counter: 1 });
  });
});

describe('a store that fails', () => {
  it('makes a publication fail, and the next one works and follows what is stored', () => {
    const { bench, store } = createBench();
    bench.publish('0');
    bench.failPersists = 1;
    expect(bench.codeOf(bench.publish('lost'))).toBe('store_failed');
    const next = bench.publish('1');
    expect(bench.reply(next)).toMatchObject({ kind: 'published' });
    expect(bodies(store)).toEqual(['0', '1']);
    expect(own(bench).at(-1)?.prev).toEqual(own(bench)[0]?.id);
  });

  it.each([
    ['the key is looked up', 1, { idempotencyKey: 'k' }],
    ['the clock is read', 1, {}],
  ])('makes it fail when %s, and the next one works', (_, failReads, changes) => {
    const { bench } = createBench();
    bench.failReads = failReads;
    expect(bench.codeOf(bench.publish('lost', changes))).toBe('store_failed');
    expect(bench.reply(bench.publish('1', changes))).toMatchObject({ kind: 'published', isNew: true });
  });

  it('never loses count of what is under way', () => {
    const { bench } = createBench();
    for (let i = 0; i < LIMITS.publishesMax + 10; i++) {
      if (i % 2) bench.failReads = 1;
      else bench.failPersists = 1;
      bench.publish('lost', { channel: i % 2 ? `never read ${i}` : 'dev' });
    }
    bench.failReads = 0;
    bench.failPersists = 0;
    expect(bench.reply(bench.publish('works'))).toMatchObject({ kind: 'published' });
  });
});

describe('a publication that may not be', () => {
  const stranger = toBase64url(authorOf('stranger').publicKey);
  it.each([
    ['an identity of somebody else', { identity: stranger }, 'not_found'],
    ['no channel', { channel: '' }, 'bad_channel'],
    ['a feed', { channel: `@${stranger}` }, 'bad_channel'],
    ['a sealed channel', { channel: `~${stranger}` }, 'bad_channel'],
    ['an inbox', { channel: `inbox:${stranger}` }, 'bad_channel'],
    ['a private channel of mesh/1', { channel: 'dm:a:b' }, 'bad_channel'],
    ['a lone surrogate', { body: 'a\ud800' }, 'bad_text'],
    ['a body that is too large', { body: 'x'.repeat(LIMITS.messageBytesMax) }, 'message_too_large'],
    ['a payload that is too large', { payload: new Uint8Array(LIMITS.messageBytesMax) }, 'message_too_large'],
    [
      'nine refs',
      { refs: Array.from({ length: 9 }, () => ({ relation: 1, id: new Uint8Array(32) })) },
      'bad_request',
    ],
    ['an expiry that is over', { expiresMs: 1 }, 'bad_request'],
    ['a key that is too long', { idempotencyKey: 'k'.repeat(129) }, 'bad_request'],
  ])('is refused with a code, and nothing is stored: %s', (_, changes, code) => {
    const { bench } = createBench();
    expect(bench.codeOf(bench.publish('body', changes))).toBe(code);
    expect(own(bench)).toEqual([]);
  });

  it('may be as large as its room', () => {
    const { bench } = createBench();
    const refs = Array.from({ length: 8 }, () => ({ relation: 65535, id: new Uint8Array(32) }));
    const channel = 'c'.repeat(128);
    const body = 'x'.repeat(LIMITS.messageBytesMax - 1024);
    const expiresMs = 2 ** 53 - 1;
    expect(bench.reply(bench.publish(body, { refs, channel, expiresMs }))).toMatchObject({
      kind: 'published',
    });
  });

  it('is one more than 8192 that are under way', () => {
    const { bench } = createBench();
    bench.hold('persist');
    const requests = Array.from({ length: LIMITS.publishesMax + 1 }, (_, i) => bench.publish(`${i}`));
    expect(bench.codeOf(requests.at(-1) as number)).toBe('too_many_requests');
    expect(own(bench)).toHaveLength(LIMITS.publishesMax);
    bench.release('persist');
    expect(bench.reply(bench.publish('again'))).toMatchObject({ kind: 'published' });
  });
});
