import { z } from 'zod';
import { MeshError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Gate } from '../../daemon/index.ts';
import type { LegacyChannelsJson, LegacyMessageJson, LegacyMessagesJson } from '../client/types.ts';
import type { Reply, RequestContext, Route } from '../context.ts';
import { isDeeperThan } from '../json-text.ts';
import { API_LIMITS } from '../limits.ts';
import { queryObject } from '../request.ts';
import { check, noQuerySchema } from '../schemas.ts';

/** Characters of a channel name; mesh/1 had no limit, its `dm:` names have 90 (guess). */
const NAME_LENGTH_MAX = 1024;

/** mesh/1 took any text as a channel name, `dm:` names too, so only its length is checked. */
export const legacyPageQuerySchema = z.strictObject({
  channel: z.string().min(1).max(NAME_LENGTH_MAX),
  limit: z
    .string()
    .regex(/^\d{1,16}$/, { error: 'is not a number' })
    .transform(Number)
    .pipe(z.int().min(1).max(LIMITS.apiPageMax))
    .exactOptional(),
  before: z
    .string()
    .regex(/^-?\d{1,19}$/, { error: 'is not a position' })
    .exactOptional(),
});

type History = NonNullable<Gate['legacy']>;

function history({ api }: RequestContext): History {
  if (api.gate.legacy !== undefined) return api.gate.legacy;
  throw new MeshError('not_found', 'There is no database of mesh/1 at the paths of this daemon.');
}

/** The same rule as for mesh/2 messages: what nobody could write as JSON again is null. */
function messageJson(view: LegacyMessageJson): LegacyMessageJson {
  return isDeeperThan(view.payload, API_LIMITS.payloadDepthShownMax) ? { ...view, payload: null } : view;
}

async function messages(context: RequestContext): Promise<Reply> {
  const query = check(legacyPageQuerySchema, queryObject(context.query));
  const { limit = API_LIMITS.pageDefault, ...rest } = query;
  const found = history(context);
  const page: readonly LegacyMessageJson[] = await found.messages({ ...rest, limit });
  const body: LegacyMessagesJson = { file: found.file, messages: page.map(messageJson) };
  return { status: 200, body };
}

async function channels(context: RequestContext): Promise<Reply> {
  check(noQuerySchema, queryObject(context.query));
  const found = history(context);
  const body: LegacyChannelsJson = { file: found.file, channels: await found.channels() };
  return { status: 200, body };
}

/** GET /v1/legacy/messages pages through the unverified history of mesh/1, GET /v1/legacy/channels names its channels. */
export const legacyRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/legacy/messages', scope: 'messages:read', run: messages },
  { method: 'GET', path: '/v1/legacy/channels', scope: 'messages:read', run: channels },
];
