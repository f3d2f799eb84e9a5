import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, toParts } from './parts.ts';

/** Splits anywhere. */
const split = (text: string, charsMax: number): string[] => {
  const chunks: string[] = [];
  for (let at = 0; at < text.length; at += charsMax) chunks.push(text.slice(at, at + charsMax));
  return chunks;
};

describe('the messages of an answer', () => {
  it('are one for a short text and several for a long one', () => {
    expect(toParts('hello', { charsMax: 200, free: 64, split })).toEqual(['hello']);
    const parts = toParts('x'.repeat(20_000), { charsMax: 8000, free: 64, split });
    expect(parts.map((part) => part.length)).toEqual([8000, 8000, 4000]);
  });

  it('end with a note where the answer is longer than it may be', () => {
    const parts = toParts('x'.repeat(1000), { charsMax: 200, free: 3, split });
    expect(parts).toHaveLength(3);
    expect(parts[2]).toMatch(/The rest was left out\.\]$/);
    expect(parts[2]?.length).toBeLessThanOrEqual(200);
  });

  it('are none where nothing is free or nothing is said', () => {
    expect(toParts('hello', { charsMax: 200, free: 0, split })).toEqual([]);
    expect(toParts(' \n ', { charsMax: 200, free: 64, split })).toEqual([]);
  });
});

it('cuts no character in half', () => {
  expect(cutText('a😀b', 2)).toBe('a');
  expect(cutText('a😀b', 3)).toBe('a😀');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), fc.nat(60), (text, charsMax) => {
      const cut = cutText(text, charsMax);
      expect(cut.length).toBeLessThanOrEqual(charsMax);
      expect(text.startsWith(cut)).toBe(true);
      expect(cut.isWellFormed()).toBe(true);
    }),
  );
});
