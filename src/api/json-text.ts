/**
 * JSON from strangers: bytes to a value, and the traps that `JSON.parse` leaves open.
 *
 * `__proto__` is an ordinary own key after `JSON.parse` and stays one (nothing here assigns by key). Of duplicate keys
 * the last wins, as `JSON.parse` has it. `1e400` would silently become null on the way on, and nesting could
 * overflow the stack of whoever writes the value again: both are refused, as are lone surrogates.
 */
import { type Bytes, textOf } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import { API_LIMITS } from './limits.ts';

/** The value of JSON text in UTF-8. Throws `bad_text` or `bad_request`. */
export function parseJson(bytes: Bytes): unknown {
  const text = textOf(bytes);
  if (text === undefined) throw new MeshError('bad_text', 'The request is not well-formed UTF-8.');
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\p{Cc}/gu, ' ').slice(0, 120) : '';
    throw new MeshError('bad_request', `The request is not JSON: ${reason}`, { cause: error });
  }
}

/** Why a parsed JSON value cannot be carried as it is, or undefined if it can. */
export function findTrap(
  root: unknown,
): { readonly code: 'bad_payload' | 'bad_text'; readonly what: string } | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { value, depth } = item;
    if (typeof value === 'string' && !value.isWellFormed())
      return { code: 'bad_text', what: 'has a lone surrogate' };
    if (typeof value === 'number' && !Number.isFinite(value)) {
      return { code: 'bad_payload', what: 'has a number that is too large' };
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= API_LIMITS.payloadDepthMax) {
      return { code: 'bad_payload', what: `is nested more than ${API_LIMITS.payloadDepthMax} deep` };
    }
    for (const [key, inner] of Object.entries(value)) {
      if (!key.isWellFormed()) return { code: 'bad_text', what: 'has a key with a lone surrogate' };
      open.push({ value: inner, depth: depth + 1 });
    }
  }
  return undefined;
}

/** True if arrays and objects lie more than `max` deep in a parsed JSON value. Needs no stack, unlike writing it. */
export function isDeeperThan(root: unknown, max: number): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      if (depth >= max) return true;
      for (const inner of Object.values(value)) next.push(inner);
    }
    level = next;
  }
  return false;
}
