/** A map by kind and relay behaves as one by a text made of both would. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RecordKind } from '../wire/frame.ts';
import { HeadMap } from './head-map.ts';

interface Step {
  readonly does: 'set' | 'delete';
  readonly kind: RecordKind;
  readonly peer: string;
  readonly value: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    does: fc.constantFrom('set', 'delete'),
    kind: fc.constantFrom<RecordKind>(1, 2),
    peer: fc.constantFrom('a', 'b', 'c', 'd'),
    value: fc.nat(),
  }),
);

it('has what was set last, in the order in which it came first', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const map = new HeadMap<number>();
      const plain = new Map<string, number>();
      for (const { does, kind, peer, value } of taken) {
        const head = { kind, peer };
        if (does === 'set') {
          map.set(head, value);
          plain.set(`${kind}:${peer}`, value);
        } else {
          map.delete(head);
          plain.delete(`${kind}:${peer}`);
        }
        expect(map.get(head)).toBe(plain.get(`${kind}:${peer}`));
        expect(map.has(head)).toBe(plain.has(`${kind}:${peer}`));
      }
      expect([...map.values()]).toEqual([...plain.values()]);
      expect(map.size).toBe(plain.size);
      map.clear();
      expect([...map.values()]).toEqual([]);
    }),
  );
});

it('may lose what it has just given while it is gone through', () => {
  const map = new HeadMap<{ kind: RecordKind; peer: string }>();
  const heads = [1, 2, 2, 1, 1].map((kind, i) => ({ kind: kind as RecordKind, peer: `${i}` }));
  for (const head of heads) map.set(head, head);
  const met: unknown[] = [];
  for (const head of map.values()) {
    met.push(head);
    map.delete(head);
  }
  expect(met).toEqual(heads);
  expect(map.size).toBe(0);
});
