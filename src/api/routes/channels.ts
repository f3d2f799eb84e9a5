import type { ChannelJson } from '../client/types.ts';
import type { Reply, RequestContext, Route } from '../context.ts';
import { queryObject, readBody } from '../request.ts';
import { check, joinSchema, leaveSchema, noQuerySchema, retentionSchema } from '../schemas.ts';

async function list({ api, query }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const channels: readonly ChannelJson[] = api.gate.status().channels;
  return { status: 200, list: { name: 'channels', items: channels } };
}

async function join({ api, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const { channel } = check(joinSchema, await readBody(request));
  const joined = await api.asks.run(() => api.gate.join(channel));
  return { status: joined.isNew ? 201 : 200, body: { channel: joined.channel, isNew: joined.isNew } };
}

async function leave({ api, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const { channel } = check(leaveSchema, await readBody(request));
  const left = await api.asks.run(() => api.gate.leave(channel));
  return { status: 200, body: { channel: left.channel, wasJoined: left.wasJoined } };
}

async function retain({ api, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const asked = check(retentionSchema, await readBody(request));
  const body: ChannelJson = await api.asks.run(() => api.gate.retain(asked));
  return { status: 200, body };
}

/**
 * GET /v1/channels: the channels known here. POST: join one. POST /v1/channels/leave and /v1/channels/retention: leave
 * one, set what is kept of it. Names stand in bodies and never in paths: they may contain `#`, `/` and `%`.
 */
export const channelRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/channels', scope: 'status', run: list },
  { method: 'POST', path: '/v1/channels', scope: 'channels:write', run: join },
  { method: 'POST', path: '/v1/channels/leave', scope: 'channels:write', run: leave },
  { method: 'POST', path: '/v1/channels/retention', scope: 'channels:write', run: retain },
];
