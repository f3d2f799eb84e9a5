import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toConversation } from './conversation.ts';

it('keeps plain names, so that a person finds the session of a channel', () => {
  for (const name of ['lobby', '#dev', 'a-b_c.d', '0']) expect(toConversation(name)).toBe(name);
});

it('never gives two channels one session, not even by case or colons', () => {
  const names = [
    'Dev',
    'dev',
    'DEV',
    'a:b',
    'a:thread:b',
    'h-x',
    ' dev',
    'dev ',
    'ä',
    'a'.repeat(65),
    'a'.repeat(64),
  ];
  expect(new Set(names.map(toConversation)).size).toBe(names.length);
  expect(toConversation('h-x')).not.toBe('h-x');
});

it('survives in a session key: lower case, no colon, no space', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 128 }), (name) => {
      expect(toConversation(name)).toMatch(/^[#a-z0-9][a-z0-9._-]{0,63}$/);
    }),
  );
});
