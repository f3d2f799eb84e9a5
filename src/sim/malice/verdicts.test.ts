import { describe, expect, it } from 'vitest';
import { createBad, talk } from '../testing/malice-world.ts';
import { forger } from './forger.ts';
import { MALICE_KINDS } from './index.ts';
import { describeVerdict } from './verdicts.ts';

describe('the verdict on a malicious peer', () => {
  it('says what it did, how often others noticed, and who banned it', () => {
    const { world, verdict } = createBad({
      kind: 'forger',
      create: (hand) =>
        forger(hand, { share: 1, transitShare: 0, most: 16, only: ['into the feed of another'] }),
    });
    talk(world, 20);
    expect(describeVerdict(verdict())).toBe(
      'M, forger: 32 offences, banned by R1, R2; sent into the feed of another (32)',
    );
  });

  it('names the most frequent deeds only', () => {
    const deeds = { a: 5, b: 4, c: 3, d: 2, e: 1, f: 1 };
    const line = describeVerdict({ name: 'm1', kind: 'nagger', deeds, offences: 0, bannedBy: [] });
    expect(line).toBe('m1, nagger: 0 offences, banned by nobody; a (5), b (4), c (3), d (2), 2 more');
  });

  it.each(MALICE_KINDS)('says what a %s did in a small mesh, without options of a test', (kind) => {
    const { world, verdict } = createBad({
      kind,
      peers: {
        R1: { fixed: ['R2', 'M'], joined: ['dev'] },
        R2: { fixed: ['M'], joined: ['dev'] },
        A: { fixed: ['M', 'R1'], joined: ['dev'] },
        B: { fixed: ['R2'], joined: ['dev'] },
      },
    });
    talk(world, 12);
    expect(Object.keys(verdict().deeds)).not.toEqual([]);
    world.end();
  });
});
