/** Visits: who makes them, what happens on them, and how little a visitor can have. */
import { describe, expect, it } from 'vitest';
import { LIMITS, SECOND } from '../limits.ts';
import { idOf, interestRecord, peerRecord, sendRecords } from '../membership/records.fixture.ts';
import { authorOf, sha256 } from '../message/message.fixture.ts';
import { Bench, type BenchOptions, tagOf } from '../peer.fixture.ts';
import { MINUTE_END } from '../persistence.ts';
import type { Remote } from '../remote.fixture.ts';
import type { Frame } from '../wire/frames.ts';
import { FarSet } from './far-set.fixture.ts';

/** the fingerprint of no messages */
const EMPTY = sha256(new Uint8Array(33)).slice(0, 16);
const urlOf = (name: string): string => `ws://${name}.example:5000/`;

/** A relay with one neighbour, which tells of relays behind it and what they hold. */
function relayBefore(
  holders: Readonly<Record<string, readonly string[]>>,
  options: BenchOptions = {},
): { bench: Bench; near: Remote; tell: (name: string, channels: readonly string[]) => void } {
  const bench = new Bench(options);
  const near = bench.connect('near', { relay: true });
  for (let i = 0; i < 5; i++) bench.connect(`neighbour ${i}`, { relay: true, role: 'responder' });
  // It needs no more links, and its first feeler has been out.
  const addresses = [{ url: 'ws://felt.example/', peer: '' }];
  bench.event({ kind: 'addresses', source: 'list', scope: 'loopback', addresses, fixed: false });
  bench.run(2000);
  bench.event({ kind: 'dial-failed', url: 'ws://felt.example/', reason: 'connection refused' });
  let sequence = Math.floor(bench.now.wallMs);
  const names = Object.keys(holders);
  const links = [bench.peerId, ...names.map((name) => idOf(authorOf(name)))];
  sendRecords(near, peerRecord(near.key, { sequence, links }));
  const tell = (name: string, channels: readonly string[]): void => {
    sequence++;
    const key = authorOf(name);
    sendRecords(near, peerRecord(key, { sequence, links: [near.id], urls: [urlOf(name)] }));
    sendRecords(near, interestRecord(key, sequence, channels.map(tagOf)));
  };
  for (const name of names) tell(name, holders[name] ?? []);
  return { bench, near, tell };
}

const featuresOf = (remote: Remote): string[] =>
  JSON.parse(remote.texts[0] ?? '').capabilities.mesh.features as string[];
const dials = (bench: Bench, since = 0): string[] =>
  bench
    .of('dial', since)
    .map(({ url }) => url)
    .filter((url) => !url.includes('felt'));
/** The far end of a dial of ours. */
const visited = (bench: Bench, name: string): Remote =>
  bench.connect(name, { role: 'responder', url: urlOf(name), relay: true, isVisit: true });
const visitor = (bench: Bench, name: string): Remote => bench.connect(name, { relay: true, isVisit: true });
const holds = (channels: readonly string[]): Frame => {
  const set = channels.map((channel) => ({ tag: tagOf(channel), floorHour: 1 }));
  return { type: 'holds', reset: false, set, unset: [] };
};
/** Sums of channels that are empty, or of some that are not. */
const sums = (channels: readonly string[], print = EMPTY): Frame => {
  const sums = channels.map((channel) => ({ tag: tagOf(channel), floorHour: 1, fingerprint: print }));
  return { type: 'sums', untilMinute: MINUTE_END, sums };
};
const kinds = (bench: Bench): string[] => bench.peer.snapshot(bench.now).links.map(({ kind }) => kind);

