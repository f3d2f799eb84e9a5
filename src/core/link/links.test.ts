/** Links that are up: one per peer, kept alive by pings, scored by what the other side does wrong. */
import { describe, expect, it } from 'vitest';
import { compare } from '../bytes.ts';
import { HOUR, LIMITS } from '../limits.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';

/** A name whose id is smaller, or larger, than that of the bench's peer. */
function named(bench: Bench, order: 'smaller' | 'larger'): string {
  for (let n = 0; ; n++) {
    const d = compare(authorOf(`other ${n}`).publicKey, bench.key.publicKey);
    if (d < 0 === (order === 'smaller')) return `other ${n}`;
  }
}

describe('two links with one peer', () => {
  it.each(['dialler', 'responder'] as const)('of which a %s opened both: the newer wins', (role) => {
    const bench = new Bench();
    const older = bench.connect('b', { role });
    const newer = bench.connect('b', { role, url: 'ws://elsewhere.example/' });
    expect([older.isUp, newer.isUp]).toEqual([false, true]);
    expect(older.refusal).toBe('duplicate_link');
  });

  it.each([
    ['smaller', 'dialler'],
    ['larger', 'responder'],
  ] as const)('the %s id of theirs as %s of the newer one: the newer wins at once', (order, role) => {
    const bench = new Bench();
    const name = named(bench, order);
    const older = bench.connect(name, { role: role === 'dialler' ? 'responder' : 'dialler' });
    const newer = bench.connect(name, { role });
    expect([older.isUp, newer.isUp]).toEqual([false, true]);
    expect(older.refusal).toBe('duplicate_link');
  });

  const stays = [
    ['smaller', 'responder'],
    ['larger', 'dialler'],
  ] as const;

  it.each(stays)(
    'the %s id of theirs as %s of the newer one: the older stays if it answers',
    (order, role) => {
      const bench = new Bench();
      const name = named(bench, order);
      const older = bench.connect(name, { role: role === 'dialler' ? 'responder' : 'dialler' });
      bench.run(10_000);
      older.clear();
      const newer = bench.connect(name, { role });
      expect(older.got('ping')).toHaveLength(1);
      bench.run(LIMITS.duplicatePingMs + 2000);
      expect([older.isUp, newer.isUp]).toEqual([true, false]);
      expect(newer.refusal).toBe('duplicate_link');
    },
  );

  it.each(stays)(
    'the %s id of theirs as %s of the newer one: the newer wins if the older fails a ping',
    (order, role) => {
      const bench = new Bench();
      const name = named(bench, order);
      const older = bench.connect(name, { role: role === 'dialler' ? 'responder' : 'dialler' });
      bench.run(10_000);
      older.isSilent = true;
      const newer = bench.connect(name, { role });
      // the other side has lost the older one and knows of no contest: it speaks at once
      newer.send({ type: 'role', relay: true, live: false });
      newer.send({ type: 'ping', n: 5 });
      bench.run(LIMITS.duplicatePingMs + 2000);
      expect([older.isUp, newer.isUp]).toEqual([false, true]);
      expect(newer.got('pong')).toEqual([{ type: 'pong', n: 5 }]);
    },
  );

  it('the older stays alive whenever in the second the newer comes and however long its answer takes', () => {
    for (let offset = 0; offset < 1000; offset += 50) {
      const bench = new Bench();
      const name = named(bench, 'larger');
      const older = bench.connect(name, { role: 'responder', relay: true });
      bench.run(10_000 + offset);
      older.isSilent = true;
      bench.connect(name, { role: 'dialler' });
      // from now on every ping is answered, 700 ms late
      for (let ms = 0; ms < 8000; ms += 100) {
        for (const { n } of older.got('ping')) bench.later(700, () => older.send({ type: 'pong', n }));
        older.clear();
        bench.run(100);
      }
      expect(older.isUp, `offset ${offset}`).toBe(true);
    }
  });

  it('settle on one when three dials come at once and both sides dial', () => {
    const bench = new Bench();
    const name = named(bench, 'larger');
    const links = (['responder', 'dialler', 'responder', 'dialler', 'responder'] as const).map((role, i) =>
      bench.open(name, { role, url: `ws://b.example:${i + 1}/` }),
    );
    for (const link of links) link.shake();
    bench.run(20_000);
    expect(links.filter(({ isUp }) => isUp)).toHaveLength(1);
    expect(bench.peer.snapshot(bench.now).links).toHaveLength(1);
  });
});

