/** A million damaged sealed records: none opens, and none throws. */
import { expect, it } from 'vitest';
import { equal, utf8 } from '../core/bytes.ts';
import { fuzz, fuzzRounds } from '../core/fuzz.fixture.ts';
import { Random } from '../core/random.ts';
import { damage, pick } from '../core/wire/damage.fixture.ts';
import { createOpener, createSealer } from './index.ts';

it('a damaged record never opens, and the one that was sealed does', () => {
  const random = new Random(utf8('fuzz sealed records, seed 1'));
  const key = new Uint8Array(32).fill(7);
  const frames = [[utf8('one frame')], [utf8('two'), utf8('frames')], [], [new Uint8Array(500)]];
  const originals: readonly Uint8Array[] = frames.map((some) => createSealer(key)(some));
  let opened = 0;
  fuzz(fuzzRounds(1_000_000), () => {
    const original = pick(random, originals);
    const bytes = damage(random, original, pick(random, originals));
    const found = createOpener(key)(bytes);
    const isOriginal = originals.some((one) => equal(one, bytes));
    if ((found !== undefined) !== isOriginal)
      throw new Error(`opened ${found !== undefined}: ${Buffer.from(bytes).toString('hex')}`);
    if (isOriginal) opened += 1;
  });
  expect(opened).toBeGreaterThan(0); // damage that changed nothing
});
