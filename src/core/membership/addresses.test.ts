/** When which address is dialled: budgets and backoff, without a network. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { Context } from '../context.ts';
import { DEFAULT_RETENTION, NO_RATES } from '../defaults.ts';
import { LIMITS, MINUTE, SECOND } from '../limits.ts';
import { sha256 } from '../message/message.fixture.ts';
import { Bench } from '../peer.fixture.ts';
import { encodeErrorText } from '../wire/handshake.ts';
import { Addresses, type DialWish, type Hint } from './addresses.ts';
import { peerRecord, sendRecords } from './records.fixture.ts';

const peerId = (n: number): string => toBase64url(sha256(Uint8Array.of(n)));
const OWN = peerId(0);

class Book {
  readonly #ctx: Context;
  readonly addresses: Addresses;
  /** ids that count as linked */
  readonly linked = new Set([OWN]);
  /** how many links by hint are wanted */
  wanted = 10;
  nowMs = 1_000_000;

  constructor(allowPrivate = false) {
    const config = {
      network: 'openclaw',
      peerId: OWN,
      agent: '',
      banThreshold: 16,
      known: new Set<string>(),
      rates: NO_RATES,
      retention: DEFAULT_RETENTION,
      publicUrl: '',
      mayRelay: true,
      mesh1: true,
      sealLoopback: false,
      sha256,
      allowPrivate,
    };
    this.#ctx = new Context({ ...config, instance: new Uint8Array(8), seed: sha256(new Uint8Array(1)) });
    this.addresses = new Addresses(this.#ctx);
    this.run(0);
  }

  learn(url: string, changes: Partial<Hint> = {}): void {
    this.addresses.learn({ url, peer: '', source: 'test', scope: 'public', trust: 'peer', ...changes });
  }

  /** A look every second, as the peer does. @returns URLs dialled with the ms since the start of this run */
  run(durationMs: number, fails = true): [url: string, atMs: number][] {
    const dialled: [string, number][] = [];
    const wish: DialWish = {
      wanted: this.wanted,
      isLinked: (peer) => this.linked.has(peer),
      rank: (address) => (address.proven ? 0 : 1) + address.failures,
    };
    for (let ms = 0; ms <= durationMs; ms += SECOND) {
      this.#ctx.now = { monotonicMs: this.nowMs + ms, wallMs: this.nowMs + ms };
      this.addresses.dialDue(wish);
      for (const effect of this.#ctx.takeEffects()) {
        if (effect.kind !== 'dial') continue;
        dialled.push([effect.url, ms]);
        if (fails) this.addresses.ended(effect.url, 0, '');
      }
    }
    this.nowMs += durationMs;
    return dialled;
  }
}

const gaps = (dials: readonly (readonly [string, number])[]): number[] =>
  dials.slice(1).map(([, at], i) => at - (dials[i] as [string, number])[1]);

describe('addresses that the operator configured', () => {
  it('are dialled for ever: soon at first, then every minute', () => {
    const book = new Book();
    book.wanted = 0;
    book.learn('ws://fixed.example/', { trust: 'fixed' });
    const dials = book.run(60 * MINUTE);
    expect(gaps(dials)[0]).toBeLessThanOrEqual(2 * SECOND);
    expect(Math.max(...gaps(dials))).toBeLessThanOrEqual(LIMITS.dialBackoffMaxMs * 1.3 + SECOND);
    expect(dials.length).toBeGreaterThan(40);
    expect(dials.length).toBeLessThan(100);
  });

  it('are all dialled at once, whatever hints there are', () => {
    const book = new Book();
    for (let n = 0; n < 5; n++) book.learn(`ws://fixed.example:${n + 1}/`, { trust: 'fixed' });
    expect(book.run(0)).toHaveLength(5);
  });

  it('are dialled even if a peer says that they lead to itself or to us', () => {
    for (const peer of [OWN, peerId(1)]) {
      for (const trust of ['fixed', 'source'] as const) {
        const book = new Book();
        book.linked.add(peerId(1));
        book.learn('ws://chosen.example/', { trust });
        book.learn('ws://chosen.example/', { peer });
        expect(book.run(0)).toHaveLength(1);
        const other = new Book();
        other.linked.add(peerId(1));
        other.learn('ws://chosen.example/', { peer });
        other.learn('ws://chosen.example/', { trust: 'fixed' });
        expect(other.run(0)).toHaveLength(1);
      }
    }
  });

  it('are not dialled while a link with the peer that they were proved to lead to stands', () => {
    const book = new Book();
    book.learn('ws://fixed.example/', { trust: 'fixed' });
    book.run(0, false);
    book.addresses.proved('ws://fixed.example/', peerId(1));
    book.linked.add(peerId(1));
    expect(book.run(MINUTE)).toEqual([]);
    book.addresses.ended('ws://fixed.example/', 10 * SECOND, '');
    expect(book.run(MINUTE)).toEqual([]);
    book.linked.delete(peerId(1));
    expect(book.run(MINUTE).length).toBeGreaterThan(0);
  });
});

