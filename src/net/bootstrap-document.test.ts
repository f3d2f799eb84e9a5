import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBootstrap } from './bootstrap-document.ts';

const ID = 'A'.repeat(43);
const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const list = (...peers: readonly unknown[]): Uint8Array => bytes({ version: 1, peers });

describe('a bootstrap list', () => {
  it('gives canonical addresses, and ids where they are keys', () => {
    const parsed = parseBootstrap(
      list(
        { peer_id: ID, ws_url: 'WSS://Relay.Example', capabilities: { relay: true, store: false } },
        { peer_id: 'peer-0a1b2c3d', ws_url: 'ws://8.8.8.8:5000' },
        { peer_id: `${'A'.repeat(42)}B`, ws_url: 'ws://8.8.4.4:5000' },
      ),
      'public',
    );
    expect(parsed).toEqual({
      ok: true,
      addresses: [
        { url: 'wss://relay.example/', peer: ID },
        { url: 'ws://8.8.8.8:5000/', peer: '' },
        { url: 'ws://8.8.4.4:5000/', peer: '' },
      ],
      dropped: 0,
    });
  });

  it('drops and counts entries that are malformed, refused, or named twice', () => {
    const parsed = parseBootstrap(
      list(
        { peer_id: 'a', ws_url: 'ws://8.8.8.8:5000/' },
        { peer_id: 'b', ws_url: 'ws://8.8.8.8:5000' },
        null,
        7,
        'ws://8.8.8.8:5000/',
        [],
        {},
        { peer_id: 'a' },
        { ws_url: 'ws://8.8.8.8:5001/' },
        { peer_id: '', ws_url: 'ws://8.8.8.8:5001/' },
        { peer_id: 5, ws_url: 'ws://8.8.8.8:5001/' },
        { peer_id: 'a', ws_url: 'http://8.8.8.8:5001/' },
        { peer_id: 'a', ws_url: 'ws://user:secret@8.8.8.8:5001/' },
        { peer_id: 'a', ws_url: 'ws://127.0.0.1:5001/' },
        { peer_id: 'a', ws_url: 'ws://10.0.0.1:5001/' },
        { peer_id: 'a', ws_url: 'ws://8.8.8.8:22/' },
        { peer_id: 'a', ws_url: 'ws://8.8.8.8:5001/', capabilities: 'all' },
      ),
      'public',
    );
    expect(parsed).toEqual({ ok: true, addresses: [{ url: 'ws://8.8.8.8:5000/', peer: '' }], dropped: 16 });
  });

  it('from the own host may name any address', () => {
    const parsed = parseBootstrap(list({ peer_id: 'a', ws_url: 'ws://127.0.0.1:22' }), 'loopback');
    expect(parsed).toMatchObject({ ok: true, dropped: 0 });
  });

  it('is cut at 1024 peers and its unknown fields are ignored', () => {
    const peers = Array.from({ length: 1100 }, (_, i) => ({
      peer_id: 'a',
      ws_url: `ws://8.8.8.8:${2100 + i}`,
      x: 1,
    }));
    const parsed = parseBootstrap(bytes({ version: 1, peers, motd: { hello: true } }), 'public');
    expect(parsed.ok && parsed.addresses.length).toBe(1024);
    expect(parsed.ok && parsed.dropped).toBe(76);
  });

  it('may begin with a byte-order mark', () => {
    expect(parseBootstrap(bytes('\ufeff{"version":1,"peers":[]}'), 'public')).toMatchObject({ ok: true });
  });

  it('with __proto__ in it changes nothing but itself', () => {
    const text = `{"__proto__":{"polluted":1},"version":1,"peers":[
      {"__proto__":{"ws_url":"ws://8.8.8.8:5000","peer_id":"a","polluted":1}},
      {"constructor":{"prototype":{"polluted":1}},"peer_id":"a","ws_url":"ws://8.8.8.8:5001"}]}`;
    const parsed = parseBootstrap(bytes(text), 'public');
    expect(parsed).toEqual({ ok: true, addresses: [{ url: 'ws://8.8.8.8:5001/', peer: '' }], dropped: 1 });
    expect('polluted' in {}).toBe(false);
  });

  it.each([
    ['', /not JSON/],
    ['{', /not JSON/],
    ['{"version":1,"peers":[]} x', /not JSON/],
    ['<!doctype html>', /not JSON/],
    ['null', /the document/],
    ['[]', /the document/],
    ['7', /the document/],
    ['{}', /"version"/],
    ['{"version":2,"peers":[]}', /"version"/],
    ['{"version":"1","peers":[]}', /"version"/],
    ['{"version":1}', /"peers"/],
    ['{"version":1,"peers":{}}', /"peers"/],
    ['{"version":1,"peers":{"length":1e400}}', /"peers"/],
    ['{"version":1,"peers":[],"updated_at":7}', /"updated_at"/],
    ['{"version":1,"peers":null,"__proto__":{"peers":[]}}', /"peers"/],
    ['['.repeat(100_000), /not JSON/],
  ])('is invalid if it is %.40j, and says where', (text, detail) => {
    expect(parseBootstrap(bytes(text), 'public')).toEqual({
      ok: false,
      detail: expect.stringMatching(detail),
    });
  });

  it('that is not UTF-8, or deeply nested, is invalid or empty but never throws', () => {
    expect(parseBootstrap(Uint8Array.of(0xff, 0xfe), 'public')).toMatchObject({ ok: false });
    const nested = `{"version":1,"peers":[${'['.repeat(50_000)}${']'.repeat(50_000)}]}`;
    expect(parseBootstrap(bytes(nested), 'public')).toEqual({ ok: true, addresses: [], dropped: 1 });
  });

  it('never throws, whatever it is', () => {
    const anything = fc.oneof(
      fc.uint8Array(),
      fc.json().map(bytes),
      fc.array(fc.jsonValue()).map((peers) => list(...peers)),
      fc
        .array(fc.record({ peer_id: fc.jsonValue(), ws_url: fc.oneof(fc.string(), fc.jsonValue()) }))
        .map((peers) => list(...peers)),
    );
    fc.assert(
      fc.property(anything, (input) => {
        const parsed = parseBootstrap(input, 'public');
        return parsed.ok ? parsed.dropped >= 0 : parsed.detail.length > 0;
      }),
    );
  });
});

describe('the list that ships', () => {
  it('is read whole, each entry with an id, as a list from anywhere', () => {
    const parsed = parseBootstrap(fs.readFileSync('website/bootstrap.json'), 'public');
    expect(parsed).toMatchObject({ ok: true, dropped: 0 });
    if (parsed.ok) for (const { peer, url } of parsed.addresses) expect(peer, url).not.toBe('');
  });
});
