import type { Route } from '../context.ts';
import { METRICS_TYPE, metricsText } from '../metrics-text.ts';
import { queryObject } from '../request.ts';
import { check, noQuerySchema } from '../schemas.ts';

/** GET /metrics: numbers for Prometheus, under the path that it asks for unless told another. */
export const metricsRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/metrics',
    scope: 'status',
    run: async ({ api, query }) => {
      check(noQuerySchema, queryObject(query));
      return { status: 200, type: METRICS_TYPE, text: metricsText(api.gate.metrics()) };
    },
  },
];
