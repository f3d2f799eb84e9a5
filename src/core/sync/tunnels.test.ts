/** Tunnels: at the relay that opens one, at those on the way, and where it ends. */
import { describe, expect, it } from 'vitest';
import { LIMITS, SECOND } from '../limits.ts';
import { idOf, interestRecord, peerRecord, sendRecords } from '../membership/records.fixture.ts';
import { authorOf, openclaw, sha256, signedMessage } from '../message/message.fixture.ts';
import { Bench, type BenchOptions, tagOf } from '../peer.fixture.ts';
import { MINUTE_END } from '../persistence.ts';
import type { Remote } from '../remote.fixture.ts';
import { decodeFrame, encodeFrame, type Frame } from '../wire/frames.ts';

/** the fingerprint of no messages */
const EMPTY = sha256(new Uint8Array(33)).slice(0, 16);
const FAR_URL = 'ws://far.example:5000/';
const far = authorOf('far');

/** A relay with two neighbours, behind one of which is a holder of `dev`. */
function relay(urls: readonly string[], options: BenchOptions = {}) {
  const bench = new Bench(options);
  const near = bench.connect('near', { relay: true });
  const other = bench.connect('other', { relay: true });
  for (let i = 0; i < 5; i++) bench.connect(`neighbour ${i}`, { relay: true, role: 'responder' });
  const sequence = Math.floor(bench.now.wallMs);
  const links = [bench.peerId, idOf(far)];
  sendRecords(near, peerRecord(near.key, { sequence, links }));
  sendRecords(near, peerRecord(other.key, { sequence, links: [bench.peerId] }));
  sendRecords(near, peerRecord(far, { sequence, links: [near.id], urls }));
  sendRecords(near, interestRecord(far, sequence, [tagOf('dev')]));
  return { bench, near, other };
}

const inside = (remote: Remote): Frame[] =>
  remote.got('tunnelled').map(({ frame }) => decodeFrame(openclaw, frame) as Frame);
const wrap = (number: number, isOpener: boolean, frame: Frame): Frame => {
  return { type: 'tunnelled', number, isOpener, frame: encodeFrame(frame) };
};
const holds: Frame = { type: 'holds', reset: false, set: [{ tag: tagOf('dev'), floorHour: 1 }], unset: [] };
const sums: Frame = {
  type: 'sums',
  untilMinute: MINUTE_END,
  sums: [{ tag: tagOf('dev'), floorHour: 1, fingerprint: EMPTY }],
};
const ping: Frame = { type: 'ping', n: 1 };
const visits = (bench: Bench) => bench.peer.snapshot(bench.now).links.filter(({ kind }) => kind === 'visit');
const dials = (bench: Bench): string[] => bench.of('dial', 0).map(({ url }) => url);

/** A relay whose tunnel to `far` is open, over `near`. */
function opened() {
  const { bench, near, other } = relay([], { state: { joined: ['dev'] } });
  for (let i = 0; i < 10 && near.got('tunnel-open').length === 0; i++) bench.run(SECOND);
  const [open] = near.got('tunnel-open');
  return { bench, near, other, number: open?.number as number };
}

