/** Announcements, what follows them, and serving by id. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { idOf, interestRecord, sendRecords } from '../membership/records.fixture.ts';
import type { Message } from '../message/message.ts';
import { type Bench, tagOf } from '../peer.fixture.ts';
import { createMesh, push, pushed, stored } from './mesh.fixture.ts';

describe('an announcement', () => {
  it('is followed by a request after 80 ms, of one neighbour, for all that did not come by itself', () => {
    const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
    const [one, two] = [bench.message('one'), bench.message('two')];
    a.send({ type: 'announce', ids: [one.id, two.id] });
    b.send({ type: 'announce', ids: [two.id] });
    push(b, [one], { root: b.id });
    bench.run(LIMITS.announceWaitMs - 1);
    expect(a.got('fetch')).toEqual([]);
    bench.run(1);
    expect([a.got('fetch'), b.got('fetch')]).toEqual([[{ type: 'fetch', ids: [two.id] }], []]);
    a.send({ type: 'fetched', messages: [two], notHeld: [] });
    expect(stored(bench)).toEqual(['one', 'two']);
    a.send({ type: 'announce', ids: [one.id, two.id] });
    bench.run(1000);
    expect(a.got('fetch')).toHaveLength(1);
  });

  it('goes to a neighbour that has become a child between push and commit', () => {
    const { bench, a, b, far } = createMesh({ state: { joined: ['dev'] } });
    const sequence = Math.floor(bench.now.wallMs) + 1;
    sendRecords(b, interestRecord(b.key, sequence, []));
    bench.run(100);
    b.clear();
    const message = bench.message('hello');
    bench.hold('persist');
    push(a, [message], { root: idOf(far) });
    bench.run(100);
    sendRecords(b, interestRecord(b.key, sequence + 1, [tagOf('dev')]));
    bench.run(100);
    bench.release('persist');
    bench.run(100);
    expect(pushed(b)).toEqual([]);
    expect(b.got('announce')).toEqual([{ type: 'announce', ids: [message.id] }]);
  });

  it('is followed to the next neighbour when the first does not hold it, falls silent or goes', () => {
    const reasons: readonly ((bench: Bench, id: Uint8Array) => void)[] = [
      (bench, id) => bench.remotes[0]?.send({ type: 'fetched', messages: [], notHeld: [id] }),
      (bench) => bench.run(LIMITS.requestMs + 1000),
      (bench) => bench.remotes[0]?.hangUp(),
    ];
    for (const happen of reasons) {
      const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
      const { id } = bench.message('hello');
      for (const remote of [a, b]) remote.send({ type: 'announce', ids: [id] });
      bench.run(200);
      expect([a.got('fetch').length, b.got('fetch').length]).toEqual([1, 0]);
      happen(bench, id);
      bench.run(100);
      expect(b.got('fetch')).toEqual([{ type: 'fetch', ids: [id] }]);
      expect(bench.reports('offence')).toEqual([]);
    }
  });

  it('of a message that we store by then is not followed, and a late answer is no offence', () => {
    const { bench, a } = createMesh({ state: { joined: ['dev'] } });
    const message = bench.message('hello');
    a.send({ type: 'announce', ids: [message.id] });
    bench.run(200 + LIMITS.requestMs + 1000);
    expect(a.got('fetch')).toHaveLength(1);
    a.send({ type: 'fetched', messages: [message], notHeld: [] });
    expect(bench.reports('offence')).toEqual([]);
  });

  it('by somebody who then brings what was not asked for is an offence, and nothing of it is stored', () => {
    const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
    const asked = bench.message('asked');
    a.send({ type: 'announce', ids: [asked.id] });
    bench.run(200);
    a.send({ type: 'fetched', messages: [bench.message('unasked')], notHeld: [] });
    b.send({ type: 'fetched', messages: [asked], notHeld: [] });
    expect(stored(bench)).toEqual([]);
    expect(bench.reports('offence')).toMatchObject([
      { code: 'unsolicited', data: { peer: a.id } },
      { code: 'unsolicited', data: { peer: b.id } },
    ]);
    a.send({ type: 'fetched', messages: [asked], notHeld: [] });
    expect(stored(bench)).toEqual(['asked']);
  });

  it('by somebody who never answers keeps nobody else from being asked, however many there were', () => {
    const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
    const early = Array.from({ length: LIMITS.fetchMax }, (_, i) => bench.message(`${i}`));
    for (let i = 0; i < early.length; i += 64) {
      const part = early.slice(i, i + 64);
      b.send({ type: 'announce', ids: part.map(({ id }) => id) });
      bench.run(200);
      push(a, part, { root: a.id });
    }
    expect(b.got('fetch').flatMap(({ ids }) => ids)).toHaveLength(early.length);
    const { id } = bench.message('wanted');
    for (const remote of [b, a]) remote.send({ type: 'announce', ids: [id] });
    bench.run(2 * LIMITS.requestMs + 2000);
    expect(a.got('fetch')).toEqual([{ type: 'fetch', ids: [id] }]);
    b.clear();
    bench.run(LIMITS.requestMs);
    b.send({ type: 'announce', ids: [bench.message('later').id] });
    bench.run(200);
    expect(b.got('fetch')).toHaveLength(1);
  });

  it('again, of what came by another way and was lost while the first answer is under way, asks for no second one', () => {
    const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
    const message = bench.message('hello');
    a.send({ type: 'announce', ids: [message.id] });
    bench.run(200);
    bench.failPersists = 1;
    push(b, [message], { root: b.id });
    a.send({ type: 'announce', ids: [message.id] });
    bench.run(200);
    expect(a.got('fetch')).toEqual([{ type: 'fetch', ids: [message.id] }]);
    a.send({ type: 'fetched', messages: [message], notHeld: [] });
    expect(stored(bench)).toEqual(['hello', 'hello']);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('of many asks for no more while the disk has not caught up with what came', () => {
    const { bench, a } = createMesh({ state: { joined: ['dev'] } });
    const count = LIMITS.fetchPendingMax + LIMITS.fetchMax;
    const messages = Array.from({ length: count }, (_, i) => bench.message(`${i}`));
    for (let i = 0; i < count; i += 200)
      a.send({ type: 'announce', ids: messages.slice(i, i + 200).map(({ id }) => id) });
    bench.hold('persist');
    let seen = 0;
    /** Answers everything that is asked for; returns how much has been. */
    const serve = (): number => {
      for (;;) {
        bench.run(200);
        const asked = a.got('fetch').flatMap(({ ids }) => ids);
        if (asked.length === seen) return seen;
        const wanted = new Set(asked.slice(seen).map((id) => toBase64url(id)));
        seen = asked.length;
        const found = messages.filter(({ idText }) => wanted.has(idText));
        for (let i = 0; i < found.length; i += 50)
          a.send({ type: 'fetched', messages: found.slice(i, i + 50), notHeld: [] });
      }
    };
    expect(serve()).toBe(LIMITS.fetchPendingMax);
    bench.release('persist');
    expect(serve()).toBe(count);
    expect(stored(bench)).toHaveLength(count);
  });

  it('of more than fits in memory is cut, not fatal', () => {
    const { bench, a } = createMesh();
    for (let n = 0; n < 40; n++) {
      const ids = Array.from({ length: LIMITS.idsPerFrameMax }, (_, i) => {
        const id = new Uint8Array(32);
        new DataView(id.buffer).setUint32(0, n * LIMITS.idsPerFrameMax + i);
        return id;
      });
      a.send({ type: 'announce', ids });
    }
    bench.run(200);
    const asked = a.got('fetch').flatMap(({ ids }) => ids).length;
    expect(asked).toBe(LIMITS.fetchMax);
  });
});