describe('backoff', () => {
  it('grows from half a second to a minute, with jitter, and falls back only after a stable link', () => {
    const book = new Book();
    book.learn('ws://fixed.example/', { trust: 'fixed' });
    const grown = gaps(book.run(10 * MINUTE));
    expect(Math.max(...grown.slice(-3))).toBeGreaterThan(40 * SECOND);
    expect(new Set(grown.slice(-5)).size).toBeGreaterThan(1);
    const next = (livedMs: number): number => {
      book.run(2 * MINUTE, false);
      book.addresses.proved('ws://fixed.example/', peerId(1));
      book.addresses.ended('ws://fixed.example/', livedMs, '');
      return book.run(2 * MINUTE)[0]?.[1] ?? Number.POSITIVE_INFINITY;
    };
    expect(next(LIMITS.dialStableMs - 1)).toBeGreaterThan(40 * SECOND);
    expect(next(LIMITS.dialStableMs)).toBeLessThanOrEqual(SECOND);
  });

  it.each(['banned', 'duplicate_peer'] as const)('is long at once after %s', (code) => {
    const book = new Book();
    book.learn('ws://fixed.example/', { trust: 'fixed' });
    book.run(0, false);
    book.addresses.ended('ws://fixed.example/', MINUTE, code);
    expect(book.run(2 * MINUTE)[0]?.[1]).toBeGreaterThan(20 * SECOND);
  });

  it('leaves an address alone for an hour that led to ourselves, and then looks again', () => {
    const book = new Book();
    book.learn('ws://self.example/', { trust: 'fixed' });
    book.run(0, false);
    book.addresses.ended('ws://self.example/', 0, 'self_link');
    expect(book.addresses.snapshot(() => false)).toMatchObject([{ state: 'self' }]);
    expect(book.run(LIMITS.dialSelfMs * 0.6)).toEqual([]);
    expect(book.run(LIMITS.dialSelfMs).length).toBeGreaterThan(0);
  });
});

