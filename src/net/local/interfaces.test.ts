import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { NET_LIMITS } from '../net-limits.ts';
import { type Circumstances, decideLocalDiscovery, isOnLink, type LocalInterface } from './interfaces.ts';

const MAC = '02:00:00:00:00:01';

function ipv4(address: string, bits: number, mac = MAC): NetworkInterfaceInfo {
  const internal = address.startsWith('127.');
  return { address, family: 'IPv4', netmask: '', internal, mac, cidr: `${address}/${bits}` };
}

function ipv6(address: string): NetworkInterfaceInfo {
  const [internal, cidr] = [address === '::1', `${address}/64`];
  return { address, family: 'IPv6', netmask: '', internal, mac: MAC, cidr, scopeid: 0 };
}

const LO = [ipv4('127.0.0.1', 8, '00:00:00:00:00:00'), ipv6('::1')];
const HOME: Circumstances = {
  mode: 'auto',
  listensOn: '0.0.0.0',
  publicUrl: '',
  isHosted: false,
  isContainer: false,
  interfaces: { lo: LO, eth0: [ipv4('192.168.1.5', 24), ipv6('fe80::1'), ipv6('fd00::1')] },
};
const ETH0: LocalInterface = { name: 'eth0', address: '192.168.1.5', prefixBits: 24, scope: 'private' };
const PUBLIC = { interfaces: { ...HOME.interfaces, eth1: [ipv4('8.8.8.8', 24)] } };

const decide = (given: Partial<Circumstances> = {}) => decideLocalDiscovery({ ...HOME, ...given });

describe('by itself local discovery', () => {
  it('is on where a machine has private addresses only', () => {
    expect(decide()).toEqual({ isOn: true, interfaces: [ETH0] });
    expect(decide({ listensOn: '::' })).toEqual({ isOn: true, interfaces: [ETH0] });
    expect(decide({ listensOn: '192.168.1.5' })).toEqual({ isOn: true, interfaces: [ETH0] });
  });

  it.each<[string, Partial<Circumstances>, RegExp]>([
    ['an interface has a public IPv4 address', PUBLIC, /public address 8\.8\.8\.8/],
    ['one has a public IPv6 address', { interfaces: { e: [ipv6('2600::1')] } }, /public address 2600::1/],
    ['the public URL names a host', { publicUrl: 'wss://relay.example.org/' }, /MESH_PUBLIC_URL/],
    ['the public URL names a public address', { publicUrl: 'ws://8.8.8.8:5000/' }, /MESH_PUBLIC_URL/],
    ['a platform hosts the daemon', { isHosted: true }, /hosting platform/],
    ['it runs in a container', { isContainer: true }, /container/],
    ['only this machine can connect', { listensOn: '127.0.0.1' }, /this machine only/],
    ['only this machine can connect, by IPv6', { listensOn: '::1' }, /this machine only/],
    ['there is nothing but loopback', { interfaces: { lo: LO } }, /no interface/],
    ['there is no interface at all', { interfaces: {} }, /no interface/],
  ])('is off where %s', (_name, given, reason) => {
    expect(decide(given)).toEqual({ isOn: false, reason: expect.stringMatching(reason) });
  });

  it('does not mind a public URL that names a host of the local network', () => {
    for (const publicUrl of ['ws://192.168.1.5:5000/', 'ws://box.local:5000/', 'ws://localhost:5000/'])
      expect(decide({ publicUrl }).isOn).toBe(true);
  });
});

describe('switched on, local discovery', () => {
  const on = (given: Partial<Circumstances>) => decide({ ...given, mode: 'on' });

  it('keeps to the private interfaces of a public, hosted or contained machine', () => {
    const given = { ...PUBLIC, isHosted: true, isContainer: true, publicUrl: 'wss://relay.example.org/' };
    expect(on(given)).toEqual({ isOn: true, interfaces: [ETH0] });
    expect(on({ interfaces: { eth1: [ipv4('8.8.8.8', 24)] } }).isOn).toBe(false);
  });

  it('speaks on loopback only if the daemon listens there only', () => {
    expect(on({ listensOn: '127.0.0.1' })).toEqual({
      isOn: true,
      interfaces: [{ name: 'lo', address: '127.0.0.1', prefixBits: 8, scope: 'loopback' }],
    });
    // Packets leave from 127.0.0.1, where nothing listens then.
    expect(on({ listensOn: '127.0.0.2' }).isOn).toBe(false);
  });

  it('speaks only where the daemon can be reached', () => {
    const interfaces = { eth0: [ipv4('192.168.1.5', 24)], eth1: [ipv4('10.0.0.5', 8)] };
    expect(on({ interfaces, listensOn: '10.0.0.5' })).toMatchObject({ interfaces: [{ name: 'eth1' }] });
    expect(on({ interfaces, listensOn: 'fd00::1' }).isOn).toBe(false);
  });

  it('leaves out tunnels, networks of carriers, addresses without neighbours and networks without a mask', () => {
    const nets = [
      ipv4('100.64.0.2', 24),
      ipv4('10.8.0.2', 24, '00:00:00:00:00:00'),
      ipv4('10.9.0.2', 32),
      ipv4('10.9.0.3', 0),
    ];
    for (const net of [...nets, { ...ipv4('10.9.0.4', 24), cidr: null }])
      expect(on({ interfaces: { tun0: [net] } }).isOn).toBe(false);
  });

  it('takes one address of an interface and a bounded number of interfaces', () => {
    const interfaces = Object.fromEntries(
      Array.from({ length: 20 }, (_, n) => [`e${n}`, [ipv4(`10.0.${n}.1`, 24), ipv4(`10.1.${n}.1`, 24)]]),
    );
    const decision = on({ interfaces });
    const names = decision.isOn ? decision.interfaces.map(({ address }) => address) : [];
    expect(names).toEqual(Array.from({ length: NET_LIMITS.localInterfacesMax }, (_, n) => `10.0.${n}.1`));
  });
});

it('switched off, local discovery is off', () => {
  expect(decide({ mode: 'off' })).toMatchObject({ isOn: false, reason: expect.stringContaining('LOCAL') });
});

it('an address is on the link if it is in the network of the interface', () => {
  for (const ip of ['192.168.1.5', '192.168.1.1', '192.168.1.255']) expect(isOnLink(ETH0, ip)).toBe(true);
  for (const ip of ['192.168.2.5', '8.8.8.8', '127.0.0.1', 'fe80::1', '', 'x', '192.168.1'])
    expect(isOnLink(ETH0, ip)).toBe(false);
  const wide = { ...ETH0, address: '200.1.2.3', prefixBits: 1 };
  expect(isOnLink(wide, '255.0.0.1')).toBe(true);
  expect(isOnLink(wide, '127.0.0.1')).toBe(false);
});
