import type { ChannelJson } from '../client/types.ts';
import type { Route } from '../context.ts';
import { queryObject, readBody } from '../request.ts';
import { check, joinSchema, noQuerySchema } from '../schemas.ts';

/** GET /v1/channels: the channels known here. POST: join one. */
export const channelRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/channels',
    scope: 'status',
    run: async ({ api, query }) => {
      check(noQuerySchema, queryObject(query));
      const channels: readonly ChannelJson[] = api.gate.status().channels;
      return { status: 200, list: { name: 'channels', items: channels } };
    },
  },
  {
    method: 'POST',
    path: '/v1/channels',
    scope: 'channels:write',
    run: async ({ api, query, request }) => {
      check(noQuerySchema, queryObject(query));
      const { channel } = check(joinSchema, await readBody(request));
      const joined = await api.asks.run(() => api.gate.join(channel));
      return { status: joined.isNew ? 201 : 200, body: { channel: joined.channel, isNew: joined.isNew } };
    },
  },
];
