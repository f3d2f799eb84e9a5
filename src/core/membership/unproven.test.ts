/** Addresses for which nobody vouches, such as those of local discovery, obey the rules for what peers name. */
import { expect, it } from 'vitest';
import { MINUTE } from '../limits.ts';
import { Bench } from '../peer.fixture.ts';

function dials(event: { readonly unproven?: boolean }): number {
  const bench = new Bench();
  const addresses = [1, 2, 3].map((n) => ({ url: `ws://192.168.1.9:500${n}/`, peer: '' }));
  bench.event({
    kind: 'addresses',
    source: 'local network',
    scope: 'private',
    fixed: false,
    addresses,
    ...event,
  });
  bench.run(5 * MINUTE);
  expect(bench.of('dial').every(({ scope }) => scope === 'private')).toBe(true);
  return bench.of('dial').length;
}

it('one host is dialled once in ten minutes, however many ports of it somebody on the local network names', () => {
  expect(dials({ unproven: true })).toBe(1);
  expect(dials({})).toBe(3);
});
