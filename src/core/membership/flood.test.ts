/** Flooding of records, seen from one relay between two neighbours. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { HOUR, LIMITS } from '../limits.ts';
import { type Author, authorOf, sha256 } from '../message/message.fixture.ts';
import { Bench, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import type { RecordHead } from '../wire/frame.ts';
import { headOf, idOf, interestRecord, peerRecord, type Sealed, sendRecords } from './records.fixture.ts';
import { decodeRecord, encodeRecord, type PeerRecord } from './records.ts';

interface Between {
  readonly bench: Bench;
  readonly left: Remote;
  readonly right: Remote;
  readonly far: Author;
  /** a sequence that fits the wall clock */
  readonly seq: number;
}

/** A relay between two relays, with its own records out. */
function between(state: { recordSequence?: number } = {}): Between {
  const bench = new Bench({ state });
  const left = bench.connect('left', { relay: true });
  const right = bench.connect('right', { relay: true });
  bench.run(3000);
  left.clear();
  right.clear();
  return { bench, left, right, far: authorOf('far relay'), seq: Math.floor(bench.now.wallMs) };
}

const seq2030 = Date.UTC(2030, 0, 1);
/** What it was told, once what was gathered has been sent. */
const heads = (remote: Remote): RecordHead[] => {
  remote.wait(LIMITS.headsMs);
  return remote.got('have').flatMap((frame) => frame.heads);
};
const wants = (remote: Remote): RecordHead[] => remote.got('want').flatMap((frame) => frame.heads);

describe('the flood', () => {
  it('wants what is new, once it is announced, and nothing that it has', () => {
    const { left, far, seq } = between();
    const record = peerRecord(far, { sequence: seq });
    left.send({ type: 'have', heads: [headOf(record)] });
    expect(wants(left)).toEqual([{ ...headOf(record), sequence: 0 }]);
    sendRecords(left, record);
    left.clear();
    const again = [headOf(record), { ...headOf(record), sequence: seq - 1 }];
    left.send({ type: 'have', heads: again });
    expect(left.frames).toEqual([]);
    left.send({ type: 'have', heads: [{ ...headOf(record), sequence: seq + 1 }] });
    expect(wants(left)).toHaveLength(1);
  });

  it('passes a record on once it has verified it, not back, and not twice', () => {
    const { bench, left, right, far, seq } = between();
    const record = peerRecord(far, { sequence: seq });
    bench.hold('verify');
    sendRecords(left, record);
    expect(heads(right)).toEqual([]);
    bench.release('verify');
    expect(heads(right)).toEqual([headOf(record)]);
    expect(heads(left)).toEqual([]);
    sendRecords(left, record);
    sendRecords(right, record);
    expect([heads(left), heads(right)]).toEqual([[], [headOf(record)]]);
  });

  it('serves what it passed on, byte for byte, and nothing for what it lacks', () => {
    const { left, right, far, seq } = between();
    const record = peerRecord(far, { sequence: seq, urls: ['ws://far.example/'] });
    sendRecords(left, record);
    right.send({
      type: 'want',
      heads: [
        headOf(record),
        { kind: 1, peer: idOf(far), sequence: 0 },
        { kind: 2, peer: idOf(far), sequence: 0 },
      ],
    });
    expect(right.got('records')).toEqual([
      { type: 'records', records: [{ bytes: record.bytes, signature: record.signature }] },
    ]);
  });

  it('tells a new neighbour all it has, its own records among it', () => {
    const { bench, left, far, seq } = between();
    const record = interestRecord(far, seq, [tagOf('dev')]);
    sendRecords(left, peerRecord(far, { sequence: seq }), record);
    const late = bench.connect('late', { relay: true });
    expect(heads(late)).toEqual(expect.arrayContaining([headOf(record)]));
    const own = heads(late).filter(({ peer }) => peer === bench.peerId);
    expect(new Set(own.map(({ kind }) => kind))).toEqual(new Set([1, 2]));
  });

  it('takes the higher sequence, in whatever order the two come', () => {
    const { left, right, far, seq } = between();
    const [old, young] = [peerRecord(far, { sequence: seq - 5 }), peerRecord(far, { sequence: seq })];
    sendRecords(left, young);
    sendRecords(left, old);
    expect(heads(right)).toEqual([headOf(young)]);
    const both = between();
    sendRecords(both.left, young, old);
    expect(heads(both.right)).toEqual([headOf(young)]);
    both.right.send({ type: 'want', heads: [{ ...headOf(young), sequence: 0 }] });
    expect(both.right.got('records')[0]?.records).toEqual([
      { bytes: young.bytes, signature: young.signature },
    ]);
  });

  const forgeries: readonly (readonly [string, (record: Sealed, far: Author) => Sealed])[] = [
    ['signed by another', (record) => ({ ...record, signature: authorOf('mallory').sign(record.bytes) })],
    ['with a junk signature', (record) => ({ ...record, signature: new Uint8Array(64).fill(1) })],
    [
      'with the signature of another record',
      (record, far) => ({ ...record, signature: interestRecord(far, 5, []).signature }),
    ],
    [
      'altered',
      (record, far) => ({
        ...record,
        bytes: peerRecord(far, { sequence: record.content.sequence + 1 }).bytes,
      }),
    ],
  ];

  it.each(forgeries)(
    'refuses a record %s, blames the sender, and still takes the genuine one',
    (_, forge) => {
      const { bench, left, right, far, seq } = between();
      const genuine = peerRecord(far, { sequence: seq });
      sendRecords(left, forge(genuine, far));
      expect(bench.reports('offence')).toMatchObject([
        { code: 'invalid_signature', data: { peer: left.id } },
      ]);
      expect(heads(right)).toEqual([]);
      sendRecords(right, genuine);
      expect(heads(left)).toEqual([headOf(genuine)]);
    },
  );

  it('takes a genuine record that first came together with one that is none', () => {
    const { bench, left, right, far, seq } = between();
    const genuine = peerRecord(far, { sequence: seq });
    sendRecords(left, genuine, { ...genuine, bytes: new Uint8Array(9).fill(0xff) });
    expect(bench.reports('offence')).toHaveLength(1);
    sendRecords(right, genuine);
    right.send({ type: 'want', heads: [{ ...headOf(genuine), sequence: 0 }] });
    expect(right.got('records')).toHaveLength(1);
  });

  it('verifies one record once, however often it comes meanwhile', () => {
    const { bench, left, right, far, seq } = between();
    bench.hold('verify');
    const mark = bench.mark;
    const record = peerRecord(far, { sequence: seq });
    for (let i = 0; i < 5; i++) for (const remote of [left, right]) sendRecords(remote, record, record);
    expect(bench.of('verify', mark).flatMap(({ checks }) => checks)).toHaveLength(1);
    bench.release('verify');
    expect(heads(right)).toHaveLength(1);
  });
});

