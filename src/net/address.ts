/**
 * Peer URLs: what is accepted as the address of a peer, and its one spelling, so that maps keyed by address and the
 * dialled URL in the link's transcript agree on all sides. Looks at text only; where a name leads is the guard's work.
 */
import { isIP } from 'node:net';
import type { Scope } from '../core/contract.ts';
import { LIMITS } from '../core/limits.ts';
import { isAtLeast, scopeOfIp } from './ip-scope.ts';

export interface PeerUrl {
  /** canonical text */
  readonly url: string;
  readonly secure: boolean;
  /** lower-case name or IP address without brackets */
  readonly host: string;
  /** 1 to 65535 */
  readonly port: number;
  /** how public the address is; undefined for a name */
  readonly scope: Scope | undefined;
}

export type ParsedPeerUrl =
  | { readonly ok: true; readonly address: PeerUrl }
  /** `detail` says what is wrong, without the text itself */
  | { readonly ok: false; readonly detail: string };

/**
 * Ports above 1023 at which a stray HTTP request may do harm (the "bad ports" of the WHATWG Fetch standard, section
 * 2.9). Below 1024 only 80 and 443 are allowed to hints, so that part of the list is not needed.
 */
const BAD_PORTS: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
  10080,
]);

const failed = (detail: string): ParsedPeerUrl => ({ ok: false, detail });

/**
 * Reads the address of a peer.
 * @param text `ws://` or `wss://` URL of at most `LIMITS.urlBytesMax` bytes, with a host and without credentials,
 *   fragment, blanks and control characters
 * @returns the canonical form: scheme and host in lower case (names in punycode, IPv4 in dotted form), no dot at the
 *   end of the host, no default port, path at least `/`, no empty query
 */
export function parsePeerUrl(text: string): ParsedPeerUrl {
  if (text.length > LIMITS.urlBytesMax) return failed(`longer than ${LIMITS.urlBytesMax} bytes`);
  // The URL parser would drop blanks and turn backslashes into slashes: one address, many spellings.
  if (!/^[\x21-\x5b\x5d-\x7e\u{a0}-\u{10ffff}]+$/u.test(text))
    return failed('contains blanks, control characters or backslashes');
  if (!/^wss?:\/\/[^/]/i.test(text)) return failed('does not begin with ws:// or wss://');
  if (text.includes('#')) return failed('contains a fragment (#)');
  if (!URL.canParse(text)) return failed('is not a URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || /^wss?:\/\/[^/?]*@/i.test(text)) {
    return failed('contains credentials');
  }
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  if (url.hostname === '' || url.hostname.endsWith('.')) return failed('has no valid host');
  if (url.search === '') url.search = '';
  if (url.port === '0') return failed('has port 0');
  if (url.href.length > LIMITS.urlBytesMax) return failed(`longer than ${LIMITS.urlBytesMax} bytes`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'wss:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const scope = isIP(host) === 0 ? undefined : scopeOfIp(host);
  return { ok: true, address: { url: url.href, secure, host, port, scope } };
}

/** The one spelling of a peer's address, or undefined if it is none. See {@link parsePeerUrl}. */
export function canonicalPeerUrl(text: string): string | undefined {
  const parsed = parsePeerUrl(text);
  return parsed.ok ? parsed.address.url : undefined;
}

/**
 * True if an asker that is so close may be told the address: others could not reach it, and would learn how the inside
 * of a network looks. A name counts as public, except those of the own host (RFC 6761 section 6.3). No address: false.
 */
export function isForAsker(url: string, asker: Scope): boolean {
  const parsed = parsePeerUrl(url);
  if (!parsed.ok) return false;
  const { host, scope } = parsed.address;
  const ofName = /(?:^|\.)localhost$/.test(host) ? 'loopback' : 'public';
  return isAtLeast(scope ?? ofName, asker);
}

/**
 * What speaks against an address that somebody else named, before anything is resolved or connected.
 * @param min how public the address has to be: the scope of the place that named it. `loopback` means that it came
 *   from this host or its operator; nothing is refused then
 * @returns a sentence for the log, or undefined
 */
export function hintProblem(address: PeerUrl, min: Scope): string | undefined {
  if (min === 'loopback') return undefined;
  if (address.scope !== undefined && !isAtLeast(address.scope, min)) {
    return `${address.host} is a ${address.scope} address and was named by a ${min} source`;
  }
  const { port } = address;
  if ((port < 1024 && port !== 80 && port !== 443) || BAD_PORTS.has(port)) {
    return `port ${port} belongs to another service`;
  }
  return undefined;
}
