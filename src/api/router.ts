/**
 * The table of routes and the way into it.
 */
import { MeshError } from '../core/errors.ts';
import type { Route } from './context.ts';
import { agentRoutes } from './routes/agent.ts';
import { channelRoutes } from './routes/channels.ts';
import { ephemeralRoutes } from './routes/ephemerals.ts';
import { eventRoutes } from './routes/events.ts';
import { inboxRoutes } from './routes/inbox.ts';
import { legacyRoutes } from './routes/legacy.ts';
import { mapRoutes } from './routes/map.ts';
import { messageRoutes } from './routes/messages.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { peerRoutes } from './routes/peers.ts';
import { scrubRoutes } from './routes/scrub.ts';
import { statusRoutes } from './routes/status.ts';
import { stopRoutes } from './routes/stop.ts';
import { tapRoutes } from './routes/tap.ts';
import { whyRoutes } from './routes/why.ts';

export const ROUTES: readonly Route[] = [
  ...statusRoutes,
  ...messageRoutes,
  ...ephemeralRoutes,
  ...whyRoutes,
  ...channelRoutes,
  ...peerRoutes,
  ...mapRoutes,
  ...metricsRoutes,
  ...eventRoutes,
  ...agentRoutes,
  ...inboxRoutes,
  ...scrubRoutes,
  ...stopRoutes,
  ...tapRoutes,
  ...legacyRoutes,
];

/** Where the WebSocket upgrade is; it is no ordinary route. */
export const STREAM_PATH = '/v1/stream';

/** The path has routes, but none for the method. `allow` is for the header. */
export class MethodError extends MeshError {
  readonly allow: string;

  constructor(allow: string) {
    super('method_not_allowed', `This path takes ${allow}.`);
    this.allow = allow;
  }
}

/** What stands for `{id}`, '' if the pattern has none, or undefined if the path does not fit. */
function matchPath(pattern: string, path: string): string | undefined {
  const at = pattern.indexOf('{id}');
  if (at < 0) return pattern === path ? '' : undefined;
  const end = pattern.slice(at + '{id}'.length);
  if (!path.startsWith(pattern.slice(0, at)) || !path.endsWith(end)) return undefined;
  const segment = path.slice(at, path.length - end.length);
  return segment === '' || segment.includes('/') ? undefined : segment;
}

/** The route of a request. Throws `not_found` and `method_not_allowed`. */
export function findRoute(
  method: string,
  path: string,
): { readonly route: Route; readonly parameter: string } {
  const allowed: string[] = [];
  for (const route of ROUTES) {
    const parameter = matchPath(route.path, path);
    if (parameter === undefined) continue;
    if (route.method === method) return { route, parameter };
    allowed.push(route.method);
  }
  if (allowed.length > 0) throw new MethodError(allowed.join(', '));
  if (path === STREAM_PATH) {
    if (method !== 'GET') throw new MethodError('GET');
    throw new MeshError('bad_request', 'This path takes a WebSocket upgrade.');
  }
  throw new MeshError('not_found', 'There is no such path.');
}
