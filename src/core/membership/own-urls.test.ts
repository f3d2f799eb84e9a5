/** What a peer tells others about where it is. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { Bench } from '../peer.fixture.ts';
import { OwnUrls } from './own-urls.ts';
import { decodeRecord, type SignedContent } from './records.ts';

const PUBLIC = 'wss://relay.example/';
const urlsIn = (record: SignedContent | undefined) => (record?.kind === 1 ? record.urls : []);

describe('without a public URL, own URLs', () => {
  it('are what diallers named: what most different ones named first, four at most, and nobody pushes those out', () => {
    const urls = new OwnUrls('');
    urls.named('', 'silent', 'public');
    expect(urls.list()).toEqual([]);
    for (const peer of ['a', 'b', 'b', 'c']) urls.named('ws://true.example/', peer, 'public');
    for (let i = 0; i < 2 * LIMITS.ownUrlsMax; i++) urls.named(`ws://lie${i}.example/`, 'liar', 'public');
    for (const peer of ['d', 'e']) urls.named('ws://second.example/', peer, 'public');
    expect(urls.list().slice(0, 2)).toEqual(['ws://true.example/', 'ws://second.example/']);
    expect(urls.list()).toHaveLength(LIMITS.recordAddressesMax);
  });
});

describe('an address that only neighbours at home reached', () => {
  it('is told at home, and to nobody once there is a link with the world', () => {
    const urls = new OwnUrls('');
    urls.named('ws://192.168.1.5:5000/', 'neighbour', 'private');
    expect([urls.list('loopback').length, urls.list('private').length, urls.list('public')]).toEqual([
      1,
      1,
      [],
    ]);
    urls.named('ws://192.168.1.5:5000/', 'liar', 'public');
    expect(urls.list('public')).toHaveLength(1);
  });

  it('leaves the record when a public link comes up', () => {
    const bench = new Bench();
    const near = bench.connect('near', { url: 'ws://192.168.1.5:5000/', scope: 'private', relay: true });
    bench.run(3000);
    const told = () => {
      near.clear();
      near.send({ type: 'want', heads: [{ kind: 1, peer: bench.peerId, sequence: 0 }] });
      const records = near.got('records').flatMap((frame) => frame.records);
      return records.map(({ bytes }) => decodeRecord(bytes)).flatMap((record) => urlsIn(record));
    };
    expect(told()).toEqual(['ws://192.168.1.5:5000/']);
    bench.connect('far', { role: 'responder', scope: 'public', relay: true });
    bench.run(10_000);
    expect(told()).toEqual([]);
  });
});

describe('with a public URL, the own URL', () => {
  it('is that one and no other, and nobody is told before somebody was there', () => {
    const urls = new OwnUrls(PUBLIC);
    for (const url of ['ws://127.0.0.1:5000/', 'wss://relay.example/x', 'ws://relay.example/', ''])
      urls.named(url, 'a', 'public');
    expect(urls.list()).toEqual([]);
    urls.named(PUBLIC, 'b', 'loopback');
    urls.named('ws://127.0.0.1:5000/', 'c', 'loopback');
    expect(urls.list()).toEqual([PUBLIC]);
    expect(urls.list('public')).toEqual([PUBLIC]);
  });

  it('is what its record and its list of peers say, though a daemon on its host dials another one', () => {
    const bench = new Bench({ config: { publicUrl: PUBLIC } });
    const local = bench.connect('local', { url: 'ws://127.0.0.1:5000/', scope: 'loopback', relay: true });
    bench.run(2000);
    /** Asks for all that is announced. */
    const urlsSent = () => {
      for (const { heads } of local.got('have')) local.send({ type: 'want', heads });
      const records = local.got('records').flatMap((frame) => frame.records);
      return records.map(({ bytes }) => decodeRecord(bytes)).flatMap((record) => urlsIn(record));
    };
    expect(local.isUp).toBe(true);
    expect([bench.peer.snapshot(bench.now).ownUrls, urlsSent()]).toEqual([[], []]);
    bench.connect('far', { url: PUBLIC, scope: 'public', relay: true });
    bench.run(2000);
    expect(bench.peer.snapshot(bench.now).ownUrls).toEqual([PUBLIC]);
    expect(new Set(urlsSent())).toEqual(new Set([PUBLIC]));
  });
});
