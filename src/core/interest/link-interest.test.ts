import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinkInterest } from './link-interest.ts';

/** Of 8 bytes each, not in the order of their text: "-" stands for a higher value than "A". */
const TAGS = ['-AAAAAAAAAA', 'AAAAAAAAAAA', 'zAAAAAAAAAA', '0AAAAAAAAAA'];
const IN_ORDER = ['AAAAAAAAAAA', 'zAAAAAAAAAA', '0AAAAAAAAAA', '-AAAAAAAAAA'];
const tag = fc.constantFrom(...TAGS);
const floors = fc.array(fc.record({ tag, floorHour: fc.nat(2) }), { maxLength: 3 });
const tags = fc.array(tag, { maxLength: 2 });

type Step = (interest: LinkInterest) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(floors, tags).map(
    ([set, unset]): Step =>
      (interest) =>
        interest.tell(set, unset),
  ),
  floors.map(
    (set): Step =>
      (interest) => {
        for (const one of set) interest.hear(one);
      },
  ),
  tags.map(
    (unset): Step =>
      (interest) =>
        interest.unhear(unset),
  ),
  fc.constant<Step>((interest) => interest.unhear(interest.theirs.keys())),
);

describe('what two ends of a link told each other', () => {
  it('is shared where both did, from the higher floor on, and the same array exactly until that changes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const interest = new LinkInterest();
        let before = interest.shared;
        for (const one of steps) {
          one(interest);
          const { mine, theirs, shared } = interest;
          const both = IN_ORDER.filter((name) => mine.has(name) && theirs.has(name));
          const expected = both.map((name) => {
            const floorHour = Math.max(mine.get(name) as number, theirs.get(name) as number);
            expect(interest.sharedFloor(name)).toBe(floorHour);
            return { tag: name, floorHour };
          });
          expect(shared).toEqual(expected);
          expect(interest.shared).toBe(shared);
          if (shared === before) expect(before).toEqual(expected);
          before = shared;
        }
      }),
    );
  });

  it('stays the same array while only one of them tells something', () => {
    const interest = new LinkInterest();
    interest.tell([{ tag: TAGS[0] as string, floorHour: 1 }], []);
    interest.hear({ tag: TAGS[0] as string, floorHour: 1 });
    const { shared } = interest;
    interest.hear({ tag: TAGS[1] as string, floorHour: 1 });
    interest.hear({ tag: TAGS[0] as string, floorHour: 1 });
    interest.tell([{ tag: TAGS[2] as string, floorHour: 1 }], [TAGS[3] as string]);
    interest.unhear([TAGS[1] as string]);
    expect(interest.shared).toBe(shared);
  });
});
