import { describe, expect, it } from 'vitest';
import type { Finding } from '../../daemon/doctor/index.ts';
import { findingLines, summaryLine, wrapText } from './lines.ts';

const plain = (_state: string, word: string) => word;
const BAD: Finding = {
  check: 'api-port',
  state: 'fail',
  what: 'Port 5001 is taken by process 12 (node), and nothing else would fit on one line.',
  mend: 'Stop that program:',
  command: "kill 12 && echo 'a command that is longer than the terminal is wide'",
};

describe('a finding as lines', () => {
  it('has the state as a word, breaks text at blanks, and never breaks a command', () => {
    expect(findingLines(BAD, { width: 50, paint: plain })).toEqual([
      'failed   API port: Port 5001 is taken by process',
      '         12 (node), and nothing else would fit on',
      '         one line.',
      '         Stop that program:',
      `           ${BAD.command}`,
    ]);
  });

  it('is one line where nothing limits it, and one more for each way to mend', () => {
    const wide = { width: Number.POSITIVE_INFINITY, paint: plain };
    expect(findingLines(BAD, wide)).toHaveLength(3);
    const fine: Finding = { check: 'node', state: 'ok', what: 'Node is new.', mend: '', command: '' };
    expect(findingLines(fine, wide)).toEqual(['ok       node: Node is new.']);
  });

  it('writes out what could mislead a terminal', () => {
    const lines = findingLines(
      { ...BAD, what: 'a\u001b[2Jb', command: 'rm \u009b' },
      { width: 80, paint: plain },
    );
    expect(lines.join()).toContain('a\\x1b[2Jb');
    expect(lines.join()).toContain('rm \\x9b');
  });

  it('colours the state only, so that columns stay', () => {
    const [first] = findingLines(BAD, { width: 80, paint: (state, word) => `<${state}>${word}</>` });
    expect(first).toMatch(/^<fail>failed<\/> {3}API port/);
  });
});

describe('text', () => {
  it('is broken at blanks; a long word keeps its line', () => {
    expect(wrapText('a bb ccc', 4)).toEqual(['a bb', 'ccc']);
    expect(wrapText('a bbbbbbbb c', 4)).toEqual(['a', 'bbbbbbbb', 'c']);
    expect(wrapText('', 4)).toEqual(['']);
  });
});

describe('the last line', () => {
  it('counts', () => {
    expect(summaryLine([BAD, { ...BAD, state: 'warn' }, { ...BAD, state: 'ok' }])).toBe(
      '1 failed: 1 warning, 1 ok, 0 skipped.',
    );
    expect(summaryLine([{ ...BAD, state: 'skipped' }])).toBe('Nothing failed: 0 warnings, 0 ok, 1 skipped.');
  });
});
