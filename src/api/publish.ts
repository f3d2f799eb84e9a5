/**
 * Publishing, the same for a request and for a frame of a stream: the JSON shape becomes a request to the gate, and a
 * client may wait until the message has a state.
 */
import { MeshError } from '../core/errors.ts';
import { SECOND } from '../core/limits.ts';
import type { EphemeralRequest, Gate, PublishRequest } from '../daemon/index.ts';
import type { PublishEphemeralJson } from './client/ephemeral-types.ts';
import { PublishedError } from './client/problem.ts';
import type { PublishedJson, PublishJson, WaitState } from './client/types.ts';
import type { Grant } from './grants.ts';
import { API_LIMITS } from './limits.ts';

export interface WaitOptions {
  readonly state: WaitState;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The identity to sign with: a grant that is bound to one decides, or agrees. */
function identityOf(grant: Grant, asked: string | undefined): string | undefined {
  if (grant.identity === null || asked === undefined || asked === grant.identity)
    return grant.identity ?? asked;
  throw new MeshError('forbidden', `The grant "${grant.id}" may not write as another identity.`);
}

/** What the gate is asked for; it checks the values further. Throws `forbidden`. */
export function toPublishRequest(
  grant: Grant,
  message: PublishJson,
  idempotencyKey: string | undefined,
): PublishRequest {
  const refs = [...(message.refs ?? [])];
  if (message.thread !== undefined) refs.unshift({ relation: 'thread', id: message.thread });
  if (message.reply !== undefined) refs.unshift({ relation: 'reply', id: message.reply });
  const identity = identityOf(grant, message.identity);
  return {
    channel: message.channel,
    body: message.body,
    ...(message.payload !== undefined && { payload: message.payload }),
    ...(message.payloadText !== undefined && { payloadText: message.payloadText }),
    ...(refs.length > 0 && { refs }),
    ...(message.expires !== undefined && { expiresMs: Date.parse(message.expires) }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(identity !== undefined && { identity }),
    ...(message.mentions !== undefined && { mentions: message.mentions }),
    ...(message.automatic !== undefined && { automatic: message.automatic }),
  };
}

/** The same for a draft or an activity. Throws `forbidden`. */
export function toEphemeralRequest(grant: Grant, asked: PublishEphemeralJson): EphemeralRequest {
  const { reply, thread, identity: wanted, ...rest } = asked;
  const refs = [...(rest.refs ?? [])];
  if (thread !== undefined) refs.unshift({ relation: 'thread', id: thread });
  if (reply !== undefined) refs.unshift({ relation: 'reply', id: reply });
  const identity = identityOf(grant, wanted);
  return { ...rest, refs, ...(identity !== undefined && { identity }) };
}

/** Milliseconds of a `timeout` in seconds, or the default. */
export function waitMs(seconds: number | undefined): number {
  return seconds === undefined ? API_LIMITS.waitMsDefault : Math.round(seconds * SECOND);
}

/**
 * Waits until a published message has a state. A failure carries the message, because that is published whatever
 * becomes of the wait: `wait_timeout`, or `stopping` when `signal` ends it.
 */
export async function waitForState(
  gate: Gate,
  published: PublishedJson,
  wait: WaitOptions,
): Promise<PublishedJson> {
  try {
    const state = await gate.waitFor(published.id, wait.state, wait.timeoutMs, wait.signal);
    return { id: published.id, state };
  } catch (error) {
    const state = gate.message(published.id)?.delivery?.state ?? published.state;
    const named = wait.signal.aborted ? new MeshError('stopping', '', { cause: error }) : error;
    throw named instanceof MeshError ? new PublishedError(named, { id: published.id, state }) : named;
  }
}