describe('a relay that holds a channel', () => {
  it('visits a holder that is no neighbour within seconds, compares what both hold, and goes', () => {
    const { bench, near } = relayBefore(
      { far: ['dev', 'ops', 'music'] },
      { state: { joined: ['dev', 'ops'] } },
    );
    bench.run(5 * SECOND);
    expect(dials(bench)).toEqual([urlOf('far')]);
    const far = visited(bench, 'far');
    bench.run(100);
    expect(featuresOf(far)).toContain('visit');
    expect(far.got('holds').map(({ set }) => set.map(({ tag }) => tag).sort())).toEqual([
      ['dev', 'ops'].map(tagOf).sort(),
    ]);
    expect(kinds(bench).filter((kind) => kind !== 'overlay')).toEqual(['visit']);
    far.send(holds(['dev']));
    bench.run(100);
    far.send(sums(['dev']));
    bench.run(10 * SECOND);
    expect([far.isUp, far.refusal]).toEqual([false, 'visit_over']);
    expect(far.frames.map(({ type }) => type).sort()).toEqual(['auth', 'error', 'holds']);
    expect(near.isUp).toBe(true);
  });

  it('waits for the sums of a holder that is slow, and for its own store', () => {
    const { bench } = relayBefore({ far: ['dev', 'ops'] }, { state: { joined: ['dev', 'ops'] } });
    bench.run(5 * SECOND);
    const far = visited(bench, 'far');
    far.send(holds(['dev', 'ops']));
    bench.run(LIMITS.visitIdleMs / 2);
    far.send(sums(['dev']));
    bench.run(LIMITS.visitIdleMs / 2);
    expect(far.isUp).toBe(true);
    bench.hold('read');
    far.send(sums(['ops']));
    bench.run(LIMITS.visitIdleMs / 2);
    expect(far.isUp).toBe(true);
    bench.release('read');
    bench.run(LIMITS.visitQuietMs + 2 * SECOND);
    expect([far.refusal, far.got('error')]).toMatchObject(['visit_over', [{ detail: 'all is compared' }]]);
    const mark = bench.mark;
    bench.run(LIMITS.visitIdleEveryMs / 2);
    expect(dials(bench, mark)).toEqual([]);
  });

  it('takes for compared only what the holder showed its sums of, and for equal only what was', () => {
    const again = (channels: readonly string[], print = EMPTY): string[] => {
      const { bench } = relayBefore({ far: ['dev', 'ops'] }, { state: { joined: ['dev', 'ops'] } });
      bench.run(5 * SECOND);
      const far = visited(bench, 'far');
      far.send(holds(['dev', 'ops']));
      bench.run(100);
      const { mark } = bench;
      far.send(sums(channels, print));
      bench.run(LIMITS.visitIdleMs + 2 * SECOND);
      expect(far.refusal).toBe('visit_over');
      bench.run(LIMITS.visitIdleEveryMs / 2);
      return dials(bench, mark);
    };
    expect(again(['dev', 'ops'])).toEqual([]);
    expect(again(['dev'])).toContain(urlOf('far'));
    expect(again(['dev', 'ops'], new Uint8Array(16).fill(1))).toContain(urlOf('far'));
  });

  it('goes on while something is compared and fetched, and not for ever', () => {
    const { bench } = relayBefore({ far: ['dev'] }, { state: { joined: ['dev'] } });
    bench.run(5 * SECOND);
    const far = visited(bench, 'far');
    far.send(holds(['dev']));
    bench.run(100);
    const message = bench.message('hello');
    const set = new FarSet(far, [message]);
    set.show();
    bench.run(LIMITS.visitQuietMs + 2 * SECOND);
    expect([far.got('reconcile').length, far.isUp]).toEqual([1, true]);
    set.answer(far.got('reconcile')[0]);
    bench.run(LIMITS.visitQuietMs + 2 * SECOND);
    expect([far.got('fetch'), far.isUp]).toEqual([[{ type: 'fetch', ids: [message.id] }], true]);
    bench.run(LIMITS.visitIdleMs);
    expect(far.isUp).toBe(false);
  });

  it('asks another holder when one cannot be reached or does not hold it, and none again and again', () => {
    const { bench } = relayBefore({ far: ['dev'], away: ['dev'] }, { state: { joined: ['dev'] } });
    bench.run(5 * SECOND);
    const [first] = dials(bench);
    bench.event({ kind: 'dial-failed', url: first as string, reason: 'connection refused' });
    bench.run(20 * SECOND);
    expect(dials(bench).slice(0, 2).sort()).toEqual([urlOf('away'), urlOf('far')]);
    const name = dials(bench)[1] === urlOf('far') ? 'far' : 'away';
    const other = visited(bench, name);
    bench.run(5 * SECOND);
    expect(other.refusal).toBe('visit_over');
    const mark = bench.mark;
    bench.run(300 * SECOND);
    // That one did not hold it: it is asked now and then. The other address is not proven: one dial in ten minutes.
    expect(dials(bench, mark).filter((url) => url === first)).toEqual([]);
    expect(dials(bench, mark).length).toBeLessThan(40);
  });

  it('finds a holder by its record, whatever strangers fill its book with', () => {
    const { bench } = relayBefore({ far: ['dev'] });
    for (let leaf = 0; leaf < 5; leaf++) {
      const flooder = bench.connect(`flooder ${leaf}`, { relay: false });
      for (let i = 0; i < 17; i++) {
        const url = (n: number) => `ws://flood${leaf}x${i}x${n}.example/`;
        const relays = Array.from({ length: 16 }, (_, n) => ({
          peer: flooder.id,
          urls: Array.from({ length: 4 }, (_, k) => url(4 * n + k)),
        }));
        flooder.send({ type: 'addresses', relays });
      }
    }
    bench.join('dev');
    bench.run(60 * SECOND);
    expect(dials(bench)).toContain(urlOf('far'));
  });

  it('stays at home where only neighbours hold it, until somebody else does', () => {
    const { bench, tell } = relayBefore({ far: ['music'] }, { state: { joined: ['dev'] } });
    bench.run(60 * SECOND);
    const mark = bench.mark;
    tell('far', ['music', 'dev']);
    bench.run(5 * SECOND);
    expect(dials(bench, mark)).toContain(urlOf('far'));
  });

  it('counts no visit as a neighbour: nothing is pushed, announced or flooded there', () => {
    const { bench, near } = relayBefore({ far: ['dev'] }, { state: { joined: ['dev'] } });
    bench.run(5 * SECOND);
    const far = visited(bench, 'far');
    const guest = visitor(bench, 'guest');
    for (const one of [far, guest]) one.send(holds(['dev', 'music']));
    bench.publish('hello');
    bench.run(2 * SECOND);
    const types = new Set([far, guest].flatMap(({ frames }) => frames.map(({ type }) => type)));
    expect([...types].sort()).toEqual(['auth', 'holds', 'sums']);
    expect(guest.got('holds').flatMap(({ set }) => set.map(({ tag }) => tag))).toEqual([tagOf('dev')]);
    expect([bench.peer.holds('dev'), bench.peer.holds('music')]).toEqual([true, false]);
    expect(near.got('push')).toHaveLength(1);
    bench.run(LIMITS.anchorMs);
    const proven = bench.ops('address').map(({ url }) => url);
    expect(proven).not.toContain(urlOf('far'));
  });
});

