/** What a leaf does for its messages and those of others when one of its home relays does not do its work. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { Bench, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import { announced, push, pushed } from './mesh.fixture.ts';

/** A leaf that has joined `dev`, its live relay and two standbys, which hold `dev` too. */
function createLeaf(): { bench: Bench; live: Remote; standby: Remote; other: Remote } {
  const bench = new Bench({ state: { joined: ['dev'] } });
  const dial = (name: string) => bench.connect(name, { relay: true, role: 'responder' });
  const [live, standby, other] = [dial('live'), dial('standby'), dial('other')];
  bench.run(2000);
  for (const home of [live, standby, other])
    home.send({ type: 'holds', reset: false, set: [{ tag: tagOf('dev'), floorHour: 0 }], unset: [] });
  bench.run(2000);
  for (const home of [live, standby, other]) home.clear();
  return { bench, live, standby, other };
}

describe('a leaf', () => {
  it('tells a home relay that has not spoken of a message what it has, and no other', () => {
    const { bench, live, standby, other } = createLeaf();
    const message = bench.message('hello');
    push(live, [message], { root: live.id });
    other.send({ type: 'announce', ids: [message.id] });
    bench.run(LIMITS.echoMs - 1);
    expect(announced(standby)).toBe(0);
    bench.run(LIMITS.echoMs);
    expect(standby.got('announce')).toEqual([{ type: 'announce', ids: [message.id] }]);
    expect([announced(live), announced(other)]).toEqual([0, 0]);
    standby.send({ type: 'fetch', ids: [message.id] });
    bench.run(100);
    expect(standby.got('fetched').flatMap(({ messages }) => messages.map(({ body }) => body))).toEqual([
      'hello',
    ]);
  });

  it('says nothing where all home relays spoke of it, before or after it came', () => {
    const { bench, live, standby, other } = createLeaf();
    const message = bench.message('hello');
    standby.send({ type: 'announce', ids: [message.id] });
    push(live, [message], { root: live.id });
    bench.run(200);
    other.send({ type: 'announce', ids: [message.id] });
    bench.run(3 * LIMITS.echoMs);
    expect([live, standby, other].map(announced)).toEqual([0, 0, 0]);
  });

  it('says nothing of what is old, or of a channel that the relay does not hold', () => {
    const { bench, live, standby } = createLeaf();
    const timeMs = Math.floor(bench.now.wallMs) - 2 * LIMITS.settleMs;
    push(live, [bench.message('old', { time: { timeMs, counter: 0 } })], { root: live.id });
    standby.send({ type: 'holds', reset: true, set: [], unset: [] });
    push(live, [bench.message('new')], { root: live.id });
    bench.run(3 * LIMITS.echoMs);
    expect(announced(standby)).toBe(0);
  });

  it('makes home relays roots of its own message that have not announced it', () => {
    const { bench, live, standby, other } = createLeaf();
    bench.publish('mine', { channel: 'dev' });
    bench.run(200);
    const [mine] = live.got('push').flatMap(({ messages }) => messages);
    other.send({ type: 'announce', ids: [mine?.id as Uint8Array] });
    bench.run(2 * LIMITS.echoMs);
    expect([pushed(live), pushed(standby), pushed(other)]).toEqual([['mine'], ['mine'], []]);
    expect(standby.got('push')[0]).toMatchObject({ root: '', keep: false });
  });

  it('is not kept from it by a home relay that announces what nobody wrote', () => {
    const { bench, live, standby } = createLeaf();
    for (let i = 0; i < 10; i++) {
      const ids = Array.from({ length: LIMITS.idsPerFrameMax }, (_, n) => {
        const id = new Uint8Array(32);
        id.set([i, n >> 8, n & 255]);
        return id;
      });
      standby.send({ type: 'announce', ids });
    }
    expect(bench.peer.footprint().echoes?.size).toBe(LIMITS.echoesMax / 2);
    bench.publish('mine', { channel: 'dev' });
    bench.run(2 * LIMITS.echoMs);
    expect([pushed(live), pushed(standby)]).toEqual([['mine'], ['mine']]);
    expect(bench.peer.footprint().echoes?.size).toBe(0);
  });

  it('goes on when a home relay is gone by then', () => {
    const { bench, live, standby, other } = createLeaf();
    bench.publish('mine', { channel: 'dev' });
    standby.hangUp();
    bench.run(2 * LIMITS.echoMs);
    expect([pushed(live), pushed(other)]).toEqual([['mine'], ['mine']]);
    expect(bench.peer.footprint().echoes?.size).toBe(0);
  });

  describe('whose live relay does not bring what the two others bring', () => {
    /** A message that only those relays bring or announce. */
    const bring = (bench: Bench, remotes: readonly Remote[], from: Remote): void => {
      const message = bench.message(`${bench.mark}`);
      for (const remote of remotes) remote.send({ type: 'announce', ids: [message.id] });
      push(from, [message], { root: from.id });
      bench.run(2 * LIMITS.echoMs);
    };
    const isLive = (remote: Remote): boolean => remote.got('role').at(-1)?.live === true;
    const settle = (bench: Bench): void => bench.run(LIMITS.settleMs);

    it('takes another one', () => {
      const { bench, live, standby, other } = createLeaf();
      settle(bench);
      for (let i = 1; i < LIMITS.liveLackedMin; i++) bring(bench, [other], standby);
      expect([standby, other].map(isLive)).toEqual([false, false]);
      bring(bench, [other], standby);
      expect([standby, other].map(isLive).sort()).toEqual([false, true]);
      expect(live.got('role').at(-1)?.live).toBe(false);
      expect(bench.reports('a home relay is not relied on')).toMatchObject([{ data: { peer: live.id } }]);
    });

    it('stays where it brings half of it, or has only just come up', () => {
      const { bench, live, standby, other } = createLeaf();
      for (let i = 0; i < LIMITS.liveLackedMin; i++) bring(bench, [other], standby);
      settle(bench);
      for (let i = 0; i < 2 * LIMITS.liveLackedMin; i++) {
        bring(bench, [standby, other], live);
        bring(bench, [other], standby);
      }
      expect(bench.reports('a home relay is not relied on')).toEqual([]);
    });

    it('believes no single one', () => {
      const { bench, standby } = createLeaf();
      settle(bench);
      for (let i = 0; i < 2 * LIMITS.liveLackedMin; i++) bring(bench, [], standby);
      expect(bench.reports('a home relay is not relied on')).toEqual([]);
    });
  });
});
