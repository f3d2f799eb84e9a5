import { describe, expect, it } from 'vitest';
import { KNOWN_CHANGES_MAX, KnownChanges } from './known-changes.ts';

describe('changes of what is known', () => {
  it('are one window for each channel, as wide as what has changed', () => {
    const changes = new KnownChanges();
    for (const minute of [5, 3, 9]) changes.note('a', minute);
    changes.note('b', 1);
    expect(changes.since(0)).toEqual([
      { tag: 'a', fromMinute: 3, untilMinute: 10 },
      { tag: 'b', fromMinute: 1, untilMinute: 2 },
    ]);
  });

  it('that were told are not widened', () => {
    const changes = new KnownChanges();
    changes.note('a', 5);
    const [told, version] = [changes.since(0), changes.version];
    changes.note('a', 7);
    expect(told).toEqual([{ tag: 'a', fromMinute: 5, untilMinute: 6 }]);
    expect(changes.since(version)).toEqual([{ tag: 'a', fromMinute: 7, untilMinute: 8 }]);
    expect(changes.since(changes.version)).toEqual([]);
  });

  it('are bounded, and whoever asks for older ones hears that anything may have changed', () => {
    const changes = new KnownChanges();
    for (let i = 0; i < KNOWN_CHANGES_MAX; i++) changes.note(`${i}`, i);
    expect(changes.since(0)).toHaveLength(KNOWN_CHANGES_MAX);
    const { version } = changes;
    changes.note('a', 1);
    expect(changes.since(0)).toBeUndefined();
    expect(changes.since(version)).toEqual([{ tag: 'a', fromMinute: 1, untilMinute: 2 }]);
  });

  it('that are forgotten are not widened in their place', () => {
    const changes = new KnownChanges();
    for (let i = 0; i <= KNOWN_CHANGES_MAX; i++) changes.note(`${i}`, i);
    const { version } = changes;
    changes.note('0', 7);
    expect(changes.since(version)).toEqual([{ tag: '0', fromMinute: 7, untilMinute: 8 }]);
  });

  it('are anything for a version that was never told', () => {
    expect(new KnownChanges().since(1)).toBeUndefined();
    expect(new KnownChanges().since(undefined)).toBeUndefined();
  });
});
