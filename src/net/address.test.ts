import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalPeerUrl, hintProblem, type PeerUrl, parsePeerUrl } from './address.ts';

function addressOf(text: string): PeerUrl {
  const parsed = parsePeerUrl(text);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.address;
}

describe('the canonical peer URL', () => {
  it.each([
    ['ws://127.0.0.1:5000', 'ws://127.0.0.1:5000/'],
    ['WS://Relay.Example:5000/', 'ws://relay.example:5000/'],
    ['wss://relay.example:443', 'wss://relay.example/'],
    ['ws://relay.example:80/', 'ws://relay.example/'],
    ['ws://relay.example:443/', 'ws://relay.example:443/'],
    ['ws://relay.example.:5000/', 'ws://relay.example:5000/'],
    ['ws://relay.example:05000/', 'ws://relay.example:5000/'],
    ['ws://0x7f.1:5000/', 'ws://127.0.0.1:5000/'],
    ['ws://2130706433:5000/', 'ws://127.0.0.1:5000/'],
    ['ws://[::0001]:5000', 'ws://[::1]:5000/'],
    ['ws://[::ffff:127.0.0.1]:5000', 'ws://[::ffff:7f00:1]:5000/'],
    ['wss://bücher.example/', 'wss://xn--bcher-kva.example/'],
    ['wss://relay.example/a/../mesh?', 'wss://relay.example/mesh'],
    ['wss://relay.example/mesh?room=1', 'wss://relay.example/mesh?room=1'],
  ])('of %s is %s', (text, url) => {
    expect(canonicalPeerUrl(text)).toBe(url);
  });

  it.each([
    '',
    'ws://',
    'ws:///x',
    'ws:relay.example',
    'http://relay.example/',
    'https://relay.example/',
    'ws+unix:/tmp/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'ws://user@relay.example/',
    'ws://user:secret@relay.example/',
    'ws://@relay.example/',
    'ws://:@relay.example/',
    'ws://relay.example/#',
    'ws://relay.example/#x',
    'ws://relay.example:0/',
    'ws://relay.example:65536/',
    'ws://relay.example:-1/',
    'ws://relay.example:5000x/',
    ' ws://relay.example/',
    'ws://relay.example/\n',
    'ws://relay\t.example/',
    'ws:\\\\relay.example\\',
    'ws://relay.example\\x',
    'ws://a b/',
    'ws://[::1/',
    'ws://[fe80::1%25eth0]/',
    'ws://1.2.3.4.5/',
    'ws://../',
    'ws://relay.example../',
    `ws://relay.example/${'x'.repeat(256)}`,
    `ws://relay.example/${'ü'.repeat(100)}`,
  ])('does not exist for %j', (text) => {
    expect(canonicalPeerUrl(text)).toBeUndefined();
  });

  it('says what is wrong without quoting the text', () => {
    expect(parsePeerUrl('ws://user:secret@relay.example/')).toEqual({
      ok: false,
      detail: 'contains credentials',
    });
  });

  it('never throws, and a canonical URL is its own canonical form', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl({ validSchemes: ['ws', 'wss'], withQueryParameters: true }),
      fc.tuple(fc.ipV6(), fc.nat(70000)).map(([ip, port]) => `ws://[${ip}]:${port}`),
      fc.tuple(fc.string(), fc.string()).map(([host, path]) => `ws://${host}/${path}`),
    );
    fc.assert(
      fc.property(text, (input) => {
        const url = canonicalPeerUrl(input);
        return url === undefined || (canonicalPeerUrl(url) === url && new URL(url).href === url);
      }),
      { numRuns: 2000 },
    );
  });

  it('comes with host, port and scope', () => {
    expect(addressOf('wss://Relay.Example')).toMatchObject({
      host: 'relay.example',
      port: 443,
      scope: undefined,
    });
    expect(addressOf('ws://[::1]:7')).toMatchObject({
      host: '::1',
      port: 7,
      scope: 'loopback',
      secure: false,
    });
  });
});

describe('a hint', () => {
  it.each([
    ['ws://8.8.8.8:5000', 'public'],
    ['ws://8.8.8.8:80', 'public'],
    ['wss://relay.example', 'public'],
    ['ws://relay.example:1024', 'public'],
    ['ws://10.0.0.1:5000', 'private'],
    ['ws://127.0.0.1:5000', 'loopback'],
    ['ws://127.0.0.1:22', 'loopback'],
  ] as const)('%s is followed if it came from a %s place', (url, min) => {
    expect(hintProblem(addressOf(url), min)).toBeUndefined();
  });

  it.each([
    ['ws://127.0.0.1:5000', 'public', /loopback/],
    ['ws://127.0.0.1:5000', 'private', /loopback/],
    ['ws://0.0.0.0:5000', 'private', /loopback/],
    ['ws://10.0.0.1:5000', 'public', /private/],
    ['ws://[::ffff:10.0.0.1]:5000', 'public', /private/],
    ['ws://169.254.169.254:80', 'public', /private/],
    ['ws://8.8.8.8:22', 'public', /port 22/],
    ['wss://relay.example:25', 'private', /port 25/],
    ['ws://relay.example:1023', 'public', /port 1023/],
    ['ws://relay.example:6667', 'public', /port 6667/],
  ] as const)('%s is not followed if it came from a %s place', (url, min, problem) => {
    expect(hintProblem(addressOf(url), min)).toMatch(problem);
  });
});
