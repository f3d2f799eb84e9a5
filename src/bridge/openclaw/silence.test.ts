import { expect, it } from 'vitest';
import { withSilence } from './silence.ts';

it('allows silence on this channel and keeps everything else', () => {
  const before = { surfaces: { telegram: { x: 1 }, mesh: { y: 2 } }, other: true };
  expect(withSilence(before)).toEqual({
    surfaces: { telegram: { x: 1 }, mesh: { y: 2, silentReply: { group: 'allow' } } },
    other: true,
  });
  expect(withSilence({})).toEqual({ surfaces: { mesh: { silentReply: { group: 'allow' } } } });
});

it('leaves what the owner has decided', () => {
  const config = { surfaces: { mesh: { silentReply: { group: 'disallow' } } } };
  expect(withSilence(config)).toBe(config);
});
