import { expect, it } from 'vitest';
import { LIMITS } from '../../api/client/index.ts';
import { BRIDGE_LIMITS } from './names.ts';

it('the limits that the plugin repeats, to stay small, are those of the daemon', () => {
  expect(BRIDGE_LIMITS.partsMax).toBe(LIMITS.answerPartsMax);
  expect(BRIDGE_LIMITS.channelBytesMax).toBe(LIMITS.channelBytesMax);
});
