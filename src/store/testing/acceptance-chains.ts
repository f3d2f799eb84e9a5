/** Which message follows which: what a store says of gaps and of authors with two stories. */
import { expect, it } from 'vitest';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import type { PersistOp, PersistResult } from '../../core/persistence.ts';
import type { Store } from '../store.ts';
import { createAuthor, pruned, published, putOff, received, signedMessage, WALL_MS } from './messages.ts';
import type { OpenSubject } from './subject.ts';

const ann = createAuthor(1);
const bob = createAuthor(2);
const PAGE = { channel: 'dev', limit: 9, wallMs: WALL_MS };

/** A post after another one. */
function after(before: VerifiedMessage | undefined, body: string, author = ann): VerifiedMessage {
  return signedMessage(author, { body, ...(before && { prev: before.message.id }) });
}

function apply(store: Store, ...ops: readonly PersistOp[]): readonly PersistResult[] {
  return store.transact([ops])[0] ?? [];
}

/** What the chain said of each message. */
function chained(store: Store, ...messages: readonly VerifiedMessage[]): object[] {
  return apply(store, ...messages.map(received)).map((result) => {
    if (result.kind !== 'message') throw new Error(`a message was answered with ${result.kind}`);
    const { isGap, equivocates } = result;
    return { ...(isGap && { isGap }), ...(equivocates && { equivocates }) };
  });
}

const one = after(undefined, 'one');
const two = after(one, 'two');
const three = after(two, 'three');
const other = after(one, 'other');
const third = after(one, 'third');

export function describeChains(open: OpenSubject): void {
  it('tells of a message whose one before is not known, and no more once that has come', () => {
    const { store } = open();
    expect(chained(store, one, three, two)).toEqual([{}, { isGap: true }, {}]);
    expect(chained(store, three, one)).toEqual([{}, {}]);
    expect(store.readPage(PAGE).every(({ equivocates }) => !equivocates)).toBe(true);
  });

  it('keeps the first proof of an author that names one message as the one before in two others', () => {
    const subject = open();
    expect(chained(subject.store, one, two, other, third)).toEqual([{}, {}, { equivocates: true }, {}]);
    expect(chained(subject.store, after(undefined, 'mine', bob))).toEqual([{}]);
    for (const handle of [() => subject.store, () => subject.reopen()]) {
      const store = handle();
      const proof = store.equivocation('dev', ann.id);
      expect([proof?.first.id, proof?.second.id]).toEqual([two.message.idText, other.message.idText]);
      expect(proof?.first.bytes).toEqual(two.message.bytes);
      expect(proof?.second.signature).toEqual(other.message.signature);
      expect(store.equivocation('dev', bob.id)).toBeUndefined();
      expect(store.equivocation('ops', ann.id)).toBeUndefined();
      const marks = store
        .readPage(PAGE)
        .map(({ message, equivocates }) => [message.message.body, equivocates]);
      expect(new Map(marks as [string, boolean][])).toEqual(
        new Map([...['one', 'two', 'other', 'third'].map((body) => [body, true] as const), ['mine', false]]),
      );
      expect(store.readMessage(two.message.idText)?.equivocates).toBe(true);
    }
  });

  it('finds two stories also where the message that both follow comes last, or never', () => {
    const early = open().store;
    expect(chained(early, two, other)).toEqual([{ isGap: true }, { equivocates: true }]);
    const late = open().store;
    expect(chained(late, two, one, other)).toEqual([{ isGap: true }, {}, { equivocates: true }]);
  });

  it('counts own messages and headers whose content is put off', () => {
    const { store } = open();
    apply(store, published(one), published(two));
    expect(chained(store, other)).toEqual([{ equivocates: true }]);
    const away = open().store;
    apply(away, received(one), putOff(two));
    expect(chained(away, two, other)).toEqual([{}, { equivocates: true }]);
  });

  it('keeps the place of a header in its chain when its content comes', () => {
    const { store } = open();
    apply(store, received(one), putOff(two), received(three));
    expect(chained(store, two)).toEqual([{}]);
    expect(chained(store, after(two, 'another three'))).toEqual([{ equivocates: true }]);
  });

  it('marks nobody for naming messages of others, or of another channel', () => {
    const { store } = open();
    expect(chained(store, one, after(one, 'x', bob), after(one, 'y', bob), two)).toEqual([{}, {}, {}, {}]);
    const elsewhere = (body: string): VerifiedMessage =>
      signedMessage(ann, { body, channel: 'ops', prev: one.message.id });
    expect(chained(store, elsewhere('a'), elsewhere('b'))).toEqual([{}, {}]);
    const unknown = signedMessage(ann, { body: 'not stored' });
    expect(chained(store, after(unknown, 'p', bob), after(unknown, 'q'))).toEqual([
      { isGap: true },
      { isGap: true },
    ]);
  });

  it('looks at open channels only', () => {
    const { store } = open();
    const inFeed = (kind: number, prev: Uint8Array): VerifiedMessage =>
      signedMessage(ann, { kind, prev, channel: `@${ann.id}` });
    const first = inFeed(1, new Uint8Array(0));
    const said = chained(store, first, inFeed(2, first.message.id), inFeed(3, first.message.id));
    expect(said).toEqual([{}, {}, {}]);
  });

  it('forgets the proof of messages that come and go in one transaction', () => {
    const { store } = open();
    store.transact([[one, two, other].map(received), [pruned('dev')]]);
    store.transact([[received(signedMessage(bob))]]);
    // What stands for an author in the tables may be given to another one.
    expect([ann, bob].map(({ id }) => store.equivocation('dev', id))).toEqual([undefined, undefined]);
  });

  it('forgets the proof with the last message of the author in the channel', () => {
    const { store } = open();
    chained(store, one, two, other);
    apply(store, pruned('dev'));
    expect(store.equivocation('dev', ann.id)).toBeUndefined();
    expect(chained(store, two)).toEqual([{ isGap: true }]);
  });
}
