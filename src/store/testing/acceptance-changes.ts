/** `Store.readChanges`: who was shown a post already is told that it is edited or deleted. */
import { expect, it } from 'vitest';
import { HOUR, LIMITS } from '../../core/limits.ts';
import { RELATION } from '../../core/message/message.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import type { Store } from '../store.ts';
import {
  type Author,
  createAuthor,
  type Draft,
  joined,
  published,
  putOff,
  received,
  signedMessage,
  WALL_MS,
} from './messages.ts';
import type { OpenSubject } from './subject.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];

/** A post, an edit or a delete, so many minutes from now. */
function at(minutes: number, body: string, draft: Draft = {}, author: Author = ann): VerifiedMessage {
  return signedMessage(author, { body, time: { timeMs: WALL_MS + minutes * 60_000 }, ...draft });
}
const refs = (relation: number, ...targets: readonly VerifiedMessage[]) =>
  targets.map(({ message: { id } }) => ({ relation, id }));
const edit = (minutes: number, body: string, target: VerifiedMessage, author = ann) =>
  at(minutes, body, { refs: refs(RELATION.edit, target) }, author);
const deletion = (minutes: number, ...targets: readonly VerifiedMessage[]) =>
  at(minutes, '', { kind: 2, refs: refs(RELATION.delete, ...targets) });

const [post, other] = [at(0, 'first'), at(1, 'other')];

/** Changes as [arrival, bodies of what is edited, number of what is deleted]. */
function changes(store: Store, page: Partial<Parameters<Store['readChanges']>[0]> = {}) {
  const found = store.readChanges({ after: 0, limit: 99, wallMs: WALL_MS, ...page });
  return found.changes.map(({ arrival, edited, deleted }) => {
    return [arrival, edited.map((one) => (one.edit ?? one.message).message.body), deleted] as const;
  });
}

const idOf = ({ message }: VerifiedMessage): string => message.idText;

