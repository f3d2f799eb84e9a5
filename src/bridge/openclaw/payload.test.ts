import { describe, expect, it } from 'vitest';
import { isRestartNote, judgePayload } from './payload.ts';

const final = { text: 'hello', isTerminal: true, isToolWarning: false };

describe('a text that OpenClaw delivers', () => {
  it('is an answer, at the end of a turn or in a block', () => {
    expect(judgePayload(final, 'final')).toBe('answer');
    expect(judgePayload(final, 'block')).toBe('answer');
  });

  it('is a notice where OpenClaw says that the run failed, whatever the words', () => {
    expect(judgePayload({ ...final, isError: true }, 'final')).toBe('notice');
  });

  it('is a notice where it is the stand-in for a missing reply, which has no mark', () => {
    const text = "⚠️ OpenClaw couldn't produce or deliver a reply. Please try again. Reference: run-1.";
    expect(judgePayload({ ...final, text }, 'final')).toBe('notice');
    expect(judgePayload({ ...final, text: `She wrote: ${text}` }, 'final')).toBe('answer');
  });

  it('is nothing where it is empty, a step of work, or a line of status', () => {
    expect(judgePayload({ ...final, text: '  ' }, 'final')).toBe('nothing');
    expect(judgePayload({ ...final, text: undefined }, 'final')).toBe('nothing');
    expect(judgePayload(final, 'tool')).toBe('nothing');
    expect(judgePayload({ ...final, isTerminal: false }, 'final')).toBe('nothing');
    expect(judgePayload({ ...final, isError: true, isToolWarning: true }, 'final')).toBe('nothing');
  });
});

it('knows what OpenClaw tells a channel about its own restart', () => {
  expect(isRestartNote("I'm continuing your interrupted request now (the gateway has just restarted).")).toBe(
    true,
  );
  expect(isRestartNote('I am back.')).toBe(false);
});
