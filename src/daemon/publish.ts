/** From what a client asks for to a command that the core takes: names normalised, texts and sizes checked. */
import { randomBytes } from 'node:crypto';
import { EMPTY, idFromText, utf8 } from '../core/bytes.ts';
import { channelName } from '../core/channel/channel.ts';
import { MENTIONS_MAX, withMarks } from '../core/contact/marks.ts';
import type { EphemeralCommand, PublishCommand } from '../core/contract.ts';
import { MeshError } from '../core/errors.ts';
import { EPHEMERAL_TEXT_MAX, LIMITS } from '../core/limits.ts';
import type { EphemeralContent } from '../core/message/ephemeral.ts';
import { RELATION, type Ref } from '../core/message/message.ts';
import type { EphemeralRequest, PublishRequest } from './gate.ts';

/** Wire bytes of a message besides channel, refs, body and payload, at most: ids, times and lengths (counted out). */
const FIXED_BYTES = 230;
/** Wire bytes of one ref: array, relation, id (counted out). */
const REF_BYTES = 38;

/**
 * The request with what it says of itself for agents written into its payload.
 * @param hopsNow automatic answers in a row that this one would count
 * @throws MeshError `bad_request` where the payload cannot carry it
 */
export function markedRequest(request: PublishRequest, hopsNow: () => number): PublishRequest {
  const { mentions = [], automatic = false, ...rest } = request;
  if (mentions.length === 0 && !automatic) return rest;
  if (mentions.length > MENTIONS_MAX)
    throw new MeshError('bad_request', `mentions: ${mentions.length}, at most ${MENTIONS_MAX} are allowed.`);
  for (const id of mentions)
    if (idFromText(id) === undefined)
      throw new MeshError('bad_request', `mentions: ${JSON.stringify(id.slice(0, 64))} is no identity.`);
  const marks = { hops: automatic ? hopsNow() : 0, mentions: [...new Set(mentions)], isNotice: false };
  const { ok, payload } = withMarks(rest.payload, marks);
  if (ok && rest.payloadText === undefined) return { ...rest, payload };
  const what =
    'mentions and automatic stand in the payload: it must be a JSON object or left out, and no payloadText.';
  throw new MeshError('bad_request', what);
}

/** The name of an open channel in its one spelling. Throws MeshError `bad_channel`. */
export function checkedChannel(text: string): string {
  const name = channelName(text);
  if (name === undefined)
    throw new MeshError('bad_channel', `${JSON.stringify(text.slice(0, 200))} cannot be used.`);
  return name;
}

/** JSON text as it stands: spelling of numbers, order and spaces are the author's. */
function checkedText(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new MeshError('bad_text', 'The payload contains a lone surrogate.');
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new MeshError('bad_payload', cause instanceof Error ? cause.message : '', { cause });
  }
  return utf8(text);
}

function payloadBytes({ payload, payloadText }: PublishRequest): Uint8Array {
  if (payloadText !== undefined) {
    if (payload !== undefined) throw new MeshError('bad_request', 'Give payload or payloadText, not both.');
    return checkedText(payloadText);
  }
  if (payload === undefined) return EMPTY;
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (cause) {
    throw new MeshError('bad_payload', cause instanceof Error ? cause.message : '', { cause });
  }
  if (text === undefined) throw new MeshError('bad_payload', `A ${typeof payload} has no JSON.`);
  return utf8(text);
}

function checkedRefs(refs: PublishRequest['refs']): Ref[] {
  if (refs === undefined) return [];
  if (refs.length > LIMITS.refsMax)
    throw new MeshError('bad_request', `${refs.length} refs, at most ${LIMITS.refsMax} are allowed.`);
  return refs.map(({ relation, id }) => {
    const bytes = idFromText(id);
    if (bytes === undefined)
      throw new MeshError('bad_request', `${JSON.stringify(id)} in refs is not a message id.`);
    return { relation: RELATION[relation], id: bytes };
  });
}

