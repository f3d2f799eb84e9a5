/**
 * Who may call at all. The API listens on loopback only, but a web page in a browser on this machine can reach it too:
 * under a host name that it made point here (DNS rebinding) or with a request across sites. So the Host header must
 * name this machine and our port, and nothing that a browser adds for a page may be there.
 */
import type { IncomingMessage } from 'node:http';
import { MeshError } from '../core/errors.ts';
import type { Grant, Grants } from './grants.ts';

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/** Throws `forbidden_origin` unless a local program asks under a loopback name. `port` is where the API listens. */
export function requireLocalCaller(request: IncomingMessage, port: number): void {
  const hosts = request.headersDistinct.host ?? [];
  const host = hosts[0]?.toLowerCase();
  const isOurs = LOOPBACK_NAMES.some((name) => host === `${name}:${port}` || (port === 80 && host === name));
  if (hosts.length !== 1 || !isOurs) {
    throw new MeshError(
      'forbidden_origin',
      `The Host header must be 127.0.0.1:${port} or localhost:${port}.`,
    );
  }
  // "null" is the origin of sandboxed frames and files: a page all the same.
  if (request.headers.origin !== undefined) {
    throw new MeshError('forbidden_origin', 'The request has an Origin header.');
  }
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'none') {
    throw new MeshError('forbidden_origin', 'A web page made this request (Sec-Fetch-Site).');
  }
}

/** The grant of the bearer token (RFC 6750, header only). Throws `unauthenticated`. */
export function authenticate(request: IncomingMessage, grants: Grants): Grant {
  const header = request.headers.authorization;
  if (header === undefined) throw new MeshError('unauthenticated', 'There is no Authorization header.');
  const token = /^bearer +([\w.~+/=-]+)$/i.exec(header)?.[1];
  const grant = token === undefined ? undefined : grants.find(token);
  if (grant === undefined) throw new MeshError('unauthenticated', 'The token is not known here.');
  return grant;
}