describe('hints', () => {
  it('are tried one a second in all', () => {
    const book = new Book();
    book.wanted = 1000;
    for (let n = 0; n < 100; n++) book.learn(`ws://host${n}.example/`);
    const dials = book.run(20 * SECOND);
    expect(dials).toHaveLength(21);
    expect(new Set(dials.map(([url]) => url)).size).toBe(21);
    expect(gaps(dials).every((gap) => gap >= SECOND)).toBe(true);
  });

  it('are tried once per host in ten minutes, whatever port and path they name', () => {
    const book = new Book();
    for (let n = 1; n <= 50; n++) book.learn(`ws://victim.example:${n + 1000}/${n}`);
    expect(book.run(9 * MINUTE)).toHaveLength(1);
    expect(book.run(2 * MINUTE)).toHaveLength(1);
  });

  it('cannot get around that by spelling one host in many ways', () => {
    const book = new Book();
    const spellings = [
      'ws://VICTIM.example/',
      'ws://victim.example./',
      'WS://victim.example/',
      'ws://a@victim.example/',
    ];
    for (const url of [
      'ws://victim.example/',
      ...spellings,
      'ws://victim.example:80/',
      'ws://victim.example',
    ])
      book.learn(url);
    for (const url of ['ws://192.0.2.1/', 'ws://192.0.513/', 'ws://0xc0000201/', 'ws://3221225985/'])
      book.learn(url);
    expect(book.run(9 * MINUTE)).toHaveLength(2);
  });

  it.each([
    '',
    'hello',
    'http://a.example/',
    'ws:/a',
    'javascript:alert(1)',
    `ws://a.example/${'x'.repeat(256)}`,
    'ws://',
    'ws://a b/',
  ])('are no URL of a peer: %j', (url) => {
    const book = new Book();
    book.learn(url);
    expect(book.addresses.all()).toEqual([]);
  });

  it('are not tried where enough links are there, or a dial proved that they lead to a linked peer', () => {
    const book = new Book();
    book.wanted = 0;
    book.learn('ws://a.example/', { trust: 'proven', peer: peerId(1) });
    expect(book.run(MINUTE)).toEqual([]);
    book.wanted = 5;
    book.linked.add(peerId(1));
    expect(book.run(MINUTE)).toEqual([]);
  });

  it('are tried although somebody claims that they belong to a linked peer, or to us', () => {
    const book = new Book();
    book.wanted = 5;
    book.linked.add(peerId(1));
    book.learn('ws://a.example/', { peer: peerId(1) });
    book.learn('ws://b.example/', { peer: OWN });
    expect(
      book
        .run(MINUTE)
        .map(([url]) => url)
        .sort(),
    ).toEqual(['ws://a.example/', 'ws://b.example/']);
  });

  it('wait ten times as long after a failure as addresses that the operator or a dial vouches for', () => {
    const book = new Book(true);
    book.learn('ws://stranger.example/');
    book.learn('ws://chosen.example/', { trust: 'source' });
    book.learn('ws://known.example/', { trust: 'proven', peer: peerId(2) });
    const dials = book.run(30 * MINUTE);
    const count = (name: string) => dials.filter(([url]) => url.includes(name)).length;
    expect(count('chosen')).toBeGreaterThan(3 * count('stranger'));
    expect(count('known')).toBeGreaterThan(3 * count('stranger'));
    expect(count('stranger')).toBeGreaterThan(1);
  });

  it('go with as few dials as links are wanted: what is under way counts', () => {
    const book = new Book();
    book.wanted = 3;
    for (let n = 0; n < 20; n++) book.learn(`ws://host${n}.example/`);
    expect(book.run(MINUTE, false)).toHaveLength(3);
  });

  it('never push out what was chosen or proved, however many come', () => {
    const book = new Book();
    book.learn('ws://chosen.example/', { trust: 'source' });
    book.learn('ws://known.example/', { trust: 'proven', peer: peerId(2) });
    for (let n = 0; n < 2 * LIMITS.addressesMax; n++)
      book.learn(`ws://host${n}.example/`, { source: peerId(n % 8) });
    expect(book.addresses.all()).toHaveLength(LIMITS.addressesMax);
    book.learn('ws://fixed.example/', { trust: 'fixed' });
    const kept = new Set(book.addresses.all().map(({ url }) => url));
    for (const url of ['ws://chosen.example/', 'ws://known.example/', 'ws://fixed.example/'])
      expect(kept.has(url)).toBe(true);
    expect(kept.size).toBe(LIMITS.addressesMax);
  });

  it('of one peer take a quarter of the book, and push out none of another', () => {
    const book = new Book();
    for (let n = 0; n < 100; n++) book.learn(`ws://honest${n}.example/`, { source: peerId(1) });
    const flood = (from: number): void => {
      for (let n = 0; n < 2 * LIMITS.addressesMax; n++)
        book.learn(`ws://flood${from}x${n}.example/`, { source: peerId(from) });
    };
    const count = (source: number): number =>
      book.addresses.all().filter((address) => address.source === peerId(source)).length;
    flood(2);
    flood(3);
    expect([count(1), count(2), count(3)]).toEqual([100, LIMITS.addressesMax / 4, LIMITS.addressesMax / 4]);
    for (const { url } of book.addresses.all()) book.addresses.forget(url);
    flood(2);
    expect(count(2)).toBe(LIMITS.addressesMax / 4);
  });

  it('may lead as near as the nearest who named them', () => {
    const book = new Book();
    for (const scope of ['public', 'private', 'public'] as const) book.learn('ws://10.0.0.1/', { scope });
    expect(book.addresses.all().map(({ scope }) => scope)).toEqual(['private']);
  });

  it('keep the scope of the place that named them, unless the operator allows everything', () => {
    for (const allowPrivate of [false, true]) {
      const book = new Book(allowPrivate);
      book.learn('ws://10.0.0.1/');
      expect(book.addresses.all()[0]?.scope).toBe(allowPrivate ? 'loopback' : 'public');
    }
  });
});

