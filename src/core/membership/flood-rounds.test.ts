/** Asking for records and being asked: nothing goes round in circles, nothing that was announced is forgotten. */
import { describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../bytes.ts';
import { HOUR, LIMITS, MINUTE, SECOND } from '../limits.ts';
import { authorOf, sha256 } from '../message/message.fixture.ts';
import { Bench, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import type { RecordHead } from '../wire/frame.ts';
import {
  deltaRecord,
  idOf,
  interestRecord,
  peerRecord,
  type Sealed,
  sendRecords,
  signed,
} from './records.fixture.ts';
import { decodeRecord } from './records.ts';
import { TagSet } from './tag-set.ts';

const far = authorOf('far relay');
const anybody = authorOf('anybody');
const named = (name: string): string => toBase64url(sha256(utf8(name)));

function beside(): { bench: Bench; left: Remote; seq: number } {
  const bench = new Bench();
  const left = bench.connect('left', { relay: true });
  bench.run(3 * SECOND);
  left.clear();
  return { bench, left, seq: Math.floor(bench.now.wallMs) };
}

const wants = (remote: Remote): RecordHead[] => remote.got('want').flatMap(({ heads }) => heads);
const head = (kind: 1 | 2, peer: string, sequence: number): RecordHead => ({ kind, peer, sequence });
const peerOf = (peer: string, sequence: number): Sealed =>
  signed(anybody, {
    ...{ kind: 1, peer, sequence, urls: [], links: [], costs: [] },
    expiresMs: sequence + HOUR,
  });

describe('a relay that signs two chains', () => {
  it('is asked for once where they meet, and not again and again', () => {
    const { bench, left, seq } = beside();
    sendRecords(left, peerRecord(far, { sequence: seq }), interestRecord(far, seq + 5, [tagOf('b')]));
    const other = [
      interestRecord(far, seq, [tagOf('a')]),
      deltaRecord(far, [seq, seq + 10], { added: [tagOf('c')] }),
    ];
    left.clear();
    left.send({ type: 'have', heads: [head(2, idOf(far), seq + 10)] });
    let rounds = 0;
    for (; wants(left).length > 0 && rounds < 50; rounds++) {
      left.clear();
      sendRecords(left, ...other);
    }
    bench.run(MINUTE);
    expect([rounds, wants(left), bench.reports('offence')]).toEqual([1, [], []]);
  });
});

describe('what was announced', () => {
  it.each([500, 1500, 2500])('while an older one was asked for is asked for %d ms later', (gapMs) => {
    const { bench, left, seq } = beside();
    const peer = idOf(far);
    left.send({ type: 'have', heads: [head(1, peer, seq + 10), head(2, peer, seq)] });
    sendRecords(left, peerRecord(far, { sequence: seq + 10 }));
    sendRecords(left, interestRecord(far, seq, [tagOf('a')]));
    left.clear();
    bench.run(gapMs);
    left.send({ type: 'have', heads: [head(2, peer, seq + 2000)] });
    bench.run(5 * SECOND);
    expect(wants(left)).toEqual([head(2, peer, seq)]);
  });

  it('of new relays comes when there is room again, though the neighbour has used up its rate', () => {
    const { bench, left } = beside();
    bench.isCredulous = true;
    const many = (count: number, name: string) =>
      Array.from({ length: count }, (_, i) => named(`${name} ${i}`));
    let seq = Math.floor(bench.now.wallMs);
    const first = many(LIMITS.newRelaysBurst - 2, 'first');
    for (let i = 0; i < first.length; i += 64)
      sendRecords(left, ...first.slice(i, i + 64).map((peer) => peerOf(peer, seq)));
    bench.wallOffsetMs += 2 * HOUR;
    bench.run(SECOND);
    seq = Math.floor(bench.now.wallMs);
    left.clear();
    left.send({ type: 'have', heads: many(16, 'honest').map((peer) => head(1, peer, seq)) });
    for (let second = 0; second < 20; second++) {
      const asked = wants(left).filter(({ kind }) => kind === 1);
      left.clear();
      if (asked.length > 0) sendRecords(left, ...asked.map(({ peer }) => peerOf(peer, seq)));
      bench.run(SECOND);
    }
    expect(bench.peer.footprint().relays?.size).toBe(17);
  });

  it('does not wait for relays that have no interest', () => {
    const { bench, left, seq } = beside();
    bench.isCredulous = true;
    const silent = Array.from({ length: 100 }, (_, i) => named(`silent ${i}`));
    for (let i = 0; i < silent.length; i += 50)
      sendRecords(left, ...silent.slice(i, i + 50).map((peer) => peerOf(peer, seq)));
    left.clear();
    left.send({ type: 'have', heads: [head(1, idOf(far), seq)] });
    expect(wants(left)).toEqual([head(1, idOf(far), 0)]);
  });
});

describe('after a machine has slept for hours', () => {
  it('interest is told in full, because nobody takes the old record that deltas build on', () => {
    const { bench, left } = beside();
    bench.join('dev');
    bench.run(10 * SECOND);
    bench.wallOffsetMs += 3 * HOUR;
    bench.run(SECOND);
    bench.join('ops');
    bench.run(MINUTE);
    left.clear();
    left.send({ type: 'want', heads: [head(1, bench.peerId, 0), head(2, bench.peerId, 0)] });
    const records = left.got('records').flatMap((frame) => frame.records);
    expect(records.length).toBeGreaterThanOrEqual(2);
    for (const { bytes } of records) {
      const sequence = decodeRecord(bytes)?.sequence ?? 0;
      expect(bench.now.wallMs - sequence).toBeLessThan(2 * MINUTE);
    }
  });
});

describe('who asks for much', () => {
  const LARGE = new TagSet(
    false,
    Uint32Array.from({ length: 40_000 }, (_, i) => 90_000 * i + 7),
  );

  it('gets each record once, and the next frame when the last has left', () => {
    const { bench, left, seq } = beside();
    bench.isCredulous = true;
    const peers = ['one', 'two', 'three'].map(named);
    for (const peer of peers)
      sendRecords(left, peerOf(peer, seq), signed(anybody, { kind: 2, peer, sequence: seq, tags: LARGE }));
    left.clear();
    const heads = Array.from({ length: 900 }, (_, i) => head(2, peers[i % 3] as string, 0));
    const before = bench.of('send').length;
    left.send({ type: 'want', heads });
    expect(bench.of('send').length - before).toBeLessThanOrEqual(1);
    bench.run(SECOND);
    const records = left.got('records').flatMap((frame) => frame.records);
    expect(records.map(({ bytes }) => decodeRecord(bytes)?.peer)).toEqual(peers);
  });
});
