import { describe, expect, it } from 'vitest';
import { type DispatchFacts, judgeOutcome } from './outcome.ts';

const nothing: DispatchFacts = {
  admitted: true,
  began: false,
  joined: false,
  silent: false,
  failed: false,
  answers: 0,
  notices: 0,
};

describe('how handing over ended', () => {
  it('is done with an answer, whatever else went wrong', () => {
    expect(judgeOutcome({ ...nothing, began: true, answers: 1 })).toBe('done');
    expect(judgeOutcome({ ...nothing, began: true, answers: 1, notices: 1, failed: true })).toBe('done');
    expect(judgeOutcome({ ...nothing, answers: 1 })).toBe('done');
  });

  it('is failed where only notices came or the run failed', () => {
    expect(judgeOutcome({ ...nothing, began: true, notices: 1 })).toBe('failed');
    expect(judgeOutcome({ ...nothing, began: true, failed: true })).toBe('failed');
  });

  it('is done without an answer where somebody chose to be silent or another turn has it', () => {
    expect(judgeOutcome({ ...nothing, began: true })).toBe('done');
    expect(judgeOutcome({ ...nothing, joined: true })).toBe('done');
    expect(judgeOutcome({ ...nothing, silent: true })).toBe('done');
  });

  it('is skipped where nothing at all was seen', () => {
    expect(judgeOutcome(nothing)).toBe('skipped');
  });

  it('is refused where ingress says no', () => {
    expect(judgeOutcome({ ...nothing, admitted: false })).toBe('refused');
  });
});
