/** From what was caught on a link to what a tap shows of it. Done when a client takes it, and not when it passes. */
import { type Bytes, toHex } from '../../core/bytes.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { MessageContext } from '../../core/message/message.ts';
import { decodeFrame } from '../../core/wire/frames.ts';
import { parseErrorText, parseHandshake } from '../../core/wire/handshake.ts';
import { parseMesh1 } from '../../core/wire/mesh1.ts';
import { isoTime } from '../views.ts';
import { frameFields, handshakeFields } from './fields.ts';
import { mesh1FieldsOf } from './mesh1-fields.ts';
import type { TapItem } from './tap-view.ts';

/** Bytes or characters of what is no frame that are shown. */
const HEAD = 32;

interface OnLink {
  /** wall ms */
  readonly atMs: number;
  readonly link: number;
  /** '' for a peer that has not proven itself */
  readonly peer: string;
}

export type Caught = OnLink &
  (
    | { readonly kind: 'frame'; readonly direction: 'in' | 'out'; readonly bytes: Bytes }
    | { readonly kind: 'text'; readonly direction: 'in' | 'out'; readonly text: string }
    | { readonly kind: 'opened'; readonly direction: 'in' | 'out'; readonly url: string }
    | {
        readonly kind: 'closed';
        readonly by: 'us' | 'them';
        readonly code: ErrorCode | null;
        readonly reason: string;
      }
  );

const common = ({ atMs, link, peer }: OnLink) => ({ time: isoTime(atMs), link, peer: peer || null });

function decodeBytes(caught: Extract<Caught, { kind: 'frame' }>, context: MessageContext): TapItem {
  const { direction, bytes, peer } = caught;
  const shared = { ...common(caught), protocol: 'mesh/2', direction, bytes: bytes.length } as const;
  const frame = decodeFrame(context, bytes);
  if (frame !== undefined) return { kind: 'frame', ...shared, type: frame.type, fields: frameFields(frame) };
  // Before the link is up it may be a record of which we have no key yet, and not garbage.
  if (peer === '') return { kind: 'frame', ...shared, type: 'unreadable', fields: {} };
  const detail = `a frame of ${bytes.length} bytes that is none`;
  return {
    kind: 'refused',
    ...shared,
    code: 'invalid_message',
    detail,
    head: toHex(bytes.subarray(0, HEAD)),
  };
}

function decodeText(caught: Extract<Caught, { kind: 'text' }>): TapItem {
  const { direction, text, peer } = caught;
  const bytes = Buffer.byteLength(text);
  const shared = { ...common(caught), protocol: 'mesh/2', direction, bytes } as const;
  const refusal = parseErrorText(text);
  if (refusal !== undefined) return { kind: 'frame', ...shared, type: 'error', fields: { ...refusal } };
  const head = [...text.slice(0, HEAD)].filter((character) => character.isWellFormed()).join('');
  if (peer !== '') {
    const detail = 'text after the handshake';
    return { kind: 'refused', ...shared, code: 'invalid_message', detail, head };
  }
  const parsed = parseHandshake(text);
  if ('handshake' in parsed)
    return { kind: 'frame', ...shared, type: 'handshake', fields: handshakeFields(parsed.handshake) };
  if (parsed.ok)
    return { kind: 'frame', ...shared, protocol: 'mesh/1', type: 'handshake', fields: { ...parsed.mesh1 } };
  // A mesh/1 peer never proves itself, and is the only one that goes on in text.
  const old = parseMesh1(text);
  if (old && old.type !== 'ignored' && old.type !== 'handshake')
    return { kind: 'frame', ...shared, protocol: 'mesh/1', type: old.type, fields: mesh1FieldsOf(old) };
  return { kind: 'refused', ...shared, code: parsed.code, detail: parsed.detail, head };
}

export function decodeCaught(caught: Caught, context: MessageContext): TapItem {
  switch (caught.kind) {
    case 'frame':
      return decodeBytes(caught, context);
    case 'text':
      return decodeText(caught);
    case 'opened': {
      const { kind, direction, url } = caught;
      return { kind, ...common(caught), direction, url: url || null };
    }
    case 'closed': {
      const { kind, by, code, reason } = caught;
      return { kind, ...common(caught), by, code, reason };
    }
    default:
      return caught satisfies never;
  }
}
