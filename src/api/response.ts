/**
 * Writes answers: JSON, long lists with backpressure, and problem documents.
 */
import { once } from 'node:events';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { MeshError } from '../core/errors.ts';
import { toProblem } from './client/problem.ts';
import type { ProblemJson } from './client/types.ts';
import type { Reply, RequestContext } from './context.ts';
import type { Slots } from './slots.ts';

const COMMON_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Writes and waits until the socket has room again. False once the client is gone. */
export async function writeChunk(response: ServerResponse, chunk: string): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(chunk)) return true;
  const gone = new AbortController();
  const leave = () => gone.abort();
  response.once('close', leave);
  try {
    await once(response, 'drain', { signal: gone.signal });
    return true;
  } catch (error) {
    if (gone.signal.aborted) return false;
    throw error;
  } finally {
    response.off('close', leave);
  }
}

/** What whoever wants one more stream is told. */
export function tooManyStreams({ max }: Slots): MeshError {
  return new MeshError('too_many_requests', `There are ${max} streams already.`);
}

/**
 * Writes a feed as server-sent events. A feed begins at once, with an item or its refusal, which is still a problem
 * document; later the next item is pulled only when the socket has room, so a slow reader costs one item.
 */
async function writeEvents<T>(
  response: ServerResponse,
  feed: AsyncIterable<T>,
  encode: (item: T) => string,
): Promise<void> {
  const items = feed[Symbol.asyncIterator]();
  try {
    let next = await items.next();
    response.writeHead(200, { ...COMMON_HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
    while (next.done !== true && (await writeChunk(response, encode(next.value)))) next = await items.next();
    response.end();
  } finally {
    await items.return?.(); // whatever broke: the feed must know that nobody reads it any more
  }
}

/** Answers with a feed as server-sent events, as one of the streams that may be open. Throws `too_many_requests`. */
export async function sendEvents<T>(
  { api: { streams }, response }: RequestContext,
  open: () => AsyncIterable<T>,
  encode: (item: T) => string,
): Promise<Reply> {
  if (!streams.take()) throw tooManyStreams(streams);
  try {
    await writeEvents(response, open(), encode);
    return 'done';
  } finally {
    streams.give();
  }
}

export async function sendReply(response: ServerResponse, reply: Reply): Promise<void> {
  if (reply === 'done') return;
  const type = { 'content-type': 'application/json; charset=utf-8' };
  if ('list' in reply) {
    response.writeHead(reply.status, { ...COMMON_HEADERS, ...type });
    let before = `{"${reply.list.name}":[`;
    for (const item of reply.list.items) {
      if (!(await writeChunk(response, before + JSON.stringify(item)))) return;
      before = ',';
    }
    const rest = JSON.stringify(reply.rest ?? {}).slice(1);
    const close = `]${rest === '}' ? '' : ','}${rest}`;
    response.end(reply.list.items.length === 0 ? before + close : close);
    return;
  }
  const text = 'text' in reply ? reply.text : JSON.stringify(reply.body);
  const length = { 'content-length': Buffer.byteLength(text) };
  const own = 'text' in reply ? { 'content-type': reply.type } : { ...type, ...reply.headers };
  response.writeHead(reply.status, { ...COMMON_HEADERS, ...length, ...own });
  response.end(text);
}

function problemHeaders(problem: ProblemJson, text: string): Record<string, string> {
  return {
    ...COMMON_HEADERS,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(text)),
    ...(problem.status === 401 && { 'www-authenticate': 'Bearer realm="mesh"' }),
  };
}

/** Answers with the problem document of `error`. */
export function sendProblem(
  response: ServerResponse,
  error: unknown,
  headers: Record<string, string> = {},
): void {
  const problem = toProblem(error);
  if (response.headersSent) {
    response.destroy(); // half of an answer is out: only a broken end tells the client
    return;
  }
  const text = JSON.stringify(problem);
  response.writeHead(problem.status, { ...problemHeaders(problem, text), ...headers });
  response.end(text);
}

/** The same on a bare socket: before an upgrade, or for what was no HTTP. Closes it. */
export function refuseSocket(socket: Duplex, error: unknown, status?: number): void {
  const problem = toProblem(error);
  const text = JSON.stringify(problem);
  const code = status ?? problem.status;
  const headers = { ...problemHeaders(problem, text), connection: 'close' };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${head.join('')}\r\n${text}`);
}