export function describeChanges(open: OpenSubject): void {
  it('tells what an edit and a delete changed, and holds over restarts', () => {
    const subject = open();
    const [better, gone] = [edit(2, 'better', post), deletion(3, post, other)];
    subject.store.transact([[joined('dev'), received(post), received(other), received(better)]]);
    expect(changes(subject.store)).toEqual([[3, ['better'], []]]);
    subject.store.transact([[received(gone)]]);
    const store = subject.reopen();
    const [change, ...more] = store.readChanges({ after: 3, limit: 99, wallMs: WALL_MS }).changes;
    expect(more).toEqual([]);
    expect(change).toMatchObject({ arrival: 4, channel: 'dev', edited: [] });
    expect([...(change?.deleted ?? [])].sort()).toEqual([post, other].map(idOf).sort());
    expect(changes(store, { after: 4 })).toEqual([]);
    // The edit of what is deleted has changed nothing that is left.
    expect(changes(store)).toHaveLength(1);
  });

  it('tells nothing of what came behind the edit or delete: it is shown as it is', () => {
    const { store } = open();
    const ops = [edit(2, 'better', post), deletion(3, other), post, other].map(received);
    store.transact([[joined('dev'), ...ops]]);
    expect(changes(store)).toEqual([]);
  });

  it('tells the newest text, also when an older edit comes late, and the one before when an edit is deleted', () => {
    const { store } = open();
    const [first, last] = [edit(2, 'better', post), edit(3, 'best', post)];
    store.transact([[joined('dev'), ...[post, last, first].map(received)]]);
    expect(changes(store)).toEqual([[3, ['best'], []]]);
    expect(changes(store, { limit: 1 })).toEqual([[2, ['best'], []]]);
    store.transact([[received(deletion(4, last))]]);
    expect(changes(store, { after: 3 })).toEqual([[4, ['better'], []]]);
    store.transact([[received(deletion(5, first))]]);
    expect(changes(store, { after: 4 })).toEqual([[5, ['first'], []]]);
  });

  it('tells nothing of what does not count, of posts that are gone, and of edits without content', () => {
    const { store } = open();
    const brief = at(0, 'brief', { expiresMs: WALL_MS + HOUR });
    const ofBrief = edit(2, 'longer', brief);
    const put = edit(3, 'later', post);
    store.transact([[joined('dev'), received(post), received(brief)]]);
    store.transact([
      [
        received(edit(2, 'of bob', post, bob)),
        received(edit(-1, 'too early', post)),
        received(edit(2, 'of nothing', other)),
        putOff(put),
        received(ofBrief),
      ],
    ]);
    expect(changes(store)).toEqual([[7, ['longer'], []]]);
    expect(changes(store, { wallMs: WALL_MS + HOUR })).toEqual([]);
    store.transact([[received(put)]]);
    expect(changes(store, { after: 7 })).toEqual([[8, ['later'], []]]);
  });

  it('tells of joined channels and own messages, or of those that are asked for', () => {
    const { store } = open();
    const [elsewhere, own] = [at(0, 'elsewhere', { channel: 'ops' }), at(0, 'own', { channel: 'mine' })];
    const amending = [
      received(edit(2, 'joined', post)),
      received(at(2, 'in ops', { channel: 'ops', refs: refs(RELATION.edit, elsewhere) })),
      published(at(2, 'of mine', { channel: 'mine', refs: refs(RELATION.edit, own) })),
    ];
    store.transact([[joined('dev'), received(post), received(elsewhere), published(own)], amending]);
    const bodies = (page: Parameters<typeof changes>[1]) => changes(store, page).map(([, [body]]) => body);
    expect(bodies({})).toEqual(['joined', 'of mine']);
    expect(bodies({ channels: ['ops'] })).toEqual(['in ops']);
    expect(bodies({ channels: ['ops', 'dev', 'nothing'] })).toEqual(['joined', 'in ops']);
  });

  it('looks at so many edits and deletes at once, whether they count or not', () => {
    const { store } = open();
    const strange = Array.from({ length: 10 }, (_, i) => edit(2, `${i}`, post, bob));
    store.transact([[joined('dev'), received(post), ...strange.map(received), received(edit(3, 'x', post))]]);
    const read = (after: number, limit: number) => store.readChanges({ after, limit, wallMs: WALL_MS });
    expect(read(0, 4)).toEqual({ changes: [], next: 5 });
    expect(read(5, 6)).toEqual({ changes: [], next: 11 });
    expect(read(11, 6)).toMatchObject({ changes: [{ arrival: 12 }], next: undefined });
    expect(read(11, 1)).toMatchObject({ changes: [{ arrival: 12 }], next: 12 });
    expect(read(3, 0)).toEqual({ changes: [], next: 3 });
  });

  it('counts the posts that it looks at towards the limit, and always gets on', () => {
    const { store } = open();
    const posts = Array.from({ length: LIMITS.refsMax }, (_, i) => at(0, `${i}`, { nonce: i }));
    const editsAll = (minutes: number) => at(minutes, 'x', { refs: refs(RELATION.edit, ...posts) });
    store.transact([[joined('dev'), ...[...posts, editsAll(1), editsAll(2), editsAll(3)].map(received)]]);
    const read = (limit: number) => {
      const { changes: found, next } = store.readChanges({ after: 8, limit, wallMs: WALL_MS });
      return [found.map(({ arrival, edited }) => [arrival, edited.length]), next];
    };
    // The first edit costs nine, and each further one of the same posts no more than itself.
    for (const limit of [1, 9]) expect(read(limit)).toEqual([[[9, 8]], 9]);
    expect(read(10)).toEqual([[[10, 8]], 10]);
    expect(read(12)).toEqual([[[11, 8]], undefined]);
  });

  it('ends a page where the posts that it has looked at are long, and goes on behind it', () => {
    const { store } = open();
    const long = 'x'.repeat(60_000);
    const count = Math.ceil(LIMITS.changesBytesMax / 60_000) + 2;
    const posts = Array.from({ length: count }, (_, i) => at(0, long, { nonce: i }));
    const edits = posts.map((one) => edit(1, 'short', one));
    store.transact([[joined('dev'), ...[...posts, ...edits].map(received)]]);
    const first = store.readChanges({ after: 0, limit: 99, wallMs: WALL_MS });
    expect(first.changes).toHaveLength(count - 2);
    expect(first.next).toBe(first.changes.at(-1)?.arrival);
    const second = store.readChanges({ after: first.next ?? 0, limit: 99, wallMs: WALL_MS });
    expect(second.changes.map(({ arrival }) => arrival)).toEqual([2 * count - 1, 2 * count]);
    expect(second.next).toBeUndefined();
  });

  it('counts long posts that have expired, and long edits', () => {
    const { store } = open();
    const count = Math.ceil(LIMITS.changesBytesMax / 60_000);
    const long = 'x'.repeat(60_000);
    const brief = Array.from({ length: count }, (_, i) => {
      return at(0, i % 2 ? long : '', { nonce: i, expiresMs: WALL_MS + HOUR });
    });
    const edits = brief.map((one, i) => edit(1, i % 2 ? '' : long, one));
    store.transact([[joined('dev'), ...[...brief, ...edits, edit(2, 'x', post)].map(received)]]);
    const page = { after: 0, limit: 99, wallMs: WALL_MS + HOUR };
    expect(store.readChanges(page)).toEqual({ changes: [], next: 2 * count });
  });

  it('tells what the first delete of an edit changed, and nothing for others, whatever their times', () => {
    for (const minutes of [
      [5, 6, 7],
      [7, 6, 5],
      [6, 5, 7],
    ]) {
      const { store } = open();
      const better = edit(2, 'better', post);
      const early = deletion(1, better);
      const deletes = minutes.map((minute) => deletion(minute, better));
      store.transact([[joined('dev'), ...[post, better, early].map(received)]]);
      for (const [i, one] of deletes.entries()) {
        store.transact([[received(one)]]);
        // Who reads each as it comes.
        expect(changes(store, { after: 3 + i })).toEqual(i === 0 ? [[4, ['first'], []]] : []);
      }
      // Who was away hears of the first in any case, and of the newest no more.
      expect(changes(store, { after: 2, limit: 3 })).toEqual([[4, ['first'], []]]);
      expect(changes(store, { after: 5 })).toEqual([]);
    }
  });

  it('tells nothing of an edit that was deleted before it came', () => {
    const { store } = open();
    const better = edit(2, 'better', post);
    const ops = [post, deletion(3, better), better, deletion(4, better)].map(received);
    store.transact([[joined('dev'), ...ops]]);
    expect(changes(store)).toEqual([]);
  });
}
