/**
 * Reads what a client sent: path, query, headers and a bounded JSON body.
 */
import type { IncomingMessage } from 'node:http';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { parseJson } from './json-text.ts';

export interface Target {
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch (error) {
    throw new MeshError('bad_request', 'The query is not percent-encoded UTF-8.', { cause: error });
  }
}

/** Path and query of a request target. Strict where `URL` guesses: bad percent escapes are refused. */
export function parseTarget(target: string): Target {
  const at = target.indexOf('?');
  if (at < 0) return { path: target, query: [] };
  const parts = target
    .slice(at + 1)
    .split('&')
    .filter((part) => part !== '');
  const query = parts.map((part): [string, string] => {
    const equals = part.indexOf('=');
    if (equals < 0) return [decodePart(part), ''];
    return [decodePart(part.slice(0, equals)), decodePart(part.slice(equals + 1))];
  });
  return { path: target.slice(0, at), query };
}

/** The query as an object for a schema. Fields named in `lists` may come more than once and are arrays. */
export function queryObject(query: Target['query'], lists: readonly string[] = []): Record<string, unknown> {
  const fields = new Map<string, string | string[]>();
  for (const [name, value] of query) {
    const before = fields.get(name);
    if (lists.includes(name)) fields.set(name, [...(before ?? []), value]);
    else if (before === undefined) fields.set(name, value);
    else throw new MeshError('bad_request', `${name}: was given twice.`);
  }
  return Object.fromEntries(fields);
}

/** A header as an object for a schema; empty if it is not there. */
export function headerObject(request: IncomingMessage, name: string): Record<string, unknown> {
  const value = request.headers[name.toLowerCase()];
  return value === undefined ? {} : { [name]: value };
}

function requireJson(request: IncomingMessage): void {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type)) {
    throw new MeshError(
      'unsupported_media_type',
      type === '' ? 'There is no Content-Type.' : 'It is something else.',
    );
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new MeshError('unsupported_media_type', 'The body must not be compressed (Content-Encoding).');
  }
}

/**
 * The JSON value of the body. Throws `unsupported_media_type`, `body_too_large`, `bad_text` and `bad_request`. What is
 * too large is read to its end and forgotten, so that the client gets the answer and not a broken pipe.
 */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  requireJson(request);
  const max = LIMITS.apiBodyBytesMax;
  if (Number(request.headers['content-length'] ?? 0) > max)
    throw new MeshError('body_too_large', `At most ${max} bytes.`);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > max) chunks.length = 0;
    else chunks.push(chunk);
  }
  if (size > max) throw new MeshError('body_too_large');
  return parseJson(Buffer.concat(chunks));
}
