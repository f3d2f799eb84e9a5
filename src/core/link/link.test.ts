import { describe, expect, it } from 'vitest';
import { type Link, nextPing, notePong } from './link.ts';

const fresh = (): Link => ({ pings: 0, ponged: 0, pingedMs: 0 }) as Link;

/** Pings a link whose answer takes so long. */
function ping(link: Link, atMs: number, tripMs: number): void {
  const { n } = nextPing(link, atMs);
  notePong(link, n, atMs + tripMs);
}

describe('the distance of a link', () => {
  it('is the shortest round trip, and follows longer ones slowly', () => {
    const link = fresh();
    ping(link, 0, 80);
    expect(link.distanceMs).toBe(80);
    ping(link, 1000, 40);
    expect(link.distanceMs).toBe(40);
    ping(link, 2000, 120);
    expect([link.roundTripMs, link.distanceMs]).toEqual([120, 50]);
    for (let i = 3; i < 60; i++) ping(link, 1000 * i, 120);
    expect(link.distanceMs).toBeGreaterThan(119);
  });

  it('is not known before the first answer, and not told by one that nobody waited for', () => {
    const link = fresh();
    nextPing(link, 0);
    expect(link.distanceMs).toBe(undefined);
    notePong(link, 2, 1);
    notePong(link, 0, 1);
    expect(link.distanceMs).toBe(undefined);
    notePong(link, 1, 30);
    notePong(link, 1, 31);
    expect(link.distanceMs).toBe(30);
  });
});
