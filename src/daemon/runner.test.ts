import { describe, expect, it } from 'vitest';
import { EMPTY, utf8 } from '../core/bytes.ts';
import type { Effect, Event, RestoredState } from '../core/contract.ts';
import { createVerifier, sha256 } from '../crypto/index.ts';
import { createMemoryStore } from '../store/memory.ts';
import { createAuthor, NETWORK, received, signedMessage } from '../store/testing/messages.ts';
import { type LinkPort, type Log, Runner } from './runner.ts';
import { ManualLater } from './testing/later.ts';

const STATE: RestoredState = {
  identities: [],
  joined: [],
  carried: [],
  floors: [],
  leafFloors: [],
  mailboxes: [],
  addresses: [],
  recordSequence: 0,
  clockMs: 0,
};
const closed = (link: number): Event => ({ kind: 'link-closed', link, reason: '' });

/** A runner whose core is a script: for each kind of event the effects that it answers with. */
function setUp(script: (event: Event) => readonly Effect[], isDebug = false) {
  const later = new ManualLater();
  const store = createMemoryStore({ network: NETWORK, sha256 });
  const trace: string[] = [];
  const lines: object[] = [];
  const ignore = (): void => undefined;
  const links: LinkPort = {
    dial: (url) => trace.push(`dial ${url}`),
    sendText: (link, text) => trace.push(`text ${link} ${text}`),
    mesh1: (link, textBytesMax) => trace.push(`mesh1 ${link} ${textBytesMax}`),
    send: ({ links: to, frame }) => trace.push(`send ${to.join(',')} ${frame.length}`),
    close: (link, code) => trace.push(`close ${link} ${code}`),
    pause: (link, delayMs) => trace.push(`pause ${link} ${delayMs}`),
    agree: ({ early }) => ({ ok: true, early }),
  };
  const log: Log = {
    debug: (data) => lines.push(data),
    ...{ info: ignore, warn: ignore, error: ignore, fatal: ignore },
    isLevelEnabled: () => isDebug,
  };
  const runner = new Runner({
    core: {
      handle: (event) => {
        trace.push(`event ${event.kind}`);
        return [...script(event)];
      },
    },
    store,
    links,
    verify: createVerifier().verify,
    sign: (key, data) => utf8(`${key} signed ${data.length}`),
    clock: () => ({ monotonicMs: later.nowMs, wallMs: later.nowMs }),
    later,
    listeners: {
      onReply: (request, reply) => trace.push(`reply ${request} ${reply.kind}`),
      onDelivery: (id, state) => trace.push(`delivery ${id} ${state}`),
      onReport: ({ phrase }) => trace.push(`report ${phrase}`),
      onEphemeral: ({ message }, isOwn) => trace.push(`ephemeral ${message.kind} ${isOwn}`),
      onCommit: () => trace.push('commit'),
      onStoreTrouble: (error) => trace.push(`trouble ${error?.code ?? 'over'}`),
      onFatal: (error) => trace.push(`fatal ${String(error)}`),
    },
    log,
  });
  return { runner, later, store, trace, lines };
}

