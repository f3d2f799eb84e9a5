/**
 * Where local discovery may speak: on which interfaces of this machine, or why on none. Pure: what the machine looks
 * like is a parameter.
 *
 * 1. Only IPv4 addresses that are private or link-local count, or loopback ones if the daemon listens on loopback only.
 *    IPv6 is left out on purpose: its link-local addresses need a zone (`%eth0`), which no URL can carry (WHATWG URL,
 *    section 3.5) and which means nothing on another machine, and a machine that has IPv6 on its local network has IPv4
 *    there as a rule.
 * 2. A tunnel has no hardware address, an address with a mask of 32 bits no neighbours, and behind an address of
 *    carrier-grade NAT (RFC 6598) the neighbours are strangers: none of these is a local network.
 * 3. By itself (`auto`) discovery is on only where the machine is plainly no public host.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { parsePeerUrl } from '../address.ts';
import { scopeOfIp } from '../ip-scope.ts';
import { NET_LIMITS } from '../net-limits.ts';

export const LOCAL_DISCOVERY_MODES = ['auto', 'on', 'off'] as const;
export type LocalDiscoveryMode = (typeof LOCAL_DISCOVERY_MODES)[number];

/** An IPv4 address of this machine with the network that it is in. */
export interface LocalInterface {
  /** as the system calls it, such as `eth0` */
  readonly name: string;
  readonly address: string;
  /** length of the network's prefix, 1 to 31 */
  readonly prefixBits: number;
  readonly scope: 'loopback' | 'private';
}

export interface Circumstances {
  readonly mode: LocalDiscoveryMode;
  /** the address that the port for peers is bound to, such as 0.0.0.0 */
  readonly listensOn: string;
  /** ws(s) URL under which others reach the daemon, '' if nobody said */
  readonly publicUrl: string;
  /** the daemon runs on a hosting platform */
  readonly isHosted: boolean;
  readonly isContainer: boolean;
  /** as `os.networkInterfaces()` gives them */
  readonly interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>;
}

export type Decision =
  | { readonly isOn: true; readonly interfaces: readonly LocalInterface[] }
  /** `reason` is a clause: what is, and what it means */
  | { readonly isOn: false; readonly reason: string };

const CARRIERS = new BlockList();
CARRIERS.addSubnet('100.64.0.0', 10, 'ipv4');

type Named = NetworkInterfaceInfo & { readonly name: string };

function addressNumber(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Whether an IPv4 address is in the same network as an interface's, the interface's own address included. */
export function isOnLink({ address, prefixBits }: LocalInterface, ip: string): boolean {
  const size = 2 ** (32 - prefixBits);
  return isIPv4(ip) && Math.floor(addressNumber(ip) / size) === Math.floor(addressNumber(address) / size);
}

function allAddresses(interfaces: Circumstances['interfaces']): Named[] {
  return Object.entries(interfaces).flatMap(([name, infos = []]) =>
    infos.filter(({ address }) => isIP(address) !== 0).map((info) => ({ ...info, name })),
  );
}

/** `/24` of a CIDR text as a number; 0 where there is none. */
function prefixBitsOf(cidr: string | null): number {
  const bits = Number(cidr?.split('/')[1] ?? 0);
  return Number.isInteger(bits) ? bits : 0;
}

function isAnyAddress(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

/** Whether an address is one of a network whose members belong together. */
function isLocal({ address, mac }: Named): boolean {
  const isTunnel = mac === '00:00:00:00:00:00';
  return scopeOfIp(address) === 'private' && !isTunnel && !CARRIERS.check(address, 'ipv4');
}

/** The interfaces on which others can reach what listens on `listensOn`, one address each, in the system's order. */
function usable(all: readonly Named[], listensOn: string): LocalInterface[] {
  const isAny = isAnyAddress(listensOn);
  const isLoopback = !isAny && scopeOfIp(listensOn) === 'loopback';
  const found = new Map<string, LocalInterface>();
  for (const one of all) {
    const { name, address, cidr, family } = one;
    const prefixBits = prefixBitsOf(cidr);
    if (family !== 'IPv4' || prefixBits < 1 || prefixBits > 31 || found.has(name)) continue;
    if (isLoopback ? scopeOfIp(address) !== 'loopback' : !isLocal(one)) continue;
    // A daemon on 127.0.0.2 is reached there, and its packets leave from the interface's first address.
    if (!isAny && address !== listensOn) continue;
    found.set(name, { name, address, prefixBits, scope: isLoopback ? 'loopback' : 'private' });
  }
  return [...found.values()].slice(0, NET_LIMITS.localInterfacesMax);
}

function isPublicUrl(url: string): boolean {
  const parsed = parsePeerUrl(url);
  if (!parsed.ok) return false;
  const { host, scope } = parsed.address;
  return scope === undefined ? !/(?:^|\.)(?:localhost|local)$/.test(host) : scope === 'public';
}

/** What speaks against discovery that nobody asked for; undefined if nothing does. */
function objection(given: Circumstances, all: readonly Named[]): string | undefined {
  const { listensOn, publicUrl, isHosted, isContainer } = given;
  if (!isAnyAddress(listensOn) && scopeOfIp(listensOn) === 'loopback')
    return 'the port for peers is open to this machine only';
  if (isHosted) return 'this is a hosting platform';
  if (isPublicUrl(publicUrl))
    return 'this peer has a public address, as MESH_PUBLIC_URL or the platform says';
  const open = all.find(({ internal, address }) => !internal && scopeOfIp(address) === 'public');
  if (open !== undefined) return `this machine has the public address ${open.address}`;
  return isContainer ? 'this is a container, whose network is no local one' : undefined;
}

/** Where local discovery speaks, or why it does not. */
export function decideLocalDiscovery(given: Circumstances): Decision {
  const off = (reason: string): Decision => ({ isOn: false, reason });
  if (given.mode === 'off') return off('MESH_LOCAL_DISCOVERY says so');
  const all = allAddresses(given.interfaces);
  const reason = given.mode === 'auto' ? objection(given, all) : undefined;
  if (reason !== undefined) return off(reason);
  const interfaces = usable(all, given.listensOn);
  if (interfaces.length > 0) return { isOn: true, interfaces };
  return off('the port for peers is open on no interface with a private IPv4 address');
}
