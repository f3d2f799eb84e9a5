import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyFrame } from '../core/wire/frames.fixture.ts';
import { encodeFrame, type Frame } from '../core/wire/frames.ts';
import { FRAME_NAMES } from './frame-names.ts';

it('names every frame by the number that it has on the wire', () => {
  for (const [type, arbitrary] of Object.entries(anyFrame)) {
    const [frame] = fc.sample(arbitrary as fc.Arbitrary<Frame>, 1);
    expect(FRAME_NAMES[encodeFrame(frame as Frame)[1] as number]).toBe(type);
  }
});
