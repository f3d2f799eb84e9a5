import { describe, expect, it } from 'vitest';
import type { NewInboxRow } from './inbox-store.ts';
import { openInboxStore } from './testing/inbox.ts';
import { createAuthor } from './testing/messages.ts';

const [me, anna, berta, other] = [1, 2, 3, 4].map((n) => createAuthor(n).id) as [
  string,
  string,
  string,
  string,
];
const idOf = (n: number): string => Buffer.alloc(32, n).toString('base64url');

const row = (n: number, fields: Partial<NewInboxRow> = {}): NewInboxRow => ({
  ...{ id: idOf(n), channel: 'dev', author: anna, atMs: n, why: 'mention', hops: 0 },
  ...{ state: 'waiting', reason: '' },
  ...fields,
});

describe('contacts', () => {
  it('are of one identity, and a name is of one contact', () => {
    const store = openInboxStore();
    const contact = (who: string, name: string) =>
      ({ other: who, tier: 'allowed', name, sinceMs: 5 }) as const;
    store.setContact(me, contact(anna, 'anna'));
    store.setContact(other, contact(berta, 'anna'));
    store.setContact(me, contact(berta, ''));
    expect(() => store.setContact(me, contact(berta, 'anna'))).toThrow(RangeError);
    store.setContact(me, contact(anna, 'Anna'));
    expect(
      store
        .contacts(me)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['', 'Anna']);
    expect([store.removeContact(me, anna), store.removeContact(me, anna)]).toEqual([true, false]);
    expect(store.contacts(other)).toEqual([contact(berta, 'anna')]);
  });
});

describe('channels that wake', () => {
  it('are replaced and removed', () => {
    const store = openInboxStore();
    store.setWake(me, { channel: 'dev', mode: 'mention', names: ['robo'], after: 3, sinceMs: 9 });
    store.setWake(me, { channel: 'dev', mode: 'always', names: [], after: 3, sinceMs: 9 });
    store.setWake(me, { channel: 'a', mode: 'mention', names: ['x', 'y'], after: 0, sinceMs: 9 });
    expect(store.wakes(me)).toEqual([
      { channel: 'a', mode: 'mention', names: ['x', 'y'], after: 0, sinceMs: 9 },
      { channel: 'dev', mode: 'always', names: [], after: 3, sinceMs: 9 },
    ]);
    store.removeWake(me, 'a');
    expect(store.wakes(me).map(({ channel }) => channel)).toEqual(['dev']);
    expect(store.wakes(other)).toEqual([]);
  });
});

