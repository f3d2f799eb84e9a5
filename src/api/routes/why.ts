import type { WhyJson } from '../client/why-types.ts';
import type { Route } from '../context.ts';
import { requireScope } from '../grants.ts';
import { queryObject } from '../request.ts';
import { check, noQuerySchema } from '../schemas.ts';

/** GET /v1/messages/{id}/why: where a message is and why. It tells of peers too, so the scope of the status is needed. */
export const whyRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/messages/{id}/why',
    scope: 'messages:read',
    run: async ({ api, grant, query, parameter }) => {
      requireScope(grant, 'status');
      check(noQuerySchema, queryObject(query));
      const body: WhyJson = api.gate.why(parameter);
      return { status: 200, body };
    },
  },
];
