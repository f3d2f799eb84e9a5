/** Storing: facts 1 to 3 of `core/persistence.ts`, own messages, idempotency keys and delivery states. */
import { expect, it } from 'vitest';
import { toBase64url, utf8 } from '../../core/bytes.ts';
import { MeshError } from '../../core/errors.ts';
import type { PersistOp, PersistResult } from '../../core/persistence.ts';
import { STORED_BY_MAX } from '../check.ts';
import type { Store } from '../store.ts';
import {
  arrivalOf,
  createAuthor,
  dropped,
  joined,
  PEER,
  pruned,
  published,
  putOff,
  received,
  retained,
  sha256,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';
import type { OpenSubject } from './subject.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];

function one(store: Store, op: PersistOp): PersistResult | undefined {
  return store.transact([[op]])[0]?.[0];
}

export function describeMessages(open: OpenSubject): void {
  it('gives back what was stored, byte for byte', () => {
    const { store } = open();
    const message = signedMessage(ann, {
      body: '\ufeffgrüße\0 𝄞',
      payload: utf8('{"a":1}'),
      refs: [{ relation: 1, id: sha256(utf8('x')) }],
      expiresMs: 2 ** 53 - 1,
    });
    expect(one(store, received(message))).toEqual({ kind: 'message', inserted: true, arrival: 1 });
    const stored = store.readMessage(message.message.idText);
    expect(stored?.message.message).toEqual(message.message);
    expect(stored).toMatchObject({ arrival: 1, delivery: undefined });
    expect(Object.getPrototypeOf(stored?.message.message.bytes)).toBe(Uint8Array.prototype);
  });

  it('keeps a message whose bytes lie in the middle of a large frame', () => {
    const { store } = open();
    const { message } = signedMessage(ann, { payload: new Uint8Array(1000).fill(3) });
    const frame = new Uint8Array(100_000);
    frame.set(message.wire, 70_000);
    one(store, received(signedMessage(ann, { payload: new Uint8Array(1000).fill(3) })));
    frame.fill(0);
    expect(store.readMessage(message.idText)?.message.message.wire).toEqual(message.wire);
  });

  it('stores an id once and answers the first arrival number after that', () => {
    const { store } = open();
    const message = signedMessage(ann);
    expect(one(store, received(message))).toMatchObject({ inserted: true, arrival: 1 });
    expect(one(store, received(message))).toEqual({ kind: 'message', inserted: false, arrival: 1 });
    expect(one(store, published(message, 'k'))).toEqual({ kind: 'message', inserted: false, arrival: 1 });
    expect(store.readMessage(message.message.idText)).toMatchObject({ arrival: 1, delivery: undefined });
    const key = store.read({ kind: 'idempotency', identity: ann.id, key: 'k' });
    expect(key).toEqual({ kind: 'idempotency', found: undefined });
  });

  it('stores an id once within one transaction too', () => {
    const { store } = open();
    const [a, b] = [signedMessage(ann), signedMessage(bob)];
    const results = store.transact([[received(a), received(a)], [], [received(b), received(a)]]);
    expect(results.map((list) => list.map(arrivalOf))).toEqual([[1, 1], [], [2, 1]]);
  });

  it('applies operations in order and gives arrival numbers in that order', () => {
    const { store } = open();
    const messages = [5, 3, 9, 1].map((ms) => signedMessage(ann, { time: { timeMs: WALL_MS + ms } }));
    store.transact(messages.map((message) => [received(message)]));
    const found = messages.map(({ message }) => store.readMessage(message.idText)?.arrival);
    expect(found).toEqual([1, 2, 3, 4]);
    expect(store.lastArrival()).toBe(4);
  });

  it('never gives an arrival number twice, not even after a deletion and a restart', () => {
    const subject = open();
    const mortal = [1, 2].map((n) => signedMessage(ann, { body: `${n}`, expiresMs: WALL_MS }));
    subject.store.transact([mortal.map((message) => received(message))]);
    subject.store.transact([[{ kind: 'expire', wallMs: WALL_MS }]]);
    const store = subject.reopen();
    expect(store.lastArrival()).toBe(2);
    expect(one(store, received(signedMessage(bob)))).toMatchObject({ arrival: 3 });
    expect(one(store, received(mortal[0] as (typeof mortal)[0]))).toMatchObject({
      inserted: true,
      arrival: 4,
    });
  });

  it('survives closing and opening again', () => {
    const subject = open();
    const message = signedMessage(ann);
    subject.store.transact([[published(message, 'key', 'a'), joined('dev')]]);
    const store = subject.reopen();
    expect(store.readMessage(message.message.idText)?.message.message).toEqual(message.message);
    expect(one(store, published(message, 'key', 'a'))).toMatchObject({ kind: 'repeated', same: true });
    expect(store.lastArrival()).toBe(1);
    expect(store.restore().joined).toEqual([{ channel: 'dev', policy: {} }]);
  });

  it('answers a repeated idempotency key with the first message, per identity', () => {
    const { store } = open();
    const [first, second] = [signedMessage(ann), signedMessage(ann, { body: 'second' })];
    const id = first.message.idText;
    one(store, published(first, 'key', 'request'));
    expect(one(store, published(second, 'key', 'request'))).toEqual({ kind: 'repeated', id, same: true });
    expect(one(store, published(second, 'key', 'other'))).toEqual({ kind: 'repeated', id, same: false });
    expect(store.readMessage(second.message.idText)).toBeUndefined();
    expect(store.lastArrival()).toBe(1);
    expect(one(store, published(signedMessage(bob), 'key', 'request'))).toMatchObject({ inserted: true });
    expect(store.read({ kind: 'idempotency', identity: ann.id, key: 'key' })).toEqual({
      kind: 'idempotency',
      found: { id, fingerprint: sha256(utf8('request')) },
    });
  });

  it('takes an empty idempotency key as none', () => {
    const { store } = open();
    for (const body of ['a', 'b'])
      expect(one(store, published(signedMessage(ann, { body })))).toMatchObject({ inserted: true });
    const answer = store.read({ kind: 'idempotency', identity: ann.id, key: '' });
    expect(answer).toEqual({ kind: 'idempotency', found: undefined });
  });

  it('remembers an idempotency key after its message has expired', () => {
    const { store } = open();
    const message = signedMessage(ann, { expiresMs: WALL_MS });
    store.transact([[published(message, 'key', 'a'), { kind: 'expire', wallMs: WALL_MS }]]);
    const again = signedMessage(ann, { body: 'again' });
    expect(one(store, published(again, 'key', 'a'))).toMatchObject({ kind: 'repeated', same: true });
  });

  it('moves delivery states forward only and names who stores', () => {
    const { store } = open();
    const { message } = signedMessage(ann);
    const ids = [message.idText, toBase64url(new Uint8Array(32)), 'no id'];
    const deliver = (state: 'queued' | 'relayed' | 'stored', by = '') => {
      expect(one(store, { kind: 'delivery', ids, state, by })).toEqual({ kind: 'done' });
      return store.readMessage(message.idText)?.delivery;
    };
    one(store, published(signedMessage(ann)));
    expect(store.readMessage(message.idText)).toMatchObject({
      delivery: { state: 'queued', storedBy: [] },
    });
    expect(deliver('relayed', bob.id)).toEqual({ state: 'relayed', storedBy: [] });
    expect(deliver('queued')).toEqual({ state: 'relayed', storedBy: [] });
    expect(deliver('stored', bob.id)).toEqual({ state: 'stored', storedBy: [bob.id] });
    expect(deliver('stored', bob.id)).toEqual({ state: 'stored', storedBy: [bob.id] });
    expect(deliver('relayed')).toEqual({ state: 'stored', storedBy: [bob.id] });
    expect(deliver('stored', ann.id)).toEqual({ state: 'stored', storedBy: [bob.id, ann.id] });
  });

  it('remembers for which messages one more keeper is to be found, until there is one', () => {
    const subject = open();
    let { store } = subject;
    const [first, second] = [signedMessage(ann), signedMessage(ann, { body: 'two' })];
    const alone = (afterArrival = 0) => {
      const answer = store.read({ kind: 'outbox', afterArrival, limit: 9, alone: true });
      return answer.kind === 'outbox'
        ? answer.rows.map(({ message, storedBy }) => [message.message.body, storedBy])
        : [];
    };
    const deliver = (ids: readonly string[], by: string, isAlone?: boolean) =>
      one(store, { kind: 'delivery', ids, state: 'stored', by, ...(isAlone && { alone: true }) });
    const ids = [first.message.idText, second.message.idText];
    for (const message of [first, second]) one(store, published(message));
    expect(alone()).toEqual([]);
    deliver(ids, bob.id, true);
    deliver(ids, bob.id);
    const both = [
      [first.message.body, [bob.id]],
      ['two', [bob.id]],
    ];
    expect([alone(), alone(1)]).toEqual([both, both.slice(1)]);
    expect(store.read({ kind: 'outbox', afterArrival: 0, limit: 9 })).toMatchObject({ rows: [] });
    deliver(ids.slice(0, 1), ann.id, true);
    store = subject.reopen();
    expect(alone()).toEqual(both.slice(1));
  });

  it(`names at most ${STORED_BY_MAX} keepers of a message`, () => {
    const { store } = open();
    const { message } = signedMessage(ann);
    const keepers = Array.from({ length: STORED_BY_MAX + 2 }, (_, i) => createAuthor(1000 + i).id);
    const op = (by: string): PersistOp => ({ kind: 'delivery', ids: [message.idText], state: 'stored', by });
    store.transact([[published(signedMessage(ann)), ...keepers.map(op)]]);
    expect(store.readMessage(message.idText)?.delivery?.storedBy).toEqual(keepers.slice(0, STORED_BY_MAX));
  });

  it('gives no delivery state to messages of others', () => {
    const { store } = open();
    const { message } = signedMessage(ann);
    const op: PersistOp = { kind: 'delivery', ids: [message.idText], state: 'stored', by: bob.id };
    store.transact([[received(signedMessage(ann)), op]]);
    expect(store.readMessage(message.idText)?.delivery).toBeUndefined();
  });

  it('lists as outbox the own messages that nobody confirmed, in pages', () => {
    const { store } = open();
    const own = Array.from({ length: 7 }, (_, i) => signedMessage(ann, { body: `${i}` }));
    const ids = own.map(({ message }) => message.idText);
    const deliver = (at: number, state: 'relayed' | 'stored'): PersistOp => ({
      kind: 'delivery',
      ids: [ids[at] as string],
      state,
      by: '',
    });
    store.transact([[received(signedMessage(bob))], own.map((message) => published(message))]);
    store.transact([[deliver(1, 'relayed'), deliver(2, 'stored'), deliver(5, 'stored')]]);
    const page = (afterArrival: number, limit: number) => {
      const answer = store.read({ kind: 'outbox', afterArrival, limit });
      if (answer.kind !== 'outbox') throw new Error('wrong answer');
      return answer.rows.map((row) => [row.arrival, row.state, ids.indexOf(row.message.message.idText)]);
    };
    expect(page(0, 3)).toEqual([
      [2, 'queued', 0],
      [3, 'relayed', 1],
      [5, 'queued', 3],
    ]);
    expect(page(5, 100)).toEqual([
      [6, 'queued', 4],
      [8, 'queued', 6],
    ]);
    expect(page(8, 100)).toEqual([]);
    expect(page(0, 0)).toEqual([]);
    expect([store.outboxSize(100), store.outboxSize(3), store.outboxSize(0)]).toEqual([5, 3, 0]);
  });

  it('refuses operations that break the contract, and applies nothing of their call', () => {
    const { store } = open();
    const good = received(signedMessage(ann));
    const tag = tagOf('dev');
    const bad: PersistOp[] = [
      { ...good, tag: tagOf('other') } as PersistOp,
      { ...putOff(signedMessage(bob)), tag: tagOf('other') } as PersistOp,
      { ...published(signedMessage(bob)), fingerprint: new Uint8Array(31) } as PersistOp,
      published(signedMessage(bob), '\ud800'),
      published(signedMessage(bob, { kind: 256 })),
      received(signedMessage(bob, { kind: 511 })),
      putOff(signedMessage(bob, { kind: 300 })),
      { kind: 'delivery', ids: [], state: 'read' as 'stored', by: '' },
      { kind: 'delivery', ids: [], state: 'stored', by: 'peer' },
      { kind: 'join', channel: ' dev', tag },
      { kind: 'join', channel: 'other', tag },
      { kind: 'leave', channel: 'other', tag },
      retained('dev', { ageMs: -1 }),
      retained('dev', { messages: 0.5 }),
      retained('dev', { bytes: Number.NaN }),
      retained('dev', { pinned: 1 as unknown as boolean }),
      { kind: 'carry', tag: `${tag}=`, untilMs: 1, sinceHour: 0 },
      { kind: 'carry', tag, untilMs: Number.NaN, sinceHour: 0 },
      { kind: 'carry', tag, untilMs: 1, sinceHour: -1 },
      pruned('dev', { beforeHour: -1 }),
      pruned('dev', { ownBeforeHour: 0.5 }),
      pruned('dev', { floorHour: Number.NaN }),
      dropped('dev', -1),
      dropped('dev', 1, 0.5),
      { kind: 'drop', tag: 'short', keepBytes: 1, freeBytes: 1 },
      { kind: 'leaf-floor', tag: 'short', hour: 1 },
      { kind: 'leaf-floor', tag, hour: -1 },
      { kind: 'mailbox', peer: PEER, tags: ['short'], untilMs: 1, linkedMs: 5, group: '10.1' },
      { kind: 'mailbox', peer: `${PEER}=`, tags: [tag], untilMs: 1, linkedMs: 5, group: '10.1' },
      { kind: 'address', url: 'ws://a', peer: 'x', provenMs: 1 },
      { kind: 'address', url: '\ud800', peer: PEER, provenMs: 1 },
      { kind: 'record-sequence', sequence: -1 },
      { kind: 'expire', wallMs: 0.5 },
      { kind: 'sing' } as unknown as PersistOp,
    ];
    for (const op of bad)
      expect(() => store.transact([[good], [op]]), JSON.stringify(op)).toThrow(RangeError);
    expect(store.lastArrival()).toBe(0);
    expect(store.channels()).toEqual([]);
    expect(store.transact([])).toEqual([]);
    expect(store.transact([[], []])).toEqual([[], []]);
    expect(one(store, good)).toMatchObject({ inserted: true, arrival: 1 });
  });

  it('answers store_failed once it is closed, and closes twice', () => {
    const { store } = open();
    store.close();
    store.close();
    const calls = [
      () => store.transact([[joined('dev')]]),
      () => store.read({ kind: 'has', ids: [] }),
      () => store.restore(),
      () => store.readPage({ channel: 'dev', limit: 1, wallMs: 0 }),
      () => store.readArrivals({ after: 0, limit: 1, wallMs: 0 }),
      () => store.readMessage(''),
      () => store.channels(),
      () => store.lastArrival(),
    ];
    for (const call of calls) expect(call).toThrow(MeshError);
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: 'store_failed' }));
  });
}
