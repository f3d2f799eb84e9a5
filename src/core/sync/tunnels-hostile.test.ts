/** Tunnels under load and in bad hands, and what catch-up lists of what passed here. */
import { describe, expect, it } from 'vitest';
import { createBlankStore } from '../blank-store.fixture.ts';
import { type Bytes, toBase64url } from '../bytes.ts';
import { createMesh, push, stored } from '../gossip/mesh.fixture.ts';
import { HOUR, LIMITS, MINUTE, SECOND } from '../limits.ts';
import { idOf, interestRecord, peerRecord, sendRecords } from '../membership/records.fixture.ts';
import { authorOf, openclaw, sha256, signedMessage } from '../message/message.fixture.ts';
import { TIME_ZERO } from '../message/time.ts';
import { Bench, type BenchOptions, tagOf } from '../peer.fixture.ts';
import { MINUTE_END, type Position } from '../persistence.ts';
import type { Remote } from '../remote.fixture.ts';
import { decodeFrame, encodeFrame, type Frame } from '../wire/frames.ts';
import { FarSet } from './far-set.fixture.ts';
import { INFINITY } from './negentropy/bounds.ts';
import { Reply } from './negentropy/reply.ts';
import { VectorStore } from './negentropy/vector-store.fixture.ts';

const FAR_URL = 'ws://far.example:5000/';
const far = authorOf('far');
const tag = tagOf('dev');

/** A relay with two neighbours, behind one of which is a holder of `dev`. */
function relay(urls: readonly string[], options: BenchOptions = {}) {
  const bench = new Bench(options);
  const near = bench.connect('near', { relay: true });
  const other = bench.connect('other', { relay: true });
  for (let i = 0; i < 5; i++) bench.connect(`neighbour ${i}`, { relay: true, role: 'responder' });
  const sequence = Math.floor(bench.now.wallMs);
  sendRecords(near, peerRecord(near.key, { sequence, links: [bench.peerId, idOf(far)] }));
  sendRecords(near, peerRecord(other.key, { sequence, links: [bench.peerId] }));
  sendRecords(near, peerRecord(far, { sequence, links: [near.id], urls }));
  sendRecords(near, interestRecord(far, sequence, [tag]));
  bench.run(SECOND);
  return { bench, near, other };
}

const DEV: BenchOptions = { state: { joined: ['dev'] } };
const inside = (remote: Remote): Frame[] =>
  remote.got('tunnelled').map(({ frame }) => decodeFrame(openclaw, frame) as Frame);
const bytesInside = (remote: Remote): number =>
  remote.got('tunnelled').reduce((sum, { frame }) => sum + frame.length, 0);
const wrap = (number: number, isOpener: boolean, frame: Frame): Frame => {
  return { type: 'tunnelled', number, isOpener, frame: encodeFrame(frame) };
};
const raw = (number: number, bytes: number): Frame => {
  return { type: 'tunnelled', number, isOpener: true, frame: new Uint8Array(bytes) };
};
const open = (number: number, target: string): Frame => ({ type: 'tunnel-open', number, hops: 5, target });
const holds: Frame = { type: 'holds', reset: false, set: [{ tag, floorHour: 1 }], unset: [] };
/** Sums of a channel that the other side has differently. */
const sums: Frame = {
  type: 'sums',
  untilMinute: MINUTE_END,
  sums: [{ tag, floorHour: 1, fingerprint: new Uint8Array(16) }],
};
/** An answer that lists these ids and nothing else. */
const listed = (number: number, ids: readonly Bytes[]): Frame => {
  const reply = new Reply(LIMITS.reconcileBytesMax);
  reply.add({ upper: INFINITY, mode: 'idList', positions: ids.map((id) => ({ time: TIME_ZERO, id })) });
  return { type: 'reconciled', number, message: reply.finish() };
};

/** A tunnel of ours to `far`, over `near`, in which the other side has told that it holds `dev`. */
function opened() {
  const { bench, near, other } = relay([], DEV);
  for (let i = 0; i < 10 && near.got('tunnel-open').length === 0; i++) bench.run(SECOND);
  const number = near.got('tunnel-open')[0]?.number as number;
  near.send(wrap(number, false, holds));
  bench.run(10);
  return { bench, near, other, number };
}

