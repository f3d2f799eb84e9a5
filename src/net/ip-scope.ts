/**
 * How public an IP address is. A list of peers may only name addresses at least as public as the place the list came
 * from; otherwise strangers could aim a daemon at the printer next to it, or at its own ports.
 *
 * 1. Only addresses that really are this host's loopback are `loopback`. The unspecified address (0.0.0.0, ::) counts
 *    as loopback too, because Linux connects it to the own host.
 * 2. Everything that is not certainly routed on the public Internet is `private`: a new special range is refused
 *    until it is known, not the other way round. For IPv6 only 2000::/3 can be public (RFC 4291 section 2.4).
 * 3. An IPv6 address that carries an IPv4 address is at most as public as that one.
 *
 * Source: IANA special-purpose address registries (RFC 6890 and its updates).
 */
import { BlockList, isIP } from 'node:net';
import type { Scope } from '../core/contract.ts';

const PUBLICNESS: Readonly<Record<Scope, number>> = { loopback: 0, private: 1, public: 2 };

function blockList(family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network, bits] = range.split('/') as [string, string];
    list.addSubnet(network, Number(bits), family);
  }
  return list;
}

const LOOPBACK_V4 = blockList('ipv4', ['127.0.0.0/8', '0.0.0.0/32']);
const LOOPBACK_V6 = blockList('ipv6', ['::/127']);

const PRIVATE_V4 = blockList('ipv4', [
  '0.0.0.0/8', // "this network"
  '10.0.0.0/8', // RFC 1918
  '100.64.0.0/10', // carrier-grade NAT, RFC 6598
  '169.254.0.0/16', // link-local; cloud metadata services live here
  '172.16.0.0/12', // RFC 1918
  '192.0.0.0/24', // IETF protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // former 6to4 relays, RFC 7526
  '192.168.0.0/16', // RFC 1918
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
]);

const GLOBAL_V6 = blockList('ipv6', ['2000::/3']);
const PRIVATE_V6 = blockList('ipv6', [
  '2001::/23', // IETF protocol assignments, among them Teredo and ORCHID
  '2001:db8::/32', // documentation
  '3fff::/20', // documentation
]);

/** The 8 groups of a valid IPv6 address without zone. */
function groupsOf(ip: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  let text = ip;
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    text = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = '', tail] = text.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  const front = parse(head);
  if (tail === undefined) return front;
  const back = parse(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

/** IPv4 address inside a mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056) address. */
function embeddedV4(groups: readonly number[]): { ip: string; mapped: boolean } | undefined {
  const at = (index: number): string => {
    const [high, low] = [groups[index] as number, groups[index + 1] as number];
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  };
  const zero = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0);
  if (zero(0, 5) && groups[5] === 0xffff) return { ip: at(6), mapped: true };
  if (zero(0, 6)) return { ip: at(6), mapped: false };
  if (groups[0] === 0x64 && groups[1] === 0xff9b && zero(2, 6)) return { ip: at(6), mapped: false };
  if (groups[0] === 0x2002) return { ip: at(1), mapped: false };
  return undefined;
}

function scopeOfV4(ip: string): Scope {
  if (LOOPBACK_V4.check(ip, 'ipv4')) return 'loopback';
  return PRIVATE_V4.check(ip, 'ipv4') ? 'private' : 'public';
}

/**
 * How public an address is.
 * @param ip text of an IPv4 or IPv6 address, without brackets; an IPv6 zone (`%eth0`) is allowed. Not a host name
 * @throws TypeError for anything else: there is no safe answer, since `loopback` is the least trusted as a target and
 *   the most trusted as a source
 */
export function scopeOfIp(ip: string): Scope {
  const family = isIP(ip);
  if (family === 0) throw new TypeError(`"${ip}" is not an IP address`);
  if (family === 4) return scopeOfV4(ip);
  const bare = ip.replace(/%.*$/, '').toLowerCase();
  if (LOOPBACK_V6.check(bare, 'ipv6')) return 'loopback';
  const embedded = embeddedV4(groupsOf(bare));
  if (embedded !== undefined) {
    const inner = scopeOfV4(embedded.ip);
    // A translator's loopback is not ours: only the mapped form is the same socket address as the IPv4 one.
    return inner === 'loopback' && !embedded.mapped ? 'private' : inner;
  }
  return GLOBAL_V6.check(bare, 'ipv6') && !PRIVATE_V6.check(bare, 'ipv6') ? 'public' : 'private';
}

/** True if `scope` is as public as `min` or more: loopback < private < public. */
export function isAtLeast(scope: Scope, min: Scope): boolean {
  return PUBLICNESS[scope] >= PUBLICNESS[min];
}

/** Whether who listens at this host hears nobody but this machine. @param host IP address without brackets, or a name */
export function isLoopbackOnly(host: string): boolean {
  if (isIP(host) === 0) return /^(?:.*\.)?localhost$/i.test(host);
  const isUnspecified = /^[0:.]+$/.test(host);
  return !isUnspecified && scopeOfIp(host) === 'loopback';
}

/** An address as it stands in a URL: IPv6 in brackets, a mapped one as IPv4, without a zone. '' stays ''. */
export function hostOfIp(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const bare = ip.replace(/%.*$/, '').toLowerCase();
  const embedded = embeddedV4(groupsOf(bare));
  return embedded?.mapped ? embedded.ip : `[${bare}]`;
}

/** What one customer usually has: the IPv4 address (also when mapped), or the IPv6 /64 as text. For counting only. */
export function addressGroup(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const groups = groupsOf(ip.replace(/%.*$/, '').toLowerCase());
  const embedded = embeddedV4(groups);
  if (embedded?.mapped) return embedded.ip;
  return groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}
