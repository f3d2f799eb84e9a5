import { describe, expect, it } from 'vitest';
import { isWanted, type LogLine, lineText, lineValue, parseLine } from './line.ts';

const plain = (_level: string, text: string): string => text;
const shown = (value: object): string =>
  lineText(parseLine(JSON.stringify({ level: 'info', time: 'T', phrase: 'p', ...value })), plain);

describe('a line of the log', () => {
  it('reads as time, level, phrase and fields', () => {
    expect(shown({ phrase: 'link up', peer: 'abc', n: 3, list: ['a'], none: null })).toBe(
      'T  info   link up  peer=abc n=3 list=["a"] none=null',
    );
  });

  it('cannot pose as another line, field or colour, whoever chose its text', () => {
    expect(shown({ reason: 'a b=c\nfatal\u001b[31m' })).toBe(
      'T  info   p  reason="a b=c\\nfatal\\u001b[31m"',
    );
    expect(shown({ reason: '\u202eabc' })).toBe('T  info   p  reason=\\u{202e}abc');
    expect(shown({ phrase: 'a\nb', time: 'x\u009b' })).toContain('x\\x9b  info   a\\x0ab');
  });

  it('has a stack below it, indented', () => {
    expect(shown({ stack: 'Error: x\n    at y\u001b' })).toBe('T  info   p\n    Error: x\n        at y\\x1b');
  });

  it.each(['{"level":"info","ti', '[]', 'null', '7', '{"level":"loud","time":"","phrase":""}', '{}'])(
    'that is %j is damaged, and shown as it is',
    (text) => {
      const line = parseLine(text);
      expect(line).toEqual({ kind: 'damaged', text });
      expect(lineText(line, plain)).toBe(`(damaged line) ${text}`);
      expect(lineValue(line)).toEqual({ damaged: text });
    },
  );

  it('keeps everything for programs', () => {
    const value = { level: 'warn', time: '2026-01-01T00:00:00.000Z', a: { b: 1 }, phrase: 'x' };
    expect(lineValue(parseLine(JSON.stringify(value)))).toEqual(value);
  });

  it('is chosen by level and time; a damaged one only where nothing is chosen', () => {
    const line: LogLine = {
      kind: 'line',
      level: 'warn',
      time: '2026-01-01T00:00:00Z',
      phrase: '',
      fields: {},
    };
    const at = Date.parse(line.time);
    const all = { level: undefined, sinceMs: undefined };
    expect(isWanted(line, all)).toBe(true);
    expect(isWanted(line, { ...all, level: 'error' })).toBe(false);
    expect(isWanted(line, { ...all, level: 'warn' })).toBe(true);
    expect(isWanted(line, { ...all, level: 'debug', sinceMs: at })).toBe(true);
    expect(isWanted(line, { ...all, sinceMs: at + 1 })).toBe(false);
    expect(isWanted({ kind: 'damaged', text: '' }, all)).toBe(true);
    expect(isWanted({ kind: 'damaged', text: '' }, { ...all, level: 'debug' })).toBe(false);
  });
});