describe('a peer', () => {
  it('learns addresses from records and from a relay, and dials a linked claimant last', () => {
    const bench = new Bench();
    const relay = bench.connect('relay', { relay: true, scope: 'public' });
    const seq = Math.floor(bench.now.wallMs);
    const known = peerRecord(relay.key, { sequence: seq, urls: ['ws://relay.example:1/'] });
    sendRecords(relay, known);
    relay.send({
      type: 'addresses',
      relays: [{ peer: peerId(9), urls: ['ws://ninth.example/', 'ws://10.0.0.9/'] }],
    });
    bench.run(30_000);
    expect(bench.of('dial').map(({ scope }) => scope)).toEqual(['public', 'public', 'public']);
    const urls = bench.of('dial').map(({ url }) => url);
    expect(urls.slice(0, 2).sort()).toEqual(['ws://10.0.0.9/', 'ws://ninth.example/']);
    expect(urls[2]).toBe('ws://relay.example:1/');
  });

  it('dials a configured address again after each failure, and remembers the one that it proved', () => {
    const bench = new Bench();
    const url = 'ws://b.example:5000/';
    const addresses = [{ url, peer: '' }];
    bench.event({ kind: 'addresses', source: 'MESH_PEERS', scope: 'loopback', fixed: true, addresses });
    expect(bench.of('dial')).toHaveLength(1);
    bench.event({ kind: 'dial-failed', url, reason: 'refused' });
    bench.run(5000);
    expect(bench.of('dial')).toHaveLength(2);
    const b = bench.connect('b', { role: 'responder', url });
    expect(bench.ops('address')).toMatchObject([{ url, peer: b.id }]);
    b.hangUp();
    bench.run(5000);
    expect(bench.of('dial')).toHaveLength(3);
  });
});

describe('why the last try failed', () => {
  const url = 'ws://b.example:5000/';

  const shown = (book: Book): string | undefined => book.addresses.snapshot(() => false)[0]?.lastError;

  it('is told with its code, in at most 200 characters and no half of one', () => {
    const book = new Book();
    book.learn(url, { trust: 'fixed' });
    expect(shown(book)).toBe('');
    book.addresses.ended(url, 0, 'unauthorized', 'dial wss://x/, and no other URL');
    expect(shown(book)).toBe('unauthorized: dial wss://x/, and no other URL');
    book.addresses.ended(url, 0, 'banned', 'banned: come back in an hour');
    expect(shown(book)).toBe('banned: come back in an hour');
    book.addresses.ended(url, 0, 'timed_out');
    expect(shown(book)).toBe('timed_out');
    book.addresses.ended(url, 0, '', `${'x'.repeat(199)}\u{1f600}`);
    expect(shown(book)).toBe('x'.repeat(199));
  });

  it('is gone once the address is linked, and not shown while its peer is', () => {
    const book = new Book();
    book.learn(url, { trust: 'fixed', peer: peerId(1) });
    book.addresses.ended(url, 0, '', 'ECONNREFUSED');
    expect(book.addresses.snapshot((peer) => peer === peerId(1))).toMatchObject([
      { state: 'linked', lastError: '' },
    ]);
    expect(shown(book)).toBe('ECONNREFUSED');
    book.addresses.proved(url, peerId(1));
    expect(shown(book)).toBe('');
  });

  it('stays known when the operator chooses the address', () => {
    const book = new Book();
    book.learn(url);
    book.addresses.ended(url, 0, '', 'ECONNREFUSED');
    book.learn(url, { trust: 'fixed' });
    expect(shown(book)).toBe('ECONNREFUSED');
  });

  it('comes from the failed dial and from the refused handshake', () => {
    const bench = new Bench();
    const addresses = [{ url, peer: '' }];
    const last = () => bench.peer.snapshot(bench.now).addresses[0]?.lastError;
    bench.event({ kind: 'addresses', source: 'MESH_PEERS', scope: 'loopback', fixed: true, addresses });
    bench.event({ kind: 'dial-failed', url, reason: 'ECONNREFUSED' });
    expect(last()).toBe('ECONNREFUSED');
    const refusing = bench.open('b', { role: 'responder', url });
    refusing.text(encodeErrorText('unauthorized', 'dial wss://x/, and no other URL'));
    expect(last()).toBe('unauthorized: dial wss://x/, and no other URL');
    const b = bench.connect('b', { role: 'responder', url });
    expect(last()).toBe('');
    b.send({ type: 'error', code: 'banned', detail: 'too many offences' });
    b.hangUp();
    expect(last()).toBe('banned: too many offences');
  });
});
