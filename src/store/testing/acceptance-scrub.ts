/** What a scrub makes of damaged messages: the promise of `scrub-store.ts`. Which damage there is, each store says itself. */
import { expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import { MINUTE_END } from '../../core/persistence.ts';
import type { Store } from '../store.ts';
import {
  createAuthor,
  joined,
  nodeVerify,
  pruned,
  published,
  putOff,
  received,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';
import type { OpenSubject, Scrubbed } from './subject.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];
const ALL = { messages: 1000, bytes: 1e9, wallMs: WALL_MS + 5000 };
const IN_ORDER = { damaged: [], structure: '', isLast: true };

/** Three messages of Bob, arrival 1 to 3, and two own ones of Ann, 4 (confirmed by Bob alone) and 5. */
function fill(store: Store): readonly VerifiedMessage[] {
  const messages = [1, 2, 3, 4, 5].map((n) =>
    signedMessage(n < 4 ? bob : ann, { body: `body ${n}`, time: { timeMs: WALL_MS + n } }),
  );
  const ops = messages.map((message, i) => (i < 3 ? received(message) : published(message, `key ${i}`)));
  const ids = messages.slice(3, 4).map(({ message }) => message.idText);
  const stored = { kind: 'delivery', ids, state: 'stored', by: bob.id, alone: true } as const;
  store.transact([[joined('dev'), ...ops, stored]]);
  return messages;
}

/** What neighbours and clients see of a store, but for the order of arrival. */
function seen(store: Store): unknown {
  const window = { tag: tagOf('dev'), fromMinute: 0, untilMinute: MINUTE_END };
  const head = { kind: 'head', identity: ann.id, channel: 'dev', horizonMs: WALL_MS * 2 } as const;
  const page = store.readPage({ channel: 'dev', limit: 20, wallMs: WALL_MS });
  const [sums, use] = [store.read({ kind: 'sums', windows: [window] }), store.read({ kind: 'usage' })];
  return [
    page.map(({ message, delivery }) => [message.message.body, delivery]),
    ...[sums.kind === 'sums' && sums.sums, use.kind === 'usage' && use.tags, store.read(head)],
    ...[store.channels().map((row) => ({ ...row, lastArrival: 0 })), store.outboxSize(9)],
    [3, 4].map((n) => store.read({ kind: 'idempotency', identity: ann.id, key: `key ${n}` })),
  ];
}

function wanted(store: Store): string[] {
  const answer = store.read({ kind: 'wanted', afterArrival: 0, limit: 99 });
  return answer.kind === 'wanted' ? answer.rows.map(({ id }) => toBase64url(id)) : [];
}

function idAt(messages: readonly VerifiedMessage[], arrival: number): string {
  return messages[arrival - 1]?.message.idText ?? '';
}

export function describeScrub(open: OpenSubject): void {
  /** A store with these messages damaged, and what it had shown before. */
  const damaged = (...arrivals: readonly number[]) => {
    const subject = open();
    const messages = fill(subject.store);
    const before = seen(subject.store);
    let store: Scrubbed = subject.store;
    for (const arrival of arrivals) store = subject.damage(idAt(messages, arrival));
    return { store, messages, before };
  };

  it('finds nothing in a store that is in order', () => {
    const { store, before } = damaged();
    store.transact([[putOff(signedMessage(bob, { channel: 'ops', body: 'later' }))]]);
    expect(store.scrub.state()).toEqual({ after: 0, messages: 0, startedMs: 0, endedMs: 0 });
    expect(store.scrub.page(nodeVerify, ALL)).toMatchObject({ messages: 6, ...IN_ORDER });
    const { wallMs } = ALL;
    expect(store.scrub.state()).toEqual({ after: 0, messages: 6, startedMs: wallMs, endedMs: wallMs });
    expect([store.scrub.damaged(), wanted(store).length]).toEqual([[], 1]);
    expect(JSON.stringify(seen(store))).toContain(JSON.stringify((before as unknown[])[0]));
  });

  it('makes a damaged message wanted, hides it, and has it whole when it comes again', () => {
    const { store, messages, before } = damaged(2);
    const found = [{ channel: 'dev', messages: 1, unconfirmed: 0 }];
    expect(store.scrub.page(nodeVerify, ALL)).toMatchObject({ ...IN_ORDER, damaged: found });
    expect(store.scrub.damaged()).toEqual(found);
    expect(wanted(store)).toEqual([idAt(messages, 2)]);
    expect(store.readMessage(idAt(messages, 2))).toBeUndefined();
    expect(store.readPage({ channel: 'dev', limit: 9, wallMs: WALL_MS })).toHaveLength(4);
    const [, sums] = before as unknown[];
    expect((seen(store) as unknown[])[1]).toEqual(sums);
    expect(store.scrub.page(nodeVerify, ALL)).toMatchObject(IN_ORDER);
    const second = messages[1] as VerifiedMessage;
    expect(store.transact([[received(second)]])).toMatchObject([[{ inserted: true, arrival: 6 }]]);
    expect([store.scrub.damaged(), wanted(store)]).toEqual([[], []]);
    expect(seen(store)).toEqual(before);
  });

  it('keeps own messages own ones, with their state, their key and the end of the chain', () => {
    const { store, messages, before } = damaged(4, 5);
    const found = [{ channel: 'dev', messages: 2, unconfirmed: 1 }];
    expect(store.scrub.page(nodeVerify, ALL).damaged).toEqual(found);
    expect(store.scrub.damaged()).toEqual(found);
    expect(store.outboxSize(9)).toBe(1);
    expect(store.read({ kind: 'outbox', afterArrival: 0, limit: 9 })).toMatchObject({ rows: [] });
    store.transact([[pruned('dev', { ownBeforeHour: 0 })]]);
    expect(store.scrub.damaged()).toEqual(found);
    const [fourth, fifth] = messages.slice(3) as [VerifiedMessage, VerifiedMessage];
    store.transact([[received(fifth), received(fourth)]]);
    expect(store.scrub.damaged()).toEqual([]);
    expect((seen(store) as unknown[]).slice(3, 4)).toEqual((before as unknown[]).slice(3, 4));
    expect(store.read({ kind: 'outbox', afterArrival: 0, limit: 9, alone: true })).toMatchObject({
      rows: [{ message: { message: { idText: fourth.message.idText } }, storedBy: [bob.id] }],
    });
    expect(store.transact([[published(signedMessage(ann, { nonce: 9 }), 'key 3')]])).toMatchObject([
      [{ kind: 'repeated', id: fourth.message.idText }],
    ]);
  });

  it('forgets what retention has removed', () => {
    const { store } = damaged(1);
    store.scrub.page(nodeVerify, ALL);
    store.transact([[pruned('dev')]]);
    expect(store.scrub.damaged()).toEqual([]);
  });

  it('goes page by page within its budget, and begins anew at the end or when told to', () => {
    const { store } = damaged(2, 3);
    const small = { ...ALL, messages: 2 };
    expect(store.scrub.page(nodeVerify, small)).toMatchObject({ messages: 2, isLast: false });
    expect(store.scrub.state()).toMatchObject({ after: 2, messages: 2, endedMs: 0 });
    expect(store.scrub.page(nodeVerify, { ...ALL, bytes: 1 })).toMatchObject({ messages: 1, isLast: false });
    expect(store.scrub.page(nodeVerify, ALL)).toMatchObject({ messages: 2, isLast: true });
    expect(store.scrub.state()).toMatchObject({ after: 0, messages: 5, endedMs: ALL.wallMs });
    expect(store.scrub.damaged()).toMatchObject([{ messages: 2 }]);
    store.scrub.page(nodeVerify, small);
    store.scrub.restart();
    expect(store.scrub.state()).toMatchObject({ after: 0, messages: 0 });
  });
}
