import type { InboxEventView } from '../../daemon/index.ts';
import type { AckedJson, AnsweredJson, InboxItemJson, InboxRowJson } from '../client/agent-types.ts';
import type { Reply, RequestContext, Route } from '../context.ts';
import { API_LIMITS } from '../limits.ts';
import { messageJson } from '../message-json.ts';
import { queryObject, readBody } from '../request.ts';
import { sendEvents } from '../response.ts';
import {
  ackSchema,
  answerSchema,
  attachQuerySchema,
  check,
  inboxQuerySchema,
  noQuerySchema,
} from '../schemas.ts';

async function list({ api, query }: RequestContext): Promise<Reply> {
  const { limit = API_LIMITS.pageDefault, before } = check(inboxQuerySchema, queryObject(query));
  const page = api.gate.agent.inbox({ limit, ...(before !== undefined && { before }) });
  const items: readonly InboxRowJson[] = page;
  return { status: 200, list: { name: 'items', items } };
}

/** One server-sent event; the id of an item is its number. */
function encodeEvent(event: InboxEventView): string {
  if (event.kind === 'attached') return `event: attached\ndata: ${JSON.stringify(event.attached)}\n\n`;
  const item: InboxItemJson = { ...event.item, message: messageJson(event.item.message) };
  return `event: item\nid: ${item.number}\ndata: ${JSON.stringify(item)}\n\n`;
}

async function follow(context: RequestContext): Promise<Reply> {
  const { api, query, signal } = context;
  const { client } = check(attachQuerySchema, queryObject(query));
  return sendEvents(context, () => api.gate.agent.attach(client, signal), encodeEvent);
}

async function acknowledge({ api, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const ack = check(ackSchema, await readBody(request));
  const body: AckedJson = api.gate.agent.acknowledge(ack);
  return { status: 200, body };
}

async function answer({ api, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const asked = check(answerSchema, await readBody(request));
  const body: AnsweredJson = await api.asks.run(() => api.gate.agent.answer(asked));
  return { status: body.isNew ? 201 : 200, body };
}

/**
 * GET /v1/inbox lists what came for the agent, GET /v1/inbox/events hands it over, POST /v1/inbox/ack says how that
 * ended, and POST /v1/inbox/answers publishes what the agent says to it.
 */
export const inboxRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/inbox', scope: 'messages:read', run: list },
  { method: 'GET', path: '/v1/inbox/events', scope: 'agent', run: follow },
  { method: 'POST', path: '/v1/inbox/ack', scope: 'agent', run: acknowledge },
  { method: 'POST', path: '/v1/inbox/answers', scope: 'agent', run: answer },
];
