/**
 * What a route is in words, beside what the table of routes says of it. A field without a word does not compile; a route
 * without words fails the test of the generated pages.
 */
import type { z } from 'zod';
import type { ErrorCode } from '../client/types.ts';

/** The fields of a query, of headers or of a body: their schema, and what each of them is. */
export interface Fields {
  readonly schema: z.ZodType;
  readonly words: Readonly<Record<string, string>>;
}

/** Media types of answers that are no JSON. */
export const TEXT_TYPES = { events: 'text/event-stream', metrics: 'text/plain' } as const;

export interface Answer {
  readonly status: number;
  /** when it is this one; left out where there is one only */
  readonly when?: string;
  /** the body: JSON, or text of another type */
  readonly shape: z.ZodType | keyof typeof TEXT_TYPES;
}

export interface RouteWords {
  /** one sentence without its full stop */
  readonly summary: string;
  /** what stands for `{id}` in the path */
  readonly parameter?: string;
  /** left out: the route takes no query */
  readonly query?: Fields;
  readonly headers?: Fields;
  readonly body?: Fields;
  readonly answers: readonly Answer[];
  /** besides {@link COMMON_CODES}, and {@link BODY_CODES} where there is a body */
  readonly codes: readonly ErrorCode[];
  /** more paragraphs of Markdown */
  readonly notes?: readonly string[];
}

/** Any request can get these. */
export const COMMON_CODES: readonly ErrorCode[] = [
  'bad_request',
  'unauthenticated',
  'forbidden',
  'forbidden_origin',
  'not_found',
  'method_not_allowed',
  'stopping',
  'store_failed',
  'store_damaged',
  'internal',
];

/** Any request with a body can get these too. */
export const BODY_CODES: readonly ErrorCode[] = ['unsupported_media_type', 'body_too_large', 'bad_text'];

/** These are never a problem document of the API: they stand in what `GET /v1/status` tells. */
export const STATUS_CODES: readonly ErrorCode[] = [
  'out_of_files',
  'clock_back',
  'bootstrap_unreachable',
  'bootstrap_invalid',
  'address_refused',
  'turns_spent',
  'messages_damaged',
  'store_recovered',
];

/** Ties words to a schema: each of its fields has one, and nothing else has. */
export function fields<S extends z.ZodType>(
  schema: S,
  words: Readonly<Record<keyof z.input<S> & string, string>>,
): Fields {
  return { schema, words };
}
