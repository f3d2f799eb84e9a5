/** Buckets are told at the pace of whoever reads them. */
import { describe, expect, it } from 'vitest';
import { LIMITS, SECOND } from '../limits.ts';
import { Bench, tagOf } from '../peer.fixture.ts';
import { MINUTE_END } from '../persistence.ts';
import type { Remote } from '../remote.fixture.ts';

const CHANNELS = ['a', 'b', 'c', 'd'];

/** A leaf that reads nothing for now, and shows sums of four channels that all differ. */
function reader(): { bench: Bench; remote: Remote } {
  const bench = new Bench({ state: { joined: CHANNELS } });
  const remote = bench.connect('reader', { relay: false });
  const set = CHANNELS.map((channel) => ({ tag: tagOf(channel), floorHour: 1 }));
  remote.send({ type: 'holds', reset: false, set, unset: [] });
  bench.run(100);
  remote.isReadingSlowly = true;
  const sums = set.map((one) => ({ ...one, fingerprint: new Uint8Array(16).fill(1) }));
  remote.send({ type: 'sums', untilMinute: MINUTE_END, sums });
  bench.run(100);
  return { bench, remote };
}

describe('buckets of channels that differ', () => {
  it('are told one channel after the other, each when the last has left', () => {
    const { bench, remote } = reader();
    for (let told = 1; told <= CHANNELS.length; told++) {
      expect(remote.got('buckets')).toHaveLength(told);
      bench.flushed(remote.link);
      bench.run(100);
    }
    expect(remote.got('buckets').map(({ tag }) => tag)).toEqual(CHANNELS.map(tagOf));
  });

  it('go on where nobody tells that a frame has left', () => {
    const { bench, remote } = reader();
    bench.run(CHANNELS.length * (LIMITS.requestMs + 2 * SECOND));
    expect(remote.got('buckets')).toHaveLength(CHANNELS.length);
    expect(bench.peer.footprint().bucketsToTellOneLink?.size).toBe(0);
  });

  it('wait for a reader in bounded room', () => {
    const { bench, remote } = reader();
    const { sums } = remote.got('sums')[0] ?? { sums: [] };
    const other = sums.map((sum) => ({ ...sum, fingerprint: new Uint8Array(16).fill(2) }));
    const many = Array.from({ length: LIMITS.sumsPerFrameMax }, (_, i) => ({
      ...{ tag: tagOf(`made up ${i}`), floorHour: 1 },
      fingerprint: new Uint8Array(16),
    }));
    for (let i = 0; i < 2 * LIMITS.comparesMax; i++)
      remote.send({ type: 'sums', untilMinute: MINUTE_END, sums: i % 2 === 0 ? other : many });
    bench.run(SECOND);
    expect(bench.peer.footprint().bucketsToTellOneLink?.size).toBeLessThanOrEqual(
      CHANNELS.length * (LIMITS.comparesMax + 2),
    );
    expect(remote.got('buckets')).toHaveLength(1);
  });
});
