/**
 * A small HTTP server that strangers may talk to: few and short headers, one request per connection, a deadline for
 * the whole of it, problem documents (RFC 9457) with the codes of the error table, and nothing that tells what runs
 * here. The peer port and the bootstrap server are made from it.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Scope } from '../core/contract.ts';
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import { askerOf } from './asker.ts';
import { NET_LIMITS } from './net-limits.ts';

/** What a handler answers. `body` is JSON text. */
export interface Answer {
  readonly status: number;
  readonly type: 'application/json' | 'application/problem+json';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON document that any web page may read. It may be kept for a minute, unless it is for this asker only. */
export function openDocument(body: string, audience: 'everybody' | 'asker' = 'everybody'): Answer {
  const kept = audience === 'everybody' ? 'public, max-age=60' : 'no-store';
  const headers = { 'Access-Control-Allow-Origin': '*', 'Cache-Control': kept };
  return { status: 200, type: 'application/json', body, headers };
}

/** A problem document. `detail` must hold nothing secret. `status` is the table's unless given. */
export function problem(
  code: ErrorCode,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  status: number = ERRORS[code].http,
): Answer {
  const { title, do: advice } = ERRORS[code];
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, code, do: advice });
  return { status, type: 'application/problem+json', body, headers };
}

/** One path's document, or undefined for a path that does not exist. `asker`: how close who asks is certainly. */
export type Route = (path: string) => ((asker: Scope) => Answer) | undefined;

/** Applies the rules common to all paths: 404, 405, and 500 if a handler throws. */
export function answerTo(method: string, target: string, route: Route, asker: Scope): Answer {
  const path = target.replace(/\?.*$/s, '');
  const handler = route(path);
  if (handler === undefined) return problem('not_found', 'No such path.');
  if (method !== 'GET' && method !== 'HEAD') {
    return problem('method_not_allowed', 'This path can only be read.', { Allow: 'GET, HEAD' });
  }
  try {
    return handler(asker);
  } catch {
    // The reason stays inside: strangers read this. A handler that can fail reports it itself.
    return problem('internal', 'The document could not be made.');
  }
}

function send(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': body.length,
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...answer.headers,
  });
  response.end(body);
}

/** Answers on a socket that is no longer under the HTTP server's care (an upgrade, broken HTTP), and ends it. */
export function endSocket(socket: Duplex, status: string, answer: Answer): void {
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const head = [
    `HTTP/1.1 ${status}`,
    `Content-Type: ${answer.type}`,
    `Content-Length: ${Buffer.byteLength(answer.body)}`,
    'Connection: close',
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${answer.body}`);
}

export interface HttpServerOptions {
  readonly route: Route;
  /** time for a whole request and its answer, ms */
  readonly deadlineMs: number;
  /** open sockets; more are closed as soon as they are accepted */
  readonly socketsMax: number;
  /** reverse proxies of the operator in front of this port; default 0: see `asker.ts` */
  readonly trustProxy?: number;
}

export interface HttpServer {
  readonly server: Server;
  /** ends the deadline of a socket that became something else than HTTP */
  readonly endDeadline: (socket: Duplex) => void;
}

/** Creates the server; it does not listen yet. Without an `upgrade` listener upgrades are plain requests. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { route, deadlineMs, socketsMax, trustProxy = 0 } = options;
  const deadlines = new WeakMap<Duplex, () => void>();
  const server: Server = createServer(
    {
      maxHeaderSize: NET_LIMITS.headerBytesMax,
      headersTimeout: deadlineMs,
      requestTimeout: deadlineMs,
      keepAliveTimeout: 1,
      noDelay: true,
      // Anything else (curl asks for h2c) is an ordinary request that happens to offer more.
      shouldUpgradeCallback: ({ headers }) =>
        server.listenerCount('upgrade') > 0 && headers.upgrade?.toLowerCase() === 'websocket',
    },
    (request, response) => {
      request.on('error', () => response.destroy());
      response.on('error', () => response.destroy());
      const { scope } = askerOf(request, trustProxy);
      send(response, answerTo(request.method ?? '', request.url ?? '', route, scope));
    },
  );
  server.maxHeadersCount = NET_LIMITS.headersMax;
  server.maxRequestsPerSocket = 1;
  server.maxConnections = socketsMax;
  server.on('clientError', (_error, socket) => {
    endSocket(socket, '400 Bad Request', problem('bad_request', 'This is not a valid HTTP request.'));
  });
  // A CONNECT request has no path and no answer.
  server.on('connect', (_request, socket) => socket.destroy());
  server.on('connection', (socket) => {
    const timer = setTimeout(() => socket.destroy(), deadlineMs);
    const stop = (): void => clearTimeout(timer);
    socket.once('close', stop);
    deadlines.set(socket, stop);
  });
  return { server, endDeadline: (socket) => deadlines.get(socket)?.() };
}