describe('a holder without an address', () => {
  it('is visited through a tunnel, which ends when all is compared', () => {
    const { bench, near, other, number } = opened();
    expect(near.got('tunnel-open')).toMatchObject([{ target: idOf(far), hops: LIMITS.tunnelHopsMax }]);
    expect(other.got('tunnel-open')).toEqual([]);
    expect(inside(near).map(({ type }) => type)).toEqual(['holds']);
    expect(visits(bench)).toMatchObject([{ peer: '', direction: 'out', url: '' }]);
    near.send(wrap(number, false, holds));
    bench.run(100);
    near.send(wrap(number, false, sums));
    bench.run(LIMITS.visitQuietMs + 2 * SECOND);
    expect(inside(near).map(({ type }) => type)).toEqual(['holds', 'error']);
    expect(near.got('tunnel-end')).toEqual([{ type: 'tunnel-end', number, isOpener: true }]);
    expect(visits(bench)).toEqual([]);
  });

  it('is given up soon if nobody answers, and asked again later', () => {
    const { bench, near, number } = opened();
    bench.run(LIMITS.tunnelAnswerMs + 2 * SECOND);
    expect(near.got('tunnel-end')).toMatchObject([{ number }]);
    bench.run(60 * SECOND);
    expect(near.got('tunnel-open').length).toBeGreaterThan(1);
  });

  it('is lost with the way, and with the word that it has ended', () => {
    const first = opened();
    first.near.send({ type: 'tunnel-end', number: first.number, isOpener: false });
    expect(visits(first.bench)).toEqual([]);
    expect(first.near.got('tunnel-end')).toEqual([]);
    const second = opened();
    second.bench.event({ kind: 'link-closed', link: second.near.link, reason: 'gone' });
    expect(visits(second.bench)).toEqual([]);
  });

  it('cannot say through it what has no place on a visit; the neighbour is not blamed', () => {
    const { bench, near, number } = opened();
    near.send(wrap(number, false, { type: 'role', relay: true, live: false }));
    bench.run(100);
    expect(visits(bench)).toEqual([]);
    expect(near.isUp).toBe(true);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('a holder with an address', () => {
  it('is dialled, and visited through a tunnel after that failed', () => {
    const { bench, near } = relay([FAR_URL], { state: { joined: ['dev'] } });
    bench.run(5 * SECOND);
    expect(dials(bench)).toContain(FAR_URL);
    expect(near.got('tunnel-open')).toEqual([]);
    bench.event({ kind: 'dial-failed', url: FAR_URL, reason: 'connection refused' });
    for (let i = 0; i < 40 && near.got('tunnel-open').length === 0; i++) bench.run(SECOND);
    expect(near.got('tunnel-open')).toMatchObject([{ target: idOf(far) }]);
  });
});

describe('a relay on the way', () => {
  const open = (number: number, changes: { hops?: number; target?: string } = {}): Frame => {
    return { type: 'tunnel-open', number, hops: 5, target: idOf(far), ...changes };
  };
  const passing = () => {
    const { bench, near, other } = relay([FAR_URL]);
    bench.run(SECOND);
    other.send(open(7));
    return { bench, near, other, onwards: near.got('tunnel-open')[0]?.number as number };
  };

  it('carries frames in both directions, whatever they are, until either side ends it', () => {
    const { bench, near, other, onwards } = passing();
    expect(near.got('tunnel-open')).toMatchObject([{ target: idOf(far), hops: 4 }]);
    other.send(wrap(7, true, ping));
    expect(near.got('tunnelled')).toEqual([wrap(onwards, true, ping)]);
    near.send(wrap(onwards, false, ping));
    expect(other.got('tunnelled')).toEqual([wrap(7, false, ping)]);
    expect(visits(bench)).toEqual([]);
    near.send({ type: 'tunnel-end', number: onwards, isOpener: false });
    expect(other.got('tunnel-end')).toEqual([{ type: 'tunnel-end', number: 7, isOpener: false }]);
    other.send(wrap(7, true, ping));
    expect(near.got('tunnelled')).toHaveLength(1);
  });

  it('tells the others when a link goes down, and when nothing moves', () => {
    const first = passing();
    first.bench.event({ kind: 'link-closed', link: first.near.link, reason: 'gone' });
    expect(first.other.got('tunnel-end')).toMatchObject([{ number: 7 }]);
    const second = passing();
    second.bench.run(LIMITS.tunnelIdleMs + 2 * SECOND);
    expect(second.other.got('tunnel-end')).toMatchObject([{ number: 7, isOpener: false }]);
    expect(second.near.got('tunnel-end')).toMatchObject([{ number: second.onwards, isOpener: true }]);
    expect(second.bench.peer.footprint().tunnelsPassing?.size).toBe(0);
  });

  it('refuses one that has no way, no hops left, would go back, or comes from a leaf', () => {
    const { bench, near, other } = relay([FAR_URL]);
    const leaf = bench.connect('leaf');
    bench.run(SECOND);
    other.send(open(1, { target: idOf(authorOf('nobody')) }));
    other.send(open(2, { hops: 0 }));
    other.send(open(3, { target: other.id }));
    near.send(open(4));
    leaf.send(open(5));
    expect(other.got('tunnel-end').map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(near.got('tunnel-end').map(({ number }) => number)).toEqual([4]);
    expect(leaf.got('tunnel-end').map(({ number }) => number)).toEqual([5]);
    expect(near.got('tunnel-open')).toEqual([]);
  });

  it('takes so many of one neighbour; a number in use is an offence', () => {
    const { bench, near, other } = relay([FAR_URL]);
    bench.run(SECOND);
    for (let n = 1; n <= LIMITS.tunnelsPerLinkMax + 2; n++) other.send(open(n));
    expect(near.got('tunnel-open')).toHaveLength(LIMITS.tunnelsPerLinkMax);
    expect(other.got('tunnel-end')).toHaveLength(2);
    other.send(open(1));
    expect(bench.reports('offence')).toHaveLength(1);
  });

  it('ends one whose bytes are more than one may have', () => {
    const { bench, near, other, onwards } = passing();
    const frame = new Uint8Array(LIMITS.tunnelledBytesMax);
    const most = Math.floor(LIMITS.tunnelPassageBytesBurst / LIMITS.tunnelledBytesMax);
    for (let i = 0; i <= most; i++) other.send({ type: 'tunnelled', number: 7, isOpener: true, frame });
    expect(near.got('tunnelled')).toHaveLength(most);
    expect(near.got('tunnel-end')).toMatchObject([{ number: onwards, isOpener: true }]);
    expect(other.got('tunnel-end')).toMatchObject([{ number: 7, isOpener: false }]);
    bench.run(60 * SECOND);
    other.send(open(8));
    expect(near.got('tunnel-open')).toHaveLength(2);
  });
});

describe('the holder at the end of a tunnel', () => {
  const open = (bench: Bench, number: number): Frame => {
    return { type: 'tunnel-open', number, hops: 5, target: bench.peerId };
  };

  it('answers as on any visit, and takes one of a neighbour', () => {
    const { bench, near } = relay([], { state: { joined: ['dev'] } });
    near.send(open(bench, 1));
    near.send(wrap(1, true, holds));
    bench.run(100);
    expect(inside(near).map(({ type }) => type)).toEqual(['holds', 'sums']);
    expect(visits(bench)).toMatchObject([{ peer: '', direction: 'in' }]);
    near.send(open(bench, 2));
    expect(near.got('tunnel-end')).toMatchObject([{ number: 2, isOpener: false }]);
    bench.run(LIMITS.visitIdleMs + LIMITS.visitorAgainMs + 2 * SECOND);
    expect(visits(bench).filter(({ direction }) => direction === 'in')).toEqual([]);
    near.send(open(bench, 9));
    near.send(wrap(9, true, holds));
    bench.run(100);
    expect(visits(bench).filter(({ direction }) => direction === 'in')).toHaveLength(1);
  });

  it('sends no faster than a tunnel carries', () => {
    const { bench, near, other } = relay([], { state: { joined: ['dev'] } });
    const messages = Array.from({ length: 10 }, (_, i) =>
      signedMessage({
        channel: 'dev',
        body: `${i}`.repeat(60_000),
        time: { timeMs: bench.now.wallMs, counter: i },
      }),
    );
    for (const message of messages) other.send({ type: 'push', root: '', keep: false, messages: [message] });
    near.send(open(bench, 1));
    near.send(wrap(1, true, holds));
    bench.run(100);
    near.send(wrap(1, true, { type: 'fetch', ids: messages.map(({ id }) => id) }));
    const fetched = (): number =>
      inside(near).reduce((sum, frame) => sum + (frame.type === 'fetched' ? frame.messages.length : 0), 0);
    bench.run(SECOND);
    expect(fetched()).toBe(6);
    bench.run(20 * SECOND);
    expect(fetched()).toBe(10);
  });

  it('gives the place of an old one to whoever asks', () => {
    const { bench, near } = relay([], { state: { joined: ['dev'] } });
    near.send(open(bench, 1));
    near.send(wrap(1, true, holds));
    bench.run(LIMITS.tunnelGivesWayMs / 2);
    near.send(wrap(1, true, holds));
    near.send(open(bench, 2));
    const ended = () => near.got('tunnel-end').filter(({ isOpener }) => !isOpener);
    expect(ended()).toMatchObject([{ number: 2 }]);
    bench.run(LIMITS.tunnelGivesWayMs / 2);
    near.send(open(bench, 3));
    expect(ended()).toMatchObject([{ number: 2 }, { number: 1 }]);
    expect(visits(bench).filter(({ direction }) => direction === 'in')).toHaveLength(1);
  });

  it('is no relay: it takes none', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const home = bench.connect('home', { relay: true, role: 'responder' });
    bench.run(SECOND);
    home.send(open(bench, 1));
    expect(home.got('tunnel-end')).toMatchObject([{ number: 1 }]);
  });
});