describe('own records', () => {
  it('begin above the sequence of an earlier life and follow the wall clock', () => {
    const { bench, seq } = between({ recordSequence: 5 });
    expect(bench.ops('record-sequence').every(({ sequence }) => Math.abs(sequence - seq) < 5000)).toBe(true);
    const ahead = between({ recordSequence: seq + HOUR / 2 });
    const sequences = ahead.bench.ops('record-sequence').map(({ sequence }) => sequence);
    expect(sequences.every((sequence) => sequence > seq + HOUR / 2)).toBe(true);
    expect([...sequences].sort((a, b) => a - b)).toEqual(sequences);
  });

  it('begin at the wall clock if it was a year ahead once: no neighbour took a record like that', () => {
    const { bench, left, seq } = between({ recordSequence: seq2030 });
    expect(bench.ops('record-sequence').every(({ sequence }) => Math.abs(sequence - seq) < 5000)).toBe(true);
    sendRecords(left, peerRecord(bench.key, { sequence: seq2030, expiresMs: seq2030 + HOUR }));
    bench.run(3000);
    expect(heads(left)).toEqual([]);
  });

  it('overtake one from an earlier life that is still in the mesh', () => {
    const { bench, left, seq } = between();
    const former = peerRecord(bench.key, { sequence: seq + 60_000, urls: ['ws://gone.example/'] });
    left.send({ type: 'have', heads: [headOf(former)] });
    sendRecords(left, former);
    bench.run(3000);
    const own = heads(left).filter(({ peer }) => peer === bench.peerId);
    expect(own.map(({ kind }) => kind).sort()).toEqual([1, 2]);
    expect(own.every(({ sequence }) => sequence > seq + 60_000)).toBe(true);
    expect(bench.ops('record-sequence').at(-1)?.sequence).toBe(own[0]?.sequence);
  });

  it('are not driven up by somebody who merely says that there is a newer one', () => {
    const { bench, left, seq } = between();
    for (let i = 1; i <= 20; i++) {
      left.send({ type: 'have', heads: [{ kind: 1, peer: bench.peerId, sequence: seq + i * 1000 }] });
      sendRecords(left, {
        ...peerRecord(bench.key, { sequence: seq + i * 1000 }),
        signature: new Uint8Array(64),
      });
      bench.run(1500);
    }
    expect(heads(left)).toEqual([]);
  });

  it('change at most once a second, rarer while they go on, and are renewed every 20 minutes', () => {
    const { bench, left } = between();
    const flap = (ms: number): number => {
      left.clear();
      for (let i = 0; i < ms / 100; i++) {
        bench.join(`channel ${bench.nowMs}`);
        bench.run(100);
      }
      return heads(left).length;
    };
    expect(flap(5000)).toBeLessThanOrEqual(4);
    flap(60_000);
    expect(flap(60_000)).toBe(2);
    bench.run(4 * LIMITS.recordFlapMs);
    expect(flap(100)).toBe(1);
    bench.run(5000);
    left.clear();
    bench.run(LIMITS.recordRefreshMs + 2000);
    expect(heads(left).map(({ kind }) => kind)).toEqual([1, 2]);
  });

  it('list the neighbours that are relays and the addresses that were dialled', () => {
    const { bench, left, right } = between();
    bench.connect('leaf', { live: true });
    bench.run(2000);
    left.send({ type: 'want', heads: [{ kind: 1, peer: bench.peerId, sequence: 0 }] });
    const [record] = left.got('records').flatMap(({ records }) => records);
    const content = record && decodeRecord(record.bytes);
    const { costs } = content as PeerRecord;
    expect(costs).toHaveLength(2);
    const links = [left.id, right.id].sort();
    const sequence = bench.ops('record-sequence').filter(({ sequence: n }) => n > 0);
    const urls = ['ws://subject.example:5000/'];
    const matches = sequence.some(({ sequence: n }) => {
      const expected = peerRecord(bench.key, { sequence: n, urls, links, costs });
      return (
        expected.bytes.join() === record?.bytes.join() &&
        expected.signature.join() === record.signature.join()
      );
    });
    expect(matches).toBe(true);
  });
});

