import type { TapItem } from '../../daemon/index.ts';
import type { TapItemJson } from '../client/tap-types.ts';
import type { Reply, RequestContext, Route } from '../context.ts';
import { queryObject } from '../request.ts';
import { sendEvents } from '../response.ts';
import { check, tapQuerySchema } from '../schemas.ts';

function encodeEvent(item: TapItem): string {
  const json: TapItemJson = item;
  return `event: ${json.kind}\ndata: ${JSON.stringify(json)}\n\n`;
}

async function follow(context: RequestContext): Promise<Reply> {
  const { api, query, signal } = context;
  const { peer, type } = check(tapQuerySchema, queryObject(query, ['type']));
  return sendEvents(context, () => api.gate.tap({ peer, types: type, signal }), encodeEvent);
}

/** GET /v1/tap: what passes over the links from now on, decoded, as server-sent events. */
export const tapRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/tap', scope: 'daemon:tap', run: follow },
];
