import { MeshError } from '../../core/errors.ts';
import type { MessageJson, PublishedJson } from '../client/types.ts';
import type { Reply, RequestContext, Route } from '../context.ts';
import { API_LIMITS } from '../limits.ts';
import { messageJson } from '../message-json.ts';
import { toPublishRequest, waitForState, waitMs } from '../publish.ts';
import { headerObject, queryObject, readBody } from '../request.ts';
import {
  check,
  idempotencyHeaderSchema,
  idParameterSchema,
  noQuerySchema,
  pageQuerySchema,
  publishQuerySchema,
  publishSchema,
} from '../schemas.ts';

async function publish(context: RequestContext): Promise<Reply> {
  const { api, grant, query, request, signal } = context;
  const options = check(publishQuerySchema, queryObject(query));
  const key = check(idempotencyHeaderSchema, headerObject(request, 'Idempotency-Key'))['Idempotency-Key'];
  const message = check(publishSchema, await readBody(request));
  const asked = toPublishRequest(grant, message, key);
  const { id, state, isNew } = await api.asks.run(() => api.gate.publish(asked));
  let body: PublishedJson = { id, state };
  if (options.wait !== undefined) {
    const timeoutMs = waitMs(options.timeout);
    body = await waitForState(api.gate, body, { state: options.wait, timeoutMs, signal });
  }
  return { status: isNew ? 201 : 200, headers: { location: `/v1/messages/${id}` }, body };
}

async function list({ api, query }: RequestContext): Promise<Reply> {
  const { limit = API_LIMITS.pageDefault, ...rest } = check(pageQuerySchema, queryObject(query));
  const page = await api.gate.messages({ ...rest, limit });
  const items: readonly MessageJson[] = page.map(messageJson);
  return { status: 200, list: { name: 'messages', items } };
}

async function one({ api, query, parameter }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const isId = idParameterSchema.safeParse(parameter).success;
  const message = isId ? api.gate.message(parameter) : undefined;
  if (message === undefined) throw new MeshError('not_found', 'There is no message with this id here.');
  return { status: 200, body: messageJson(message) };
}

/** POST /v1/messages publishes, GET pages through a channel, GET /v1/messages/{id} gives one. */
export const messageRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/messages', scope: 'messages:write', run: publish },
  { method: 'GET', path: '/v1/messages', scope: 'messages:read', run: list },
  { method: 'GET', path: '/v1/messages/{id}', scope: 'messages:read', run: one },
];
