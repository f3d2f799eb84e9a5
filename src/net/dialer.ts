/**
 * Opening a WebSocket to another peer, guarded and within one deadline for name, TCP, TLS and upgrade together (the
 * `handshakeTimeout` of `ws` is an idle timeout, which a server that sends one byte now and then never reaches).
 */
import type { LookupFunction, Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Scope } from '../core/contract.ts';
import { hintProblem, parsePeerUrl } from './address.ts';
import { describeError, literalProblem, lookupGuard, meshErrorIn, type Resolve } from './guard.ts';
import { NET_LIMITS } from './net-limits.ts';
import { WS_OPTIONS } from './ws-options.ts';

export interface DialOptions {
  readonly url: string;
  /** what the address has to be at least */
  readonly minScope: Scope;
  readonly timeoutMs: number;
  readonly resolve?: Resolve | undefined;
  onOpen(ws: WebSocket, socket: Socket): void;
  /** `reason` begins with a code of the error table or of the system (`ECONNREFUSED ...`) */
  onFailed(reason: string): void;
}

export interface Dial {
  /** gives up; `onFailed` follows at once if it was not settled */
  abort(reason: string): void;
}

type NodeClientOptions = WebSocket.ClientOptions & { lookup: LookupFunction; maxHeaderSize: number };

/** The canonical URL, or why it must not be dialled. */
function admit(url: string, minScope: Scope): { url: string } | { refusal: string } {
  const parsed = parsePeerUrl(url);
  if (!parsed.ok) return { refusal: `address_refused: the address ${parsed.detail}` };
  const { address } = parsed;
  const problem = hintProblem(address, minScope) ?? literalProblem(address.host, minScope)?.detail;
  return problem === undefined ? { url: address.url } : { refusal: `address_refused: ${problem}` };
}

function reasonOf(error: Error): string {
  const known = meshErrorIn(error);
  return known === undefined ? describeError(error) : `${known.code}: ${known.detail}`;
}

/** Begins to dial. Exactly one of `onOpen` and `onFailed` follows, never during this call. */
export function dialPeer(options: DialOptions): Dial {
  const { url, minScope, timeoutMs } = options;
  let isSettled = false;
  let ws: WebSocket | undefined;
  let socket: Socket | undefined;

  const fail = (reason: string): void => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(deadline);
    ws?.terminate();
    options.onFailed(reason);
  };
  const deadline = setTimeout(
    () => fail(`handshake_timeout: no connection within ${timeoutMs} ms`),
    timeoutMs,
  );
  const admitted = admit(url, minScope);
  if ('refusal' in admitted) {
    queueMicrotask(() => fail(admitted.refusal));
    return { abort: fail };
  }
  const clientOptions: NodeClientOptions = {
    ...WS_OPTIONS,
    lookup: lookupGuard(minScope, options.resolve),
    maxHeaderSize: NET_LIMITS.headerBytesMax,
  };
  ws = new WebSocket(admitted.url, clientOptions);
  const opening = ws;
  opening.on('upgrade', (response) => {
    socket = response.socket;
  });
  opening.on('error', (error) => fail(reasonOf(error)));
  opening.on('open', () => {
    clearTimeout(deadline);
    if (isSettled || socket === undefined) return opening.terminate();
    isSettled = true;
    opening.removeAllListeners();
    options.onOpen(opening, socket);
  });
  return { abort: fail };
}
