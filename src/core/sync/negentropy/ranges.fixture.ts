/** Any ranges of a message, ascending, for property tests. */
import fc from 'fast-check';
import type { Position } from '../../persistence.ts';
import { compareBounds, FIRST, ID_BYTES, INFINITY } from './bounds.ts';
import type { Range } from './codec.ts';

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const anyBound: fc.Arbitrary<Position> = fc.record({
  time: fc.record({
    timeMs: fc.oneof(
      fc.integer({ min: 0, max: 2 ** 47 - 1 }),
      fc.integer({ min: 1_780_000_000_000, max: 1_780_000_000_009 }),
    ),
    counter: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 65_535 })),
  }),
  id: fc.uint8Array({ maxLength: ID_BYTES }),
});

type Payload = Range extends infer R ? (R extends Range ? Omit<R, 'upper'> : never) : never;

const anyPayload: fc.Arbitrary<Payload> = fc.oneof(
  fc.constant({ mode: 'skip' as const }),
  fc.record({ mode: fc.constant('fingerprint' as const), fingerprint: bytesOf(16) }),
  fc.record({ mode: fc.constant('idList' as const), ids: fc.array(bytesOf(32), { maxLength: 4 }) }),
);

/** With or without a range up to infinity. */
export const anyRanges: fc.Arbitrary<Range[]> = fc
  .tuple(fc.array(fc.tuple(anyBound, anyPayload), { maxLength: 12 }), fc.option(anyPayload))
  .map(([ranges, last]) => {
    const sorted = ranges.sort(([a], [b]) => compareBounds(a, b));
    const distinct = sorted.filter(([upper], i) => compareBounds(sorted[i - 1]?.[0] ?? FIRST, upper) < 0);
    const all = distinct.map(([upper, payload]): Range => ({ upper, ...payload }));
    return last === null ? all : [...all, { upper: INFINITY, ...last }];
  });
