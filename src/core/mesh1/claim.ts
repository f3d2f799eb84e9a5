/**
 * What a message in a mesh/1 frame is to us: the mesh/2 message that it carries, a mesh/1 message with its author's
 * signature, or nothing that anybody could verify. Signatures are not checked here.
 */
import { type Bytes, EMPTY, fromBase64url, toBase64url, utf8 } from '../bytes.ts';
import { channelKind } from '../channel/channel.ts';
import { encodeMesh1Header, mesh1Text, readMesh1Header } from '../message/mesh1-record.ts';
import { buildMessage, decodeMessage, type Message, type MessageContext } from '../message/message.ts';
import { CborError } from '../wire/cbor.ts';
import type { Mesh1Message } from '../wire/mesh1.ts';

export type Claim =
  /** its signature is still to be checked */
  | { readonly kind: 'message'; readonly message: Message }
  /** `idText`: the id that it would have, '' where it could have none */
  | { readonly kind: 'unverifiable'; readonly idText: string }
  /** of a channel that is not open */
  | { readonly kind: 'private' }
  | { readonly kind: 'wrong'; readonly detail: string };

/** What stands under `$m2` is the message or nothing, and it belongs where the frame says. */
function carriedMessage(context: MessageContext, carried: string, channel: string): Claim {
  const wire = fromBase64url(carried);
  const message = wire && decodeMessage(context, wire);
  if (!message) return { kind: 'wrong', detail: '$m2 is no message' };
  if (message.channel !== channel) return { kind: 'wrong', detail: '$m2 is of another channel' };
  return { kind: 'message', message };
}

function originalMessage(context: MessageContext, frame: Mesh1Message): Claim {
  const { body, signature } = frame;
  const bytes = encodeMesh1Header(frame);
  const payload: Bytes = frame.payload === '' ? EMPTY : utf8(frame.payload);
  if (!signature) {
    const header = readMesh1Header(bytes);
    const text = header && body.isWellFormed() ? mesh1Text(header, body, payload) : undefined;
    return { kind: 'unverifiable', idText: text ? toBase64url(context.mesh1Hash.of(text)) : '' };
  }
  try {
    return { kind: 'message', message: buildMessage(context, { bytes, signature, body, payload }) };
  } catch (error) {
    if (!(error instanceof CborError)) throw error;
    return { kind: 'unverifiable', idText: '' };
  }
}

/** Judges one message of a frame. */
export function claimOf(context: MessageContext, frame: Mesh1Message): Claim {
  if (channelKind(frame.channel) !== 'open') return { kind: 'private' };
  return frame.carried === undefined
    ? originalMessage(context, frame)
    : carriedMessage(context, frame.carried, frame.channel);
}
