/** Records are asked of one neighbour only, and of the next one if they do not come. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import { headOf, peerRecord, sendRecords } from './records.fixture.ts';

function among(): { bench: Bench; remotes: [Remote, Remote, Remote]; seq: number } {
  const bench = new Bench();
  const remotes = ['a', 'b', 'c'].map((name) => bench.connect(name, { relay: true }));
  bench.run(3000);
  for (const remote of remotes) remote.clear();
  return { bench, remotes: remotes as [Remote, Remote, Remote], seq: Math.floor(bench.now.wallMs) };
}

/** How often each was asked for a peer record. */
const wants = (remotes: readonly Remote[]): number[] =>
  remotes.map(
    (remote) => remote.got('want').filter(({ heads }) => heads.some(({ kind }) => kind === 1)).length,
  );

describe('a record that several announce', () => {
  it('is asked of the first, and told to nobody who has it', () => {
    const { bench, remotes, seq } = among();
    const [a, b, c] = remotes;
    const record = peerRecord(authorOf('far'), { sequence: seq });
    for (const remote of [a, b]) remote.send({ type: 'have', heads: [headOf(record)] });
    expect(wants(remotes)).toEqual([1, 0, 0]);
    sendRecords(a, record);
    bench.run(LIMITS.headsMs);
    bench.run(3 * LIMITS.recordAskMs);
    expect(remotes.map((remote) => remote.got('have').flatMap(({ heads }) => heads))).toEqual([
      [],
      [],
      [headOf(record)],
    ]);
    expect(wants(remotes)).toEqual([1, 0, 0]);
    expect(c.got('have')).toHaveLength(1);
    expect(bench.peer.footprint().recordOffers?.size).toBe(0);
  });

  it('is asked of the next where the first does not send it, whatever it said', () => {
    const { bench, remotes, seq } = among();
    const [a, b] = remotes;
    const record = peerRecord(authorOf('far'), { sequence: seq });
    a.send({ type: 'have', heads: [{ ...headOf(record), sequence: seq + 1000 }] });
    b.send({ type: 'have', heads: [headOf(record)] });
    bench.run(LIMITS.recordAskMs + 1000);
    expect(wants(remotes)).toEqual([1, 1, 0]);
    sendRecords(b, record);
    bench.run(3 * LIMITS.recordAskMs);
    // Now that something came it may have the newer one that it spoke of.
    expect(wants(remotes)).toEqual([2, 1, 0]);
    expect(bench.peer.footprint().recordOffers?.size).toBe(0);
  });

  it('is told to nobody who announced it while it waited to be told', () => {
    const { bench, remotes, seq } = among();
    const [a, b, c] = remotes;
    const record = peerRecord(authorOf('far'), { sequence: seq });
    sendRecords(a, record);
    b.send({ type: 'have', heads: [headOf(record)] });
    bench.run(LIMITS.headsMs);
    expect([b.got('have').length, c.got('have').length]).toEqual([0, 1]);
  });

  it('is not asked for if nobody could take it', () => {
    const { remotes, bench, seq } = among();
    const [a] = remotes;
    const heads = [{ ...headOf(peerRecord(authorOf('far'), { sequence: seq })), sequence: 2 ** 53 - 1 }];
    a.send({ type: 'have', heads });
    expect(wants(remotes)).toEqual([0, 0, 0]);
    expect(bench.peer.footprint().recordOffers?.size).toBe(0);
  });

  it('takes bounded room and is asked for a few at a time, and what others announce is asked for at once', () => {
    const { bench, remotes, seq } = among();
    const [a, b] = remotes;
    const peers = LIMITS.recordOffersMax / LIMITS.recordHeadsMax + 1;
    for (let i = 0; i < peers; i++) {
      const heads = Array.from({ length: LIMITS.recordHeadsMax }, (_, k) => {
        const key = new Uint8Array(32);
        key.set([i, k >> 8, k & 255]);
        return { kind: 1 as const, peer: Buffer.from(key).toString('base64url'), sequence: seq };
      });
      a.send({ type: 'have', heads });
    }
    expect(bench.peer.footprint().recordOffers?.size).toBe(LIMITS.recordOffersMax);
    const beyond = peers * LIMITS.recordHeadsMax - LIMITS.recordOffersMax;
    expect(a.got('want').flatMap(({ heads }) => heads)).toHaveLength(LIMITS.recordsAskedMax + beyond);
    const record = peerRecord(authorOf('far'), { sequence: seq });
    b.send({ type: 'have', heads: [headOf(record)] });
    expect(wants(remotes)[1]).toBe(1);
    sendRecords(b, record);
    bench.run(LIMITS.headsMs);
    expect(remotes[2].got('have').flatMap(({ heads }) => heads)).toEqual([headOf(record)]);
  });
});