describe('records of others', () => {
  it('are refused when they have expired, and forgotten when they do', () => {
    const { bench, left, right, far, seq } = between();
    sendRecords(left, peerRecord(far, { sequence: seq, expiresMs: seq - 1 }));
    expect(heads(right)).toEqual([]);
    sendRecords(left, peerRecord(far, { sequence: seq, expiresMs: seq + 10_000, links: [left.id] }));
    expect(heads(right)).toHaveLength(1);
    bench.run(12_000);
    right.clear();
    right.send({ type: 'want', heads: [{ kind: 1, peer: idOf(far), sequence: 0 }] });
    expect(right.frames.filter(({ type }) => type === 'records')).toEqual([]);
  });

  it('live no longer than the design lets them, whatever they claim', () => {
    const { bench, left, right, far, seq } = between();
    const claims = [
      peerRecord(far, { sequence: seq, expiresMs: 2 ** 53 - 1 }),
      peerRecord(authorOf('far 2'), { sequence: 2 ** 53 - 1, expiresMs: 2 ** 53 - 1 }),
      interestRecord(authorOf('far 3'), seq, [tagOf('dev')]),
      interestRecord(authorOf('far 4'), 2 ** 53 - 1, [tagOf('dev')]),
    ];
    sendRecords(left, ...claims);
    bench.run(4 * HOUR);
    right.clear();
    right.send({ type: 'want', heads: claims.map((claim) => ({ ...headOf(claim), sequence: 0 })) });
    expect(right.got('records')).toEqual([]);
  });

  it('make room for no more than 4096 relays, of which known ones may still change', () => {
    const { bench, left, right, seq } = between();
    const known = peerRecord(authorOf('known'), { sequence: seq });
    sendRecords(left, known);
    bench.isCredulous = true;
    for (let i = 0; i < LIMITS.relaysMax + 200; i += LIMITS.recordsPerFrameMax) {
      const invented = Array.from({ length: LIMITS.recordsPerFrameMax }, (_, k) => {
        const peer = toBase64url(sha256(Uint8Array.of((i + k) >> 8, (i + k) & 255)));
        const bytes = encodeRecord({
          kind: 1,
          peer,
          sequence: seq,
          urls: [],
          links: [],
          costs: [],
          expiresMs: seq + HOUR,
        });
        return { content: known.content, bytes, signature: known.signature };
      });
      sendRecords(left, ...invented);
    }
    // our own is one of them
    expect(heads(right)).toHaveLength(LIMITS.relaysMax - 1);
    right.clear();
    sendRecords(
      left,
      peerRecord(authorOf('known'), { sequence: seq + 1 }),
      peerRecord(authorOf('new'), { sequence: seq }),
    );
    expect(heads(right).map(({ sequence }) => sequence)).toEqual([seq + 1]);
    expect(bench.peer.footprint().relays?.size).toBeLessThanOrEqual(LIMITS.relaysMax);
  });
});
