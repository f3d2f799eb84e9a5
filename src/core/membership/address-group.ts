/**
 * Address groups: what one owner can have many of without much effort. Links to different groups do not all end at one
 * owner. IPv4 addresses go by their first 16 bits, IPv6 by their first 32, names by their last two labels.
 */
const IPV4 = /^(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}$/;

/** @param host of a canonical URL, lower case; IPv6 in brackets */
export function addressGroup(host: string): string {
  const v4 = IPV4.exec(host)?.[1];
  if (v4 !== undefined) return v4;
  if (!host.startsWith('[')) return host.split('.').slice(-2).join('.');
  const [first = '', second = ''] = host.slice(1, -1).split(':');
  return `${first}:${second}`;
}