describe('two running daemons with one key', () => {
  it('are both told, and the newer stays', () => {
    const bench = new Bench();
    const older = bench.connect('b', { instance: 1, relay: true });
    bench.run(5000);
    const newer = bench.connect('b', { instance: 2, relay: true });
    expect([older.isUp, newer.isUp]).toEqual([false, true]);
    expect(older.refusal).toBe('duplicate_peer');
    expect(newer.got('error')).toMatchObject([{ code: 'duplicate_peer' }]);
    expect(bench.reports('two daemons use one peer key')).toHaveLength(1);
  });

  it('are no alarm where the older one is dead: that is a restart', () => {
    const bench = new Bench();
    const older = bench.connect('b', { instance: 1, relay: true });
    bench.run(5000);
    older.isSilent = true;
    bench.run(2000 + LIMITS.silenceFastMs - 1500);
    const newer = bench.connect('b', { instance: 2, relay: true });
    expect(newer.isUp).toBe(true);
    expect(newer.got('error')).toEqual([]);
    expect(bench.reports('two daemons use one peer key')).toEqual([]);
  });

  it('raise an error here when a neighbour says that our own key is used twice', () => {
    const bench = new Bench();
    const remote = bench.connect('b');
    remote.send({ type: 'error', code: 'duplicate_peer', detail: 'another daemon was linked with this key' });
    expect(bench.reports('another daemon uses our peer key')).toMatchObject([
      { level: 'error', code: 'duplicate_peer' },
    ]);
  });
});