function checkedExpiry(expiresMs: number | undefined, wallMs: number): number {
  if (expiresMs === undefined || expiresMs === 0) return 0;
  if (!Number.isSafeInteger(expiresMs) || expiresMs <= wallMs)
    throw new MeshError('bad_request', 'expires must be a time in the future.');
  return expiresMs;
}

function checkedKey(key: string | undefined): string {
  if (key === undefined) return '';
  const bytes = utf8(key).length;
  if (key.isWellFormed() && bytes >= 1 && bytes <= LIMITS.idempotencyKeyBytesMax) return key;
  throw new MeshError(
    'bad_request',
    `The idempotency key must have 1 to ${LIMITS.idempotencyKeyBytesMax} bytes.`,
  );
}

function checkedIdentity(identity: string | undefined, identities: readonly [string, ...string[]]): string {
  if (identity === undefined) return identities[0];
  if (identities.includes(identity)) return identity;
  throw new MeshError(
    'bad_request',
    `${JSON.stringify(identity.slice(0, 64))} is not an identity of this daemon.`,
  );
}

/**
 * @param identities id texts of the local identities, the default first
 * @param wallMs now, for the expiry
 * @throws MeshError `bad_channel`, `bad_text`, `bad_payload`, `message_too_large`, `bad_request`
 */
export function publishCommand(
  request: PublishRequest,
  identities: readonly [string, ...string[]],
  wallMs: number,
): PublishCommand {
  const channel = checkedChannel(request.channel);
  if (!request.body.isWellFormed()) throw new MeshError('bad_text', 'The body contains a lone surrogate.');
  const payload = payloadBytes(request);
  const refs = checkedRefs(request.refs);
  const content = Buffer.byteLength(request.body) + payload.length;
  const room = LIMITS.messageBytesMax - FIXED_BYTES - Buffer.byteLength(channel) - REF_BYTES * refs.length;
  if (content > room)
    throw new MeshError(
      'message_too_large',
      `Body and payload have ${content} bytes, at most ${room} fit here.`,
    );
  return {
    identity: checkedIdentity(request.identity, identities),
    channel,
    body: request.body,
    payload,
    refs,
    expiresMs: checkedExpiry(request.expiresMs, wallMs),
    idempotencyKey: checkedKey(request.idempotencyKey),
  };
}

/** The content that a client means: what belongs to the other kind is refused. */
function ephemeralContent({ kind, text = '', state = 'open', doing }: EphemeralRequest): EphemeralContent {
  if (!text.isWellFormed()) throw new MeshError('bad_text', 'The text contains a lone surrogate.');
  const bytes = Buffer.byteLength(text);
  if (bytes > EPHEMERAL_TEXT_MAX)
    throw new MeshError(
      'message_too_large',
      `The text has ${bytes} bytes, at most ${EPHEMERAL_TEXT_MAX} fit.`,
    );
  if (kind === 'activity') return { kind, text, state, doing: doing ?? 'typing' };
  if (doing === undefined) return { kind, text, state };
  throw new MeshError('bad_request', 'doing belongs to an activity, not to a draft.');
}

/**
 * @param identities id texts of the local identities, the default first
 * @throws MeshError `bad_channel`, `bad_text`, `message_too_large`, `bad_request`
 */
export function ephemeralCommand(
  request: EphemeralRequest,
  identities: readonly [string, ...string[]],
): EphemeralCommand {
  const run = request.run === undefined ? new Uint8Array(randomBytes(32)) : idFromText(request.run);
  if (run === undefined) throw new MeshError('bad_request', 'run must be 43 characters of base64url.');
  const refs = checkedRefs(request.refs);
  if (refs.length >= LIMITS.refsMax)
    throw new MeshError(
      'bad_request',
      `${refs.length} refs, at most ${LIMITS.refsMax - 1} are allowed here.`,
    );
  return {
    identity: checkedIdentity(request.identity, identities),
    channel: checkedChannel(request.channel),
    run,
    refs,
    content: ephemeralContent(request),
  };
}
