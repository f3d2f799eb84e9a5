/**
 * Reading a bootstrap list from a file or from the web, within bounds: one deadline for everything, a largest size, no
 * redirects to other hosts, and a check of the address that is really connected to.
 *
 * What the operator wrote down is the operator's wish: a URL with an IP address or `localhost` may lead anywhere. A
 * name is somebody else's to answer, so it must lead to a public address unless private ones are allowed.
 */
import { constants, open } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import type { Scope } from '../core/contract.ts';
import { type ErrorCode, MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { type BootstrapAddress, parseBootstrap } from './bootstrap-document.ts';
import { describeError, lookupGuard, meshErrorIn, type Resolve } from './guard.ts';
import { isAtLeast, scopeOfIp } from './ip-scope.ts';
import { NET_LIMITS } from './net-limits.ts';

export interface FetchBootstrapOptions {
  /** MESH_ALLOW_PRIVATE: names may lead to private addresses, and public lists may name them */
  readonly allowPrivate?: boolean;
  /** paths of the files that ship with the package: their content counts as public, it is not the operator's */
  readonly shippedFiles?: readonly string[];
  readonly signal?: AbortSignal;
  /** default `dns.lookup` */
  readonly resolve?: Resolve;
  readonly timeoutMs?: number;
  readonly bytesMax?: number;
}

export type BootstrapErrorCode = Extract<
  ErrorCode,
  'bootstrap_unreachable' | 'bootstrap_invalid' | 'address_refused'
>;

export type BootstrapResult =
  | {
      readonly ok: true;
      /** how public the addresses have to be when they are dialled; `loopback` means anything */
      readonly scope: Scope;
      readonly addresses: readonly BootstrapAddress[];
      /** entries that were not used */
      readonly dropped: number;
    }
  | { readonly ok: false; readonly code: BootstrapErrorCode; readonly detail: string };

interface Fetched {
  readonly bytes: Uint8Array;
  readonly scope: Scope;
}

interface Bounds {
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

const unreachable = (detail: string): MeshError => new MeshError('bootstrap_unreachable', detail);
const invalid = (detail: string): MeshError => new MeshError('bootstrap_invalid', detail);

async function readBounded(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of chunks) {
    length += part.length;
    if (length > bytesMax) throw invalid(`larger than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function readFileSource(file: string, { bytesMax, signal }: Bounds): Promise<Uint8Array> {
  // O_NONBLOCK: opening a named pipe that nobody writes to must not wait.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!(await handle.stat()).isFile()) throw unreachable(`${file} is not a file`);
    return await readBounded(handle.createReadStream({ signal, autoClose: false }), bytesMax);
  } finally {
    await handle.close();
  }
}

interface GuardedAgent {
  readonly agent: Agent;
  /** how public the address is that was connected to */
  reached(): Scope;
}

/**
 * undici with the guard and the deadline in its connector. undici itself does not give up a request whose connection
 * is still being made, be it that the name server or the host is silent.
 */
function createGuardedAgent(host: string, options: FetchBootstrapOptions, signal: AbortSignal): GuardedAgent {
  const isNamed = isIP(host.replace(/^\[|\]$/g, '')) !== 0 || host === 'localhost';
  const minScope: Scope = isNamed || options.allowPrivate ? 'loopback' : 'public';
  let scope: Scope = 'public';
  const timeout = options.timeoutMs ?? LIMITS.bootstrapMs;
  const connect = buildConnector({ lookup: lookupGuard(minScope, options.resolve), allowH2: false, timeout });
  const agent = new Agent({
    allowH2: false,
    maxHeaderSize: NET_LIMITS.headerBytesMax,
    connect: (where, done) => {
      const giveUp = (): void => done(new Error('given up', { cause: signal.reason }), null);
      if (signal.aborted) return giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
      connect(where, (...[error, socket]) => {
        signal.removeEventListener('abort', giveUp);
        if (signal.aborted) return void socket?.destroy();
        if (error !== null) return done(error, null);
        // An answer of the name server that got past the lookup ends here.
        scope = socket.remoteAddress === undefined ? 'public' : scopeOfIp(socket.remoteAddress);
        if (isAtLeast(scope, minScope)) return done(null, socket);
        socket.destroy();
        done(new MeshError('address_refused', `${host} leads to a ${scope} address.`), null);
      });
    },
  });
  return { agent, reached: () => scope };
}

/** The next URL of a redirect: same host and port, or the step from http to https on their usual ports. */
function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw unreachable('redirects to something that is not a URL');
  const to = new URL(location, from);
  const isUpgrade =
    from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === '';
  const isSame = from.protocol === to.protocol && from.port === to.port;
  if (from.hostname !== to.hostname || !(isSame || isUpgrade)) throw unreachable('redirects to another host');
  if (to.username !== '' || to.password !== '') throw unreachable('redirects to a URL with credentials');
  return to;
}

function headerOf(response: Dispatcher.ResponseData, name: string): string {
  const value = response.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

async function readResponse(response: Dispatcher.ResponseData, bytesMax: number): Promise<Uint8Array> {
  if (response.statusCode !== 200) throw unreachable(`HTTP status ${response.statusCode}`);
  const type = headerOf(response, 'content-type').replace(/;.*$/s, '').trim().toLowerCase();
  if (!/^(?:application|text)\/(?:[\w.-]+\+)?json$/.test(type))
    throw invalid('the answer is not declared as JSON');
  if (!/^(?:identity)?$/i.test(headerOf(response, 'content-encoding')))
    throw invalid('the answer is compressed');
  if (Number(headerOf(response, 'content-length')) > bytesMax) throw invalid(`larger than ${bytesMax} bytes`);
  return readBounded(response.body, bytesMax);
}

async function readWebSource(text: string, options: FetchBootstrapOptions, bounds: Bounds): Promise<Fetched> {
  if (!URL.canParse(text)) throw invalid('the source is not a URL');
  let url = new URL(text);
  if (url.username !== '' || url.password !== '') throw invalid('the source contains credentials');
  const { agent, reached } = createGuardedAgent(url.hostname, options, bounds.signal);
  const headers = { accept: 'application/json' };
  try {
    for (let hop = 0; hop <= NET_LIMITS.redirectsMax; hop++) {
      const response = await request(url, { dispatcher: agent, signal: bounds.signal, headers });
      const location = headerOf(response, 'location');
      if (response.statusCode < 300 || response.statusCode > 399 || location === '') {
        return { bytes: await readResponse(response, bounds.bytesMax), scope: reached() };
      }
      response.body.on('error', () => undefined).destroy();
      url = redirectTarget(url, location);
    }
    throw unreachable(`more than ${NET_LIMITS.redirectsMax} redirects`);
  } finally {
    await agent.destroy();
  }
}

async function readSource(source: string, options: FetchBootstrapOptions, bounds: Bounds): Promise<Fetched> {
  if (/^https?:/i.test(source)) return readWebSource(source, options, bounds);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(source) && !/^file:/i.test(source)) {
    throw invalid('the source is neither an http(s) URL nor a file');
  }
  const file = path.resolve(/^file:/i.test(source) ? fileURLToPath(source) : source);
  const isShipped = (options.shippedFiles ?? []).some((shipped) => path.resolve(shipped) === file);
  return { bytes: await readFileSource(file, bounds), scope: isShipped ? 'public' : 'loopback' };
}

function failure(error: unknown, signal: AbortSignal, timeoutMs: number): BootstrapResult {
  const known = meshErrorIn(error);
  if (known?.code === 'bootstrap_invalid' || known?.code === 'address_refused') {
    return { ok: false, code: known.code, detail: known.detail };
  }
  const wasLate = signal.aborted && signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  const detail = wasLate ? `no answer within ${timeoutMs} ms` : (known?.detail ?? describeError(error));
  return { ok: false, code: 'bootstrap_unreachable', detail };
}

/**
 * Fetches one bootstrap list.
 * @param source http(s) URL, `file:` URL, or path of a file
 * @returns the addresses it names, each canonical and allowed by the scope of the source, or the code and detail of
 *   the failure. Never rejects
 */
export async function fetchBootstrap(
  source: string,
  options: FetchBootstrapOptions = {},
): Promise<BootstrapResult> {
  const { timeoutMs = LIMITS.bootstrapMs, bytesMax = LIMITS.bootstrapBytesMax } = options;
  const late = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? late : AbortSignal.any([late, options.signal]);
  try {
    const { bytes, scope: origin } = await readSource(source, options, { bytesMax, signal });
    const scope = options.allowPrivate && origin === 'public' ? 'private' : origin;
    const parsed = parseBootstrap(bytes, scope);
    if (!parsed.ok) return { ok: false, code: 'bootstrap_invalid', detail: parsed.detail };
    return { ok: true, scope, addresses: parsed.addresses, dropped: parsed.dropped };
  } catch (error) {
    return failure(error, signal, timeoutMs);
  }
}
