/**
 * GET /v1/stream: the way from an HTTP upgrade to a {@link StreamConnection}. A refusal is a problem document, as with
 * any other request.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { MeshError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ApiState } from '../context.ts';
import { authenticate, requireLocalCaller } from '../guard.ts';
import { parseTarget } from '../request.ts';
import { refuseSocket, tooManyStreams } from '../response.ts';
import { findRoute, STREAM_PATH } from '../router.ts';
import { StreamConnection } from './connection.ts';

export interface StreamServer {
  /** for the `upgrade` event of the HTTP server that listens on `port` */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, port: number): void;
  /** says goodbye to each stream: 1001, or 1011 if publishes have no answer */
  close(): void;
  /** ends what did not listen */
  terminate(): void;
}

export function createStreamServer(api: ApiState): StreamServer {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LIMITS.apiBodyBytesMax,
  });
  const connections = new Set<StreamConnection>();
  sockets.on('wsClientError', (error, socket) => {
    refuseSocket(socket, new MeshError('bad_request', `${error.message}.`, { cause: error }));
  });

  return {
    upgrade(request, socket, head, port) {
      const ignore = (error: Error) => api.log.debug({ err: error }, 'socket failed before its upgrade');
      socket.on('error', ignore);
      try {
        requireLocalCaller(request, port);
        const grant = authenticate(request, api.grants);
        const { path, query } = parseTarget(request.url ?? '');
        if (path !== STREAM_PATH) findRoute(request.method ?? '', path);
        if (path !== STREAM_PATH) throw new MeshError('bad_request', 'This path takes no upgrade.');
        if (query.length > 0) throw new MeshError('bad_request', 'This path takes no query.');
        if (api.stopping.aborted) throw new MeshError('stopping');
        if (api.streams.isFull) throw tooManyStreams(api.streams);
        sockets.handleUpgrade(request, socket, head, (webSocket) => {
          api.streams.take();
          const connection = new StreamConnection(api, grant, webSocket);
          connections.add(connection);
          webSocket.once('close', () => {
            connections.delete(connection);
            api.streams.give();
          });
          socket.off('error', ignore);
        });
      } catch (error) {
        refuseSocket(socket, error);
      }
    },
    close() {
      for (const connection of connections) connection.end();
    },
    terminate() {
      for (const socket of sockets.clients) socket.terminate();
    },
  };
}
