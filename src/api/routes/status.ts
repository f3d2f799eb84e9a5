import type { StatusJson } from '../client/types.ts';
import type { Route } from '../context.ts';
import { queryObject } from '../request.ts';
import { check, noQuerySchema } from '../schemas.ts';

/** GET /v1/status: who and where this daemon is, and what it is linked with. */
export const statusRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/status',
    scope: 'status',
    run: async ({ api, query }) => {
      check(noQuerySchema, queryObject(query));
      return { status: 200, body: api.gate.status() satisfies StatusJson };
    },
  },
];
