/** A map that somebody fills with relays that do not exist: honest ones find room, and the rest is bounded. */
import { beforeAll, describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../bytes.ts';
import { LIMITS, SECOND } from '../limits.ts';
import { authorOf, sha256 } from '../message/message.fixture.ts';
import { Bench, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import { RelayMap } from './map.ts';
import { peerRecord, type Sealed, sendRecords, signed } from './records.fixture.ts';
import { toSet } from './records.ts';
import { TagSet } from './tag-set.ts';

const HOUR = 3_600_000;
const named = (name: string): string => toBase64url(sha256(utf8(name)));
const key = authorOf('whoever');

function record(peer: string, sequence: number, links: readonly string[]): Sealed {
  const listed = toSet(links);
  const costs = listed.map(() => 0);
  return signed(key, { kind: 1, peer, sequence, urls: [], links: listed, costs, expiresMs: sequence + HOUR });
}

function interest(peer: string, sequence: number, tags: TagSet): Sealed {
  return signed(key, { kind: 2, peer, sequence, tags });
}

/** A relay between a liar and an honest one; signatures are not looked at, which is what makes a liar of so many cheap. */
function between() {
  const bench = new Bench();
  const [liar, honest] = [bench.connect('liar', { relay: true }), bench.connect('honest', { relay: true })];
  bench.run(3000);
  bench.isCredulous = true;
  const seq = Math.floor(bench.now.wallMs);
  for (const remote of [liar, honest]) sendRecords(remote, record(remote.id, seq, [bench.peerId]));
  return { bench, liar, honest, seq };
}

/** Chains of invented relays that hang on the liar by edges that both ends list. */
function invent(liar: Remote, seq: number, count: number, isLinked: boolean): void {
  const name = (i: number): string => (i < 0 ? liar.id : named(`invented ${i}`));
  for (let at = 0; at < count; at += LIMITS.recordsPerFrameMax) {
    const many = Array.from({ length: Math.min(LIMITS.recordsPerFrameMax, count - at) }, (_, k) => {
      const i = at + k;
      // A tree: five below each.
      const parent = name(Math.floor(i / 5) - 1);
      const children = [1, 2, 3, 4, 5].map((n) => name(5 * (i + 1) + n - 1));
      return record(name(i), seq, isLinked ? [parent, ...children] : []);
    });
    sendRecords(liar, ...many);
  }
}

const relays = (bench: Bench): number => bench.peer.footprint().relays?.size ?? 0;

/** Whether the relay passed the record on to a third one. */
function isKnown(bench: Bench, peer: string): boolean {
  const late = bench.connect(`late ${bench.nowMs}`, { relay: true });
  late.wait(LIMITS.headsMs);
  const heads = late.got('have').flatMap((frame) => frame.heads);
  late.hangUp();
  return heads.some((head) => head.peer === peer);
}

describe.each([
  ['that hang on nothing', false],
  ['that hang on the liar', true],
])('a map full of invented relays %s', (_, isLinked) => {
  let mesh: ReturnType<typeof between>;
  beforeAll(() => {
    mesh = between();
    const { liar, bench, seq } = mesh;
    if (isLinked)
      sendRecords(
        liar,
        record(liar.id, seq + 1, [bench.peerId, ...[0, 1, 2, 3, 4].map((i) => named(`invented ${i}`))]),
      );
    invent(liar, seq, LIMITS.relaysMax + 500, isLinked);
  });

  it('is no larger than it may be', () => {
    expect(relays(mesh.bench)).toBeLessThanOrEqual(LIMITS.relaysMax);
    expect(relays(mesh.bench)).toBeGreaterThan(LIMITS.relaysMax - LIMITS.evictedAtOnce - 10);
  });

  it('has room for honest ones, which stay whatever comes', () => {
    const { bench, liar, honest, seq } = mesh;
    const far = named('far');
    sendRecords(honest, record(far, seq + 2, [honest.id]), record(honest.id, seq + 2, [bench.peerId, far]));
    expect(isKnown(bench, far)).toBe(true);
    for (let round = 0; round < 5; round++) {
      bench.run(5 * SECOND);
      invent(liar, seq + 3 + round, 300, isLinked);
    }
    expect(isKnown(bench, far)).toBe(true);
    expect(isKnown(bench, honest.id)).toBe(true);
    expect(relays(bench)).toBeLessThanOrEqual(LIMITS.relaysMax);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('what one link may bring', () => {
  it('is the whole map at once, and then a few relays a second; what was left comes later', () => {
    const { bench, liar, seq } = between();
    invent(liar, seq, 2 * LIMITS.relaysMax, false);
    const late = record(named('late one'), seq, []);
    sendRecords(liar, late);
    expect(isKnown(bench, named('late one'))).toBe(false);
    liar.hangUp();
    const again = bench.connect('liar', { relay: true });
    sendRecords(again, late);
    expect(isKnown(bench, named('late one'))).toBe(false);
    bench.run(2 * SECOND);
    sendRecords(again, late);
    expect(isKnown(bench, named('late one'))).toBe(true);
  });

  it('is bounded in tags: those without use give way to a relay with many', () => {
    const { bench, liar, honest, seq } = between();
    const filter = (n: number): TagSet =>
      new TagSet(
        false,
        Uint32Array.from({ length: LIMITS.relayTagsMax }, (_, i) => i * 80_000 + n),
      );
    for (let i = 0; i < LIMITS.mapTagsMax / LIMITS.relayTagsMax + 10; i++) {
      const peer = named(`greedy ${i}`);
      sendRecords(liar, record(peer, seq, []), interest(peer, seq, filter(i)));
    }
    const { recordTags } = bench.peer.footprint();
    expect(recordTags?.size).toBeLessThanOrEqual(LIMITS.mapTagsMax);
    const far = named('far');
    sendRecords(honest, record(far, seq, [honest.id]), record(honest.id, seq + 1, [bench.peerId, far]));
    sendRecords(honest, interest(far, seq, filter(99)));
    expect(bench.peer.footprint().recordTags?.size).toBeGreaterThanOrEqual(LIMITS.relayTagsMax);
    expect(isKnown(bench, far)).toBe(true);
  });
});

/** Puts relays by name on a map, with links that cost nothing. */
function setterOf(map: RelayMap): (name: string, ...links: string[]) => void {
  return (name, ...links) =>
    map.setPeer({
      ...{ kind: 1, peer: named(name), sequence: 1, urls: [], expiresMs: 2 ** 50 },
      ...{ links: links.map(named), costs: links.map(() => 0) },
    });
}

describe('who gives way', () => {
  it('is who does not count, oldest first, and then who hangs on the one with most, newest first', () => {
    const map = new RelayMap(named('own'), [1, 2]);
    const set = setterOf(map);
    set('own', 'a', 'b');
    set('a', 'own', 'b', 'fake 1', 'fake 2');
    set('b', 'own', 'a', 'young');
    set('young', 'b');
    set('fake 1', 'a');
    set('fake 2', 'a', 'fake 1');
    set('alone');
    set('claims a', 'a');
    const all = ['alone', 'a', 'b', 'fake 1', 'young', 'claims a', 'fake 2'].map(named);
    expect(map.spare(all)).toEqual(['alone', 'claims a', 'fake 2', 'fake 1'].map(named));
  });

  it('is nobody where all have two ways', () => {
    const map = new RelayMap(named('own'), [1, 2]);
    const names = ['own', 'a', 'b', 'c'];
    for (const [i, name] of names.entries()) {
      setterOf(map)(name, names[(i + 1) % 4] as string, names[(i + 3) % 4] as string);
    }
    expect(map.spare(names.slice(1).map(named))).toEqual([]);
  });
});

describe('a filter on the map', () => {
  it('makes a holder of whoever it takes for one, and never leaves one out', () => {
    const map = new RelayMap(named('own'), [12_345, 0]);
    const [mine, other] = [tagOf('mine'), tagOf('other')];
    const twin = TagSet.of([mine]).toBytes();
    twin[7] = (twin[7] as number) ^ 1;
    const set = setterOf(map);
    set('own', 'a', 'b');
    set('a', 'own');
    set('b', 'own');
    map.setTags(named('a'), TagSet.of([mine]).toFilter());
    map.setTags(named('b'), TagSet.of([mine]));
    expect(map.holdersOf(mine)).toEqual(new Set([named('a'), named('b')]));
    expect(map.holdersOf(toBase64url(twin))).toEqual(new Set([named('a')]));
    expect(map.children(named('own'), toBase64url(twin))).toEqual(new Set([named('a')]));
    expect(map.holdersOf(other)).toEqual(new Set());
    map.setTags(named('a'), TagSet.of([other]));
    expect([map.holdersOf(mine).size, map.holdersOf(other).size]).toEqual([1, 1]);
    map.remove(named('b'));
    expect(map.holdersOf(mine)).toEqual(new Set());
  });
});

describe('a genuine record', () => {
  it('is not kept out by forgeries in its name', () => {
    const { bench, liar, honest, seq } = between();
    bench.isCredulous = false;
    const far = authorOf('far');
    for (let i = 1; i <= 10; i++) {
      const forged = peerRecord(far, { sequence: seq + i });
      sendRecords(liar, { ...forged, signature: new Uint8Array(64).fill(1) });
    }
    sendRecords(honest, peerRecord(far, { sequence: seq }));
    expect(isKnown(bench, toBase64url(far.publicKey))).toBe(true);
  });
});
