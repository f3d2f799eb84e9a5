import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressGroup, isAtLeast, scopeOfIp } from './ip-scope.ts';

describe('the scope of an IP address', () => {
  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:127.8.8.8',
    '0.0.0.0',
    '::',
    '::ffff:0.0.0.0',
  ])('is loopback for %s', (ip) => {
    expect(scopeOfIp(ip)).toBe('loopback');
  });

  it.each([
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.127.255.255',
    '0.1.2.3',
    '192.0.0.8',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '192.88.99.1',
    '224.0.0.1',
    '239.1.1.1',
    '240.0.0.1',
    '255.255.255.255',
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '::10.0.0.1',
    '::127.0.0.1',
    'fc00::1',
    'fd12:3456:789a::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '100::1',
    '2001:db8::1',
    '3fff::1',
    '2001::1',
    '2001:20::1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2002:0a00:0001::1',
    '2002:7f00:1::',
    '2002:c0a8:101::1',
    '5f00::1',
    '4000::1',
  ])('is private for %s', (ip) => {
    expect(scopeOfIp(ip)).toBe('private');
  });

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '192.0.1.1',
    '223.255.255.255',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
    '2606:4700:4700::1111',
    '2a00:1450:4001::200e',
    '2001:4860:4860::8888',
  ])('is public for %s', (ip) => {
    expect(scopeOfIp(ip)).toBe('public');
  });

  it.each(['', 'localhost', '127.0.0.1:80', '[::1]', '1.2.3', '0x7f.1', 'fe80::1%'])(
    'is undefined for %j',
    (text) => {
      expect(() => scopeOfIp(text)).toThrow(TypeError);
    },
  );

  it('is the same for an IPv4 address and its mapped form in either spelling', () => {
    fc.assert(
      fc.property(fc.ipV4(), (ip) => {
        const [a, b, c, d] = ip.split('.').map(Number) as [number, number, number, number];
        const hex = `::ffff:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        return scopeOfIp(`::ffff:${ip}`) === scopeOfIp(ip) && scopeOfIp(hex) === scopeOfIp(ip);
      }),
    );
  });

  it('is known for every IPv6 address', () => {
    fc.assert(fc.property(fc.ipV6(), (ip) => ['loopback', 'private', 'public'].includes(scopeOfIp(ip))));
  });
});

describe('the order of scopes', () => {
  it('is loopback, private, public', () => {
    const scopes = ['loopback', 'private', 'public'] as const;
    for (const [i, scope] of scopes.entries()) {
      for (const [j, min] of scopes.entries()) expect(isAtLeast(scope, min)).toBe(i >= j);
    }
  });
});

describe('the group of an address', () => {
  it('is the IPv4 address, also of a mapped one, or the IPv6 /64', () => {
    expect(addressGroup('8.8.8.8')).toBe('8.8.8.8');
    expect(addressGroup('::ffff:8.8.8.8')).toBe('8.8.8.8');
    expect(addressGroup('2a00:1:2:3::5')).toBe('2a00:1:2:3');
    expect(addressGroup('2a00:1:2:3:ffff::1')).toBe('2a00:1:2:3');
    expect(addressGroup('2a00:1:2:4::5')).not.toBe(addressGroup('2a00:1:2:3::5'));
  });
});