describe('what passed here and has expired', () => {
  it('is not stored again because a neighbour lists it', () => {
    const { bench, a, far: root } = createMesh({ both: true, ...DEV });
    a.send(holds);
    const message = bench.message('short-lived', { expiresMs: Math.floor(bench.now.wallMs) + 5000 });
    push(a, [message], { root: idOf(root) });
    bench.run(6000); // the blank store forgets as the real one does once it has expired
    expect(stored(bench)).toEqual(['short-lived']);
    const set = new FarSet(a, [message], { floorHour: a.got('sums')[0]?.sums[0]?.floorHour });
    set.ask(1);
    bench.run(100);
    set.offer([message.id]);
    bench.run(1000);
    expect(stored(bench)).toEqual(['short-lived']);
  });
});

describe('the holder at the end of a tunnel', () => {
  it('keeps a place for others, whatever one neighbour does', () => {
    const { bench, near, other } = relay([], DEV);
    near.send(open(1, bench.peerId));
    near.send(open(2, bench.peerId));
    other.send(open(1, bench.peerId));
    expect(other.got('tunnel-end')).toEqual([]);
  });

  it('sends no faster where tunnels are opened one after the other', () => {
    const { bench, near, other } = relay([], DEV);
    const messages = Array.from({ length: 4 }, (_, i) => bench.message(`${i}`.repeat(60_000)));
    for (const message of messages) push(other, [message]);
    bench.run(SECOND);
    for (let number = 1; number <= 10; number++) {
      near.send(open(number, bench.peerId));
      near.send(wrap(number, true, holds));
      near.send(wrap(number, true, { type: 'fetch', ids: messages.map(({ id }) => id) }));
      bench.run(20);
      near.send({ type: 'tunnel-end', number, isOpener: true });
    }
    expect(bytesInside(near)).toBeLessThan(2 * LIMITS.tunnelBytesBurst);
  });

  it('sends no more answers than a tunnel carries', () => {
    const blank = createBlankStore();
    const positions = Array.from({ length: 1000 }, (_, i): Position => {
      return { time: { timeMs: 1e12 + i, counter: 0 }, id: sha256(Uint8Array.of(i >> 8, i & 255)) };
    });
    const vector = new VectorStore(positions, { pieces: 16 });
    const { bench, near } = relay([], {
      ...DEV,
      store: {
        ...blank,
        read: (query) =>
          query.kind === 'split' || query.kind === 'ids' ? vector.read(query) : blank.read(query),
      },
    });
    near.send(open(1, bench.peerId));
    near.send(wrap(1, true, holds));
    bench.run(100);
    const [shown] = inside(near).flatMap((frame) => (frame.type === 'sums' ? frame.sums : []));
    const floorHour = shown?.floorHour as number;
    const message = Uint8Array.of(0x61, 0, 0, 2, 0); // no ids in all of it
    for (let number = 1; number <= 50; number++)
      near.send(
        wrap(1, true, { type: 'reconcile', number, untilMinute: MINUTE_END, tag, floorHour, message }),
      );
    expect(bytesInside(near)).toBeLessThan(2 * LIMITS.tunnelBytesBurst);
  });

  it('makes no alarm of what an end says that nobody knows', () => {
    const { bench, near } = relay([], DEV);
    near.send(open(1, bench.peerId));
    near.send(wrap(1, true, { type: 'error', code: 'duplicate_peer', detail: 'boo' }));
    expect(bench.of('report').filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('has no more links than there may be', () => {
    const { bench, near } = relay([], DEV);
    const size = (): number => bench.peer.footprint().links?.size ?? 0;
    for (let i = 0; size() < LIMITS.linksMax; i++) bench.open(`stranger ${i}`);
    near.send(open(1, bench.peerId));
    expect(size()).toBe(LIMITS.linksMax);
  });
});

describe('a relay on the way', () => {
  it('carries three tunnels whose ends send what an end may', () => {
    const { near, other } = relay([FAR_URL]);
    for (const number of [1, 2, 3]) other.send(open(number, idOf(far)));
    for (const number of [1, 2, 3])
      for (const bytes of [LIMITS.messageItemsBytesMax, LIMITS.messageItemsBytesMax])
        other.send(raw(number, bytes));
    expect(other.got('tunnel-end')).toEqual([]);
    expect(near.got('tunnelled')).toHaveLength(6);
  });

  it('bounds frames, however small they are', () => {
    const { near, other } = relay([FAR_URL]);
    other.send(open(1, idOf(far)));
    for (let i = 0; i < 10_000; i++) other.send(raw(1, 1));
    expect(near.got('tunnelled').length).toBeLessThan(10_000);
  });

  it('carries none for longer than a visit takes', () => {
    const { bench, other } = relay([FAR_URL]);
    for (let number = 1; number <= LIMITS.tunnelsPerLinkMax; number++) other.send(open(number, idOf(far)));
    for (let waitedMs = 0; waitedMs < 10 * MINUTE; waitedMs += 40 * SECOND) {
      for (let number = 1; number <= LIMITS.tunnelsPerLinkMax; number++) other.send(raw(number, 1));
      bench.run(40 * SECOND);
    }
    expect(bench.peer.footprint().tunnelsPassing?.size).toBe(0);
  });
});

describe('a holder whose address', () => {
  /** The first dial of its address is under way. */
  function dialling() {
    const { bench, near } = relay([FAR_URL], DEV);
    const isDialled = (): boolean => bench.of('dial').some(({ url }) => url === FAR_URL);
    for (let i = 0; i < 10 && !isDialled(); i++) bench.run(SECOND);
    return { bench, near };
  }

  it('leads to somebody else is visited through a tunnel', () => {
    const { bench, near } = dialling();
    bench.connect('somebody else', { role: 'responder', url: FAR_URL, relay: true, isVisit: true });
    bench.run(30 * MINUTE);
    expect(near.got('tunnel-open').length).toBeGreaterThan(0);
  });

  it('leads to ourselves is visited through a tunnel', () => {
    const { bench, near } = dialling();
    const mirror = bench.open('mirror', { role: 'responder', url: FAR_URL, relay: true });
    mirror.sayHandshake({ peer: bench.peerId });
    bench.run(30 * MINUTE);
    expect(near.got('tunnel-open').length).toBeGreaterThan(0);
  });
});

describe('the relay that opens a tunnel', () => {
  it('takes what it asked for from an end that keeps the pace', () => {
    const { bench, near, number } = opened();
    near.send(wrap(number, false, sums));
    const baseMs = Math.floor(bench.now.wallMs / HOUR) * HOUR - 2 * HOUR;
    const messages = Array.from({ length: 256 }, (_, i) =>
      signedMessage({
        channel: 'dev',
        body: `${i}`.padEnd(4000),
        time: { timeMs: baseMs + i, counter: 0 },
      }),
    );
    const [first] = inside(near).flatMap((frame) => (frame.type === 'reconcile' ? [frame.number] : []));
    near.send(
      wrap(
        number,
        false,
        listed(
          first as number,
          messages.map(({ id }) => id),
        ),
      ),
    );
    bench.run(10);
    const asked = inside(near).flatMap((frame) => (frame.type === 'fetch' ? frame.ids.map(toBase64url) : []));
    expect(asked).toHaveLength(256);
    let tokens: number = LIMITS.tunnelBytesBurst;
    for (let waitedMs = 0; asked.length > 0 && waitedMs < 90 * SECOND; waitedMs += SECOND) {
      for (; tokens >= LIMITS.tunnelledBytesMax && asked.length > 0; tokens -= LIMITS.messageItemsBytesMax) {
        const ids = asked.splice(0, 29);
        const part = messages.filter(({ idText }) => ids.includes(idText));
        near.send(wrap(number, false, { type: 'fetched', messages: part, notHeld: [] }));
      }
      bench.run(SECOND);
      tokens = Math.min(LIMITS.tunnelBytesBurst, tokens + LIMITS.tunnelBytesPerSecond);
    }
    expect(stored(bench)).toHaveLength(256);
  });

  it('is not told that all is equal by an echo of its own frames', () => {
    const { bench, near } = relay([], DEV);
    let heard = 0;
    for (let waitedMs = 0; waitedMs < 5 * MINUTE; waitedMs += 100) {
      bench.run(100);
      const got = near.got('tunnelled');
      for (const { number, frame } of got.slice(heard))
        if (decodeFrame(openclaw, frame)?.type === 'holds')
          near.send({ type: 'tunnelled', number, isOpener: false, frame });
      heard = got.length;
    }
    expect(inside(near).map(({ type }) => type)).not.toContain('sums');
    expect(near.got('tunnel-open').length).toBeGreaterThan(1);
  });
});
