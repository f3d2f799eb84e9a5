/**
 * The local API: an HTTP server on loopback that passes requests through the guard, the grants and the table of routes
 * to the gate. The idea: everything that is refused is refused here, with a problem document that says what to do; the
 * routes see only callers who may and values that fit.
 */
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { Asks } from './asks.ts';
import type { ApiLog, ApiOptions, ApiState } from './context.ts';
import { requireScope } from './grants.ts';
import { authenticate, requireLocalCaller } from './guard.ts';
import { API_LIMITS } from './limits.ts';
import { type ListenResult, listenOn } from './listen.ts';
import { parseTarget } from './request.ts';
import { refuseSocket, sendProblem, sendReply } from './response.ts';
import { findRoute, MethodError } from './router.ts';
import { Slots } from './slots.ts';
import { createStreamServer } from './stream/upgrade.ts';

export interface Api {
  /**
   * Listens on a loopback address. A port that is taken is `port_in_use` if it is `fixed`, else the next free one is
   * used and `moved` is true. Port 0 takes any.
   */
  listen(host: string, port: number, fixed: boolean): Promise<ListenResult>;
  /** The first half of a stop: new requests and frames get `stopping`. Resolves when all that was begun is answered. */
  drain(): Promise<void>;
  /** Stops: new requests get `stopping`, waits and streams end, then the sockets. */
  close(): Promise<void>;
}

/** Aborts when the client is gone before its answer, or the daemon stops. */
function requestSignal(response: http.ServerResponse, stopping: AbortSignal): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, stopping]);
}

function handleFailure(
  log: ApiLog,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  error: unknown,
): void {
  request.resume(); // the rest of a body that nobody reads
  if (error instanceof MeshError) {
    const headers = error instanceof MethodError ? { allow: error.allow } : undefined;
    sendProblem(response, error, headers);
    return;
  }
  // A client that went in the middle of its request is not our mistake.
  if (response.destroyed) log.debug({ err: error }, 'request broke off');
  else log.error({ err: error, method: request.method }, 'request failed');
  sendProblem(response, error);
}

async function handleRequest(
  api: ApiState,
  port: number,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  try {
    response.setHeader('server', `openclaw-messaging/${api.version}`);
    requireLocalCaller(request, port);
    const grant = authenticate(request, api.grants);
    const { path, query } = parseTarget(request.url ?? '');
    const { route, parameter } = findRoute(request.method ?? '', path);
    requireScope(grant, route.scope);
    if (api.stopping.aborted) throw new MeshError('stopping');
    const signal = requestSignal(response, api.stopping);
    const reply = await route.run({ api, grant, request, response, query, parameter, signal });
    await sendReply(response, reply);
  } catch (error) {
    handleFailure(api.log, request, response, error);
  }
}

/** What was no HTTP, or broke a limit of the parser. */
function handleClientError(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    refuseSocket(socket, new MeshError('bad_request', 'The headers are too long.', { cause: error }), 431);
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    refuseSocket(
      socket,
      new MeshError('bad_request', 'The request took too long to come.', { cause: error }),
      408,
    );
  } else {
    refuseSocket(socket, new MeshError('bad_request', 'This is no HTTP request.', { cause: error }));
  }
}

function createHttpServer(): http.Server {
  const server = http.createServer({
    maxHeaderSize: API_LIMITS.headerBytesMax,
    headersTimeout: API_LIMITS.headersMs,
    requestTimeout: API_LIMITS.requestMs,
    connectionsCheckingInterval: API_LIMITS.headersMs / 2,
    keepAliveTimeout: API_LIMITS.keepAliveMs,
    requireHostHeader: false, // the guard refuses it with a problem document
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  });
  server.maxHeadersCount = API_LIMITS.headersMax;
  server.maxConnections = API_LIMITS.connectionsMax;
  server.on('clientError', handleClientError);
  return server;
}

/** Makes the API; nothing listens before `listen`. */
export function createApi(options: ApiOptions): Api {
  const stopping = new AbortController();
  const api: ApiState = {
    ...options,
    stopping: stopping.signal,
    asks: new Asks(stopping.signal),
    publishing: new Slots(API_LIMITS.publishingTotalMax),
    streams: new Slots(LIMITS.apiStreamsMax),
  };
  const server = createHttpServer();
  const streams = createStreamServer(api);
  let port = 0;
  server.on('request', (request, response) => void handleRequest(api, port, request, response));
  server.on('upgrade', (request, socket, head) => streams.upgrade(request, socket, head, port));

  return {
    async listen(host, wanted, fixed) {
      const result = await listenOn(server, { host, port: wanted, fixed });
      port = result.port;
      return result;
    },
    drain() {
      stopping.abort();
      return api.asks.none();
    },
    async close() {
      stopping.abort();
      await new Promise((resolve) => setImmediate(resolve)); // answers that are ready go out before the goodbye
      streams.close();
      if (!server.listening) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          streams.terminate();
          server.closeAllConnections();
        }, API_LIMITS.closeMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}
