/** The map as a peer tells it, with remote ends played by the test. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { idOf, interestRecord, peerRecord, sendRecords } from '../membership/records.fixture.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import type { Overview, OverviewRelay } from './overview.ts';

const [DEV, OPS] = [tagOf('dev'), tagOf('ops')];
const [far, lost] = [authorOf('far'), authorOf('lost')];

const ask = (bench: Bench, channel = ''): Overview => bench.peer.overview(channel, bench.now);

/** This relay - near - far; somebody names far, who does not name it. */
function line(bench: Bench): Remote {
  const near = bench.connect('near', { relay: true });
  bench.run(2000);
  const sequence = Math.floor(bench.now.wallMs);
  sendRecords(
    near,
    peerRecord(near.key, { sequence, links: [bench.peerId, idOf(far)], urls: ['ws://near/', 'ws://near2/'] }),
    peerRecord(far, { sequence, links: [near.id], urls: ['ws://far/'] }),
    peerRecord(lost, { sequence, links: [idOf(far)] }),
    interestRecord(far, sequence, [DEV]),
    interestRecord(lost, sequence, [DEV, OPS]),
  );
  bench.run(1000);
  return near;
}

function relayOf(view: Overview, peer: string): OverviewRelay {
  const found = view.relays.find((relay) => relay.peer === peer);
  if (found === undefined) throw new Error(`${peer} is not on the map`);
  return found;
}

describe('the map of a relay', () => {
  it('tells links that both ends list from those that one end claims, and how far everybody is', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const near = line(bench);
    const own = bench.peerId;
    const view = ask(bench);
    const unasked = { wants: false, isOnPath: false };
    expect(view.isRelay).toBe(true);
    expect(relayOf(view, own)).toMatchObject({ hops: 0, parent: '', proven: [near.id], channels: 1 });
    expect(relayOf(view, near.id)).toEqual({
      ...{ peer: near.id, urls: ['ws://near/', 'ws://near2/'], hops: 1, parent: own, channels: 0 },
      ...{ proven: expect.arrayContaining([own, idOf(far)]), claimed: [], ...unasked },
    });
    expect(relayOf(view, idOf(far))).toEqual({
      ...{ peer: idOf(far), urls: ['ws://far/'], hops: 2, parent: near.id, channels: 1 },
      ...{ proven: [near.id], claimed: [], ...unasked },
    });
    expect(relayOf(view, idOf(lost))).toEqual({
      ...{ peer: idOf(lost), urls: [], hops: undefined, parent: '', channels: 2 },
      ...{ proven: [], claimed: [idOf(far)], ...unasked },
    });
    expect(view.relays.map(({ hops }) => hops)).toEqual([0, 1, 2, undefined]);
  });

  it('marks who wants a channel, and whom its messages pass from here', () => {
    const bench = new Bench();
    const near = line(bench);
    const marks = (channel: string) =>
      ask(bench, channel).relays.map(({ peer, wants, isOnPath }) => [peer, wants, isOnPath]);
    expect(marks('dev')).toEqual([
      [bench.peerId, false, true],
      [near.id, false, true],
      [idOf(far), true, true],
      [idOf(lost), true, false],
    ]);
    expect(marks('ops').filter(([, wants, isOnPath]) => wants || isOnPath)).toEqual([
      [idOf(lost), true, false],
    ]);
  });

  it('keeps a relay that is cut off until its record expires, and counts it no longer', () => {
    const bench = new Bench();
    const near = line(bench);
    near.hangUp();
    bench.run(2000);
    const view = ask(bench);
    expect(relayOf(view, idOf(far))).toMatchObject({ hops: undefined, parent: '', proven: [near.id] });
    expect(relayOf(view, near.id)).toMatchObject({ hops: undefined, claimed: [bench.peerId] });
  });

  it('has the leaves among the links, with what they want', () => {
    const bench = new Bench();
    const leaf = bench.connect('leaf', { relay: false, live: true });
    leaf.send({ type: 'holds', reset: false, set: [{ tag: DEV, floorHour: 0 }], unset: [] });
    const link = { peer: leaf.id, kind: 'leaf', url: '', roundTripMs: undefined };
    expect(ask(bench, 'dev').links).toEqual([{ ...link, wants: true }]);
    expect(ask(bench, 'ops').links).toEqual([{ ...link, wants: false }]);
    expect(ask(bench).links).toEqual([{ ...link, wants: false }]);
  });
});

describe('the map of a leaf', () => {
  it('is its home relays', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const live = bench.connect('live', { role: 'responder', relay: true });
    const standby = bench.connect('standby', { role: 'responder', relay: true });
    live.send({ type: 'holds', reset: false, set: [{ tag: DEV, floorHour: 0 }], unset: [] });
    bench.run(100);
    const view = ask(bench, 'dev');
    expect(view).toMatchObject({ isRelay: false, relays: [] });
    expect(view.links.map(({ peer, kind }) => [peer, kind])).toEqual([
      [live.id, 'home-live'],
      [standby.id, 'home-standby'],
    ]);
    expect(view.home).toMatchObject([
      { peer: live.id, isLive: true, isTold: true, isHeld: true },
      { peer: standby.id, isLive: false, isTold: true, isHeld: false },
    ]);
    expect(ask(bench).home).toEqual([]);
  });
});

describe('the round trip of a link', () => {
  it('is the time of the answer to the last ping; a second answer, and one to no ping, say nothing', () => {
    const bench = new Bench();
    const near = bench.connect('near', { relay: true, isSilent: true });
    const roundTrip = () => ask(bench).links[0]?.roundTripMs;
    const isPinged = () => near.got('ping').length > 0;
    for (let waitedMs = 0; !isPinged() && waitedMs < 2 * LIMITS.pingFastMs; waitedMs += 10) bench.run(10);
    const n = near.got('ping')[0]?.n ?? 0;
    bench.run(130);
    near.send({ type: 'pong', n: n + 7 });
    expect(roundTrip()).toBeUndefined();
    near.send({ type: 'pong', n });
    const first = roundTrip() ?? 0;
    expect(first).toBeGreaterThanOrEqual(130);
    expect(first).toBeLessThan(141);
    bench.run(20);
    near.send({ type: 'pong', n });
    expect(roundTrip()).toBe(first);
  });
});
