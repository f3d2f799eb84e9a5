/** Who is found to keep something back: by what neighbours show, and what others show of the same channels. */
import { describe, expect, it } from 'vitest';
import type { Interest } from '../interest/interest.ts';
import { LIMITS, SECOND } from '../limits.ts';
import type { Link } from '../link/link.ts';
import { Agreement } from './agreement.ts';

/** Links by the channels that they share. */
function setUp(channels: Readonly<Record<string, readonly string[]>>) {
  const links = new Map(
    Object.keys(channels).map((name) => [
      name,
      { id: name, remoteRelay: !name.startsWith('leaf') } as unknown as Link,
    ]),
  );
  const tagsOf = (link: Link): readonly string[] => channels[String(link.id)] ?? [];
  const interest = {
    sharedWith: (link: Link) => tagsOf(link).map((tag) => ({ tag, floorHour: 0 })),
    isShared: (link: Link, tag: string) => tagsOf(link).includes(tag),
  } as unknown as Interest;
  const agreement = new Agreement(interest);
  const link = (name: string): Link => links.get(name) as Link;
  let now = 0;
  /** Every five seconds for so long, each shows whether it is equal. */
  const show = (durationMs: number, shown: Readonly<Record<string, boolean>>): string[] => {
    const found: string[] = [];
    for (const untilMs = now + durationMs; now < untilMs; now += 5 * SECOND) {
      for (const [name, isEqual] of Object.entries(shown)) agreement.note(link(name), isEqual, now);
      found.push(...agreement.withholders(now).map(({ id }) => String(id)));
    }
    return found;
  };
  return { agreement, link, show };
}

const LONG = LIMITS.disagreementMs + 30 * SECOND;

describe('a neighbour that differs for minutes', () => {
  it('is found while two others agree on its channels, once', () => {
    const { show, agreement, link } = setUp({ bad: ['dev'], a: ['dev', 'ops'], b: ['dev'] });
    expect(show(LIMITS.disagreementMs - SECOND, { bad: false, a: true, b: true })).toEqual([]);
    expect(agreement.of(link('bad'))).toMatchObject({ state: 'differs', sinceMs: 0 });
    expect(show(LONG, { bad: false, a: true, b: true })).toEqual(['bad']);
    expect(show(60 * SECOND, { bad: true, a: true, b: true })).toEqual([]);
    expect(agreement.of(link('bad')).state).toBe('equal');
    expect(show(LONG, { bad: false, a: true, b: true })).toEqual(['bad']);
  });

  it.each([
    ['one other agrees', { bad: ['dev'], a: ['dev'], b: ['dev'] }, { bad: false, a: true }],
    ['the others differ too', { bad: ['dev'], a: ['dev'], b: ['dev'] }, { bad: false, a: false, b: true }],
    ['nobody else has one of its channels', { bad: ['dev', 'own'], a: ['dev'], b: ['dev'] }, allButBad()],
  ])('is not where %s', (_, channels, shown) => {
    expect(setUp(channels).show(LONG, shown)).toEqual([]);
  });

  it('is no leaf, and no leaf is a witness', () => {
    const all = { leaf: ['dev'], 'leaf 2': ['dev'], bad: ['dev'], a: ['dev'], b: ['dev'] };
    expect(setUp(all).show(LONG, { leaf: false, a: true, b: true })).toEqual([]);
    expect(setUp(all).show(LONG, { bad: false, leaf: true, 'leaf 2': true, a: true })).toEqual([]);
  });

  it('is not by what others showed long ago, or after it was equal between', () => {
    const { show } = setUp({ bad: ['dev'], a: ['dev'], b: ['dev'] });
    show(60 * SECOND, allButBad());
    expect(show(LONG, { bad: false })).toEqual([]);
    show(5 * SECOND, { bad: true });
    expect(show(LIMITS.disagreementMs - SECOND, allButBad())).toEqual([]);
  });

  it('is forgotten with its link', () => {
    const { show, agreement, link } = setUp({ bad: ['dev'], a: ['dev'], b: ['dev'] });
    show(60 * SECOND, allButBad());
    agreement.down(link('bad'));
    expect(agreement.of(link('bad')).state).toBe('unknown');
  });
});

function allButBad(): Record<string, boolean> {
  return { bad: false, a: true, b: true };
}
