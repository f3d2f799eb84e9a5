import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonLine, localTime, shellWord, shortId, visibleLine, visibleText } from './text.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

describe('text for a terminal', () => {
  it('has no control characters, whatever comes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visibleLine(text)).not.toMatch(CONTROL);
        expect(visibleText(text, '').replaceAll('\n', '')).not.toMatch(CONTROL);
        expect(visibleLine(text).isWellFormed()).toBe(true);
      }),
    );
  });

  it('shows what it hides by its number', () => {
    expect(visibleLine('a\u0000\u001b[1m\u009b\u{e0061}\ud800')).toBe(
      'a\\x00\\x1b[1m\\x9b\\u{e0061}\\u{d800}',
    );
    expect(visibleLine('grüße 日本語 עברית 👩‍🚀')).toBe('grüße 日本語 עברית 👩‍🚀');
  });

  it('is safe as JSON too and means the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = jsonLine({ text, [text]: 1 });
        expect(line).not.toMatch(CONTROL);
        expect(JSON.parse(line)).toEqual({ text, [text]: 1 });
      }),
    );
    expect(jsonLine('\u{e0061}')).toBe('"\\udb40\\udc61"');
  });

  it('shortens ids and leaves what is no time as it is', () => {
    expect(shortId('\u001bABCDEFGHIJ')).toBe('\\x1bABCDEFG');
    expect(localTime('soon\u0007')).toBe('soon\\x07');
  });

  it('is one word of a shell in a command to copy', () => {
    expect(['lobby', '#dev', "it's", 'a b', '$(x)', '', '\u001b'].map(shellWord)).toEqual([
      ...['lobby', "'#dev'", "'it'\\''s'", "'a b'", "'$(x)'", "''", "'\\x1b'"],
    ]);
  });
});
