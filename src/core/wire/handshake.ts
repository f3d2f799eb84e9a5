/**
 * The first frame on a link: a JSON text in the shape of mesh/1's handshake, so that a peer of either protocol knows
 * at once whom it talks to. Ours carries `capabilities.mesh`; everything after it is binary.
 */
import { type Bytes, fromBase64url, idFromText, toBase64url, utf8 } from '../bytes.ts';
import type { ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type Fields, fieldsOf, own, parseJson } from './json.ts';

export const PROTOCOL_VERSION = 2;

export interface Handshake {
  /** claimed until `auth` proves it: 43 characters */
  readonly peer: string;
  readonly relay: boolean;
  readonly network: string;
  /** 16 bytes, fresh for each link */
  readonly nonce: Bytes;
  /** X25519 public key, 32 bytes, fresh for each link */
  readonly ephemeral: Bytes;
  readonly features: readonly string[];
  /** software and version, for people; at most 64 characters */
  readonly agent: string;
}

export function encodeHandshake(handshake: Handshake): string {
  return JSON.stringify({
    type: 'handshake',
    version: 1,
    peer_id: handshake.peer,
    capabilities: {
      relay: handshake.relay,
      store: true,
      mesh: {
        versions: [PROTOCOL_VERSION],
        network: handshake.network,
        nonce: toBase64url(handshake.nonce),
        key: toBase64url(handshake.ephemeral),
        features: handshake.features,
        agent: handshake.agent,
      },
    },
  });
}

export function encodeErrorText(code: ErrorCode, message: string): string {
  return JSON.stringify({ type: 'error', code, message });
}

/** Code and message of an error text, or `undefined` if the text is none. Both are the other side's words. */
export function parseErrorText(text: string): { code: string; detail: string } | undefined {
  if (text.length > LIMITS.handshakeBytesMax) return undefined;
  const fields = fieldsOf(parseJson(text));
  if (!fields || own(fields, 'type') !== 'error') return undefined;
  const code = own(fields, 'code');
  const message = own(fields, 'message');
  return {
    code: typeof code === 'string' ? printable(code) : '',
    detail: typeof message === 'string' ? printable(message) : '',
  };
}

/** What a mesh/1 peer says of itself; nothing of it is proven. */
export interface Mesh1Hello {
  /** what it calls itself: 1 to 64 printable characters */
  readonly label: string;
  readonly relay: boolean;
  readonly store: boolean;
}

export type HandshakeResult =
  | { readonly ok: true; readonly handshake: Handshake }
  | { readonly ok: true; readonly mesh1: Mesh1Hello }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

function refuse(code: ErrorCode, detail: string): HandshakeResult {
  return { ok: false, code, detail };
}

function bytesOf(value: unknown, length: number): Bytes | undefined {
  const bytes = typeof value === 'string' && value.length <= 64 ? fromBase64url(value) : undefined;
  return bytes?.length === length ? bytes : undefined;
}

/** At most 64 characters that can be shown as they are: no control characters (C0, C1) and no half ones. */
export function printable(text: string): string {
  let out = '';
  for (const c of text) {
    if (c < ' ' || (c >= '\u007f' && c <= '\u009f') || !c.isWellFormed()) continue;
    if (out.length + c.length > 64) break;
    out += c;
  }
  return out;
}

function parseHello(peer: unknown, capabilities: Fields): HandshakeResult {
  const label = typeof peer === 'string' ? printable(peer) : '';
  if (label === '' || label !== peer) return refuse('unauthorized', 'peer_id is not a name');
  const can = (name: string): boolean => own(capabilities, name) === true;
  return { ok: true, mesh1: { label, relay: can('relay'), store: can('store') } };
}

/** The handshake that a text holds, or the code with which it is refused. */
export function parseHandshake(text: string): HandshakeResult {
  if (utf8(text).length > LIMITS.handshakeBytesMax)
    return refuse('invalid_message', 'handshake is too large');
  const value = parseJson(text);
  if (value === undefined) return refuse('invalid_message', 'handshake is not JSON');
  const fields = fieldsOf(value);
  if (!fields || own(fields, 'type') !== 'handshake')
    return refuse('invalid_message', 'expected a handshake');
  if (own(fields, 'version') !== 1) return refuse('unsupported_version', 'handshake version is not 1');
  const peer = own(fields, 'peer_id');
  const capabilities = fieldsOf(own(fields, 'capabilities'));
  if (!capabilities) return refuse('unsupported_version', 'no capabilities');
  if (!Object.hasOwn(capabilities, 'mesh')) return parseHello(peer, capabilities);
  const mesh = fieldsOf(own(capabilities, 'mesh'));
  if (!mesh) return refuse('unsupported_version', 'capabilities.mesh is no object');
  const versions = own(mesh, 'versions');
  if (!Array.isArray(versions) || !versions.includes(PROTOCOL_VERSION))
    return refuse('unsupported_version', `versions do not include ${PROTOCOL_VERSION}`);
  if (typeof peer !== 'string' || !idFromText(peer)) return refuse('unauthorized', 'peer_id is not an id');
  const network = own(mesh, 'network');
  const nonce = bytesOf(own(mesh, 'nonce'), 16);
  const ephemeral = bytesOf(own(mesh, 'key'), 32);
  if (typeof network !== 'string' || !nonce || !ephemeral)
    return refuse('invalid_message', 'capabilities.mesh lacks network, nonce or key');
  const features = own(mesh, 'features');
  const agent = own(mesh, 'agent');
  return {
    ok: true,
    handshake: {
      peer,
      relay: own(capabilities, 'relay') === true,
      network,
      nonce,
      ephemeral,
      features: Array.isArray(features) ? features.filter((f) => typeof f === 'string').slice(0, 32) : [],
      agent: typeof agent === 'string' ? printable(agent) : '',
    },
  };
}