describe('serving by id', () => {
  const passing = (count: number) => {
    const mesh = createMesh();
    const messages = Array.from({ length: count }, (_, i) => mesh.bench.message(`${i}`.padEnd(1000, '.')));
    for (let i = 0; i < count; i += 50) push(mesh.a, messages.slice(i, i + 50), { root: mesh.a.id });
    mesh.bench.run(100);
    mesh.b.clear();
    return { ...mesh, messages };
  };

  it('goes a frame at a time: the next one when the last has left', () => {
    const { bench, b, messages } = passing(200);
    b.isReadingSlowly = true;
    b.send({ type: 'fetch', ids: messages.map(({ id }) => id) });
    bench.run(60_000);
    expect(b.got('fetched')).toHaveLength(1);
    for (let i = 0; i < 5; i++) bench.flushed(b.link);
    const bodies = b.got('fetched').flatMap((frame) => frame.messages.map(({ body }) => body));
    expect(bodies).toEqual(messages.map(({ body }) => body));
    expect(b.got('fetched').length).toBeGreaterThan(1);
  });

  it('names what is not held, and answers each id once', () => {
    const { bench, b, messages } = passing(3);
    const missing = new Uint8Array(32).fill(7);
    b.send({ type: 'fetch', ids: [missing, ...messages.map(({ id }) => id)] });
    bench.run(10);
    expect(b.got('fetched')).toMatchObject([{ messages: [{}, {}, {}], notHeld: [missing] }]);
  });

  it('queues 4096 ids for a link, and more is an offence', () => {
    const { bench, b } = passing(1);
    b.isReadingSlowly = true;
    const ids = Array.from({ length: LIMITS.idsPerFrameMax }, (_, i) => new Uint8Array(32).fill(i & 255));
    for (let i = 0; i < 2; i++) b.send({ type: 'fetch', ids });
    expect(bench.reports('offence')).toEqual([]);
    b.send({ type: 'fetch', ids });
    expect(bench.reports('offence')).toHaveLength(1);
  });

  it('ends with the link, and a new link begins anew', () => {
    const { bench, b, messages } = passing(10);
    b.isReadingSlowly = true;
    b.send({ type: 'fetch', ids: messages.map(({ id }) => id) });
    b.hangUp();
    bench.flushed(b.link);
    const again = bench.connect('relay b', { relay: true });
    again.send({ type: 'fetch', ids: [(messages[0] as Message).id] });
    bench.run(10);
    expect(again.got('fetched')).toHaveLength(1);
  });
});
