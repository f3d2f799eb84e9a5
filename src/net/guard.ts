/**
 * The check of where a connection really goes, at the moment of connecting. Looking a name up first and connecting
 * later would ask the name server twice, and the second answer may differ (DNS rebinding); so the check sits in the
 * `lookup` function that the socket itself calls, and the socket connects to nothing else.
 *
 * Node does not call `lookup` for IP literals: use {@link literalProblem} before connecting as well.
 */
import dns from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { Scope } from '../core/contract.ts';
import { MeshError } from '../core/errors.ts';
import { isAtLeast, scopeOfIp } from './ip-scope.ts';

/** `dns.lookup` with `all: true`; tests give their own. */
export type Resolve = (
  host: string,
  options: dns.LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void;

/**
 * A `lookup` function for `net`, `tls`, `http`, `ws` and undici that gives only addresses as public as `minScope` or
 * more. Of a mixed answer the allowed addresses are used.
 * @returns a function that fails with `MeshError('address_refused')` if no address is left, and otherwise with the
 *   resolver's error
 */
export function lookupGuard(minScope: Scope, resolve: Resolve = dns.lookup): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      const allowed = found.filter(
        ({ address }) => isIP(address) !== 0 && isAtLeast(scopeOfIp(address), minScope),
      );
      const first = allowed[0];
      if (first === undefined) {
        const names = found.map(({ address }) => address).slice(0, 4);
        const detail = `${host} leads to ${names.join(', ') || 'nothing'}; ${minScope} addresses are allowed.`;
        return callback(new MeshError('address_refused', detail), '', 0);
      }
      if (options.all) return callback(null, allowed);
      callback(null, first.address, first.family);
    });
  };
}

/** Why a host that is an IP literal may not be connected to, or undefined (also for names: the lookup decides). */
export function literalProblem(host: string, minScope: Scope): MeshError | undefined {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) === 0 || isAtLeast(scopeOfIp(bare), minScope)) return undefined;
  return new MeshError(
    'address_refused',
    `${bare} is a ${scopeOfIp(bare)} address; ${minScope} is required.`,
  );
}

/** The `MeshError` in an error or its causes: libraries wrap what a lookup throws. */
export function meshErrorIn(error: unknown): MeshError | undefined {
  let at: unknown = error;
  for (let depth = 0; depth < 8 && at instanceof Error; depth++) {
    if (at instanceof MeshError) return at;
    at = at.cause;
  }
  return undefined;
}

/** Short text for any error: its code where it has one, else its message, on one line and at most 200 characters. */
export function describeError(error: unknown): string {
  if (error instanceof MeshError) return error.message;
  if (!(error instanceof Error)) return String(error).slice(0, 200);
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const code = 'code' in first && typeof first.code === 'string' ? first.code : '';
  return `${code} ${first.message.replace(/\s+/g, ' ')}`.trim().slice(0, 200);
}
