import type { AddressJson, LinkJson } from '../client/types.ts';
import type { Route } from '../context.ts';
import { queryObject } from '../request.ts';
import { check, noQuerySchema } from '../schemas.ts';

/** GET /v1/peers: links, and the addresses that are known with what became of them. */
export const peerRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/peers',
    scope: 'status',
    run: async ({ api, query }) => {
      check(noQuerySchema, queryObject(query));
      const links: readonly LinkJson[] = api.gate.status().links;
      const addresses: readonly AddressJson[] = api.gate.addresses();
      return { status: 200, body: { links, addresses } };
    },
  },
];
