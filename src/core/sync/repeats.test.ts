import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { Repeats } from './repeats.ts';

const FIRST_MS = 100_000;

describe('what is tried again', () => {
  it('is tried at once the first time, and then not before 25 s', () => {
    const repeats = new Repeats(10);
    expect(LIMITS.retryMinMs).toBe(25_000);
    expect(repeats.mayTry('a', FIRST_MS)).toBe(true);
    expect(repeats.mayTry('a', FIRST_MS)).toBe(false);
    expect(repeats.mayTry('a', FIRST_MS + LIMITS.retryMinMs - 1)).toBe(false);
    expect(repeats.mayTry('a', FIRST_MS + LIMITS.retryMinMs)).toBe(true);
  });

  it('waits twice as long each time, up to an hour', () => {
    const repeats = new Repeats(10);
    const waits: number[] = [];
    let last = FIRST_MS;
    repeats.mayTry('a', last);
    for (let now = last + 1000; waits.length < 10; now += 1000)
      if (repeats.mayTry('a', now)) {
        waits.push((now - last) / 1000);
        last = now;
      }
    expect(waits).toEqual([25, 50, 100, 200, 400, 800, 1600, 3200, 3600, 3600]);
  });

  it('does not wait longer because it was asked for in vain', () => {
    const repeats = new Repeats(10);
    repeats.mayTry('a', FIRST_MS);
    for (let ms = 0; ms < LIMITS.retryMinMs; ms += 100) repeats.mayTry('a', FIRST_MS + ms);
    expect(repeats.mayTry('a', FIRST_MS + LIMITS.retryMinMs)).toBe(true);
  });

  it('does not keep anything else waiting', () => {
    const repeats = new Repeats(10);
    repeats.mayTry('a', FIRST_MS);
    expect(repeats.mayTry('b', FIRST_MS)).toBe(true);
  });

  it('begins anew when it is forgotten', () => {
    const repeats = new Repeats(10);
    for (const ms of [0, 25_000, 75_000]) repeats.mayTry('a', FIRST_MS + ms);
    repeats.forget('a');
    repeats.forget('never seen');
    const now = FIRST_MS + 80_000;
    expect(repeats.mayTry('a', now)).toBe(true);
    expect(repeats.mayTry('a', now + LIMITS.retryMinMs)).toBe(true);
  });
});

describe('beyond the keys that it remembers', () => {
  it('the one tried longest ago may be tried at once, and no other', () => {
    const repeats = new Repeats(3);
    for (const [i, key] of ['a', 'b', 'c'].entries()) repeats.mayTry(key, FIRST_MS + i);
    const now = FIRST_MS + LIMITS.retryMinMs;
    expect(repeats.mayTry('a', now)).toBe(true); // so that b is the oldest
    expect(repeats.mayTry('d', now)).toBe(true);
    expect(['a', 'c', 'd'].map((key) => repeats.mayTry(key, now))).toEqual([false, false, false]);
    expect(repeats.mayTry('b', now)).toBe(true);
  });

  it('a key that is not tried takes no place of another', () => {
    const repeats = new Repeats(2);
    for (const key of ['a', 'b']) repeats.mayTry(key, FIRST_MS);
    for (let i = 0; i < 10; i++) repeats.mayTry('b', FIRST_MS);
    expect(repeats.mayTry('a', FIRST_MS)).toBe(false);
  });

  it('those tried longest ago are forgotten when fewer may be remembered', () => {
    let most = 4;
    const repeats = new Repeats(() => most);
    for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) repeats.mayTry(key, FIRST_MS + i);
    most = 2;
    expect(repeats.mayTry('e', FIRST_MS + 5)).toBe(true);
    expect(['d', 'e'].map((key) => repeats.mayTry(key, FIRST_MS + 6))).toEqual([false, false]);
    expect(repeats.mayTry('c', FIRST_MS + 6)).toBe(true);
  });
});
