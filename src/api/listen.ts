/**
 * Finds a port to listen on.
 */
import { once } from 'node:events';
import type { Server } from 'node:net';
import { MeshError } from '../core/errors.ts';
import { API_LIMITS } from './limits.ts';

export interface ListenOptions {
  /** a loopback address: the API has no other protection than its token */
  readonly host: string;
  readonly port: number;
  /** somebody set the port: never another one */
  readonly fixed: boolean;
}

export interface ListenResult {
  readonly port: number;
  /** true if it is another one than was asked for */
  readonly moved: boolean;
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

async function tryPort(server: Server, host: string, port: number): Promise<'listening' | 'taken'> {
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, 'listening');
    return 'listening';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EADDRINUSE') return 'taken';
    throw new MeshError('bad_option', `The API cannot listen on ${host}:${port} (${String(code)}).`, {
      cause: error,
    });
  }
}

/** Listens, if need be and allowed on a later port. Throws `port_in_use` and `bad_option`. */
export async function listenOn(server: Server, options: ListenOptions): Promise<ListenResult> {
  const { host, port, fixed } = options;
  if (!LOOPBACK.test(host))
    throw new MeshError('bad_option', `The API listens on loopback only, not on ${host}.`);
  const tries = fixed || port === 0 ? 1 : API_LIMITS.portsTried;
  for (let at = port; at < port + tries && at <= 65535; at++) {
    if ((await tryPort(server, host, at)) === 'taken') continue;
    const address = server.address();
    const actual = typeof address === 'object' && address !== null ? address.port : at;
    return { port: actual, moved: port !== 0 && actual !== port };
  }
  throw new MeshError('port_in_use', `The API cannot listen on ${host}:${port}: the port is taken.`);
}
