/**
 * The local HTTP API, server side. Clients use `client/`.
 */
export type { ApiLog, ApiOptions } from './context.ts';
export { createApiDoor } from './door.ts';
export { createGrants, type Grant, type GrantEntry, type Grants, loadOrCreateToken } from './grants.ts';
export { API_LIMITS } from './limits.ts';
export type { ListenResult } from './listen.ts';
export { type Api, createApi } from './server.ts';
