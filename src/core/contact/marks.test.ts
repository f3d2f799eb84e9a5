import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOPS_MAX, MENTIONS_MAX, NO_MARKS, readMarks, withMarks } from './marks.ts';

const ID = 'A'.repeat(43);
const OTHER = `${'B'.repeat(42)}A`;

describe('the marks of a payload', () => {
  it.each([
    null,
    5,
    'mesh',
    [],
    {},
    { mesh: null },
    { mesh: [] },
    { mesh: { hops: -1 } },
    { mesh: { hops: 1.5 } },
    { mesh: { hops: '3' } },
    { mesh: { hops: Number.POSITIVE_INFINITY } },
    { mesh: { mentions: ID } },
    { mesh: { mentions: [null, 5, 'x', {}] } },
    { mesh: { notice: 1 } },
    { mesh: Object.create({ hops: 3 }) as object },
    JSON.parse('{"__proto__":{"mesh":{"hops":3}}}') as object,
  ])('are none in %j', (payload) => {
    expect(readMarks(payload)).toEqual(NO_MARKS);
  });

  it('are read within their bounds', () => {
    const mentions = Array.from({ length: MENTIONS_MAX + 5 }, () => ID);
    const marks = readMarks({ mesh: { hops: 1e15, mentions, notice: true } });
    expect(marks).toEqual({ hops: HOPS_MAX, mentions: mentions.slice(0, MENTIONS_MAX), isNotice: true });
  });

  it('are not read of anything that throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { hops, mentions } = readMarks(value);
        return hops >= 0 && hops <= HOPS_MAX && mentions.length <= MENTIONS_MAX;
      }),
    );
  });

  it('come back as they were written, and leave the rest of the payload alone', () => {
    const marks = { hops: 2, mentions: [ID, OTHER], isNotice: true };
    const { ok, payload } = withMarks({ a: 1, mesh: { b: 2, hops: 7 } }, marks);
    expect([ok, payload]).toEqual([
      true,
      { a: 1, mesh: { b: 2, hops: 2, mentions: [ID, OTHER], notice: true } },
    ]);
    expect(readMarks(payload)).toEqual(marks);
  });

  it('need an object to stand in, and nothing where there are none', () => {
    const marks = { ...NO_MARKS, hops: 1 };
    expect(withMarks(undefined, marks)).toEqual({ ok: true, payload: { mesh: { hops: 1 } } });
    for (const payload of [null, 5, 'x', [1]]) expect(withMarks(payload, marks).ok).toBe(false);
    for (const payload of [undefined, null, 5, [1]])
      expect(withMarks(payload, NO_MARKS)).toEqual({ ok: true, payload });
  });
});
