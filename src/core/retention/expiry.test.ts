/** What has expired leaves at the end of a minute that neighbours agree about. */
import { describe, expect, it } from 'vitest';
import type { Context } from '../context.ts';
import { LIMITS, MINUTE, SECOND } from '../limits.ts';
import { MINUTE_END, type PersistOp, type PersistResult } from '../persistence.ts';
import { settledMinute } from '../sync/settled.ts';
import type { ClockCheck } from './clock-check.ts';
import { Expiry } from './expiry.ts';

const EPOCH_MS = 30_000_000 * MINUTE;

function create({ trusted = true } = {}) {
  const now = { monotonicMs: 0, wallMs: EPOCH_MS + LIMITS.settleMs };
  const asked: { op: PersistOp; done: (results: PersistResult[]) => void; failed: () => void }[] = [];
  const persist = (ops: PersistOp[], done: (results: PersistResult[]) => void, failed: () => void): void => {
    asked.push({ op: ops[0] as PersistOp, done, failed });
  };
  const expiry = new Expiry(
    { now, persist } as unknown as Context,
    {
      isTrusted: () => trusted,
    } as ClockCheck,
  );
  const called: string[] = [];
  const until = () => settledMinute(now.wallMs);
  const settle = (name: string, minute = until()) => expiry.settle(minute, () => called.push(name));
  const answer = (removed: number, more = false) => asked.shift()?.done([{ kind: 'expired', removed, more }]);
  return { now, asked, expiry, called, settle, answer, until };
}

describe('sums up to a minute', () => {
  it('wait until what runs out before its end is gone, once for all who ask', () => {
    const { asked, called, settle, answer, until } = create();
    settle('a');
    settle('b', MINUTE_END);
    settle('c', until() - 1);
    expect([asked.map(({ op }) => op), called]).toEqual([[{ kind: 'expire', wallMs: EPOCH_MS }], []]);
    answer(256, true);
    expect(called).toEqual([]);
    answer(3);
    expect(called).toEqual(['a', 'b', 'c']);
    settle('d');
    expect([called.at(-1), asked]).toEqual(['d', []]);
  });

  it('of the next minute wait again, and those of who asked for it meanwhile too', () => {
    const { asked, called, settle, answer, now } = create();
    settle('a');
    now.wallMs += MINUTE;
    settle('b');
    answer(0);
    expect([called, asked.length]).toEqual([['a'], 1]);
    answer(0);
    expect(called).toEqual(['a', 'b']);
  });

  it('do not wait where too many do: whoever asks is answered', () => {
    const { called, settle, answer } = create();
    const most = 2 * LIMITS.linksMax;
    for (let i = 0; i < most; i++) settle(`waits ${i}`);
    expect(called).toEqual([]);
    settle('one more');
    expect(called).toEqual(['one more']);
    answer(0);
    expect(called).toHaveLength(most + 1);
  });

  it('do not wait for a disk that fails, a clock in doubt, or one that was set back', () => {
    const broken = create();
    broken.settle('a');
    broken.asked.shift()?.failed();
    broken.settle('b');
    expect([broken.called, broken.asked.length]).toEqual([['a'], 1]);
    const doubtful = create({ trusted: false });
    doubtful.settle('a');
    expect([doubtful.called, doubtful.asked]).toEqual([['a'], []]);
    const back = create();
    back.settle('a');
    back.answer(0);
    back.now.wallMs -= 60 * MINUTE;
    back.settle('b');
    expect(back.asked.map(({ op }) => op)).toEqual([{ kind: 'expire', wallMs: EPOCH_MS - 60 * MINUTE }]);
  });
});

it('what is gone here is no difference to a neighbour whose clock is a little behind', () => {
  const { settle, answer, expiry, now, until } = create();
  const minute = until();
  settle('a');
  answer(0);
  expect(expiry.isAhead(minute - 1)).toBe(false);
  now.wallMs += MINUTE;
  settle('b');
  answer(1);
  expect([expiry.isAhead(minute), expiry.isAhead(minute + 1)]).toEqual([true, false]);
  now.monotonicMs += 10 * SECOND;
  expect(expiry.isAhead(minute)).toBe(false);
});
