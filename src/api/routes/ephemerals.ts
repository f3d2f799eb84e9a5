import type { TakenJson } from '../client/ephemeral-types.ts';
import type { Reply, RequestContext, Route } from '../context.ts';
import { toEphemeralRequest } from '../publish.ts';
import { queryObject, readBody } from '../request.ts';
import { check, ephemeralSchema, noQuerySchema } from '../schemas.ts';

async function publish({ api, grant, query, request }: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(query));
  const asked = toEphemeralRequest(grant, check(ephemeralSchema, await readBody(request)));
  const body: TakenJson = await api.asks.run(() => api.gate.publishEphemeral(asked));
  return { status: 202, body };
}

/** POST /v1/ephemerals hands over a draft or an activity. */
export const ephemeralRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/ephemerals', scope: 'messages:write', run: publish },
];
