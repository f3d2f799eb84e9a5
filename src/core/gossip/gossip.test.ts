/** Eager push seen from one relay: what is passed on, to whom, and how often. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { shortId } from '../link/links.ts';
import { idOf, interestRecord, sendRecords } from '../membership/records.fixture.ts';
import { authorOf } from '../message/message.fixture.ts';
import { tagOf } from '../peer.fixture.ts';
import { addLeaf, announced, createMesh, push, pushed, stored } from './mesh.fixture.ts';

describe('a message on its way', () => {
  it('follows the tree of its root: to the children below which somebody wants it, and not back', () => {
    const { bench, a, b, far } = createMesh();
    push(a, [bench.message('hello')], { root: idOf(far) });
    bench.run(1000);
    expect(b.got('push')).toMatchObject([{ root: shortId(idOf(far)), keep: false }]);
    expect([pushed(b), pushed(a), announced(a)]).toEqual([['hello'], [], 0]);
  });

  it('is not passed to where nobody wants it, and not without a root that counts', () => {
    const { bench, a, b } = createMesh();
    push(a, [bench.message('elsewhere', { channel: 'other' })], { root: a.id });
    push(a, [bench.message('rootless')], { root: idOf(authorOf('nobody on the map')) });
    bench.run(1000);
    expect(pushed(b)).toEqual([]);
  });

  it('goes once along each tree, and along a handful at most, however often it comes', () => {
    const { bench, a, b, far } = createMesh({ both: true });
    const message = bench.message('hello');
    for (let i = 0; i < 3; i++)
      for (const root of [idOf(far), a.id, bench.peerId]) push(a, [message], { root });
    bench.run(1000);
    expect(b.got('push').map(({ root }) => root)).toEqual([idOf(far), a.id, bench.peerId].map(shortId));
    push(b, [message], { root: b.id });
    bench.run(1000);
    expect(pushed(a).length + pushed(b).length).toBeLessThanOrEqual(4);
  });

  it('reaches a live leaf at once and once, and a standby leaf as an announcement', () => {
    const { bench, a, far } = createMesh();
    const live = addLeaf(bench, 'live', true, 'dev');
    const standby = addLeaf(bench, 'standby', false, 'dev');
    const other = addLeaf(bench, 'other', true, 'ops');
    const message = bench.message('hello');
    for (const root of [idOf(far), a.id, idOf(far)]) push(a, [message], { root });
    bench.run(1000);
    expect([pushed(live), pushed(standby), pushed(other)]).toEqual([['hello'], [], []]);
    expect([announced(live), announced(standby), announced(other)]).toEqual([0, 1, 0]);
  });

  it('enters the mesh here when a leaf publishes it: the leaf does not get it back', () => {
    const { bench, a, b } = createMesh();
    const author = addLeaf(bench, 'author', true, 'dev');
    const reader = addLeaf(bench, 'reader', true, 'dev');
    push(author, [bench.message('from a leaf')]);
    bench.run(1000);
    expect(b.got('push')).toMatchObject([{ root: shortId(bench.peerId) }]);
    expect([pushed(a), pushed(author), pushed(reader)]).toEqual([[], [], ['from a leaf']]);
    expect(announced(author)).toBe(0);
  });

  it('crosses a relay that does not hold the channel without being stored there', () => {
    const { bench, a, b, far } = createMesh();
    push(a, [bench.message('hello')], { root: idOf(far) });
    bench.run(1000);
    expect([pushed(b), stored(bench)]).toEqual([['hello'], []]);
  });

  it('is stored where somebody wants it or asks to keep it, and the channel is carried from then on', () => {
    const { bench, a, far } = createMesh();
    addLeaf(bench, 'reader', true, 'ops');
    push(a, [bench.message('wanted', { channel: 'ops' })], { root: idOf(far) });
    push(a, [bench.message('kept')], { keep: true });
    push(a, [bench.message('and more')], { root: idOf(far) });
    expect(stored(bench)).toEqual(['wanted', 'kept', 'and more']);
    expect(bench.ops('carry')).toMatchObject([{ tag: tagOf('dev') }]);
  });

  it('is passed on only once it is verified, and before it is on the disk', () => {
    const { bench, a, b, far } = createMesh({ state: { joined: ['dev'] } });
    bench.hold('verify');
    bench.hold('persist');
    push(a, [bench.message('hello')], { root: idOf(far) });
    bench.run(1000);
    expect(pushed(b)).toEqual([]);
    bench.release('verify');
    bench.run(0);
    expect(pushed(b)).toEqual(['hello']);
  });

  it('is announced, 20 ms after it is durable and in one frame, to those who want it and are off the tree', () => {
    const { bench, a, b, far } = createMesh({ both: true, state: { joined: ['dev'] } });
    push(b, [bench.message('one'), bench.message('two')], { root: idOf(far) });
    bench.run(LIMITS.announceMs - 1);
    expect(announced(a)).toBe(0);
    bench.run(1);
    expect(a.got('announce')).toMatchObject([{ ids: [{}, {}] }]);
    expect([pushed(a), announced(b)]).toEqual([[], 0]);
  });

  it('shares its frame with others, within the bounds of a frame, serialised once for all links', () => {
    const { bench, a } = createMesh();
    const leaves = ['x', 'y'].map((name) => addLeaf(bench, name, true, 'dev'));
    const messages = Array.from({ length: 1500 }, (_, i) => bench.message(`${i}`));
    const mark = bench.mark;
    for (let i = 0; i < messages.length; i += 250) push(a, messages.slice(i, i + 250), { root: a.id });
    bench.run(1000);
    for (const leaf of leaves) expect(pushed(leaf)).toEqual(messages.map(({ body }) => body));
    const frames = bench.of('send', mark).filter(({ frame }) => frame[1] === 7);
    expect(frames.filter(({ links }) => links.length === 2).length).toBeGreaterThanOrEqual(2);
    expect(frames.length).toBeLessThan(15);
    for (const { frame, droppable } of frames) {
      expect(frame.length).toBeLessThanOrEqual(LIMITS.frameBytesMax);
      expect(droppable).toBe(true);
    }
  });
});

describe('interest', () => {
  it('that changes is followed at once', () => {
    const { bench, a, b, far } = createMesh();
    push(a, [bench.message('before')], { root: idOf(far) });
    bench.run(10);
    sendRecords(b, interestRecord(b.key, Math.floor(bench.now.wallMs) + 1, []));
    push(a, [bench.message('after')], { root: idOf(far) });
    bench.run(10);
    expect(pushed(b)).toEqual(['before']);
  });
});
