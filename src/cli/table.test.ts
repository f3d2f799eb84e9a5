import { describe, expect, it } from 'vitest';
import { displayWidth, tableLines } from './table.ts';

describe('tables', () => {
  it('align columns, numbers at the right, and leave no blanks at the end', () => {
    const rows = [
      ['NAME', 'N', 'WHAT'],
      ['a', '10', 'x'],
      ['long name', '5', ''],
    ];
    expect(tableLines(rows, [1])).toEqual(['NAME        N  WHAT', 'a          10  x', 'long name   5']);
    expect(tableLines([])).toEqual([]);
  });

  it('know wide and combined characters, and let no single long cell push the rest away', () => {
    expect(['abc', 'cafe\u0301', '日本', '👩‍🚀', ''].map(displayWidth)).toEqual([3, 4, 4, 2, 0]);
    const [short = ''] = tableLines([
      ['a', 'b'],
      ['x'.repeat(128), 'c'],
    ]);
    expect(short).toHaveLength(46);
  });
});