describe('the runner', () => {
  it('hands nothing to the core before `started`, and then what came meanwhile in order', () => {
    const { runner, trace } = setUp(() => []);
    runner.submit(closed(1));
    expect(trace).toEqual([]);
    runner.start(STATE);
    expect(trace).toEqual(['event started', 'event link-closed']);
  });

  it('executes all effects of an event, in order, before the events that they cause', () => {
    const author = createAuthor(1);
    const { message } = signedMessage(author);
    const check = { data: EMPTY, signature: message.signature, publicKey: message.author };
    const { runner, trace } = setUp(({ kind }) =>
      kind === 'started'
        ? [
            { kind: 'verify', token: 1, checks: [check] },
            {
              kind: 'agree',
              token: 2,
              link: 1,
              publicKey: EMPTY,
              transcript: EMPTY,
              isSealed: false,
              early: [],
            },
            { kind: 'sign', token: 3, items: [{ key: 'peer', data: EMPTY }] },
            { kind: 'read', token: 4, query: { kind: 'has', ids: [message.id] } },
            { kind: 'dial', url: 'ws://a/', scope: 'public' },
            { kind: 'send-text', link: 1, text: 'x', notify: 0 },
            { kind: 'send', links: [1, 2], frame: utf8('abc'), droppable: false, notify: 0 },
            { kind: 'close', link: 1, code: 'banned', detail: '' },
            { kind: 'reply', request: 7, reply: { kind: 'published', id: 'x', isNew: true } },
            { kind: 'delivery', id: 'x', state: 'relayed', by: '' },
            { kind: 'report', level: 'info', phrase: 'p', data: {} },
          ]
        : [],
    );
    runner.start(STATE);
    expect(trace).toEqual([
      ...['event started', 'dial ws://a/', 'text 1 x', 'send 1,2 3', 'close 1 banned', 'reply 7 published'],
      ...['delivery x relayed', 'report p', 'event verified', 'event agreed', 'event signed', 'event read'],
    ]);
  });

  it('answers with the verdicts of the rule, in the order of the checks', () => {
    let proofs: readonly unknown[] = [];
    const author = createAuthor(1);
    const { message } = signedMessage(author);
    const bad = { data: EMPTY, signature: message.signature, publicKey: message.author };
    const { runner } = setUp((event) => {
      if (event.kind === 'verified') proofs = event.proofs;
      return event.kind === 'started' ? [{ kind: 'verify', token: 1, checks: [bad, bad] }] : [];
    });
    runner.start(STATE);
    expect(proofs).toEqual([undefined, undefined]);
  });

  it('says `persisted` only after the commit, with the results of the store', () => {
    const results: unknown[] = [];
    const message = signedMessage(createAuthor(1));
    const { runner, later, trace, store } = setUp((event) => {
      if (event.kind === 'persisted') results.push(...event.results);
      return event.kind === 'started' ? [{ kind: 'persist', token: 1, ops: [received(message)] }] : [];
    });
    runner.start(STATE);
    expect(trace).toEqual(['event started']);
    later.pass();
    expect(trace).toEqual(['event started', 'commit', 'event persisted']);
    expect(results).toEqual([{ kind: 'message', inserted: true, arrival: 1 }]);
    expect(store.lastArrival()).toBe(1);
  });

  it('lives on when the store fails, and tells the core of each effect', () => {
    const message = signedMessage(createAuthor(1));
    const { runner, later, trace, store } = setUp((event) =>
      event.kind === 'started' || event.kind === 'persist-failed'
        ? [{ kind: 'persist', token: 1, ops: [received(message)] }]
        : [],
    );
    store.failNext();
    runner.start(STATE);
    later.pass();
    expect(trace.slice(1)).toEqual(['trouble store_failed', 'event persist-failed']);
    later.pass(100);
    expect(trace.slice(3)).toEqual(['trouble over', 'commit', 'event persisted']);
  });

  it('answers a read with undefined where the store cannot', () => {
    const { runner, store, trace } = setUp((event) => {
      if (event.kind === 'read') expect(event.answer).toBeUndefined();
      return event.kind === 'started' ? [{ kind: 'read', token: 1, query: { kind: 'has', ids: [] } }] : [];
    });
    store.crash();
    runner.start(STATE);
    expect(trace).toEqual(['event started', 'trouble store_failed', 'event read']);
  });

  it('hands timers back when due; a delay of 0 is the next turn', () => {
    const { runner, later, trace } = setUp(({ kind }) =>
      kind === 'started'
        ? [
            { kind: 'timer', timer: { kind: 'second' }, delayMs: 1000 },
            { kind: 'timer', timer: { kind: 'flush' }, delayMs: 0 },
          ]
        : [],
    );
    runner.start(STATE);
    expect(later.waiting).toEqual([1000, 0]);
    later.pass();
    expect(trace).toEqual(['event started', 'event timer']);
    later.pass(1000);
    expect(trace).toHaveLength(3);
  });

  it('commits what waits at the end, tells the core, and then does nothing more', () => {
    const message = signedMessage(createAuthor(1));
    const { runner, later, trace, store } = setUp(({ kind }) =>
      kind === 'started'
        ? [
            { kind: 'timer', timer: { kind: 'second' }, delayMs: 1 },
            { kind: 'persist', token: 1, ops: [received(message)] },
          ]
        : [{ kind: 'report', level: 'info', phrase: 'after', data: {} }],
    );
    runner.start(STATE);
    runner.finish();
    expect(trace).toEqual(['event started', 'commit', 'event persisted', 'report after']);
    expect(store.lastArrival()).toBe(1);
    later.pass(10);
    runner.submit(closed(1));
    runner.finish();
    expect(trace).toHaveLength(4);
  });

  it('stops at an exception out of the core and keeps what waits from the disk', () => {
    const message = signedMessage(createAuthor(1));
    const { runner, later, trace, store } = setUp((event) => {
      if (event.kind === 'link-closed') throw new Error('a bug');
      return event.kind === 'started' ? [{ kind: 'persist', token: 1, ops: [received(message)] }] : [];
    });
    runner.start(STATE);
    runner.submit(closed(1));
    runner.submit(closed(2));
    later.pass();
    runner.finish();
    expect(trace).toEqual(['event started', 'event link-closed', 'fatal Error: a bug']);
    expect(store.lastArrival()).toBe(0);
  });

  it('logs events and effects at debug with contents as sizes', () => {
    const { runner, lines } = setUp(({ kind }) => {
      const text: Effect = { kind: 'send-text', link: 1, text: 'private words', notify: 0 };
      const message = signedMessage(createAuthor(1), { body: 'private words' });
      return kind === 'started' ? [text, { kind: 'persist', token: 1, ops: [received(message)] }] : [];
    }, true);
    runner.start(STATE);
    const logged = JSON.stringify(lines);
    expect(logged).toContain('"text":"13 characters"');
    expect(logged).toContain('message ');
    expect(logged).not.toContain('private');
  });
});
