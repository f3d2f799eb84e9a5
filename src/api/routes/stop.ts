import type { StoppingJson } from '../client/types.ts';
import type { Route } from '../context.ts';
import { queryObject } from '../request.ts';
import { check, noQuerySchema } from '../schemas.ts';

/** POST /v1/stop: the daemon ends in order, as after SIGTERM, once this answer is out. */
export const stopRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/stop',
    scope: 'daemon:stop',
    run: async ({ api, query, response }) => {
      check(noQuerySchema, queryObject(query));
      response.once('close', () => api.gate.stop());
      return { status: 202, body: { pid: process.pid } satisfies StoppingJson };
    },
  },
];
