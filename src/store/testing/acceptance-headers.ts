/** Fact 7 of `core/persistence.ts`: headers whose content is put off, is filled in, or was dropped. */
import { expect, it } from 'vitest';
import { utf8 } from '../../core/bytes.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import { MINUTE_END, type PersistOp, type Query, type QueryAnswer } from '../../core/persistence.ts';
import { FIRST, INFINITY } from '../../core/sync/negentropy/bounds.ts';
import type { Store } from '../store.ts';
import {
  costOf,
  createAuthor,
  dropped,
  joined,
  mesh1Message,
  published,
  putOff,
  received,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';
import type { OpenSubject } from './subject.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];
const TAG = tagOf('dev');
const PAGE = { channel: 'dev', limit: 9, wallMs: WALL_MS };

function one(store: Store, op: PersistOp) {
  return store.transact([[op]])[0]?.[0];
}

function read<K extends Query['kind']>(store: Store, query: Extract<Query, { kind: K }>) {
  return store.read(query) as Extract<QueryAnswer, { kind: K }>;
}

function holdings(store: Store, ...messages: readonly VerifiedMessage[]) {
  return read(store, { kind: 'has', ids: messages.map(({ message }) => message.id) }).holdings;
}

function wanted(store: Store, afterArrival = 0, limit = 9) {
  return read(store, { kind: 'wanted', afterArrival, limit }).rows;
}

/** Every way to ask for the content of a message, each with what it finds. */
function shown(store: Store, { message }: VerifiedMessage): unknown[] {
  const { id, idText } = message;
  return [
    store.readPage(PAGE).length,
    store.readPage({ ...PAGE, after: { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(0) } }).length,
    store.readArrivals({ after: 0, limit: 9, wallMs: WALL_MS }).length,
    store.readArrivals({ after: 0, limit: 9, wallMs: WALL_MS, channels: ['dev'] }).length,
    store.readMessage(idText) === undefined ? 0 : 1,
    read(store, { kind: 'messages', ids: [id] }).messages[0] === undefined ? 0 : 1,
  ];
}

/** Sums and positions of the channel, where a header counts like a message. */
function known(store: Store): unknown {
  const window = { tag: TAG, fromMinute: 0, untilMinute: MINUTE_END };
  return [
    read(store, { kind: 'sums', windows: [window] }).sums.map(({ count, sum }) => [
      count,
      new Uint8Array(sum),
    ]),
    read(store, { kind: 'ids', tag: TAG, ranges: [{ from: FIRST, until: INFINITY }], limit: 9 }).positions[0],
  ];
}

export function describeHeaders(open: OpenSubject): void {
  it('keeps what began at a mesh/1 peer as it came, and parts its header from its content like any other', () => {
    const subject = open();
    const [whole, late, heavy] = [
      mesh1Message(ann, 'whole', utf8('{"a":1}')),
      mesh1Message(bob, 'late'),
      mesh1Message(ann, 'heavy one', utf8(`"${'x'.repeat(9000)}"`)),
    ] as [VerifiedMessage, VerifiedMessage, VerifiedMessage];
    subject.store.transact([[received(whole), putOff(late), received(heavy)]]);
    expect(holdings(subject.store, whole, late, heavy)).toEqual(['held', 'wanted', 'held']);
    const ids = [whole.message.id, late.message.id];
    expect(
      read(subject.store, { kind: 'messages', ids }).messages.map((message) => message?.message.wire),
    ).toEqual([whole.message.wire, undefined]);
    one(subject.store, received(late));
    const store = subject.reopen();
    const found = read(store, { kind: 'messages', ids }).messages;
    expect(found.map((message) => message?.message)).toEqual([whole.message, late.message]);
    one(store, dropped('dev', 0));
    expect(holdings(store, whole, late, heavy)).toEqual(['dropped', 'held', 'dropped']);
    const page = read(store, { kind: 'page', channel: 'dev', limit: 9, wallMs: WALL_MS }).messages;
    expect(page.map(({ message }) => message.body)).toEqual(['late']);
  });

  it('knows a message that was put off, counts it, and shows it to nobody', () => {
    const subject = open();
    const message = signedMessage(ann);
    expect(one(subject.store, putOff(message))).toEqual({ kind: 'done' });
    one(subject.store, joined('dev'));
    for (const handle of [() => subject.store, () => subject.reopen()]) {
      const store = handle();
      expect(holdings(store, message)).toEqual(['wanted']);
      expect(shown(store, message)).toEqual([0, 0, 0, 0, 0, 0]);
      expect(known(store)).toEqual([
        [[1, message.message.id]],
        [{ time: message.message.time, id: message.message.id }],
      ]);
      expect(store.channels()).toMatchObject([
        { messages: 0, lastArrival: 0, bytes: costOf(message).header },
      ]);
      expect(wanted(store)).toEqual([
        { arrival: 1, id: message.message.id, tag: TAG, author: message.message.author },
      ]);
      expect(store.lastArrival()).toBe(1);
    }
  });

  it('lists no channel of which it has only headers', () => {
    const { store } = open();
    one(store, putOff(signedMessage(ann)));
    expect(store.channels()).toEqual([]);
  });

  it('fills wanted content in as a new arrival and counts the message once', () => {
    const { store } = open();
    const [message, other] = [signedMessage(ann), signedMessage(bob)];
    store.transact([[joined('dev'), putOff(message), received(other)]]);
    const before = known(store);
    expect(one(store, received(message))).toEqual({ kind: 'message', inserted: true, arrival: 3 });
    expect(known(store)).toEqual(before);
    expect(holdings(store, message)).toEqual(['held']);
    expect(wanted(store)).toEqual([]);
    expect(shown(store, message)).toEqual([2, 2, 2, 2, 1, 1]);
    expect(store.readMessage(message.message.idText)?.message.message).toEqual(message.message);
    expect(store.channels()).toMatchObject([{ messages: 2, lastArrival: 3 }]);
    const [a, b] = [costOf(message), costOf(other)];
    expect(store.channels()[0]?.bytes).toBe(a.header + a.content + b.header + b.content);
    expect(one(store, received(message))).toEqual({ kind: 'message', inserted: false, arrival: 3 });
  });

  it('fills wanted content in with an own message', () => {
    const { store } = open();
    const message = signedMessage(ann);
    store.transact([[putOff(message), published(message, 'key')]]);
    expect(store.readMessage(message.message.idText)).toMatchObject({
      arrival: 2,
      delivery: { state: 'queued' },
    });
    const { header, content } = costOf(message);
    expect(read(store, { kind: 'usage' }).tags).toEqual([
      { tag: TAG, messages: 0, bytes: 0, ownBytes: header + content, floorHour: 0 },
    ]);
    expect(read(store, { kind: 'hours', tag: TAG, fromHour: 0, limit: 9 }).hours).toEqual([]);
  });

  it('puts off nothing that is known', () => {
    const { store } = open();
    const [held, own, wantedOnce] = ['a', 'b', 'c'].map((body) => signedMessage(ann, { body }));
    if (!held || !own || !wantedOnce) throw new Error('three messages');
    store.transact([[received(held), published(own), putOff(wantedOnce)]]);
    store.transact([[putOff(held), putOff(own), putOff(wantedOnce)]]);
    expect(holdings(store, held, own, wantedOnce)).toEqual(['held', 'held', 'wanted']);
    expect(store.lastArrival()).toBe(3);
    expect(store.channels()).toMatchObject([{ messages: 2 }]);
  });

  it('pages what is wanted by arrival', () => {
    const { store } = open();
    const messages = Array.from({ length: 7 }, (_, i) =>
      signedMessage(i % 2 ? ann : bob, { body: `${i}`, channel: i % 3 ? 'dev' : 'ops' }),
    );
    store.transact([messages.map((message, i) => (i % 3 === 1 ? received(message) : putOff(message)))]);
    const rows = messages
      .map(({ message: { id, author, channel } }, i) => ({ arrival: i + 1, id, tag: tagOf(channel), author }))
      .filter((_, i) => i % 3 !== 1);
    expect(wanted(store)).toEqual(rows);
    expect(wanted(store, 0, 2)).toEqual(rows.slice(0, 2));
    expect(wanted(store, 3, 2)).toEqual(rows.slice(2, 4));
    expect(wanted(store, 7, 2)).toEqual([]);
    expect(wanted(store, 0, 0)).toEqual([]);
  });

  it('keeps the header of dropped content, and takes that content no more', () => {
    const { store } = open();
    const message = signedMessage(ann, { body: 'y'.repeat(4000), payload: new Uint8Array(500) });
    store.transact([[joined('dev'), received(message)]]);
    const before = known(store);
    const { header, content } = costOf(message);
    expect(content).toBe(4500);
    expect(one(store, dropped('dev', 4499))).toEqual({
      ...{ kind: 'dropped', bytes: 4500, more: false },
    });
    expect(known(store)).toEqual(before);
    expect(holdings(store, message)).toEqual(['dropped']);
    expect(wanted(store)).toEqual([]);
    expect(shown(store, message)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(store.channels()).toMatchObject([{ messages: 0, lastArrival: 0, bytes: header }]);
    for (const op of [received(message), published(message, 'key')])
      expect(one(store, op)).toEqual({ kind: 'message', inserted: false, arrival: 1 });
    one(store, putOff(message));
    expect(holdings(store, message)).toEqual(['dropped']);
    expect(shown(store, message)).toEqual([0, 0, 0, 0, 0, 0]);
  });
}
