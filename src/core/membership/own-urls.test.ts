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
    urls.named('', 'silent');
    expect(urls.list()).toEqual([]);
    for (const peer of ['a', 'b', 'b', 'c']) urls.named('ws://true.example/', peer);
    for (let i = 0; i < 2 * LIMITS.ownUrlsMax; i++) urls.named(`ws://lie${i}.example/`, 'liar');
    for (const peer of ['d', 'e']) urls.named('ws://second.example/', peer);
    expect(urls.list().slice(0, 2)).toEqual(['ws://true.example/', 'ws://second.example/']);
    expect(urls.list()).toHaveLength(LIMITS.recordAddressesMax);
  });
});

describe('with a public URL, the own URL', () => {
  it('is that one and no other, and nobody is told before somebody was there', () => {
    const urls = new OwnUrls(PUBLIC);
    for (const url of ['ws://127.0.0.1:5000/', 'wss://relay.example/x', 'ws://relay.example/', ''])
      urls.named(url, 'a');
    expect(urls.list()).toEqual([]);
    urls.named(PUBLIC, 'b');
    urls.named('ws://127.0.0.1:5000/', 'c');
    expect(urls.list()).toEqual([PUBLIC]);
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