describe('the inbox', () => {
  it('has a message once for each identity, under numbers that grow, and a cursor that only grows', () => {
    const store = openInboxStore();
    expect(store.cursor(me)).toBeUndefined();
    store.add(me, [row(1), row(2)], 7);
    store.add(me, [row(2), row(3)], 5);
    store.add(other, [row(1)], 1);
    expect(store.cursor(me)).toBe(7);
    const page = store.page(me, 10, 100);
    expect(page.map(({ id }) => id)).toEqual([idOf(1), idOf(2), idOf(3)]);
    expect(page.map(({ number }) => number)).toEqual([...new Set(page.map(({ number }) => number))].sort());
    expect(store.rowOf(me, idOf(3))).toMatchObject({ identity: me, author: anna, attempts: 0, turns: 1 });
    expect([store.rowOf(me, idOf(9)), store.row(99)]).toEqual([undefined, undefined]);
  });

  it('is paged from its end', () => {
    const store = openInboxStore();
    store.add(
      me,
      [1, 2, 3, 4].map((n) => row(n)),
      0,
    );
    expect(store.page(me, 2, 100).map(({ number }) => number)).toEqual([3, 4]);
    expect(store.page(me, 2, 3).map(({ number }) => number)).toEqual([1, 2]);
  });

  it('counts turns in windows, of one author or in one channel, those that wait included or not', () => {
    const store = openInboxStore();
    store.add(
      me,
      [
        ...[row(10), row(20, { author: berta }), row(30, { channel: 'a' })],
        row(40, { state: 'held', reason: 'budget-spent' }),
      ],
      0,
    );
    const count = (of: Parameters<typeof store.countTurns>[1], sinceMs: number, handedOnly = false) =>
      store.countTurns(me, of, { sinceMs, handedOnly });
    expect([count({ author: anna }, 0), count({ author: anna }, 10), count({ channel: 'dev' }, 0)]).toEqual([
      2, 1, 2,
    ]);
    expect(count({ author: anna }, 0, true)).toBe(0);
    store.change([{ number: 1, change: { state: 'handed', attempts: 1, turns: 2, turnAtMs: 50 } }]);
    expect([count({ author: anna }, 40), count({ author: anna }, 40, true)]).toEqual([2, 2]);
    expect(count({ author: berta }, 0)).toBe(1);
  });

  it('knows what is open and what stayed unanswered', () => {
    const store = openInboxStore();
    store.add(me, [row(1), row(2), row(3), row(4, { state: 'held', reason: 'too-old' })], 0);
    store.change([
      { number: 1, change: { state: 'handed', attempts: 1 } },
      { number: 2, change: { state: 'unanswered', reason: 'refused' } },
      { number: 77, change: { state: 'handed' } },
    ]);
    expect(store.countOpen(me)).toEqual({ waiting: 1, handed: 1 });
    expect(store.open(me, 0, 10).map(({ number }) => number)).toEqual([1, 3]);
    expect(store.open(me, 1, 10).map(({ number }) => number)).toEqual([3]);
    expect(store.handed(me).map(({ number }) => number)).toEqual([1]);
    expect([store.countUnanswered(me, 0), store.countUnanswered(me, 3)]).toEqual([2, 1]);
  });

  it('forgets what is done and old, or too much, and nothing that is open', () => {
    const store = openInboxStore();
    store.add(
      me,
      [1, 2, 3, 4, 5].map((n) => row(n)),
      0,
    );
    const done = { state: 'answered' } as const;
    store.change([2, 3, 5].map((number) => ({ number, change: done })));
    expect(store.prune(me, { untilMs: 3, most: 100, turnsSinceMs: 100 })).toBe(1);
    expect(store.page(me, 10, 100).map(({ number }) => number)).toEqual([1, 3, 4, 5]);
    expect(store.prune(me, { untilMs: 0, most: 2, turnsSinceMs: 100 })).toBe(1);
    expect(store.page(me, 10, 100).map(({ number }) => number)).toEqual([1, 4, 5]);
    store.change([{ number: 5, change: done }]);
    expect(store.prune(me, { untilMs: 100, most: 100, turnsSinceMs: 100 })).toBe(1);
    store.add(me, [row(6)], 0);
    expect(store.page(me, 10, 100).map(({ number }) => number)).toEqual([1, 4, 6]);
  });

  it('keeps what the budget counts, however many rows there are', () => {
    const store = openInboxStore();
    store.add(me, [row(1), ...[2, 3, 4].map((n) => row(n, { state: 'held', reason: 'budget-spent' }))], 0);
    store.change([{ number: 1, change: { state: 'answered', attempts: 1, turnAtMs: 50 } }]);
    expect(store.prune(me, { untilMs: 100, most: 1, turnsSinceMs: 49 })).toBe(3);
    expect(store.page(me, 10, 100).map(({ number }) => number)).toEqual([1]);
    expect(store.prune(me, { untilMs: 100, most: 1, turnsSinceMs: 50 })).toBe(1);
  });

  it('brings times back that lie ahead', () => {
    const store = openInboxStore();
    store.add(me, [row(5), row(7), row(9)], 0);
    store.clampTimes(me, 7);
    expect(store.page(me, 10, 100).map(({ atMs, turnAtMs }) => [atMs, turnAtMs])).toEqual([
      [5, 5],
      [7, 7],
      [7, 7],
    ]);
  });

  it('counts what waits of one author, and rows with a reason', () => {
    const store = openInboxStore();
    const held = { state: 'held', reason: 'budget-spent' } as const;
    store.add(me, [row(1), row(2), row(3, { author: berta }), row(4, held), row(5, held)], 0);
    expect([store.countWaitingOf(me, anna), store.countWaitingOf(me, berta)]).toEqual([2, 1]);
    expect([0, 4, 5].map((sinceMs) => store.countReason(me, 'budget-spent', sinceMs))).toEqual([2, 1, 0]);
  });

  it('takes ids only', () => {
    const store = openInboxStore();
    expect(() => store.contacts('x')).toThrow(RangeError);
    expect(() => store.add(me, [row(1, { author: 'x' })], 5)).toThrow(RangeError);
    expect([store.page(me, 10, 100), store.cursor(me)]).toEqual([[], undefined]);
  });
});
