/** The fields of mesh/1 frames as a tap shows them. Nothing of a private channel is shown but that it is one. */
import { channelKind } from '../../core/channel/channel.ts';
import type { Mesh1Frame, Mesh1Message } from '../../core/wire/mesh1.ts';
import { listed, shortened } from './fields.ts';
import type { TapFields, TapValue } from './tap-view.ts';

function message({
  messageId,
  channel,
  sender,
  body,
  payload,
  carried,
  timestamp,
  signature,
}: Mesh1Message): TapValue {
  const isOpen = channelKind(channel) === 'open';
  return {
    id: messageId,
    channel,
    sender,
    time: timestamp,
    ...(isOpen ? { body: shortened(body) } : { bodyBytes: Buffer.byteLength(body) }),
    ...(payload !== '' && { payloadBytes: Buffer.byteLength(payload) }),
    ...(carried !== undefined && { carriedCharacters: carried.length }),
    signed: signature !== undefined,
  };
}

type Shown = Exclude<Mesh1Frame, { type: 'handshake' | 'ignored' }>;

export function mesh1FieldsOf(frame: Shown): TapFields {
  switch (frame.type) {
    case 'subscribe':
    case 'unsubscribe':
      return { channel: frame.channel };
    case 'message':
      return { message: message(frame.message) };
    case 'sync_request':
      return { channel: frame.channel, after: frame.after || null, limit: frame.limit };
    case 'sync_response':
      return { channel: frame.channel, messages: listed(frame.messages, message) };
    case 'error':
      return { code: frame.code, detail: frame.detail };
    default:
      return frame satisfies never;
  }
}
