import type { ScrubJson } from '../client/types.ts';
import type { Route } from '../context.ts';
import { queryObject } from '../request.ts';
import { check, noQuerySchema } from '../schemas.ts';

/** POST /v1/scrub: all stored messages are checked from now on; `GET /v1/status` tells how far that is. */
export const scrubRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/scrub',
    scope: 'daemon:scrub',
    run: async ({ api, query }) => {
      check(noQuerySchema, queryObject(query));
      return { status: 202, body: api.gate.scrub() satisfies ScrubJson };
    },
  },
];
