import { expect, it } from 'vitest';
import { Lanes } from './lanes.ts';

it('lets one begin after the other in a session, and sessions beside each other', async () => {
  const lanes = new Lanes();
  const order: string[] = [];
  const first = lanes.enter('a');
  const second = lanes.enter('a');
  const other = lanes.enter('b');
  void second.turn.then(() => order.push('second'));
  await other.turn.then(() => order.push('other'));
  await first.turn.then(() => order.push('first'));
  first.leave();
  await second.turn;
  expect(order).toEqual(['other', 'first', 'second']);
});

it('forgets a session that nobody waits for', async () => {
  const lanes = new Lanes();
  const { turn, leave } = lanes.enter('a');
  await turn;
  leave();
  leave();
  await lanes.enter('a').turn;
  expect(lanes.size).toBe(1);
  const last = lanes.enter('b');
  last.leave();
  await last.turn;
  await Promise.resolve();
  expect(lanes.size).toBeLessThanOrEqual(2);
});
