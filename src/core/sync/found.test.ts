/** How far catch-up over a link has come, as people are told. */
import { describe, expect, it } from 'vitest';
import type { Link } from '../link/link.ts';
import { Found } from './found.ts';

const [one, other] = [{ id: 1 }, { id: 2 }] as unknown as [Link, Link];

/** Finds so many at a time, and has so many of them fetched. */
function setUp() {
  const found = new Found();
  const find = (count: number, nowMs: number, link = one): void => {
    for (let i = 0; i < count; i++) found.found(link, nowMs);
  };
  const fetch = (count: number, nowMs: number, link = one): void => {
    for (let i = 0; i < count; i++) found.fetched(link, nowMs);
  };
  return { found, find, fetch };
}

describe('how far catch-up has come', () => {
  it('is told for each link, and of what nobody has any more nothing', () => {
    const { found, find, fetch } = setUp();
    expect(found.of(one)).toEqual({ found: 0, fetched: 0 });
    find(5, 0);
    find(2, 0, other);
    fetch(3, 10);
    found.lost(one);
    expect(found.of(one)).toMatchObject({ found: 4, fetched: 3 });
    expect(found.of(other)).toMatchObject({ found: 2, fetched: 0 });
    found.down(one);
    fetch(1, 20);
    expect(found.of(one)).toEqual({ found: 0, fetched: 0 });
  });

  it('goes on counting where more is found soon, and begins anew where all was there for a while', () => {
    const { found, find, fetch } = setUp();
    find(5, 0);
    fetch(5, 1000);
    find(5, 11_000);
    expect(found.of(one)).toMatchObject({ found: 10, fetched: 5 });
    find(1, 60_000);
    expect(found.of(one)).toMatchObject({ found: 11, fetched: 5 });
    fetch(6, 61_000);
    find(1, 71_001);
    expect(found.of(one)).toMatchObject({ found: 1, fetched: 0 });
  });
});
