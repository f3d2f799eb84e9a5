/**
 * Who is at the other end of a request: the address, and how close it certainly is. A reverse proxy hides both, because
 * every socket then comes from the proxy. It names them in `X-Forwarded-For`, and anybody can write such a header, so:
 *
 * 1. Without `trustProxy` nothing in a request moves its address. A header that says "I speak for somebody else" only
 *    takes closeness away: that can never be an advantage for whoever writes it.
 * 2. With `trustProxy` n, the n-th entry from the right counts, and no other: each trusted proxy appends the address
 *    that it saw, so what the client wrote itself stands further left.
 * 3. A header that has no such entry, or something else than an address there, is not believed at all: rule 1 applies.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Scope } from '../core/contract.ts';
import { scopeOfIp } from './ip-scope.ts';

/** Where a request comes from. */
export interface Asker {
  /** IP address; '' if the socket is gone already */
  readonly ip: string;
  /** how close it certainly is; public if it may pass on to somebody far away what it is told */
  readonly scope: Scope;
}

/** What proxies add (RFC 7239, RFC 9110 section 7.6.3, and custom), and what browsers add for a web page. */
const SPEAKS_FOR_OTHERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via', 'origin'];
/** The same of somebody who stands before the trusted proxies: these add the other headers themselves. */
const SPEAKS_FOR_OTHERS_BEFORE_PROXY = ['via', 'origin'];

function scopeOf(ip: string | undefined, headers: IncomingHttpHeaders, telltale: readonly string[]): Scope {
  if (ip === undefined || telltale.some((name) => headers[name] !== undefined)) return 'public';
  return scopeOfIp(ip);
}

/** An address as proxies write it: alone, or with a port (`1.2.3.4:5`, `[::1]:5`, `[::1]`). */
function addressIn(entry: string): string | undefined {
  const [, inBrackets, v4] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(entry) ?? [];
  const ip = inBrackets ?? v4 ?? entry;
  return isIP(ip) === 0 ? undefined : ip;
}

/** The entry that the outermost trusted proxy wrote, and whether others stand before it. */
function forwarded(header: string, trustProxy: number): { ip: string; isLast: boolean } | undefined {
  const entries = header.split(',');
  const ip = addressIn(entries.at(-trustProxy)?.trim() ?? '');
  return ip === undefined ? undefined : { ip, isLast: entries.length === trustProxy };
}

/**
 * @param trustProxy how many reverse proxies of the operator stand in front of this port; 0 for none, and then no
 *   header is believed
 */
export function askerOf({ headers, socket }: IncomingMessage, trustProxy: number): Asker {
  const named = [headers['x-forwarded-for'] ?? []].flat().join();
  const client = trustProxy > 0 && named !== '' ? forwarded(named, trustProxy) : undefined;
  if (client === undefined) {
    const scope = scopeOf(socket.remoteAddress, headers, SPEAKS_FOR_OTHERS);
    return { ip: socket.remoteAddress ?? '', scope };
  }
  const scope = client.isLast ? scopeOf(client.ip, headers, SPEAKS_FOR_OTHERS_BEFORE_PROXY) : 'public';
  return { ip: client.ip, scope };
}