describe('offences', () => {
  const offences: readonly (readonly [string, (remote: Remote) => void])[] = [
    ['noise', (remote) => remote.bytes(new Uint8Array(50).fill(0x81))],
    ['a frame of unknown number', (remote) => remote.bytes(Uint8Array.of(0x82, 23, 0))],
    ['a frame that is too large', (remote) => remote.bytes(new Uint8Array(LIMITS.frameBytesMax + 1))],
    ['a second proof', (remote) => remote.send(remote.authFrame())],
    ['a second handshake', (remote) => remote.sayHandshake()],
    ['text', (remote) => remote.text('null')],
    [
      'an answer to no comparison',
      (remote) => remote.send({ type: 'reconciled', number: 1, message: new Uint8Array(0) }),
    ],
    [
      'unasked offers',
      (remote) => remote.send({ type: 'offer', tag: 'AAAAAAAAAAA', ids: [new Uint8Array(32)] }),
    ],
    [
      'an unasked answer',
      (remote) => remote.send({ type: 'fetched', messages: [], notHeld: [new Uint8Array(32)] }),
    ],
  ];

  it.each(offences)('are counted and told, and the link stays: %s', (_, commit) => {
    const bench = new Bench();
    const remote = bench.connect('b');
    remote.clear();
    commit(remote);
    expect(bench.reports('offence')).toMatchObject([{ level: 'warn', data: { peer: remote.id, count: 1 } }]);
    expect(remote.got('error')).toHaveLength(1);
    expect(remote.isUp).toBe(true);
  });

  it.each(offences)('ban for an hour at the threshold: %s', (_, commit) => {
    const bench = new Bench({ config: { banThreshold: 3 } });
    const remote = bench.connect('b');
    for (let i = 0; i < 3; i++) commit(remote);
    expect(remote.isUp).toBe(false);
    expect(remote.refusal).toBe('banned');
    const again = bench.connect('b');
    expect([again.isUp, again.refusal]).toEqual([false, 'banned']);
    expect(bench.connect('c').isUp).toBe(true);
    bench.run(HOUR - 1000);
    expect(bench.connect('b').isUp).toBe(false);
    bench.run(2000);
    expect(bench.connect('b').isUp).toBe(true);
  });

  it('never ban with a threshold of 0', () => {
    const bench = new Bench({ config: { banThreshold: 0 } });
    const remote = bench.connect('b');
    for (let i = 0; i < 1000; i++) remote.bytes(new Uint8Array(3));
    expect(remote.isUp).toBe(true);
    expect(bench.reports('offence')).toHaveLength(1000);
  });

  it('do not ban a key for what somebody without it did under its name', () => {
    const bench = new Bench({ config: { banThreshold: 2 } });
    for (let i = 0; i < 20; i++) {
      const mallory = bench.open('victim');
      mallory.sayHandshake();
      mallory.send(mallory.authFrame({ signer: authorOf('mallory') }));
    }
    expect(bench.connect('victim').isUp).toBe(true);
  });

  it('are never answered to an error with an error', () => {
    const bench = new Bench();
    const remote = bench.connect('b');
    remote.clear();
    for (let i = 0; i < 100; i++) remote.send({ type: 'error', code: 'invalid_message', detail: 'no, you' });
    expect(remote.frames).toEqual([]);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('a link that is up', () => {
  it('answers each ping with its number', () => {
    const remote = new Bench().connect('b');
    for (const n of [0, 1, 2 ** 53 - 1]) remote.send({ type: 'ping', n });
    expect(remote.got('pong').map(({ n }) => n)).toEqual([0, 1, 2 ** 53 - 1]);
  });

  const fast = [
    ['a relay next to a relay', { relay: true }],
    ['the live link of a leaf', { live: true }],
    ['a leaf with its first home relay', { role: 'responder', relay: true }],
  ] as const;

  it.each(fast)('is pinged every second and down after three of silence: %s', (_, options) => {
    const bench = new Bench();
    const remote = bench.connect('b', options);
    remote.clear();
    bench.run(10_000);
    expect(remote.got('ping').length).toBeGreaterThanOrEqual(9);
    expect(remote.isUp).toBe(true);
    remote.isSilent = true;
    bench.run(2500);
    expect(remote.isUp).toBe(true);
    bench.run(2000);
    expect([remote.isUp, remote.refusal]).toEqual([false, 'timed_out']);
  });

  it('is pinged every 25 s and down after 50 s of silence where nothing depends on it', () => {
    const bench = new Bench();
    const remote = bench.connect('b', { live: false });
    remote.clear();
    bench.run(100_100);
    expect(remote.got('ping')).toHaveLength(4);
    remote.isSilent = true;
    bench.run(48_000);
    expect(remote.isUp).toBe(true);
    bench.run(30_000);
    expect([remote.isUp, remote.refusal]).toEqual([false, 'timed_out']);
  });

  it('lives by anything that comes, not by pongs alone', () => {
    const bench = new Bench();
    const remote = bench.connect('b', { relay: true, isSilent: true });
    for (let i = 0; i < 20; i++) {
      remote.send({ type: 'announce', ids: [] });
      bench.run(1000);
    }
    expect(remote.isUp).toBe(true);
  });

  it('survives a stall of our own: one tick 20 s late closes nothing', () => {
    const bench = new Bench();
    const name = named(bench, 'larger');
    const links = [
      bench.connect('fast', { relay: true }),
      bench.connect('slow'),
      bench.connect(name, { role: 'responder', relay: true }),
    ];
    bench.run(10_000);
    const half = bench.open('half');
    half.sayHandshake();
    const contested = bench.connect(name, { role: 'dialler' });
    bench.stall(20_000);
    expect(links.map(({ isUp }) => isUp)).toEqual([true, true, true]);
    expect(half.closed).toBeUndefined();
    half.send(half.authFrame());
    bench.run(10_000);
    expect([...links, half].map(({ isUp }) => isUp)).toEqual([true, true, true, true]);
    expect(contested.isUp).toBe(false);
  });

  it('is gone without a word where the interpreter says so, and a new one takes its place', () => {
    const bench = new Bench();
    const remote = bench.connect('b', { relay: true });
    remote.clear();
    remote.hangUp();
    bench.run(60_000);
    expect(remote.frames).toEqual([]);
    expect(bench.peer.snapshot(bench.now).links).toEqual([]);
    expect(bench.connect('b', { relay: true }).isUp).toBe(true);
  });
});
