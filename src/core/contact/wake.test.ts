import { describe, expect, it } from 'vitest';
import { DAY } from '../limits.ts';
import { NO_MARKS } from './marks.ts';
import { agentName, type HeldReason, judge, type WakeFacts, type WakeMessage } from './wake.ts';

const AGENT = 'A'.repeat(43);
const ANNA = `${'B'.repeat(42)}A`;
const NOW = 1_000 * DAY;

const message = (fields: Partial<WakeMessage> = {}): WakeMessage => ({
  ...{ author: ANNA, timeMs: NOW, body: `@${AGENT} hello`, marks: NO_MARKS, isReplyToAgent: false },
  ...fields,
});
const facts = (fields: Partial<WakeFacts> = {}): WakeFacts => ({
  ...{ identity: AGENT, rule: { mode: 'mention', names: ['robo'], sinceMs: 0 }, isAllowed: true, nowMs: NOW },
  ...{ ageMsMax: 7 * DAY, hopsMax: 10, isInboxFull: () => false, hasBudget: () => true },
  ...fields,
});
const askedEarly = (): boolean => {
  throw new Error('asked too early');
};

describe('a message wakes', () => {
  it.each([
    ['names the identity', { body: `hi @${AGENT}, how are you?` }, 'mention'],
    ['names it in its payload', { body: 'hi', marks: { ...NO_MARKS, mentions: [AGENT] } }, 'mention'],
    ['names it by name', { body: 'hi @Robo!' }, 'mention'],
    ['names it by name at the end', { body: 'hi @ROBO' }, 'mention'],
    ['replies to it', { body: 'thanks', isReplyToAgent: true }, 'reply'],
  ] as const)('if it %s', (_, fields, why) => {
    expect(judge(message(fields), facts())).toEqual({ kind: 'wake', why });
  });

  it('in a channel that always wakes, whatever it says', () => {
    const rule = { mode: 'always', names: [], sinceMs: 0 } as const;
    expect(judge(message({ body: 'hi' }), facts({ rule }))).toEqual({ kind: 'wake', why: 'channel' });
  });
});

describe('a message is none of the agent’s business', () => {
  it.each([
    ['it names nobody', { body: 'hi' }, 'not-meant'],
    ['it names somebody else', { body: `@${ANNA} hi` }, 'not-meant'],
    ['the name goes on', { body: '@robotic @robo-2 @robo_' }, 'not-meant'],
    ['the name is part of an address', { body: 'write to me@robo' }, 'not-meant'],
    ['the name follows a letter beyond 16 bits', { body: '𝒙@robo' }, 'not-meant'],
    ['the agent wrote it', { author: AGENT }, 'own'],
    ['it is a notice', { marks: { ...NO_MARKS, isNotice: true } }, 'notice'],
  ] as const)('if %s', (_, fields, because) => {
    expect(judge(message(fields), facts({ hasBudget: askedEarly, isInboxFull: askedEarly }))).toEqual({
      kind: 'pass',
      because,
    });
  });

  it('if a stranger wrote it, even where everything wakes', () => {
    const rule = { mode: 'always', names: [], sinceMs: 0 } as const;
    expect(judge(message(), facts({ isAllowed: false, rule, hasBudget: askedEarly }))).toEqual({
      kind: 'pass',
      because: 'stranger',
    });
  });

  it('if it was written before the owner said that the channel wakes', () => {
    const rule = { mode: 'always', names: [], sinceMs: NOW } as const;
    const at = (timeMs: number) => judge(message({ timeMs }), facts({ rule })).kind;
    expect([at(NOW - 61_000), at(NOW - 60_000), at(NOW)]).toEqual(['pass', 'wake', 'wake']);
    expect(judge(message({ timeMs: NOW - 61_000 }), facts({ rule }))).toMatchObject({
      because: 'before-wake',
    });
  });

  it('where the channel never wakes', () => {
    const rule = { mode: 'never', names: ['robo'], sinceMs: 0 } as const;
    expect(judge(message(), facts({ rule, hasBudget: askedEarly }))).toEqual({
      kind: 'pass',
      because: 'never',
    });
  });
});

const HELD: readonly (readonly [string, Partial<WakeMessage>, Partial<WakeFacts>, HeldReason])[] = [
  ['it is older than a week', { timeMs: NOW - 7 * DAY - 1 }, {}, 'too-old'],
  ['there were too many answers before it', { marks: { ...NO_MARKS, hops: 10 } }, {}, 'hops-spent'],
  ['too much waits', {}, { isInboxFull: () => true, hasBudget: askedEarly }, 'inbox-full'],
  ['turns are spent', {}, { hasBudget: () => false }, 'budget-spent'],
];

describe('a message is held', () => {
  it.each(HELD)('if %s', (_, fields, more, reason) => {
    expect(judge(message(fields), facts(more))).toEqual({ kind: 'hold', why: 'mention', reason });
  });

  it('not at the last moment that counts', () => {
    const last = message({ timeMs: NOW - 7 * DAY, marks: { ...NO_MARKS, hops: 9 } });
    expect(judge(last, facts()).kind).toBe('wake');
  });
});

describe('a name', () => {
  it('is letters, digits, _ and -, compared in lower case', () => {
    expect(['Robo', 'RÖBO_1-x', 'ロボ'].map(agentName)).toEqual(['robo', 'röbo_1-x', 'ロボ']);
  });

  it.each(['', 'a b', '@x', 'x'.repeat(65), AGENT, 'a\n', '..'])('is not %j', (text) => {
    expect(agentName(text)).toBeUndefined();
  });
});

it('many almost-mentions in the longest text cost no more than reading it', () => {
  const body = '@robox '.repeat(9000);
  expect(judge(message({ body }), facts())).toEqual({ kind: 'pass', because: 'not-meant' });
});
