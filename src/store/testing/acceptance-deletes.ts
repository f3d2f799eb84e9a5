/** Facts 8 and 9 of `core/persistence.ts`: what a delete leaves of a message, in whatever order the two come. */
import { expect, it } from 'vitest';
import { HOUR } from '../../core/limits.ts';
import { isTombstone } from '../../core/message/header.ts';
import { RELATION } from '../../core/message/message.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import { MINUTE_END, type Query, type QueryAnswer } from '../../core/persistence.ts';
import type { Store } from '../store.ts';
import {
  type Author,
  buried,
  costOf,
  createAuthor,
  type Draft,
  dropped,
  joined,
  mesh1Message,
  pruned,
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

function read<K extends Query['kind']>(store: Store, query: Extract<Query, { kind: K }>) {
  return store.read(query) as Extract<QueryAnswer, { kind: K }>;
}

function holding(store: Store, { message }: VerifiedMessage) {
  return read(store, { kind: 'has', ids: [message.id] }).holdings[0];
}

function tombstone(store: Store, { message }: VerifiedMessage) {
  return read(store, { kind: 'tombstones', ids: [message.id] }).tombstones[0];
}

/** A delete of these, a minute later. */
function deletion(author: Author, targets: readonly VerifiedMessage[], draft: Draft = {}): VerifiedMessage {
  const refs = targets.map(({ message: { id } }) => ({ relation: RELATION.delete, id }));
  return signedMessage(author, { body: '', time: { timeMs: WALL_MS + 60_000 }, refs, ...draft });
}

/** Everything that could give a message's content away. */
function shown(store: Store, { message: { id, idText } }: VerifiedMessage): number {
  const has = (list: readonly { readonly message: VerifiedMessage }[]): number =>
    list.filter(({ message }) => message.message.idText === idText).length;
  const wallMs = WALL_MS;
  return (
    has(store.readPage({ channel: 'dev', limit: 99, wallMs })) +
    has(store.readArrivals({ after: 0, limit: 99, wallMs, channels: ['dev'] })) +
    (store.readMessage(idText) === undefined ? 0 : 1) +
    (read(store, { kind: 'messages', ids: [id] }).messages[0] === undefined ? 0 : 1) +
    has(read(store, { kind: 'outbox', afterArrival: 0, limit: 99 }).rows)
  );
}

function sums(store: Store): unknown {
  return read(store, {
    kind: 'sums',
    windows: [{ tag: TAG, fromMinute: 0, untilMinute: MINUTE_END }],
  }).sums.map(({ count, sum }) => [count, new Uint8Array(sum)]);
}

export function describeDeletes(open: OpenSubject): void {
  it('keeps the header of a deleted message, whichever of the two comes first, and counts both', () => {
    const post = signedMessage(ann, { body: 'regretted', payload: new Uint8Array(100) });
    const del = deletion(ann, [post]);
    const found = [
      [received(post), received(del)],
      [received(del), received(post)],
      [putOff(post), received(del)],
      [received(del), putOff(post)],
      [putOff(del), received(post), received(del)],
      [received(post), putOff(del), received(del)],
      [received(del), buried(post)],
    ].map((ops) => {
      const subject = open();
      subject.store.transact([[joined('dev')]]);
      for (const op of ops) subject.store.transact([[op]]);
      const store = subject.reopen();
      expect(shown(store, post)).toBe(0);
      expect(read(store, { kind: 'wanted', afterArrival: 0, limit: 9 }).rows).toEqual([]);
      expect(isTombstone(tombstone(store, post) as never)).toBe(true);
      expect(tombstone(store, post)?.deletion.wire).toEqual(del.message.wire);
      expect(tombstone(store, del)).toBeUndefined();
      const [bytes] = store.channels().map((row) => row.bytes);
      return [holding(store, post), holding(store, del), sums(store), bytes];
    });
    const cost = costOf(post).header + costOf(del).header;
    expect(found[0]?.slice(0, 2)).toEqual(['deleted', 'held']);
    expect(found[0]?.[3]).toBe(cost);
    for (const one of found) expect(one).toEqual(found[0]);
  });

  it('says that it does not keep content that comes later, and takes it no more', () => {
    const { store } = open();
    const [post, other] = [signedMessage(ann), signedMessage(bob)];
    const del = deletion(ann, [post]);
    store.transact([[received(del)]]);
    expect(holding(store, post)).toBe('named');
    expect(holding(store, other)).toBe('unknown');
    expect(store.transact([[received(post)]])[0]).toEqual([{ kind: 'deleted' }]);
    expect(store.transact([[received(post)]])[0]).toEqual([{ kind: 'deleted' }]);
    for (const op of [received(post), putOff(post), published(post, 'key'), buried(post)]) {
      store.transact([[op]]);
      expect(holding(store, post)).toBe('deleted');
      expect(store.lastArrival()).toBe(2);
    }
  });

  it.each<[string, (post: VerifiedMessage) => VerifiedMessage]>([
    ['of another author', (post) => deletion(bob, [post])],
    ['in another channel', (post) => deletion(ann, [post], { channel: 'ops' })],
    ['that is earlier', (post) => deletion(ann, [post], { time: { timeMs: WALL_MS - 1 } })],
    ['that expires', (post) => deletion(ann, [post], { expiresMs: WALL_MS + HOUR })],
    ['with text', (post) => deletion(ann, [post], { body: 'because' })],
    ['with a payload', (post) => deletion(ann, [post], { payload: new Uint8Array(1) })],
  ])('takes a delete %s for no delete', (_, of) => {
    for (const isFirst of [true, false]) {
      const { store } = open();
      const post = signedMessage(ann);
      const ops = [received(of(post)), received(post)];
      store.transact([isFirst ? ops : ops.reverse()]);
      store.transact([[buried(signedMessage(ann, { body: 'unknown' }))]]);
      expect(holding(store, post)).toBe('held');
      expect(tombstone(store, post)).toBeUndefined();
      expect(store.lastArrival()).toBe(2);
    }
  });

  it('deletes no deletes, and nothing that began at a mesh/1 peer', () => {
    const { store } = open();
    const [post, old] = [signedMessage(ann), mesh1Message(ann, 'old')];
    const del = deletion(ann, [post]);
    const more = deletion(ann, [del, old], { time: { timeMs: WALL_MS + 2 * HOUR } });
    for (const op of [more, del, old, post].map(received)) store.transact([[op]]);
    expect([post, del, more, old].map((one) => holding(store, one))).toEqual([
      ...['deleted', 'held', 'held', 'held'],
    ]);
  });

  it('deletes up to eight at once, content that was dropped too, and each only once', () => {
    const { store } = open();
    const posts = Array.from({ length: 8 }, (_, nonce) =>
      signedMessage(ann, { nonce, body: 'y'.repeat(nonce === 3 ? 5000 : 1) }),
    );
    const lone = posts[3] as VerifiedMessage;
    store.transact([[received(lone), dropped('dev', 0)]]);
    expect(holding(store, lone)).toBe('dropped');
    store.transact([posts.map(received)]);
    store.transact([[received(deletion(ann, posts)), received(deletion(ann, posts, { nonce: 9 }))]]);
    expect(posts.map((post) => holding(store, post))).toEqual(Array(8).fill('deleted'));
    expect(store.channels()).toMatchObject([{ messages: 2 }]);
    const costs = posts.map((post) => costOf(post).header);
    const two = [deletion(ann, posts), deletion(ann, posts, { nonce: 9 })].map((one) => costOf(one).header);
    expect(store.channels()[0]?.bytes).toBe([...costs, ...two].reduce((a, b) => a + b, 0));
  });

  it('keeps what is deleted deleted when the delete is gone, as long as its header is there', () => {
    const { store } = open();
    const post = signedMessage(ann, { time: { timeMs: WALL_MS } });
    const del = deletion(ann, [post], { time: { timeMs: WALL_MS + HOUR } });
    store.transact([[received(post), received(del)]]);
    // No prune removes the later of the two alone: this stands for a store that lost it.
    const after = { time: post.message.time, id: post.message.id };
    store.transact([[pruned('dev', { after })]]);
    expect([post, del].map((one) => holding(store, one))).toEqual(['deleted', 'unknown']);
    expect(tombstone(store, post)).toBeUndefined();
    store.transact([[received(post)]]);
    expect(shown(store, post)).toBe(0);
    store.transact([[pruned('dev')]]);
    expect(holding(store, post)).toBe('unknown');
  });

  it('forgets what a delete named when the delete goes', () => {
    const { store } = open();
    const post = signedMessage(ann, { time: { timeMs: WALL_MS + HOUR } });
    const del = deletion(ann, [post], { time: { timeMs: WALL_MS + 2 * HOUR } });
    store.transact([[received(del), pruned('dev'), received(post)]]);
    expect(holding(store, post)).toBe('held');
  });

  it('takes a deleted own message out of the outbox, and removes it by its age though nobody has confirmed it', () => {
    const { store } = open();
    const post = signedMessage(ann);
    const del = deletion(ann, [post]);
    store.transact([[published(post, 'key'), published(del, 'other')]]);
    expect(store.outboxSize(9)).toBe(1);
    expect(shown(store, post)).toBe(0);
    expect(read(store, { kind: 'usage' }).tags).toMatchObject([
      { messages: 0, bytes: 0, ownBytes: costOf(post).header + costOf(del).header },
    ]);
    // The same request again is the same message, and does not bring it back.
    expect(store.transact([[published(post, 'key')]])[0]).toMatchObject([{ kind: 'repeated' }]);
    store.transact([[pruned('dev', { ownBeforeHour: 0 })]]);
    expect(holding(store, post)).toBe('deleted');
    store.transact([[pruned('dev')]]);
    expect([post, del].map((one) => holding(store, one))).toEqual(['named', 'held']);
    store.transact([[received(post)]]);
    expect(holding(store, post)).toBe('deleted');
  });

  it('shows no edit or delete as a post, whether it counts or not', () => {
    const { store } = open();
    const post = signedMessage(ann);
    const edit = (author: Author) =>
      signedMessage(author, { body: 'better', refs: [{ relation: RELATION.edit, id: post.message.id }] });
    const all = [post, edit(ann), edit(bob), deletion(bob, [post])];
    store.transact([[joined('dev'), ...all.map(received)]]);
    const page = store.readPage({ channel: 'dev', limit: 9, wallMs: WALL_MS });
    const arrivals = store.readArrivals({ after: 0, limit: 9, wallMs: WALL_MS });
    for (const list of [page, arrivals])
      expect(list.map(({ message }) => message.message.idText)).toEqual([post.message.idText]);
    expect(store.channels()).toMatchObject([{ messages: 4, lastArrival: 1 }]);
    expect(all.map((one) => store.readMessage(one.message.idText)?.arrival)).toEqual([1, 2, 3, 4]);
  });

  it('takes no header without content of what no delete is known of', () => {
    const { store } = open();
    const post = signedMessage(ann);
    store.transact([[buried(post)], [received(deletion(bob, [post])), buried(post)]]);
    expect(holding(store, post)).toBe('named');
    expect(store.lastArrival()).toBe(1);
  });

  it('gives a message the newest edit that counts and is there, in whatever order they came', () => {
    const subject = open();
    const post = signedMessage(ann, { time: { timeMs: WALL_MS } });
    const edit = (body: string, minutes: number, author = ann, draft: Draft = {}) =>
      signedMessage(author, {
        body,
        time: { timeMs: WALL_MS + minutes * 60_000 },
        refs: [{ relation: RELATION.edit, id: post.message.id }],
        ...draft,
      });
    const [first, second, last] = [edit('first', 1), edit('second', 2), edit('last', 3)];
    const others = [edit('of bob', 9, bob), edit('elsewhere', 9, ann, { channel: 'ops' }), edit('early', -1)];
    subject.store.transact([[joined('dev'), received(second), ...others.map(received), received(post)]]);
    const textOf = (store: Store): (string | undefined)[] => {
      const wallMs = WALL_MS;
      const rows = [
        store.readMessage(post.message.idText),
        store.readPage({ channel: 'dev', limit: 9, wallMs })[0],
        store.readArrivals({ after: 0, limit: 9, wallMs })[0],
      ];
      return [...new Set(rows.map((row) => row?.edit?.message.body))];
    };
    expect(textOf(subject.store)).toEqual(['second']);
    subject.store.transact([[received(first), received(last)]]);
    expect(textOf(subject.store)).toEqual(['last']);
    expect(subject.store.readMessage(last.message.idText)?.edit).toBeUndefined();
    const store = subject.reopen();
    store.transact([[received(deletion(ann, [last], { time: { timeMs: WALL_MS + HOUR } }))]]);
    expect(textOf(store)).toEqual(['second']);
    store.transact([[received(deletion(ann, [first, second], { time: { timeMs: WALL_MS + HOUR } }))]]);
    expect(textOf(store)).toEqual([undefined]);
    store.transact([[received(deletion(ann, [post], { time: { timeMs: WALL_MS + HOUR } }))]]);
    expect(store.readPage({ channel: 'dev', limit: 9, wallMs: WALL_MS })).toEqual([]);
  });
}
