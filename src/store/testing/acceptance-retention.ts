/** What messages cost, how they are removed, and what outlives them. */
import { expect, it } from 'vitest';
import { HOUR } from '../../core/limits.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import {
  IDEMPOTENCY_MS,
  MINUTE_END,
  type PersistOp,
  type Position,
  PRUNE_STEP,
  type Query,
  type QueryAnswer,
} from '../../core/persistence.ts';
import { HEAVY_BYTES } from '../buckets.ts';
import type { Store } from '../store.ts';
import {
  carried,
  costOf,
  createAuthor,
  dropped,
  joined,
  left,
  pruned,
  published,
  putOff,
  received,
  retained,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';
import type { OpenSubject } from './subject.ts';

const [ann, bob, cem] = [createAuthor(1), createAuthor(2), createAuthor(3)];
const TAG = tagOf('dev');
const NOW_HOUR = WALL_MS / HOUR;
const EXPIRE: PersistOp = { kind: 'expire', wallMs: WALL_MS };

function one(store: Store, op: PersistOp) {
  return store.transact([[op]])[0]?.[0];
}

function read<K extends Query['kind']>(store: Store, query: Extract<Query, { kind: K }>) {
  return store.read(query) as Extract<QueryAnswer, { kind: K }>;
}

/** A message of some hours after now. @param body of that many bytes */
function at(hours: number, author = ann, body = 5, draft: object = {}): VerifiedMessage {
  return signedMessage(author, {
    time: { timeMs: WALL_MS + hours * HOUR + 1 },
    body: 'b'.repeat(body),
    ...draft,
  });
}

function stored(...messages: readonly VerifiedMessage[]): PersistOp {
  const ids = messages.map(({ message }) => message.idText);
  return { kind: 'delivery', ids, state: 'stored', by: '' };
}

function holdings(store: Store, messages: readonly VerifiedMessage[]) {
  return read(store, { kind: 'has', ids: messages.map(({ message }) => message.id) }).holdings;
}

function head(store: Store, identity = ann.id, channel = 'dev') {
  return read(store, { kind: 'head', identity, channel, horizonMs: WALL_MS }).own;
}

function positionOf({ message: { time, id } }: VerifiedMessage): Position {
  return { time, id };
}

function total(messages: readonly VerifiedMessage[]): number {
  return messages.map(costOf).reduce((sum, { header, content }) => sum + header + content, 0);
}

function describeUse(open: OpenSubject): void {
  it('says what each tag and hour costs, own messages apart', () => {
    const subject = open();
    const others = [at(-1), at(-1, bob, 900), at(0), at(0, bob, 0, { payload: new Uint8Array(77) })];
    const own = [at(0, cem, 10), at(3, cem, 20)];
    const header = at(2, bob, 5000);
    const elsewhere = at(0, ann, 1, { channel: 'ünï', body: 'ünï' });
    subject.store.transact([
      [...others.map(received), ...own.map((message) => published(message)), putOff(header)],
      [received(elsewhere), joined('empty')],
    ]);
    for (const handle of [() => subject.store, () => subject.reopen()]) {
      const store = handle();
      const { tags, freeBytes } = read(store, { kind: 'usage' });
      const bytes = total(others) + costOf(header).header;
      expect([...tags].sort((a, b) => b.bytes - a.bytes)).toEqual([
        { tag: TAG, messages: 5, bytes, ownBytes: total(own), floorHour: 0 },
        { tag: tagOf('ünï'), messages: 1, bytes: total([elsewhere]), ownBytes: 0, floorHour: 0 },
      ]);
      expect(costOf(elsewhere).content).toBe(6 - 1);
      expect(freeBytes).toBeGreaterThan(0);
      const hours = (fromHour: number, limit: number) =>
        read(store, { kind: 'hours', tag: TAG, fromHour, limit }).hours;
      const rows = [
        { hour: NOW_HOUR - 1, messages: 2, bytes: total(others.slice(0, 2)) },
        { hour: NOW_HOUR, messages: 2, bytes: total(others.slice(2)) },
        { hour: NOW_HOUR + 2, messages: 1, bytes: costOf(header).header },
      ];
      expect(hours(0, 9)).toEqual(rows);
      expect(hours(NOW_HOUR, 9)).toEqual(rows.slice(1));
      expect(hours(0, 2)).toEqual(rows.slice(0, 2));
      expect(hours(0, 0)).toEqual([]);
      expect(read(store, { kind: 'hours', tag: tagOf('none'), fromHour: 0, limit: 9 }).hours).toEqual([]);
      expect(store.channels().map((row) => row.bytes)).toEqual([bytes + total(own), 0, total([elsewhere])]);
    }
  });

  it('counts nothing any more for what is gone', () => {
    const { store } = open();
    const messages = [at(0), at(1, bob), at(0, cem, 9, { expiresMs: 5 })];
    store.transact([messages.map(received), [published(at(5)), stored(at(5)), putOff(at(2))]]);
    store.transact([[EXPIRE], [dropped('dev', 0)], [pruned('dev')]]);
    expect(read(store, { kind: 'usage' }).tags).toEqual([]);
    expect(read(store, { kind: 'hours', tag: TAG, fromHour: 0, limit: 9 }).hours).toEqual([]);
    expect(store.channels()).toEqual([]);
  });
}

function describePrune(open: OpenSubject): void {
  it('prunes what is older than an hour, headers too, and own messages by their own age once they are stored', () => {
    const { store } = open();
    const others = [at(-3), at(-2), at(-1), at(0)];
    const own = [-4, -3, -2, -1].map((hours) => at(hours, bob));
    const header = at(-2, cem);
    const elsewhere = at(-5, ann, 5, { channel: 'other' });
    store.transact([
      [...others, elsewhere].map(received),
      [...own.map((message) => published(message)), putOff(header)],
      [stored(...own.slice(1))],
    ]);
    const op = pruned('dev', { beforeHour: NOW_HOUR - 1, ownBeforeHour: NOW_HOUR - 2, floorHour: 0 });
    expect(one(store, op)).toEqual({ kind: 'pruned', removed: 4, next: undefined });
    expect(holdings(store, others)).toEqual(['unknown', 'unknown', 'held', 'held']);
    expect(holdings(store, own)).toEqual(['held', 'unknown', 'held', 'held']);
    expect(holdings(store, [header, elsewhere])).toEqual(['unknown', 'held']);
    expect(one(store, op)).toEqual({ kind: 'pruned', removed: 0, next: undefined });
    expect(store.restore().floors).toEqual([]);
    expect(one(store, pruned('dev'))).toMatchObject({ removed: 4 });
    expect(store.outboxSize(9)).toBe(1);
  });

  it('prunes a step at a time and says where to go on', () => {
    const { store } = open();
    const messages = Array.from({ length: 2 * PRUNE_STEP + 1 }, (_, i) =>
      signedMessage(ann, { time: { timeMs: WALL_MS - 9 * HOUR + (i >> 1) }, nonce: i }),
    );
    // Own ones in the first half are passed over.
    const ops = messages.map((message, i) =>
      i < PRUNE_STEP && i % 2 === 0 ? published(message) : received(message),
    );
    store.transact([ops]);
    const results: unknown[] = [];
    for (
      let after: Position | undefined = { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(0) };
      after;
    ) {
      const result = one(store, pruned('dev', { beforeHour: NOW_HOUR, ownBeforeHour: 0, after }));
      if (result?.kind !== 'pruned') throw new Error('wrong result');
      results.push(result.removed);
      after = result.next;
    }
    expect(results).toEqual([PRUNE_STEP / 2, PRUNE_STEP, 1]);
    expect(store.channels()).toMatchObject([{ messages: PRUNE_STEP / 2 }]);
  });

  it('remembers the highest floor, over a restart too, until a new policy is set or nobody needs the tag', () => {
    const subject = open();
    const { store } = subject;
    store.transact([[joined('dev'), carried('a', WALL_MS + 1), joined('c')]]);
    const floor = (channel: string, floorHour: number) => one(store, pruned(channel, { floorHour }));
    for (const [channel, hour] of [
      ['dev', 7],
      ['dev', 9],
      ['dev', 8],
      ['dev', 0],
      ['a', 3],
      ['b', 4],
      ['c', 5],
    ] as const)
      expect(floor(channel, hour)).toEqual({ kind: 'pruned', removed: 0, next: undefined });
    const floors = (from: Store) => from.restore().floors;
    const rows = (...expected: [string, number][]) =>
      expected
        .map(([channel, floorHour]) => ({ tag: tagOf(channel), floorHour }))
        .sort((x, y) => (x.tag < y.tag ? -1 : 1));
    expect(floors(store)).toEqual(rows(['dev', 9], ['a', 3], ['b', 4], ['c', 5]));
    one(store, EXPIRE);
    expect(floors(store)).toEqual(rows(['dev', 9], ['a', 3], ['c', 5]));
    store.transact([
      [retained('c', {}), received(at(0))],
      [left('dev'), EXPIRE],
    ]);
    expect(floors(store)).toEqual(rows(['dev', 9], ['a', 3]));
    expect(read(store, { kind: 'usage' }).tags).toMatchObject([{ tag: TAG, floorHour: 9 }]);
    store.transact([[pruned('dev'), { kind: 'expire', wallMs: WALL_MS + 1 }]]);
    expect(floors(store)).toEqual([]);
    expect(floors(subject.reopen())).toEqual([]);
  });
}

function describeDrop(open: OpenSubject): void {
  it('drops content of whoever holds most, oldest first, down to what may be kept', () => {
    const { store } = open();
    const heavy = [at(2, bob, 5000), at(1, bob, 10_000), at(3, bob, 15_000)];
    const light = [at(0, ann, 17_500)];
    const elsewhere = at(0, cem, 50_000, { channel: 'other' });
    store.transact([[...heavy, ...light, elsewhere].map(received)]);
    const drop = (keepBytes: number, freeBytes?: number) => one(store, dropped('dev', keepBytes, freeBytes));
    const held = () =>
      [...heavy, ...light].map(({ message }) => store.readMessage(message.idText) !== undefined);
    expect(drop(30_000)).toEqual({ kind: 'dropped', bytes: 0, more: false });
    expect(drop(29_999, 0)).toEqual({ kind: 'dropped', bytes: 0, more: true });
    expect(held()).toEqual([true, true, true, true]);
    expect(drop(17_499, 10_000)).toEqual({ kind: 'dropped', bytes: 10_000, more: true });
    expect(held()).toEqual([true, false, true, true]);
    expect(drop(17_499)).toEqual({ kind: 'dropped', bytes: 5000, more: true });
    expect(held()).toEqual([false, false, true, true]);
    expect(drop(17_499)).toEqual({ kind: 'dropped', bytes: 17_500, more: false });
    expect(held()).toEqual([false, false, true, false]);
    expect(drop(0)).toEqual({ kind: 'dropped', bytes: 15_000, more: false });
    expect(drop(0)).toEqual({ kind: 'dropped', bytes: 0, more: false });
    expect(store.readMessage(elsewhere.message.idText)).toBeDefined();
    const bytes = [...heavy, ...light].reduce((sum, message) => sum + costOf(message).header, 0);
    expect(read(store, { kind: 'hours', tag: TAG, fromHour: 0, limit: 9 }).hours).toHaveLength(4);
    expect(read(store, { kind: 'usage' }).tags.find(({ tag }) => tag === TAG)).toMatchObject({
      messages: 4,
      bytes,
    });
  });

  it('drops nothing of local identities, whoever the copies came from', () => {
    const { store } = open();
    store.transact([[received(at(1, ann, 9000)), received(at(2, bob, 5000))]]);
    store.transact([[published(at(0, ann, 5, { channel: 'other' }))]]);
    expect(one(store, dropped('dev', 0))).toEqual({
      ...{ kind: 'dropped', bytes: 5000, more: false },
    });
    expect(store.readMessage(at(1, ann, 9000).message.idText)).toBeDefined();
    expect(one(store, dropped('other', 0))).toMatchObject({ bytes: 0 });
  });

  it(`leaves authors alone who hold less than ${HEAVY_BYTES} bytes`, () => {
    const { store } = open();
    store.transact([[received(at(0, ann, HEAVY_BYTES - 1)), received(at(0, bob, HEAVY_BYTES - 2))]]);
    expect(one(store, dropped('dev', 0))).toEqual({ kind: 'dropped', bytes: 0, more: false });
    one(store, received(at(1, bob, 2)));
    expect(one(store, dropped('dev', 0))).toEqual({ kind: 'dropped', bytes: HEAVY_BYTES, more: false });
  });

  it('drops a step at a time', () => {
    const { store } = open();
    const messages = Array.from({ length: PRUNE_STEP + 2 }, (_, i) =>
      signedMessage(ann, {
        time: { timeMs: WALL_MS + i },
        body: '12345678' + (i < PRUNE_STEP ? '' : 'x'.repeat(HEAVY_BYTES)),
      }),
    );
    store.transact([messages.map(received)]);
    const drop = () => one(store, dropped('dev', 0));
    expect(drop()).toEqual({ kind: 'dropped', bytes: 8 * PRUNE_STEP, more: true });
    expect(drop()).toEqual({ kind: 'dropped', bytes: 2 * (8 + HEAVY_BYTES), more: false });
    expect(store.readPage({ channel: 'dev', limit: 9, wallMs: WALL_MS })).toEqual([]);
  });
}

function describeMemory(open: OpenSubject): void {
  it.each([
    ['pruned', (): PersistOp[] => [pruned('dev')]],
    ['expired', (): PersistOp[] => [{ kind: 'expire', wallMs: WALL_MS + 9 * HOUR }]],
  ])('remembers where a chain ends when its messages are %s', (_, remove) => {
    const subject = open();
    const mortal = { expiresMs: WALL_MS + 9 * HOUR };
    const [first, last] = [at(2, ann, 1, mortal), at(1, ann, 1, mortal)];
    const fromBob = at(3, bob, 1, mortal);
    const elsewhere = at(4, ann, 1, { ...mortal, channel: 'ops' });
    subject.store.transact([[published(first), published(last), stored(first, last)]]);
    subject.store.transact([[received(fromBob), received(elsewhere), ...remove()], [pruned('ops')]]);
    const store = subject.reopen();
    expect(holdings(store, [first, last, fromBob, elsewhere])).toEqual(Array(4).fill('unknown'));
    expect(head(store)).toEqual(positionOf(last));
    expect(head(store, ann.id, 'ops')).toEqual(positionOf(elsewhere));
    expect(head(store, bob.id)).toBeUndefined();
    // What comes back is older; what is later came from the same identity somewhere else.
    one(store, received(at(0, ann, 2)));
    expect(head(store)).toEqual(positionOf(last));
    one(store, received(first));
    expect(head(store)).toEqual(positionOf(first));
    one(store, published(at(-1)));
    expect(head(store)).toEqual(positionOf(at(-1)));
  });

  it('ends a chain at a header too', () => {
    const { store } = open();
    store.transact([[published(at(0)), putOff(at(1))]]);
    expect(head(store)).toEqual(positionOf(at(1)));
  });

  it('forgets an idempotency key some time after its message was removed, and never before', () => {
    const { store } = open();
    const [kept, gone] = [at(0), at(1)];
    store.transact([[published(kept, 'kept'), published(gone, 'gone'), stored(gone)]]);
    one(store, pruned('dev'));
    expect(holdings(store, [kept, gone])).toEqual(['held', 'unknown']);
    const found = (key: string) =>
      read(store, { kind: 'idempotency', identity: ann.id, key }).found !== undefined;
    const end = gone.message.time.timeMs + IDEMPOTENCY_MS;
    one(store, { kind: 'expire', wallMs: end - 1 });
    expect([found('kept'), found('gone')]).toEqual([true, true]);
    one(store, { kind: 'expire', wallMs: end });
    expect([found('kept'), found('gone')]).toEqual([true, false]);
    expect(one(store, published(at(7), 'gone'))).toMatchObject({ inserted: true });
  });

  it('remembers the policy of a joined channel until it is left', () => {
    const subject = open();
    const { store } = subject;
    const policy = { ageMs: 2 ** 50, messages: 0, bytes: 7, pinned: true };
    store.transact([
      [joined('dev'), retained('dev', { pinned: false }), retained('dev', policy), joined('dev')],
    ]);
    store.transact([
      [joined('ops'), retained('never', policy), retained('ops', { bytes: 1 }), retained('ops', {})],
    ]);
    const rows = [
      { channel: 'dev', policy },
      { channel: 'ops', policy: {} },
    ];
    expect(store.restore().joined).toStrictEqual(rows);
    const again = subject.reopen();
    expect(again.restore().joined).toStrictEqual(rows);
    expect(again.channels().map((row) => [row.channel, row.policy])).toStrictEqual([
      ['dev', policy],
      ['ops', {}],
    ]);
    again.transact([[left('dev'), left('never'), received(at(0))]]);
    expect(again.restore().joined).toStrictEqual(rows.slice(1));
    expect(again.channels()).toMatchObject([{ channel: 'dev', joined: false, policy: {}, messages: 1 }, {}]);
    again.transact([[joined('dev')]]);
    expect(again.restore().joined).toStrictEqual([{ channel: 'dev', policy: {} }, rows[1]]);
  });

  it('uses names again that it has forgotten', () => {
    const subject = open();
    const { store } = subject;
    const message = at(0, ann, 5, { expiresMs: WALL_MS });
    for (let round = 0; round < 3; round++) {
      store.transact([[received(message), joined('dev')], [left('dev')], [EXPIRE]]);
      expect(store.channels()).toEqual([]);
      store.transact([
        [received(at(0, bob, 5, { channel: 'other', expiresMs: WALL_MS })), received(message)],
      ]);
      expect(store.readPage({ channel: 'dev', limit: 9, wallMs: 0 })).toHaveLength(1);
      store.transact([[EXPIRE], [EXPIRE]]);
    }
    const window = { tag: TAG, fromMinute: 0, untilMinute: MINUTE_END };
    expect(read(subject.reopen(), { kind: 'sums', windows: [window] }).sums).toMatchObject([{ count: 0 }]);
  });
}

export function describeRetention(open: OpenSubject): void {
  describeUse(open);
  describePrune(open);
  describeDrop(open);
  describeMemory(open);
}
