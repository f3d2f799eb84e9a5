/** Interest told by deltas: what is served, what is taken, and what a wrong one can do. */
import { describe, expect, it } from 'vitest';
import { LIMITS, MINUTE, SECOND } from '../limits.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import {
  deltaRecord,
  filterRecord,
  idOf,
  interestIn,
  interestRecord,
  peerRecord,
  type Sealed,
  sendRecords,
  signed,
} from './records.fixture.ts';
import { decodeRecord } from './records.ts';
import { TagSet } from './tag-set.ts';

const far = authorOf('far relay');
const tags = (...names: string[]): string[] => names.map(tagOf);

function between() {
  const bench = new Bench();
  const [left, right] = [bench.connect('left', { relay: true }), bench.connect('right', { relay: true })];
  bench.run(3000);
  const seq = Math.floor(bench.now.wallMs);
  sendRecords(left, peerRecord(far, { sequence: seq }));
  for (const remote of [left, right]) remote.clear();
  return { bench, left, right, seq };
}

/** Kinds and sequences of what is sent to one who has interest of sequence `have`. */
function served(remote: Remote, peer: string, have: number): string[] {
  remote.clear();
  remote.send({ type: 'want', heads: [{ kind: 2, peer, sequence: have }] });
  remote.wait(1); // it has left: the next answer need not wait
  const records = remote.got('records').flatMap((frame) => frame.records);
  return records.map(({ bytes }) => {
    const content = decodeRecord(bytes);
    return `${content?.kind} ${content?.sequence}`;
  });
}

const interest = (remote: Remote, peer: string): TagSet | undefined =>
  interestIn(
    remote.got('records').flatMap(({ records }) => records),
    peer,
  );

