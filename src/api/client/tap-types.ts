/** The JSON shapes of `GET /v1/tap`: frames of the links, decoded, and what happens to the links themselves. */
import type { ErrorCode } from '../../core/errors.ts';
import type { Frame } from '../../core/wire/frames.ts';

/** Plain JSON. */
export type TapValue =
  | string
  | number
  | boolean
  | null
  | readonly TapValue[]
  | { readonly [name: string]: TapValue };

export type TapFields = Readonly<Record<string, TapValue>>;

/**
 * What frames are called: the names of the protocol, `handshake` and `error` for the texts before them too, and
 * `unreadable` for what comes sealed before its link is up.
 */
export type TapFrameType =
  | Frame['type']
  | 'handshake'
  | 'unreadable'
  // of mesh/1
  | 'subscribe'
  | 'unsubscribe'
  | 'message'
  | 'sync_request'
  | 'sync_response';

/** The compiler demands each name here once. */
const NAMED: Readonly<Record<TapFrameType | 'refused' | 'opened' | 'closed', true>> = {
  handshake: true,
  auth: true,
  ping: true,
  pong: true,
  role: true,
  error: true,
  holds: true,
  push: true,
  announce: true,
  fetch: true,
  fetched: true,
  stored: true,
  have: true,
  want: true,
  records: true,
  addresses: true,
  'dial-back': true,
  mailbox: true,
  'mailbox-kept': true,
  heartbeat: true,
  sums: true,
  reconcile: true,
  reconciled: true,
  offer: true,
  ephemeral: true,
  'tunnel-open': true,
  tunnelled: true,
  'tunnel-end': true,
  unreadable: true,
  subscribe: true,
  unsubscribe: true,
  message: true,
  sync_request: true,
  sync_response: true,
  refused: true,
  opened: true,
  closed: true,
};
/** Every name of a frame or an event that can be asked for. */
export const TAP_NAMES: readonly string[] = Object.keys(NAMED);

interface OnLink {
  readonly time: string;
  /** number of the link in this run of the daemon */
  readonly link: number;
  /** the proven peer at the other end; null before it has proven itself */
  readonly peer: string | null;
}

interface Carried extends OnLink {
  readonly direction: 'in' | 'out';
  /** of the frame, before it is sealed or after it was opened */
  readonly bytes: number;
}

/** A frame, by the protocol that it belongs to. */
export type TapFrame = Carried & {
  readonly kind: 'frame';
  readonly protocol: 'mesh/2' | 'mesh/1';
  readonly type: TapFrameType;
  readonly fields: TapFields;
};

export type TapItemJson =
  /** the tap is open: frames from now on are shown */
  | { readonly kind: 'begun'; readonly time: string; readonly links: number }
  | TapFrame
  /** what came is no frame, or no handshake that is taken */
  | (Carried & {
      readonly kind: 'refused';
      readonly protocol: 'mesh/2';
      readonly code: ErrorCode;
      readonly detail: string;
      /** its first bytes as hex, or its first characters */
      readonly head: string;
    })
  | (OnLink & { readonly kind: 'opened'; readonly direction: 'in' | 'out'; readonly url: string | null })
  /** `by` us: this daemon ended it */
  | (OnLink & {
      readonly kind: 'closed';
      readonly by: 'us' | 'them';
      readonly code: ErrorCode | null;
      readonly reason: string;
    })
  /** so many frames before this point are not shown, because the client read too slowly; `all` since the tap began */
  | { readonly kind: 'lost'; readonly time: string; readonly frames: number; readonly all: number }
  /** the daemon ends */
  | { readonly kind: 'ended'; readonly time: string; readonly reason: 'stopping' };
