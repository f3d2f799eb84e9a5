import { describe, expect, it } from 'vitest';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import { createAuthor, received, unsignedMessage } from '../store/testing/messages.ts';
import { Committer } from './committer.ts';
import { ManualLater } from './testing/later.ts';

const op = received(unsignedMessage(createAuthor(1), {}));
const other: PersistOp = { kind: 'record-sequence', sequence: 1 };

const persist = (token: number, ops: readonly PersistOp[]) => ({ kind: 'persist', token, ops }) as const;
const bulk = (token: number, ops: readonly PersistOp[]) => ({ ...persist(token, ops), isBulk: true });

/** A committer over a store that records the sizes of its transactions and fails when told to. */
function setUp() {
  const later = new ManualLater();
  const told: string[] = [];
  const sizes: number[] = [];
  const state: { failure: unknown } = { failure: undefined };
  const committer: Committer = new Committer({
    later,
    store: {
      transact: (effects) => {
        if (state.failure !== undefined) throw state.failure;
        sizes.push(effects.length);
        return effects.map((ops) => ops.map((): PersistResult => ({ kind: 'done' })));
      },
    },
    onCommit: () => told.push('commit'),
    onPersisted: (token, results) => told.push(`persisted ${token} ${results.length}`),
    onFailed: (token, code) => told.push(`failed ${token} ${code}`),
    onTrouble: (error) => told.push(error === undefined ? 'works' : `trouble ${error.code}`),
    onBroken: (error) => told.push(`broken ${String(error)}`),
  });
  return { committer, later, told, sizes, state };
}

describe('group commit', () => {
  it('begins in the next turn, without a timer, and takes what has gathered by then', () => {
    const { committer, later, told, sizes } = setUp();
    committer.add(persist(1, [op]));
    expect(told).toEqual([]);
    committer.add(persist(2, [op, other]));
    expect(later.waiting).toEqual([0]);
    later.pass();
    expect(sizes).toEqual([2]);
    expect(told).toEqual(['commit', 'persisted 1 1', 'persisted 2 2']);
    expect(later.waiting).toEqual([]);
  });

  it('takes at most as many messages as the limit says, whole effects only, and goes on', () => {
    const { committer, later, sizes, told } = setUp();
    const half = Array<PersistOp>(LIMITS.commitMessagesMax / 2).fill(op);
    for (const token of [1, 2, 3]) committer.add(persist(token, half));
    committer.add(persist(4, [...half, ...half, ...half]));
    committer.add(persist(5, [other]));
    for (let turn = 0; turn < 4; turn++) later.pass();
    expect(sizes).toEqual([2, 1, 1, 1]);
    expect(told.filter((line) => line.startsWith('persisted')).map((line) => line.split(' ')[1])).toEqual([
      ...['1', '2', '3', '4', '5'],
    ]);
  });

  it('lets bulks and all else take turns', () => {
    const { committer, later, told } = setUp();
    const many = Array<PersistOp>(64).fill(op);
    for (const token of [2, 3, 4, 5]) committer.add(bulk(token, many));
    committer.add(persist(1, [op]));
    later.pass();
    later.pass();
    for (const token of [6, 7]) committer.add(persist(token, [op]));
    for (let turn = 0; turn < 4; turn++) later.pass();
    const commits = told.join(' ').split('commit').slice(1);
    expect(
      commits.map((text) => [...text.matchAll(/persisted (\d+)/g)].map(([, token]) => Number(token))),
    ).toEqual([...[[1], [2], [6, 7], [3], [4], [5]]]);
  });

  it('stores what was handed over before it removes any', () => {
    const { committer, later, told } = setUp();
    const many = Array<PersistOp>(64).fill(op);
    for (const token of [1, 2, 3]) committer.add(bulk(token, many));
    committer.add(persist(4, [{ kind: 'expire', wallMs: 0 }]));
    committer.add(bulk(5, many));
    committer.add(persist(6, [op]));
    for (let turn = 0; turn < 6; turn++) later.pass();
    const order = told.filter((line) => line !== 'commit').map((line) => Number(line.split(' ')[1]));
    expect([...order].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    for (const token of [1, 2, 3]) expect(order.indexOf(token)).toBeLessThan(order.indexOf(4));
  });

  it('shares a commit among the parts of a bulk while nothing else comes', () => {
    const { committer, later, sizes } = setUp();
    const many = Array<PersistOp>(64).fill(op);
    for (let token = 1; token <= 4; token++) committer.add(bulk(token, many));
    later.pass();
    expect(sizes).toEqual([4]);
    committer.add(persist(5, [op]));
    later.pass();
    for (let token = 6; token <= 110; token++) committer.add(bulk(token, many));
    for (let turn = 0; turn < 102; turn++) later.pass();
    expect(sizes.slice(2)).toEqual([...Array<number>(100).fill(1), 4, 1]);
  });

  it('gives what removes many rows a commit of its own', () => {
    const { committer, later, sizes } = setUp();
    const expire: PersistOp = { kind: 'expire', wallMs: 0 };
    for (const [token, ops] of [[op], [expire], [expire], [op], [other]].entries())
      committer.add(persist(token, ops));
    for (let turn = 0; turn < 4; turn++) later.pass();
    expect(sizes).toEqual([1, 1, 1, 2]);
  });

  it('fails every effect of a commit that failed, waits longer each time, and says when it works again', () => {
    const { committer, later, told, state } = setUp();
    state.failure = new MeshError('store_failed', 'disk full');
    committer.add(persist(1, [op]));
    committer.add(persist(2, [op]));
    later.pass();
    expect(told).toEqual(['trouble store_failed', 'failed 1 store_failed', 'failed 2 store_failed']);
    committer.add(persist(3, [op]));
    expect(later.waiting).toEqual([100]);
    later.pass(100);
    committer.add(persist(4, [op]));
    expect(later.waiting).toEqual([200]);
    state.failure = undefined;
    later.pass(200);
    expect(told.slice(-3)).toEqual(['works', 'commit', 'persisted 4 1']);
    committer.add(persist(5, [op]));
    expect(later.waiting).toEqual([0]);
  });

  it('commits at once when too much waits, so that the queue stays bounded', () => {
    const { committer, sizes } = setUp();
    const many = Array<PersistOp>(LIMITS.commitQueueMax / 4).fill(other);
    for (let token = 1; token <= 4; token++) committer.add(bulk(token, many));
    expect(sizes).toEqual([4]);
    expect(committer.waitingOps).toBe(0);
  });

  it('flushes everything at the end, and gives up where the store fails', () => {
    const { committer, told, state } = setUp();
    for (let token = 1; token <= 3; token++) committer.add(persist(token, Array<PersistOp>(200).fill(op)));
    committer.flush();
    expect(told.filter((line) => line.startsWith('persisted'))).toHaveLength(3);
    state.failure = new MeshError('store_failed');
    for (let token = 4; token <= 6; token++) committer.add(persist(token, Array<PersistOp>(200).fill(op)));
    committer.flush();
    expect(told.filter((line) => line.startsWith('failed'))).toEqual(['failed 4 store_failed']);
  });

  it('calls an operation that the store refuses as senseless a mistake in the program', () => {
    const { committer, later, told, state } = setUp();
    state.failure = new RangeError('not a tag');
    committer.add(persist(1, [op]));
    later.pass();
    expect(told).toEqual(['broken RangeError: not a tag']);
  });
});