describe('a delta of another relay', () => {
  it('changes what that one has interest in, is announced, and is served to those who have its base', () => {
    const { left, right, seq } = between();
    sendRecords(left, interestRecord(far, seq, tags('a', 'b')));
    sendRecords(left, deltaRecord(far, [seq, seq + 1], { added: tags('c'), removed: tags('a') }));
    sendRecords(left, deltaRecord(far, [seq + 1, seq + 2], { added: tags('d') }));
    right.wait(LIMITS.headsMs);
    expect(right.got('have').at(-1)?.heads).toContainEqual({ kind: 2, peer: idOf(far), sequence: seq + 2 });
    const all = [`2 ${seq}`, `3 ${seq + 1}`, `3 ${seq + 2}`];
    for (const [have, from] of [
      [0, 0],
      [seq, 1],
      [seq + 1, 2],
      [seq + 2, 3],
      [seq - 1, 0],
    ] as const)
      expect(served(right, idOf(far), have)).toEqual(all.slice(from));
    served(right, idOf(far), 0);
    expect(interest(right, idOf(far))).toEqual(TagSet.of(tags('b', 'c', 'd')));
  });

  it('applies to a filter, in upper halves', () => {
    const { bench, left, right, seq } = between();
    sendRecords(left, filterRecord(far, seq, tags('a', 'b')));
    const [added, removed] = [TagSet.of(tags('c')).toFilter(), TagSet.of(tags('a')).toFilter()];
    const exact = deltaRecord(far, [seq, seq + 1], { added: tags('c') });
    sendRecords(left, exact);
    expect(served(right, idOf(far), 0)).toEqual([`2 ${seq}`]);
    sendRecords(left, signedDelta(seq, added, removed));
    expect(served(right, idOf(far), 0)).toEqual([`2 ${seq}`, `3 ${seq + 1}`]);
    expect(interest(right, idOf(far))).toEqual(TagSet.of(tags('b', 'c')).toFilter());
    expect(bench.reports('offence')).toEqual([]);
  });

  it('whose base is not here is asked for in full, and taken then', () => {
    const { bench, left, right, seq } = between();
    const delta = deltaRecord(far, [seq, seq + 1], { added: tags('c') });
    sendRecords(left, delta);
    expect(left.got('want').at(-1)?.heads).toEqual([{ kind: 2, peer: idOf(far), sequence: 0 }]);
    sendRecords(left, interestRecord(far, seq, tags('a')), delta);
    expect(served(right, idOf(far), 0)).toEqual([`2 ${seq}`, `3 ${seq + 1}`]);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('may remove what is not there and add what is: sets stay sets', () => {
    const { left, right, seq } = between();
    sendRecords(left, interestRecord(far, seq, tags('a')));
    sendRecords(left, deltaRecord(far, [seq, seq + 1], { added: tags('a'), removed: tags('x', 'y') }));
    served(right, idOf(far), 0);
    expect(interest(right, idOf(far))).toEqual(TagSet.of(tags('a')));
  });

  it('beyond the bounds of its chain is left, and a full record goes on', () => {
    const { bench, left, right, seq } = between();
    const many = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => tagOf(`t ${from + n}`));
    sendRecords(left, interestRecord(far, seq, many(0, 100)));
    sendRecords(left, deltaRecord(far, [seq, seq + 1], { added: many(100, 200) }));
    expect(served(right, idOf(far), 0)).toEqual([`2 ${seq}`]);
    let last = seq;
    for (let n = 1; n <= LIMITS.deltasMax + 2; n++) {
      bench.run(2 * LIMITS.recordEveryMs);
      const next = seq + 10 * n;
      sendRecords(left, deltaRecord(far, [last, next], {}));
      last = next;
    }
    expect(served(right, idOf(far), seq).length).toBeLessThanOrEqual(LIMITS.deltasMax);
    expect(served(right, idOf(far), seq).length).toBeGreaterThan(5);
    sendRecords(left, interestRecord(far, last + 1, tags('a')));
    expect(served(right, idOf(far), seq)).toEqual([`2 ${last + 1}`]);
    expect(bench.reports('offence')).toEqual([]);
  });
});

function signedDelta(seq: number, added: TagSet, removed: TagSet): Sealed {
  return signed(far, { kind: 3, peer: idOf(far), sequence: seq + 1, base: seq, added, removed });
}

describe('own interest', () => {
  it('is told by deltas while it changes, and in full again after many of them and after an hour', () => {
    const { bench, right } = between();
    const kinds = (): string =>
      served(right, bench.peerId, 0)
        .map((one) => one[0])
        .join('');
    bench.join('dev');
    bench.run(2 * SECOND);
    bench.join('ops');
    bench.run(2 * MINUTE);
    expect(kinds()).toBe('233');
    expect(interest(right, bench.peerId)).toEqual(TagSet.of(tags('dev', 'ops')));
    for (let n = 0; n < 20; n++) {
      bench.join(`channel ${n}`);
      bench.run(2 * MINUTE);
    }
    expect(kinds()).toMatch(/^23{0,20}$/);
    expect(interest(right, bench.peerId)?.size).toBe(22);
    bench.run(LIMITS.recordFullMs + LIMITS.recordRefreshMs + MINUTE);
    expect(kinds()).toMatch(/^23{0,3}$/);
    expect(interest(right, bench.peerId)?.size).toBe(22);
  });

  it('of a new life begins in full', () => {
    const { bench } = between();
    bench.join('dev');
    bench.run(5 * SECOND);
    const reborn = new Bench({
      state: { recordSequence: bench.ops('record-sequence').at(-1)?.sequence ?? 0 },
    });
    const other = reborn.connect('right', { relay: true });
    reborn.run(3000);
    expect(served(other, reborn.peerId, 0)[0]?.[0]).toBe('2');
  });
});

describe('a relay that flaps', () => {
  it('is asked for no faster than records are made, whoever announces it, and its last word arrives', () => {
    const { bench, left, right, seq } = between();
    let asked = 0;
    let last = seq;
    for (let n = 1; n <= 100; n++) {
      last = seq + n;
      const remote = n % 2 ? left : right;
      remote.clear();
      remote.send({ type: 'have', heads: [{ kind: 1, peer: idOf(far), sequence: last }] });
      if (remote.got('want').length > 0) {
        asked++;
        sendRecords(remote, peerRecord(far, { sequence: last }));
      }
      // unasked ones are not even verified
      else sendRecords(remote, peerRecord(far, { sequence: last }));
      bench.run(100);
    }
    expect(asked).toBeLessThanOrEqual(LIMITS.recordBurst + 10_000 / LIMITS.recordEveryMs + 1);
    right.clear();
    bench.run(2 * LIMITS.recordEveryMs);
    expect([...left.got('want'), ...right.got('want')].flatMap(({ heads }) => heads)).toContainEqual(
      expect.objectContaining({ kind: 1, peer: idOf(far) }),
    );
    expect(bench.reports('offence')).toEqual([]);
  });
});
