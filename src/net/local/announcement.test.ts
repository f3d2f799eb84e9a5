import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import {
  announcementRecords,
  announcementText,
  type Heard,
  hostName,
  instanceName,
  namesOfInterest,
  readAnnouncement,
} from './announcement.ts';
import type { LocalInterface } from './interfaces.ts';

const ME = toBase64url(new Uint8Array(32).fill(1));
const OTHER = toBase64url(new Uint8Array(32).fill(2));
const AT: LocalInterface = { name: 'eth0', address: '192.168.1.5', prefixBits: 24, scope: 'private' };
const LO: LocalInterface = { name: 'lo', address: '127.0.0.1', prefixBits: 8, scope: 'loopback' };
const OWN = { network: 'openclaw', peer: ME, port: 5000 };

const text = { v: '2', net: 'openclaw', peer: OTHER };
const from = (address: string) => ({ address, family: 'IPv4', port: 5353, size: 100 });
const HEARD: Heard = { port: 5001, txt: text, referer: from('192.168.1.7') };

const read = (heard: Heard, at = AT) => readAnnouncement({ ...HEARD, ...heard }, OWN, at);

describe('what is announced', () => {
  it('names the network, the peer, its port and one address, and nothing else', () => {
    const records = announcementRecords(OWN, AT);
    const name = `${ME.slice(0, 12)}._openclaw-mesh._tcp.local`;
    expect(records.map(({ type, name: of }) => `${type} ${of}`)).toEqual([
      'PTR _openclaw-mesh._tcp.local',
      `SRV ${name}`,
      `TXT ${name}`,
      'PTR _services._dns-sd._udp.local',
      'A mesh-010101010101010101.local',
    ]);
    expect(records[1]?.data).toEqual({ port: 5000, target: 'mesh-010101010101010101.local' });
    expect(records[2]?.data.map(String)).toEqual(['v=2', 'net=openclaw', `peer=${ME}`]);
    expect(records[4]?.data).toBe('192.168.1.5');
    expect(announcementText(OWN)).toEqual({ v: '2', net: 'openclaw', peer: ME });
  });

  it('is made anew for each use, because the library writes a lifetime of 0 into it', () => {
    const [first] = announcementRecords(OWN, AT);
    if (first !== undefined) first.ttl = 0;
    expect(announcementRecords(OWN, AT)[0]?.ttl).toBeGreaterThan(0);
  });

  it('has names of one label without dots, which packets for us contain', () => {
    const peer = `-_${OTHER.slice(2)}`;
    expect(instanceName(peer)).toMatch(/^[A-Za-z0-9_-]{12}$/);
    expect(hostName(peer)).toMatch(/^mesh-[0-9a-f]{18}\.local$/);
    expect(namesOfInterest(OWN)).toEqual(['_openclaw-mesh', '_dns-sd', 'mesh-010101010101010101']);
  });
});

describe('what is heard', () => {
  it('leads to the address that it came from, and to the port that it names', () => {
    expect(read({})).toEqual({ url: 'ws://192.168.1.7:5001/', peer: OTHER, scope: 'private' });
    expect(read({ referer: from('127.0.0.1') }, LO)).toEqual({
      url: 'ws://127.0.0.1:5001/',
      peer: OTHER,
      scope: 'loopback',
    });
  });

  it.each<[string, Heard]>([
    ['another network', { txt: { ...text, net: 'other' } }],
    ['another version', { txt: { ...text, v: '3' } }],
    ['no version', { txt: { net: 'openclaw', peer: OTHER } }],
    ['our own', { txt: { ...text, peer: ME } }],
    ['an id that is too short', { txt: { ...text, peer: OTHER.slice(1) } }],
    ['an id in a second spelling', { txt: { ...text, peer: `${OTHER.slice(0, 42)}J` } }],
    ['an id that is no text', { txt: { ...text, peer: 7 } }],
    ['keys that are inherited', { txt: Object.create(text) }],
    ['no text', { txt: undefined }],
    ['port 0', { port: 0 }],
    ['a port beyond the range', { port: 65_536 }],
    ['a port that is no whole number', { port: 1.5 }],
    ['a port as text', { port: '5001' }],
    ['the port of another service', { port: 22 }],
    ['a port that browsers do not touch either', { port: 6667 }],
    ['no address', { referer: undefined }],
    ['an address outside the network', { referer: from('192.168.2.7') }],
    ['a public address', { referer: from('8.8.8.8') }],
    ['a loopback address that comes from outside', { referer: from('127.0.0.1') }],
    ['an IPv6 address', { referer: from('fe80::1') }],
    ['a host name', { referer: from('example.org') }],
  ])('is nothing if it is %s', (_name, heard) => {
    expect(read(heard)).toBeUndefined();
  });

  it('is never public, even on an interface that is', () => {
    const at = { ...AT, address: '8.8.8.1' };
    expect(read({ referer: from('8.8.8.8') }, at)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (port, txt, referer) => {
        expect(readAnnouncement({ port, txt, referer }, OWN, AT)).toBeUndefined();
      }),
    );
  });
});
