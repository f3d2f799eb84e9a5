import { describe, expect, it } from 'vitest';
import { makeItem } from './bridge.fixture.ts';
import { FlightBook } from './in-flight.ts';
import { BRIDGE_LIMITS } from './names.ts';

describe('the items in flight', () => {
  it('can be acknowledged when nothing runs in their session any more, in the order of the inbox', () => {
    const book = new FlightBook();
    const first = book.begin(makeItem(1), 's');
    const second = book.begin(makeItem(2), 's');
    const other = book.begin(makeItem(3), 'other');
    second.outcome = 'done';
    expect(book.atRest('s')).toEqual([]);
    other.outcome = 'skipped';
    expect(book.atRest('other')).toEqual([other]);
    first.outcome = 'failed';
    expect(book.atRest('s')).toEqual([first, second]);
  });

  it('are answered by a second final text where they joined the turn, and not by the first one', () => {
    const book = new FlightBook();
    const first = book.begin(makeItem(1), 's');
    const joined = book.begin(makeItem(2), 's');
    book.begin(makeItem(3), 's'); // waits for its own turn
    book.begin(makeItem(4), 'other').hasJoined = true;
    joined.hasJoined = true;
    expect(book.alsoAnswered(first)).toEqual([]);
    expect(book.alsoAnswered(first)).toEqual([2]);
    book.markAnswered([1, 2]);
    expect(book.alsoAnswered(first)).toEqual([]);
  });

  it('number their parts on and on, notices by themselves, and begin at 1 for a new turn', () => {
    const book = new FlightBook();
    book.begin(makeItem(1), 's');
    expect([1, 2, 3].map(() => book.takePart(1, 'answers'))).toEqual([1, 2, 3]);
    expect(book.takePart(1, 'notices')).toBe(1);
    expect(book.takePart(1, 'answers')).toBe(4);
    expect(book.freeParts(1, 'answers')).toBe(60);
    book.begin(makeItem(1, { handover: 'again' }), 's');
    expect(book.takePart(1, 'answers')).toBe(1);
    expect(book.takePart(7, 'answers')).toBe(1);
  });

  it('use the number again of a part that may not have been published', () => {
    const book = new FlightBook();
    book.takePart(1, 'answers');
    book.giveBackPart(1, 'answers', 1);
    expect(book.takePart(1, 'answers')).toBe(1);
    book.takePart(1, 'answers');
    book.giveBackPart(1, 'answers', 1); // a later one has gone out meanwhile
    expect(book.takePart(1, 'answers')).toBe(3);
  });

  it('are remembered for a daemon that did not hear how they ended, a few and by their handover', () => {
    const book = new FlightBook();
    for (let number = 1; number <= BRIDGE_LIMITS.rememberedMax + 1; number += 1) {
      const flight = book.begin(makeItem(number), 's');
      flight.outcome = 'done';
      book.remove(flight, { remember: true });
    }
    expect(book.size).toBe(0);
    expect(book.findEnded(makeItem(1))).toBeUndefined();
    expect(book.findEnded(makeItem(2, { attempt: 2 }))).toBe('done');
    expect(book.findEnded(makeItem(2, { handover: 'again' }))).toBeUndefined();
  });

  it('are so many at most', () => {
    const book = new FlightBook();
    for (let number = 1; number < BRIDGE_LIMITS.inFlightMax; number += 1) book.begin(makeItem(number), 's');
    expect(book.isFull).toBe(false);
    book.begin(makeItem(99), 's');
    expect(book.isFull).toBe(true);
  });
});
