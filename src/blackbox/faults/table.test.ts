/** The page of faults names what can happen, and every test that it names is there. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isErrorCode } from '../../core/errors.ts';

const PAGE = path.join(import.meta.dirname, '..', '..', '..', 'docs', 'faults.md');
/** Each fault by a word that its row must hold. */
const FAULTS = [
  ...[
    'kill -9',
    'power loss',
    'full disk',
    'read-only disk',
    'damaged message',
    'damaged page',
    'damaged write-ahead log',
    'clock',
  ],
  ...['file descriptors', 'port in use', 'multicast', 'two daemons', 'migration', 'older version'],
];

interface Row {
  readonly fault: string;
  readonly seen: string;
  readonly wayOn: string;
  readonly links: readonly string[];
}

const rows: readonly Row[] = fs
  .readFileSync(PAGE, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) => {
    const [, fault = '', seen = '', wayOn = '', tests = ''] = line.split('|').map((cell) => cell.trim());
    return { fault, seen, wayOn, links: [...tests.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link) };
  });

describe('the page of faults', () => {
  it('has a row for each', () => {
    expect(rows).toHaveLength(FAULTS.length);
    for (const word of FAULTS)
      expect(
        rows.filter(({ fault }) => fault.toLowerCase().includes(word)),
        word,
      ).toHaveLength(1);
  });

  it.each(rows)(
    'says of $fault what is seen, what to do, and where it is tried',
    ({ seen, wayOn, links }) => {
      expect([seen, wayOn]).not.toContain('');
      for (const [, code = ''] of seen.matchAll(/`([a-z]+_[a-z_]+)`/g))
        expect(isErrorCode(code), code).toBe(true);
      expect(links.length).toBeGreaterThan(0);
      for (const link of links) {
        const text = fs.readFileSync(path.join(path.dirname(PAGE), link), 'utf8');
        expect(text, link).toMatch(
          link.endsWith('.test.ts') ? /\bexpect\(|\bexpectFailure\(/ : /: Scenario = /,
        );
      }
    },
  );
});
