/**
 * Opening a listening port: a port that was set is taken or is an error; a default port moves on to the next free one,
 * so that two daemons started in a row on one host just work.
 */
import type { AddressInfo, Server } from 'node:net';
import { MeshError } from '../core/errors.ts';
import { NET_LIMITS } from './net-limits.ts';

export interface ListenOptions {
  /** address or name to bind, e.g. 0.0.0.0 */
  readonly host: string;
  /** 0 to 65535; 0 lets the system choose */
  readonly port: number;
  /** true: exactly this port or an error. false: the next free one of up to 50 after it */
  readonly fixedPort: boolean;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** the default port was taken */
  readonly moved: boolean;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function listenOnce(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      server.removeListener('listening', onListening);
      reject(error);
    };
    const onListening = (): void => {
      server.removeListener('error', onError);
      resolve(server.address() as AddressInfo);
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen({ host, port });
  });
}

/**
 * Starts to listen.
 * @throws MeshError `port_in_use` if a set port, or a default one with all that follow, is taken; `bad_option` if host
 *   or port cannot be used at all
 */
export async function listenOn(server: Server, { host, port, fixedPort }: ListenOptions): Promise<Listening> {
  const last = fixedPort || port === 0 ? port : Math.min(port + NET_LIMITS.portTries, 65535);
  for (let at = port; at <= last; at++) {
    try {
      const address = await listenOnce(server, host, at);
      return { host: address.address, port: address.port, moved: at !== port };
    } catch (cause) {
      if (codeOf(cause) === 'EADDRINUSE') continue;
      throw new MeshError('bad_option', `Cannot listen on ${host} port ${at}: ${codeOf(cause)}.`, { cause });
    }
  }
  const ports = last === port ? `Port ${port} is` : `Ports ${port} to ${last} are`;
  throw new MeshError('port_in_use', `${ports} taken on ${host}.`);
}
