/**
 * What a daemon says of itself on the local network, and what it believes of what others say. DNS-based service
 * discovery (RFC 6763) under `_openclaw-mesh._tcp.local`: a pointer to an instance, its port, and a text with three
 * keys: `v` (version of the mesh protocol), `net` (name of the network) and `peer` (id). Nothing of identities, channels
 * or the machine's name is in it.
 *
 * Invariant: of what others say only the port and the claimed peer id are used. The address to dial is the one that the
 * packet came from, and it lies in the network of the interface that heard it; so nobody on the local network can lead
 * the daemon to hosts elsewhere, and address records are not even looked at.
 */
import type { Service } from 'bonjour-service';
import { fromBase64url, idFromText, toHex } from '../../core/bytes.ts';
import { hintProblem, parsePeerUrl } from '../address.ts';
import { isOnLink, type LocalInterface } from './interfaces.ts';

/** Type of the service, without the underscore (RFC 6335 section 5.1: at most 15 characters). */
export const SERVICE_TYPE = 'openclaw-mesh';
/** The pointer that a browser asks for. */
const SERVICE_NAME = `_${SERVICE_TYPE}._tcp.local`;
/** All types of services of a network (RFC 6763 section 9). */
const ALL_TYPES = '_services._dns-sd._udp.local';
/** Version of the mesh protocol that is spoken at the port. */
const VERSION = '2';
/** Characters of the peer id in the name of the instance: people tell instances apart by it, and programs by the text. */
const NAME_CHARACTERS = 12;
/** How long others may remember what names a host or a port, s (RFC 6762 section 10). */
const HOST_TTL_S = 120;
/** The same of everything else, s. */
const OTHER_TTL_S = 4500;

/** Who announces itself. */
export interface Announcer {
  readonly network: string;
  /** id of the peer, 43 characters */
  readonly peer: string;
  /** 1 to 65535 */
  readonly port: number;
}

/** A peer that announced itself: nothing but a hint until a dial proves the id. */
export interface LocalFinding {
  readonly url: string;
  readonly peer: string;
  readonly scope: LocalInterface['scope'];
}

/** What bonjour-service gives of a service; all of it comes from a packet. */
export interface Heard {
  readonly port?: unknown;
  readonly txt?: unknown;
  readonly referer?: unknown;
}

/** Name of the instance: one label without dots. */
export function instanceName(peer: string): string {
  return peer.slice(0, NAME_CHARACTERS);
}

/** A host name of its own, so that the machine's is not told: letters, digits and `-` only. */
export function hostName(peer: string): string {
  return `mesh-${toHex(fromBase64url(peer.slice(0, NAME_CHARACTERS)) ?? new Uint8Array())}.local`;
}

/** The text record as keys and values. */
export function announcementText({ network, peer }: Announcer): Record<string, string> {
  return { v: VERSION, net: network, peer };
}

/** All records of an announcement on one interface; each call gives new objects, since the library alters them. */
export function announcementRecords(
  own: Announcer,
  { address }: LocalInterface,
): ReturnType<Service['records']> {
  const [instance, target] = [`${instanceName(own.peer)}.${SERVICE_NAME}`, hostName(own.peer)];
  const text = Object.entries(announcementText(own)).map(([key, value]) => Buffer.from(`${key}=${value}`));
  return [
    { name: SERVICE_NAME, type: 'PTR', ttl: OTHER_TTL_S, data: instance },
    { name: instance, type: 'SRV', ttl: HOST_TTL_S, data: { port: own.port, target } },
    { name: instance, type: 'TXT', ttl: OTHER_TTL_S, data: text },
    { name: ALL_TYPES, type: 'PTR', ttl: OTHER_TTL_S, data: SERVICE_NAME },
    { name: target, type: 'A', ttl: HOST_TTL_S, data: address },
  ];
}

/** The names that packets for us contain: all others need not be read. */
export function namesOfInterest({ peer }: Announcer): readonly string[] {
  return [`_${SERVICE_TYPE}`, '_dns-sd', hostName(peer).replace(/\.local$/, '')];
}

function field(of: unknown, name: string): unknown {
  if (typeof of !== 'object' || of === null || !Object.hasOwn(of, name)) return undefined;
  return (of as Record<string, unknown>)[name];
}

/**
 * The peer behind a service that was heard on an interface.
 * @returns undefined for everything that is no announcement of another peer of the same network on this interface
 */
export function readAnnouncement(
  { port, txt, referer }: Heard,
  own: Announcer,
  at: LocalInterface,
): LocalFinding | undefined {
  if (field(txt, 'v') !== VERSION || field(txt, 'net') !== own.network) return undefined;
  const peer = field(txt, 'peer');
  if (typeof peer !== 'string' || idFromText(peer) === undefined || peer === own.peer) return undefined;
  const from = field(referer, 'address');
  if (typeof from !== 'string' || !isOnLink(at, from)) return undefined;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  const parsed = parsePeerUrl(`ws://${from}:${port}/`);
  if (!parsed.ok || parsed.address.scope !== at.scope || hintProblem(parsed.address, at.scope) !== undefined)
    return undefined;
  return { url: parsed.address.url, peer, scope: at.scope };
}
