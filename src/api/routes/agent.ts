import type { AgentJson, AllowJson, ContactJson, WakeJson } from '../client/agent-types.ts';
import type { Reply, RequestContext, Route } from '../context.ts';
import { queryObject, readBody } from '../request.ts';
import { allowSchema, check, noQuerySchema, removeContactSchema, wakeSchema } from '../schemas.ts';

async function status({ api, query }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  return { status: 200, body: api.gate.agent.status() satisfies AgentJson };
}

async function contacts({ api, query }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const items: readonly ContactJson[] = api.gate.agent.contacts();
  return { status: 200, list: { name: 'contacts', items } };
}

async function allow({ api, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const asked: AllowJson = check(allowSchema, await readBody(request));
  const contact = api.gate.agent.allow(asked);
  return { status: contact.isNew ? 201 : 200, body: contact };
}

async function remove({ api, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const { identity } = check(removeContactSchema, await readBody(request));
  return { status: 200, body: api.gate.agent.removeContact(identity) };
}

async function wake({ api, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const asked = check(wakeSchema, await readBody(request));
  const body: WakeJson = await api.asks.run(() => api.gate.agent.setWake(asked));
  return { status: 200, body };
}

/**
 * GET /v1/agent: who speaks for the agent and what it may cost. /v1/contacts and /v1/channels/wake: who may wake it, and
 * where. An agent's own token cannot change either: text from the mesh must not talk it into letting others in.
 */
export const agentRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/agent', scope: 'status', run: status },
  { method: 'GET', path: '/v1/contacts', scope: 'status', run: contacts },
  { method: 'POST', path: '/v1/contacts', scope: 'contacts:write', run: allow },
  { method: 'POST', path: '/v1/contacts/remove', scope: 'contacts:write', run: remove },
  { method: 'POST', path: '/v1/channels/wake', scope: 'contacts:write', run: wake },
];
