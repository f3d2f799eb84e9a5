import type { FeedItem } from '../../daemon/index.ts';
import type { EphemeralJson } from '../client/ephemeral-types.ts';
import type { Reply, RequestContext, Route } from '../context.ts';
import { changeJson, messageJson } from '../message-json.ts';
import { headerObject, queryObject } from '../request.ts';
import { sendEvents } from '../response.ts';
import { check, eventsQuerySchema, lastEventIdSchema } from '../schemas.ts';

/**
 * One server-sent event. Its id is the arrival number, so that a client that comes back goes on behind it; an ephemeral has
 * none.
 */
function encodeEvent(item: FeedItem): string {
  if (item.kind === 'ephemeral') {
    const json: EphemeralJson = item.ephemeral;
    return `event: ephemeral\ndata: ${JSON.stringify(json)}\n\n`;
  }
  const data =
    item.kind === 'message'
      ? messageJson(item.message)
      : item.kind === 'change'
        ? changeJson(item.change)
        : { arrival: item.arrival };
  return `event: ${item.kind}\nid: ${data.arrival}\ndata: ${JSON.stringify(data)}\n\n`;
}

async function follow(context: RequestContext): Promise<Reply> {
  const { api, query, request, signal } = context;
  const { channel, after, changes, ephemerals } = check(eventsQuerySchema, queryObject(query, ['channel']));
  const last = check(lastEventIdSchema, headerObject(request, 'Last-Event-ID'))['Last-Event-ID'];
  const from = last ?? after;
  const feed = {
    ...(channel !== undefined && { channels: channel }),
    ...(from !== undefined && { after: from }),
    changes: changes === 'true',
    ephemerals: ephemerals === 'true',
    signal,
  };
  return sendEvents(context, () => api.gate.feed(feed), encodeEvent);
}

/** GET /v1/events: the feed as server-sent events. */
export const eventRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/events', scope: 'messages:read', run: follow },
];
