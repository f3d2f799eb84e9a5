/**
 * What the parts of the API share while it runs, and what a route gets to see of a request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gate } from '../daemon/index.ts';
import type { Asks } from './asks.ts';
import type { Scope } from './client/types.ts';
import type { Grant, Grants } from './grants.ts';
import type { Slots } from './slots.ts';

/** The part of a pino logger that the API needs: fixed phrases, data in fields. */
export interface ApiLog {
  debug(data: object, phrase: string): void;
  info(data: object, phrase: string): void;
  warn(data: object, phrase: string): void;
  error(data: object, phrase: string): void;
}

export interface ApiOptions {
  readonly gate: Gate;
  readonly grants: Grants;
  /** of the daemon; goes into the Server header */
  readonly version: string;
  readonly log: ApiLog;
}

export interface ApiState extends ApiOptions {
  /** aborted when the daemon stops */
  readonly stopping: AbortSignal;
  /** publishes and joins in progress */
  readonly asks: Asks;
  /** publishes of all streams that are not durable yet */
  readonly publishing: Slots;
  /** open streams: WebSocket and SSE */
  readonly streams: Slots;
}

export interface RequestContext {
  readonly api: ApiState;
  readonly grant: Grant;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** decoded query; a field that came more than once is in the list more than once */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** what stands for `{id}` in the path of the route, or '' */
  readonly parameter: string;
  /** aborted when the client goes or the daemon stops */
  readonly signal: AbortSignal;
}

export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: unknown }
  /** a JSON object with one long list, written item by item, and after it what else there is */
  | {
      readonly status: number;
      readonly list: { readonly name: string; readonly items: readonly unknown[] };
      readonly rest?: object;
    }
  | { readonly status: number; readonly type: string; readonly text: string }
  /** the route has written the response itself */
  | 'done';

export interface Route {
  readonly method: 'GET' | 'POST';
  /** `{id}` stands for one segment */
  readonly path: string;
  readonly scope: Scope;
  readonly run: (context: RequestContext) => Promise<Reply>;
}
