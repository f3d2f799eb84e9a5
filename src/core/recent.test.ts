import { describe, expect, it } from 'vitest';
import { Recent } from './recent.ts';

describe('what happened lately', () => {
  it('is forgotten in the order in which it came, and never more than the most is kept', () => {
    const recent = new Recent<number>(3);
    for (let i = 0; i < 10; i++) {
      recent.set(`id ${i}`, i);
      expect(recent.size).toBeLessThanOrEqual(3);
    }
    expect([6, 7, 8, 9].map((i) => recent.get(`id ${i}`))).toEqual([undefined, 7, 8, 9]);
  });

  it('keeps its place when it is set anew', () => {
    const recent = new Recent<string>(2);
    recent.set('a', 'old');
    recent.set('b', 'b');
    recent.set('a', 'new');
    expect([recent.get('a'), recent.size]).toEqual(['new', 2]);
    recent.set('c', 'c');
    expect(['a', 'b', 'c'].map((id) => recent.get(id))).toEqual([undefined, 'b', 'c']);
  });

  it('is found by how its id begins, as much of it as was asked for', () => {
    const recent = new Recent<number>(9);
    for (const id of ['abc1', 'abc2', 'abd3']) recent.set(id, 0);
    expect(recent.startingWith('abc', 9)).toEqual(['abc1', 'abc2']);
    expect(recent.startingWith('ab', 2)).toEqual(['abc1', 'abc2']);
    expect(recent.startingWith('x', 9)).toEqual([]);
  });
});
