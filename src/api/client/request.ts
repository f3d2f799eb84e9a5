/**
 * One request to the API over node:http. undici would bring nothing here (one loopback connection, no redirects, no
 * proxies) and costs 80 ms of a command's start.
 */
import http from 'node:http';
import { MeshError } from '../../core/errors.ts';
import { type FoundDaemon, unreachable } from './find.ts';
import { fromProblem } from './problem.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  /** path and query below the daemon's URL, such as `/v1/status` */
  readonly path: string;
  /** JSON value; left out for none */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says that this is no daemon of ours
  }
}

/** `?a=b` of the fields that are there, percent-encoded; '' for none. */
export function toQuery(fields: Readonly<Record<string, string | number | undefined>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/**
 * Sends a request and gives the parsed JSON of a 2xx answer. Throws the `MeshError` of the problem document
 * otherwise, and `no_daemon` if nobody answers.
 */
export async function sendRequest(
  daemon: FoundDaemon,
  agent: http.Agent,
  request: ApiRequest,
): Promise<unknown> {
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${daemon.token}`,
      accept: 'application/json',
      ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
      ...request.headers,
    };
    const { method, signal } = request;
    const outgoing = http.request(daemon.url + request.path, {
      agent,
      method,
      headers,
      ...(signal && { signal }),
    });
    const fail = (error: Error) => reject(signal?.aborted ? error : unreachable(daemon, error));
    outgoing.on('error', fail);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.end(body);
  });
  const answer = parseAnswer(text);
  if (answer === undefined) {
    throw new MeshError('no_daemon', `What answers at ${daemon.url} is no mesh daemon (status ${status}).`);
  }
  if (status >= 300) throw fromProblem(answer);
  return answer;
}
