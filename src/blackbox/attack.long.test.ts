/** The idea of `attack.blackbox.test.ts`, for as long as it takes memory to show where it goes. */
import { expect, it } from 'vitest';
import { playAttack } from './testing/attack.ts';

/** At a tenth of it, what is kept for two minutes is full. */
const SECONDS = 1500;

it('daemons under every attack for long need no more memory at the end than at a tenth of it', async () => {
  const { messages, done } = await playAttack({ each: 2, seconds: SECONDS, from: 0.1, growthMax: 1.2 });
  expect(messages).toBeGreaterThan(SECONDS);
  for (const [kind, times] of done) expect(times, kind).toBeGreaterThan(0);
});
