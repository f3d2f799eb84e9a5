/**
 * Findings as lines for people: the state as a word in front, since colours are not for everyone; how to mend it below;
 * a command on a line of its own and never broken, so that it can be copied.
 */
import type { Finding, FindingState } from '../../daemon/doctor/index.ts';
import { count, visibleLine } from '../text.ts';

/** Words of one length of time to say: `ok`, not a green tick. */
export const STATE_WORDS: Readonly<Record<FindingState, string>> = {
  ok: 'ok',
  warn: 'warning',
  fail: 'failed',
  skipped: 'skipped',
};
/** The longest of them and two blanks. */
const INDENT = 9;

export interface LineOptions {
  /** columns; Infinity for no breaks */
  readonly width: number;
  readonly paint: (state: FindingState, word: string) => string;
}

/** Breaks text at blanks into lines of at most `width` characters; a longer word has a line of its own. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** The name of a check as it is read aloud. */
function nameOf(check: Finding['check']): string {
  return check.replace(/^api\b/, 'API').replaceAll('-', ' ');
}

/** The lines of one finding. */
export function findingLines(finding: Finding, { width, paint }: LineOptions): string[] {
  const { check, state, what, mend, command } = finding;
  const room = Math.max(20, width - INDENT);
  const text = (words: string): string[] => wrapText(visibleLine(words), room);
  const [first = '', ...rest] = text(`${nameOf(check)}: ${what}`);
  const word = STATE_WORDS[state];
  const blank = ' '.repeat(INDENT);
  return [
    paint(state, word) + ' '.repeat(INDENT - word.length) + first,
    ...[...rest, ...(mend === '' ? [] : text(mend))].map((line) => blank + line),
    ...(command === '' ? [] : [`${blank}  ${visibleLine(command)}`]),
  ];
}

/** The last line: how many of each, the worst first. */
export function summaryLine(findings: readonly Finding[]): string {
  const of = (state: FindingState): number => findings.filter((one) => one.state === state).length;
  const failed = of('fail') === 0 ? 'Nothing failed' : `${of('fail')} failed`;
  return `${failed}: ${count(of('warn'), 'warning')}, ${of('ok')} ok, ${of('skipped')} skipped.`;
}