describe('a visitor', () => {
  const relay = (): Bench => relayBefore({}, { state: { joined: ['dev'] } }).bench;
  const many = (bench: Bench, count: number): Remote[] =>
    Array.from({ length: count }, (_, i) => visitor(bench, `visitor ${i}`));

  it('is one of eight at most, and of four that the map does not know', () => {
    const strangers = many(relay(), 6);
    expect(strangers.map(({ refusal }) => refusal)).toEqual([
      '',
      '',
      '',
      '',
      'too_many_links',
      'too_many_links',
    ]);
    const names = Array.from({ length: 9 }, (_, i) => `visitor ${i}`);
    const { bench } = relayBefore(Object.fromEntries(names.map((name) => [name, []])));
    const known = names.map((name) => visitor(bench, name));
    expect(known.map(({ refusal }) => refusal).filter((refusal) => refusal !== '')).toEqual([
      'too_many_links',
    ]);
  });

  it('that does nothing is sent away, and one that never ends too', () => {
    const bench = relay();
    const [idle, busy] = many(bench, 2) as [Remote, Remote];
    busy.send(holds(['dev']));
    const set = new FarSet(busy, []);
    for (let i = 0; i < 20; i++) {
      bench.run(20 * SECOND);
      if (!busy.closed) set.ask(i + 1);
      if (i === 2) expect([idle.refusal, busy.isUp]).toEqual(['visit_over', true]);
    }
    expect(busy.refusal).toBe('visit_over');
  });

  it('is not taken in again at once', () => {
    const bench = relay();
    const [first] = many(bench, 1) as [Remote];
    first.hangUp();
    expect(visitor(bench, 'visitor 0').refusal).toBe('too_many_links');
    bench.run(LIMITS.visitorAgainMs);
    expect(visitor(bench, 'visitor 0').isUp).toBe(true);
  });

  it('cannot have sums read without bound by telling its channels again and again', () => {
    const bench = relay();
    for (const isVisit of [true, false]) {
      const guest = bench.connect(`guest ${isVisit}`, { relay: true, isVisit });
      const sequence = Math.floor(bench.now.wallMs);
      const interest = interestRecord(guest.key, sequence, [tagOf('dev')]);
      if (!isVisit) sendRecords(guest, peerRecord(guest.key, { sequence }), interest);
      guest.send(holds(['dev']));
      bench.run(100);
      const mark = bench.mark;
      for (let i = 0; i < 200; i++) {
        const told = holds(['dev']) as Extract<Frame, { type: 'holds' }>;
        guest.send(i % 2 === 0 ? { ...told, reset: true } : { ...told, unset: [tagOf('dev')] });
        bench.run(1);
      }
      const reads = bench.of('read', mark).filter(({ query }) => query.kind === 'sums').length;
      expect(reads).toBeGreaterThan(0);
      expect(reads).toBeLessThanOrEqual(isVisit ? LIMITS.visitComparesMax : LIMITS.comparesMax);
    }
  });

  it('leaves little behind, however many come and go', () => {
    const bench = relay();
    for (let i = 0; i < LIMITS.visitorsMax + 20; i++) visitor(bench, `passer-by ${i}`).hangUp();
    const { visits, visitors, visitorsRemembered } = bench.peer.footprint();
    expect([visits?.size, visitors?.size]).toEqual([0, 0]);
    expect(visitorsRemembered?.size).toBe(LIMITS.visitorsMax);
    bench.run(LIMITS.visitorAgainMs + 2 * SECOND);
    expect(bench.peer.footprint().visitorsRemembered?.size).toBe(0);
  });

  it('says nothing but catch-up, about so many channels', () => {
    const bench = relay();
    const guest = visitor(bench, 'guest');
    const message = bench.message('pushed');
    guest.send({ type: 'role', relay: true, live: true });
    guest.send({ type: 'push', root: '', keep: true, messages: [message] });
    guest.send({ type: 'announce', ids: [message.id] });
    guest.send({ type: 'mailbox', tags: [tagOf('music')] });
    guest.send(holds(Array.from({ length: LIMITS.visitChannelsMax + 1 }, (_, i) => `channel ${i}`)));
    bench.run(SECOND);
    expect(bench.reports('offence')).toHaveLength(5);
    expect(guest.got('fetch')).toEqual([]);
    expect(bench.of('persist').flatMap(({ ops }) => ops.filter(({ kind }) => kind === 'message'))).toEqual(
      [],
    );
  });

  it('is no use to a neighbour, and gives way to one', () => {
    const { bench, near } = relayBefore({}, { state: { joined: ['dev'] } });
    expect(visitor(bench, 'near').refusal).toBe('duplicate_link');
    expect(near.isUp).toBe(true);
    const guest = visitor(bench, 'guest');
    const neighbour = bench.connect('guest', { relay: true });
    expect([guest.refusal, neighbour.isUp, kinds(bench).includes('visit')]).toEqual([
      'duplicate_link',
      true,
      false,
    ]);
  });

  it('finds nobody at a leaf', () => {
    const bench = new Bench({ config: { mayRelay: false } });
    expect(visitor(bench, 'guest').refusal).toBe('too_many_links');
  });
});
