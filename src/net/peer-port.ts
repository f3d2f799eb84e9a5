/**
 * The port that other peers connect to: a listener that takes WebSocket upgrades at `/` and answers `/healthz` and
 * `/bootstrap.json`, and nothing else.
 *
 * Upgrades with an `Origin` header come from web pages and are refused: a page in the browser of the daemon's owner
 * would otherwise arrive from loopback, and what comes from loopback may name loopback addresses.
 */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Scope } from '../core/contract.ts';
import type { Admission, Ticket } from './admission.ts';
import { type Asker, askerOf } from './asker.ts';
import {
  type Answer,
  createHttpServer,
  endSocket,
  openDocument,
  problem,
  type Route,
} from './http-server.ts';
import { type Listening, type ListenOptions, listenOn } from './listen.ts';
import { NET_LIMITS } from './net-limits.ts';
import { WS_OPTIONS } from './ws-options.ts';

export interface PeerPortOptions {
  readonly admission: Admission;
  /** own sockets now: they take from the same total */
  outbound(): number;
  /** the list of peers for an asker that is so close; must be plain JSON */
  bootstrapDocument(asker: Scope): object;
  /** time from accepting a socket to its upgrade, ms */
  readonly handshakeMs: number;
  /** reverse proxies of the operator in front of this port: see `asker.ts` */
  readonly trustProxy: number;
  onLink(ws: WebSocket, socket: Socket, ticket: Ticket, asker: Asker): void;
}

export interface PeerPort {
  listen(options: ListenOptions): Promise<Listening>;
  /** to be called when the number of finished handshakes or of own sockets changed */
  adjust(): void;
  /** stops to listen and ends sockets that are not links; resolves when those and all links are gone */
  stop(): Promise<void>;
  stats(): { readonly refused: number; readonly acceptErrors: number };
}

function routes(bootstrapDocument: (asker: Scope) => object): Route {
  const cache = new Map<Scope, { readonly body: string; readonly until: number }>();
  const bootstrap = (asker: Scope): string => {
    const cached = cache.get(asker);
    if (cached !== undefined && performance.now() < cached.until) return cached.body;
    const body = JSON.stringify(bootstrapDocument(asker));
    cache.set(asker, { body, until: performance.now() + NET_LIMITS.documentCacheMs });
    return body;
  };
  const health = JSON.stringify({ status: 'ok' });
  return (path) => {
    if (path === '/healthz') {
      const headers = { 'Cache-Control': 'no-store' };
      return () => ({ status: 200, type: 'application/json', body: health, headers });
    }
    if (path !== '/bootstrap.json') return undefined;
    return (asker) => openDocument(bootstrap(asker), asker === 'public' ? 'everybody' : 'asker');
  };
}

/** Why an upgrade is not for us, as an answer. */
function refusal({ url = '', headers }: IncomingMessage): [status: string, answer: Answer] | undefined {
  if (!/^\/(?:\?|$)/.test(url)) return ['404 Not Found', problem('not_found', 'Peers connect at /.')];
  if (headers.origin !== undefined)
    return ['403 Forbidden', problem('forbidden_origin', 'Web pages cannot be peers.')];
  return undefined;
}

export function createPeerPort(options: PeerPortOptions): PeerPort {
  const { admission, trustProxy } = options;
  const tickets = new WeakMap<Duplex, Ticket>();
  const counters = { refused: 0, acceptErrors: 0 };
  const acceptedMax = (): number => admission.acceptedMax(options.outbound());
  const { server, endDeadline } = createHttpServer({
    route: routes(options.bootstrapDocument),
    deadlineMs: options.handshakeMs,
    socketsMax: acceptedMax(),
    trustProxy,
  });
  const upgrader = new WebSocketServer({ ...WS_OPTIONS, noServer: true, clientTracking: false });
  const adjust = (): void => {
    server.maxConnections = acceptedMax();
  };

  server.on('drop', () => {
    counters.refused += 1;
  });
  server.on('connection', (socket) => {
    // The address of a trusted proxy is everybody's: the request says under which one this socket counts.
    const ticket = admission.enter(trustProxy > 0 ? '' : (socket.remoteAddress ?? ''));
    if (ticket === undefined) {
      counters.refused += 1;
      socket.destroy();
      return;
    }
    tickets.set(socket, ticket);
    socket.once('close', () => {
      ticket.leave();
      adjust();
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const ticket = tickets.get(socket);
    if (!(socket instanceof Socket) || ticket === undefined) return void socket.destroy();
    const refused = refusal(request);
    if (refused !== undefined) return endSocket(socket, ...refused);
    const asker = askerOf(request, trustProxy);
    if (!ticket.countAs(asker.ip)) {
      counters.refused += 1;
      const full = problem('too_many_links', 'Too many unfinished handshakes from this address.');
      return endSocket(socket, '503 Service Unavailable', full);
    }
    upgrader.handleUpgrade(request, socket, head, (ws) => {
      endDeadline(socket);
      options.onLink(ws, socket, ticket, asker);
    });
  });

  return {
    listen: async (where) => {
      const listening = await listenOn(server, where);
      // Out of file descriptors and the like: the listener goes on, the caller sees the count.
      server.on('error', () => {
        counters.acceptErrors += 1;
      });
      return listening;
    },
    adjust,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    stats: () => ({ ...counters }),
  };
}
