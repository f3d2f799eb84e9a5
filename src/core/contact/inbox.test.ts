import { describe, expect, it } from 'vitest';
import { type AckOutcome, ATTEMPTS_MAX, afterAck, afterLoss, handoverId } from './inbox.ts';

const first = { attempts: 1, retried: false, answers: 0 };
const second = { ...first, attempts: 2 };
const again = { ...first, attempts: 3, retried: true };
const OUTCOMES: readonly AckOutcome[] = ['done', 'skipped', 'refused', 'failed', 'undelivered'];

describe('an acknowledgement', () => {
  it.each(OUTCOMES)('of something answered means answered, with %s too', (outcome) => {
    expect(afterAck({ ...again, answers: 1 }, outcome)).toEqual({
      ...{ state: 'answered', reason: '', retry: false },
    });
  });

  it('of a turn without an answer is the agent’s silence, whichever attempt it was', () => {
    for (const progress of [first, second, again])
      expect(afterAck(progress, 'done')).toEqual({ state: 'silent', reason: '', retry: false });
  });

  it('that says skipped brings it once more, and then never again', () => {
    for (const progress of [first, second])
      expect(afterAck(progress, 'skipped')).toEqual({ state: 'waiting', reason: '', retry: true });
    expect(afterAck(again, 'skipped')).toEqual({ state: 'unanswered', reason: 'no-answer', retry: false });
  });

  it.each([
    ['refused', 'refused'],
    ['failed', 'agent-failed'],
    ['undelivered', 'not-delivered'],
  ] as const)('with %s ends unanswered', (outcome, reason) => {
    expect(afterAck(second, outcome)).toEqual({ state: 'unanswered', reason, retry: false });
  });
});

describe('a client that is gone', () => {
  it('leaves what it did not acknowledge waiting', () => {
    expect(afterLoss(second)).toEqual({ state: 'waiting', reason: '', retry: false });
  });

  it('leaves what was answered, even in part, answered', () => {
    expect(afterLoss({ ...first, answers: 1 }).state).toBe('answered');
  });

  it('is not given a message for ever', () => {
    expect(afterLoss({ ...again, attempts: ATTEMPTS_MAX })).toMatchObject({ reason: 'never-acknowledged' });
  });
});

it('a message is handed over under its id, and once more under another one', () => {
  expect([handoverId('x', first), handoverId('x', again)]).toEqual(['x', 'x.again']);
});
