import type { MapJson } from '../client/map-types.ts';
import type { Route } from '../context.ts';
import { queryObject } from '../request.ts';
import { check, mapQuerySchema } from '../schemas.ts';

/** GET /v1/map: the mesh as this daemon knows it. Thousands of relays are some megabytes, so they are written one by one. */
export const mapRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/map',
    scope: 'status',
    run: async ({ api, query }) => {
      const { channel } = check(mapQuerySchema, queryObject(query));
      const { relays, ...rest }: MapJson = api.gate.map(channel);
      return { status: 200, list: { name: 'relays', items: relays }, rest };
    },
  },
];
