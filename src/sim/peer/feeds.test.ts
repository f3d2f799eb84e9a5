/** Feeds at a peer: what it takes, says and publishes of records that supersede each other. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import { LIMITS, MINUTE } from '../../core/limits.ts';
import { idOf } from '../../core/membership/records.fixture.ts';
import { authorOf } from '../../core/message/message.fixture.ts';
import type { Message, MessageFields } from '../../core/message/message.ts';
import { Bench } from '../../core/peer.fixture.ts';
import type { Store } from '../../store/store.ts';
import { createPair, createStore, fill, restored, WAYS } from './holder.fixture.ts';

const FEED = `@${idOf(authorOf('somebody'))}`;
const KIND = 20;

/** A record of somebody, so many minutes ago. */
function record(bench: Bench, minutes: number, fields: Partial<MessageFields> = {}): Message {
  const time = { timeMs: Math.floor(bench.now.wallMs) - minutes * MINUTE, counter: 0 };
  return bench.message(`${minutes}`, { channel: FEED, kind: KIND, time, ...fields });
}

function holdings(store: Store, ...messages: readonly Message[]) {
  const answer = store.read({ kind: 'has', ids: messages.map(({ id }) => id) });
  return answer.kind === 'has' && answer.holdings;
}

describe('a record that is superseded', () => {
  it('is confirmed to who wants it kept, and neither stored nor offered; that is no offence', () => {
    const { bench, remote, store } = createPair({ joined: [FEED], isDialled: true });
    const other = bench.connect('another leaf', { live: false });
    const set = [{ tag: bench.peer.snapshot(bench.now).floors.keys().next().value ?? '', floorHour: 0 }];
    other.send({ type: 'holds', reset: false, set, unset: [] });
    bench.run(1000);
    const [now, old] = [record(bench, 2), record(bench, 3)];
    remote.send({ type: 'push', root: '', keep: true, messages: [now] });
    bench.run(1000);
    expect(other.got('announce').flatMap(({ ids }) => ids.map(toBase64url))).toEqual([now.idText]);
    other.clear();
    remote.send({ type: 'push', root: '', keep: true, messages: [old] });
    bench.run(1000);
    expect(remote.got('stored').flatMap(({ ids }) => ids.map(toBase64url))).toEqual([now.idText, old.idText]);
    expect(holdings(store, now, old)).toEqual(['held', 'unknown']);
    expect(store.lastArrival()).toBe(1);
    expect(bench.reports('offence')).toEqual([]);
    const { refused } = bench.peer.explain({ id: old.idText, stored: undefined, isOwn: false }, bench.now);
    expect(refused).toMatchObject({ reason: 'superseded', peer: remote.id });
  });

  it('is taken while what supersedes it is unknown, and goes with it', () => {
    const { bench, remote, store } = createPair({ joined: [FEED] });
    const [now, old] = [record(bench, 2), record(bench, 3)];
    for (const messages of [[old], [now]]) {
      remote.send({ type: 'push', root: '', keep: false, messages });
      bench.run(100);
    }
    expect(holdings(store, now, old)).toEqual(['held', 'unknown']);
  });

  it('that expires is not taken, and that is no offence', () => {
    const { bench, remote, store } = createPair({ joined: [FEED] });
    const expiring = record(bench, 2, { expiresMs: bench.now.wallMs + MINUTE });
    remote.send({ type: 'push', root: '', keep: false, messages: [expiring] });
    bench.run(100);
    expect(holdings(store, expiring)).toEqual(['unknown']);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe.each(WAYS)('catch-up of a feed with %s', (_, way) => {
  it('ends with the same on both sides, and is not begun again', () => {
    const pair = createPair({ ...way, joined: [FEED] });
    const { bench, store, holder, remote, floorHour } = pair;
    const [a, b, c] = [10, 11, 12].map((kind) => {
      return [5, 4, 3].map((minutes) => record(bench, minutes, { kind }));
    }) as [Message[], Message[], Message[]];
    // Each side has what the other one has a newer record of, and one kind of which the other has nothing.
    fill(store, [a[0], b[2], c[0]] as Message[]);
    fill(holder.store, [a[1], b[1]] as Message[]);
    holder.tell(floorHour, FEED);
    bench.run(0);
    if (remote.role === 'responder') holder.sums(floorHour, FEED);
    holder.serve();
    for (const one of [store, holder.store]) {
      expect(holdings(one, ...a)).toEqual(['unknown', 'held', 'unknown']);
      expect(holdings(one, ...b)).toEqual(['unknown', 'unknown', 'held']);
      expect(holdings(one, ...c)).toEqual(['held', 'unknown', 'unknown']);
    }
    remote.clear();
    for (let i = 0; i < 30; i++) {
      holder.compare(floorHour, FEED);
      bench.run(5000);
      holder.answer();
    }
    expect(['reconcile', 'offer', 'fetch'].flatMap((type) => remote.got(type as 'fetch'))).toEqual([]);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('publishing in a feed', () => {
  function createBench(store = createStore()) {
    const bench = new Bench({ store, state: restored(store) });
    const own = `@${toBase64url(bench.identity.publicKey)}`;
    const publish = (body: string, kind = KIND) => bench.publish(body, { channel: own, kind });
    const bodies = () => {
      const all = bench.ops('own-message').map(({ message }) => message.message);
      const found = holdings(store, ...all) || [];
      return all.filter((_, i) => found[i] === 'held').map(({ body }) => body);
    };
    return { bench, store, own, publish, bodies };
  }

  it('leaves of each kind the record that was published last', () => {
    const { bench, publish, bodies } = createBench();
    const requests = [publish('a'), publish('b'), publish('other', KIND + 1), publish('c')];
    for (const request of requests)
      expect(bench.reply(request)).toMatchObject({ kind: 'published', isNew: true });
    expect(bodies()).toEqual(['other', 'c']);
  });

  it('is for records of the own feed only, which do not expire', () => {
    const { bench, own } = createBench();
    const refused = [
      { channel: own },
      { channel: FEED, kind: KIND },
      { channel: 'dev', kind: KIND },
      { channel: own, kind: 256 },
      { channel: own, kind: 0x10000 },
      { channel: own, kind: KIND, expiresMs: bench.now.wallMs + MINUTE },
    ].map((changes) => bench.codeOf(bench.publish('x', changes)));
    expect(refused).toEqual(Array(6).fill('bad_channel'));
    expect(bench.ops('own-message')).toEqual([]);
  });

  it('fails, and says why, where the clock was set back behind the record that is there', () => {
    const { bench, publish, bodies } = createBench();
    publish('before');
    bench.wallOffsetMs -= 5 * MINUTE;
    expect(bench.codeOf(publish('after'))).toBe('clock_back');
    expect(bodies()).toEqual(['before']);
    bench.wallOffsetMs += 6 * MINUTE;
    publish('later');
    expect(bodies()).toEqual(['later']);
  });

  it('tells one request from another by the kind too', () => {
    const { bench, own } = createBench();
    const key = { channel: own, idempotencyKey: 'key' };
    const [first, again, other] = [KIND, KIND, KIND + 1].map((kind) =>
      bench.publish('x', { ...key, kind }),
    ) as [number, number, number];
    bench.run(10);
    expect(bench.reply(first)).toMatchObject({ kind: 'published', isNew: true });
    expect(bench.reply(again)).toMatchObject({ kind: 'published', isNew: false });
    expect(bench.codeOf(other)).toBe('idempotency_conflict');
  });

  it('gives up what was not confirmed when a newer record comes', () => {
    const { bench, publish } = createBench();
    const home = bench.connect('home', { role: 'responder', relay: true });
    home.clear();
    const sent = () => home.got('push').flatMap(({ messages }) => messages.map(({ body }) => body));
    publish('old');
    bench.run(100);
    publish('new');
    bench.run(100);
    expect(sent()).toEqual(['old', 'new']);
    home.clear();
    bench.run(2 * LIMITS.outboxRetryMs + 3000);
    expect(new Set(sent())).toEqual(new Set(['new']));
  });
});
