/** Proof by dialling back, on both sides. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { Bench } from '../peer.fixture.ts';

const dials = (bench: Bench): string[] => bench.of('dial').map(({ url }) => url);

describe('a leaf whose port is open', () => {
  it('asks its neighbours one after the other, relays first, each once in ten minutes, until somebody has reached it', () => {
    const bench = new Bench();
    const homes = ['one', 'two'].map((name) => bench.connect(name, { role: 'responder', relay: true }));
    bench.connect('a leaf', { role: 'responder' });
    bench.run(2000);
    expect(homes.flatMap((home) => home.got('dial-back'))).toEqual([]);
    bench.event({ kind: 'listening', port: 5000 });
    bench.run(2000);
    expect(homes.map((home) => home.got('dial-back'))).toEqual([
      [{ type: 'dial-back', url: '', port: 5000 }],
      [],
    ]);
    bench.run(LIMITS.dialBackAgainMs - 10_000);
    expect(homes.map((home) => home.got('dial-back').length)).toEqual([1, 1]);
    bench.run(20_000);
    expect(homes.map((home) => home.got('dial-back').length)).toEqual([2, 2]);
    bench.connect('one', { role: 'dialler', relay: true });
    bench.run(2 * LIMITS.dialBackAgainMs);
    expect(bench.peer.snapshot(bench.now).role).toBe('relay');
    expect(homes[1]?.got('dial-back')).toHaveLength(2);
  });

  it('names its public URL where it has one', () => {
    const bench = new Bench({ config: { publicUrl: 'wss://me.example/' } });
    const home = bench.connect('home', { role: 'responder', relay: true });
    bench.event({ kind: 'listening', port: 5000 });
    bench.run(2000);
    expect(home.got('dial-back')).toEqual([{ type: 'dial-back', url: 'wss://me.example/', port: 5000 }]);
  });

  it('stays a leaf whoever dials it, if it may not be a relay', () => {
    const bench = new Bench({ config: { mayRelay: false } });
    const home = bench.connect('home', { role: 'responder', relay: true });
    bench.event({ kind: 'listening', port: 5000 });
    bench.connect('somebody', { role: 'dialler', relay: true });
    bench.run(2000);
    expect(bench.peer.snapshot(bench.now).role).toBe('leaf');
    expect(home.got('dial-back')).toEqual([]);
  });
});

describe('whoever is asked to dial back', () => {
  const linked = (changes = {}) => {
    const bench = new Bench();
    const remote = bench.connect('asker', { host: '198.51.100.7', ...changes });
    bench.run(1000);
    return { bench, remote };
  };

  it('dials the address that the asker comes from, at the port that it names', () => {
    for (const [host, port, url] of [
      ['198.51.100.7', 5000, 'ws://198.51.100.7:5000/'],
      ['198.51.100.7', 80, 'ws://198.51.100.7/'],
      ['[2001:db8::7]', 5000, 'ws://[2001:db8::7]:5000/'],
    ] as const) {
      const { bench, remote } = linked({ host });
      remote.send({ type: 'dial-back', url: '', port });
      expect(dials(bench)).toEqual([url]);
    }
  });

  it('dials nothing where it cannot know the address, for no port, and for what is no URL', () => {
    const { bench, remote } = linked({ host: '' });
    remote.send({ type: 'dial-back', url: '', port: 5000 });
    for (const url of ['http://a.example/', 'ws://A.example', 'nothing', 'ws://a@b.example/'])
      remote.send({ type: 'dial-back', url, port: 5000 });
    const other = bench.connect('other', { host: '198.51.100.9' });
    other.send({ type: 'dial-back', url: '', port: 0 });
    bench.run(5000);
    expect(dials(bench)).toEqual([]);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('dials as publicly as the asker is linked', () => {
    const { bench, remote } = linked({ scope: 'public' });
    remote.send({ type: 'dial-back', url: 'ws://127.0.0.1:22/', port: 1 });
    bench.run(2000);
    expect(bench.of('dial')).toMatchObject([{ scope: 'public' }]);
  });

  it('dials named URLs one a second, and a host once in ten minutes', () => {
    const bench = new Bench();
    const askers = Array.from({ length: 6 }, (_, i) => bench.connect(`asker ${i}`, { scope: 'public' }));
    askers.forEach((asker, i) => {
      const host = i < 3 ? 'victim' : `host${i}`;
      asker.send({ type: 'dial-back', url: `ws://${host}.example:${5000 + i}/`, port: 1 });
    });
    expect(dials(bench)).toHaveLength(1);
    for (let n = 1; n < 9; n++) {
      bench.run(1000);
      expect(dials(bench).length).toBeLessThanOrEqual(n + 1);
    }
    const hosts = dials(bench).map((url) => new URL(url).hostname);
    expect(hosts.sort()).toEqual(['host3.example', 'host4.example', 'host5.example', 'victim.example']);
  });

  it('has a few dials under way, and the rest waits for one to end', () => {
    const bench = new Bench();
    const count = LIMITS.dialBacksAtOnce + 5;
    for (let i = 0; i < count; i++) {
      const asker = bench.connect(`asker ${i}`, { host: `198.51.100.${i + 1}` });
      asker.send({ type: 'dial-back', url: '', port: 5000 });
    }
    expect(dials(bench)).toHaveLength(LIMITS.dialBacksAtOnce);
    for (const url of dials(bench)) bench.event({ kind: 'dial-failed', url, reason: 'timed out' });
    expect(dials(bench)).toHaveLength(count);
    // What leads nowhere is not remembered.
    expect(bench.peer.footprint().addresses?.size).toBe(5);
  });
});

describe('dials for others', () => {
  it('do not follow each other at one host, whoever asks and whatever port he names', () => {
    const bench = new Bench();
    const askers = Array.from({ length: 3 }, (_, i) =>
      bench.connect(`asker ${i}`, { host: '198.51.100.7', scope: 'public' }),
    );
    for (let port = 1000; port < 1020; port++) {
      for (const asker of askers) asker.send({ type: 'dial-back', url: '', port });
      for (const url of dials(bench)) bench.event({ kind: 'dial-failed', url, reason: 'connection refused' });
    }
    expect(dials(bench)).toHaveLength(1);
    bench.run(LIMITS.dialBackHostMs + 1000);
    expect(dials(bench)).toHaveLength(2);
  });

  it('take no place of those for own links', () => {
    const bench = new Bench();
    for (let i = 0; i < LIMITS.dialBacksAtOnce; i++) {
      const asker = bench.connect(`asker ${i}`, { host: `198.51.100.${i + 1}` });
      asker.send({ type: 'dial-back', url: '', port: 5000 });
    }
    const mark = bench.mark;
    const addresses = [{ url: 'ws://relay.example/', peer: '' }];
    bench.event({ kind: 'addresses', source: 'list', scope: 'loopback', addresses, fixed: false });
    bench.run(2000);
    expect(bench.of('dial', mark).map(({ url }) => url)).toContain('ws://relay.example/');
  });
});
