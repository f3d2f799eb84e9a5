/** Malicious peers of every kind at once, over real sockets, against real daemons; longer in `attack.long.test.ts`. */
import { expect, it } from 'vitest';
import { playAttack } from './testing/attack.ts';

it('daemons under every attack at once serve honest people, blame none of them, and stay small', async () => {
  const { messages, done } = await playAttack({ each: 1, seconds: 15, from: 0, growthMax: 2 });
  expect(messages).toBeGreaterThan(15);
  for (const [kind, times] of done) expect(times, kind).toBeGreaterThan(0);
});
