/** Whom channels are kept for, and how often that is worked out. */
import { expect, it } from 'vitest';
import type { Context } from '../context.ts';
import { SECOND } from '../limits.ts';
import { AllKeptFor, keptFor } from './kept-for.ts';

it('names each group that wants a channel once, whatever their number and order', () => {
  const groups = Array.from({ length: 50 }, (_, n) => `10.${n}`);
  const claims = [...groups, ...groups].map((group) => [['a', 'b', 'a', group], group] as const);
  const found = keptFor(claims, []);
  expect([found.get('a'), found.get('b'), found.get('10.7')]).toEqual([groups, groups, ['10.7']]);
});

it('counts at once what somebody wants as well', () => {
  const ctx = { now: { monotonicMs: 0, wallMs: 0 } };
  const all = new AllKeptFor(ctx as Context, () => keptFor([[['old', 'shared'], '10.1']], [['asked']]));
  all.recent();
  for (const tag of ['new', 'shared', 'asked']) all.claimed(tag, '10.2');
  all.claimed('shared', '10.2');
  expect(['old', 'new', 'shared', 'asked'].map((tag) => all.recent().get(tag))).toEqual([
    ['10.1'],
    ['10.2'],
    ['10.1', '10.2'],
    'anybody',
  ]);
  all.carried('new');
  all.claimed('old', undefined);
  all.carried('old');
  expect(['new', 'old'].map((tag) => all.recent().get(tag))).toEqual(['anybody', 'known']);
  expect(all.now().get('new')).toBeUndefined();
});

it('is worked out again once a second where messages ask, and at once where it decides', () => {
  const ctx = { now: { monotonicMs: 0, wallMs: 0 } };
  let worked = 0;
  const all = new AllKeptFor(ctx as Context, () => new Map([[`${++worked}`, 'known']]));
  const asked = (found: ReadonlyMap<string, unknown>) => [...found.keys()].join();
  expect(asked(all.recent())).toBe('1');
  all.changed();
  expect([asked(all.recent()), asked(all.now()), asked(all.now())]).toEqual(['1', '2', '2']);
  for (let n = 0; n < 1000; n++) {
    all.changed();
    expect(asked(all.recent())).toBe('2');
  }
  ctx.now.monotonicMs += SECOND;
  expect([asked(all.recent()), worked]).toEqual(['3', 3]);
  ctx.now.monotonicMs += SECOND;
  expect([asked(all.recent()), worked]).toEqual(['3', 3]);
});
