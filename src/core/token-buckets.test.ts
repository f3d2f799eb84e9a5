import { describe, expect, it } from 'vitest';
import { TokenBuckets } from './token-buckets.ts';

const RATE = { perSecond: 4, burst: 8 };

describe('a bucket', () => {
  it('gives its burst at once, then its rate, and never more than the burst', () => {
    const buckets = new TokenBuckets<string>(10);
    expect(buckets.take('a', RATE, 0, 20)).toBe(8);
    expect([buckets.take('a', RATE, 249), buckets.take('a', RATE, 250)]).toEqual([0, 1]);
    expect(buckets.take('a', RATE, 1250, 20)).toBe(4);
    expect([buckets.left('a', RATE, 60_000), buckets.take('a', RATE, 60_000, 20)]).toEqual([8, 8]);
  });

  it('is one for each key', () => {
    const buckets = new TokenBuckets<string>(10);
    buckets.take('a', RATE, 0, 8);
    expect([buckets.left('a', RATE, 0), buckets.left('b', RATE, 0), buckets.take('b', RATE, 0)]).toEqual([
      0, 8, 1,
    ]);
  });

  it('is forgotten when it is full again, or when there are too many and it was not used for longest', () => {
    const buckets = new TokenBuckets<string>(2);
    for (const key of ['a', 'b', 'a', 'c']) buckets.take(key, RATE, 0, 8);
    expect(buckets.size).toBe(2);
    expect(['a', 'b', 'c'].map((key) => buckets.left(key, RATE, 0))).toEqual([0, 8, 0]);
    buckets.tick(RATE, 1999);
    expect(buckets.size).toBe(2);
    buckets.tick(RATE, 2000);
    expect(buckets.size).toBe(0);
    buckets.take('a', RATE, 2000, 8);
    buckets.forget('a');
    expect(buckets.left('a', RATE, 2000)).toBe(8);
  });
});
