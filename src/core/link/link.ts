/** One link: what is known of the socket, the handshake and the peer at the other end. */
import type { Bytes } from '../bytes.ts';
import type { LinkId, Scope } from '../contract.ts';

export type Offence = 'malformed' | 'broken-promise' | 'unasked';

export interface Link {
  readonly id: LinkId;
  readonly role: 'dialler' | 'responder';
  /** the URL that we dialled, '' for a responder */
  readonly url: string;
  readonly scope: Scope;
  readonly nonce: Bytes;
  readonly ephemeral: Bytes;
  openedMs: number;
  phase: 'handshake' | 'auth' | 'agreeing' | 'up' | 'closed';
  ownText: string;
  theirText: string;
  /** proven from phase `agreeing` on */
  peer: string;
  peerKey: Bytes;
  theirEphemeral: Bytes;
  /** base64url of the start's random number */
  instance: string;
  /** the URL that the other side dialled, '' if we are the dialler */
  theirUrl: string;
  agent: string;
  /** whether the peer says that it is a relay */
  remoteRelay: boolean;
  /** whether we are this leaf's live relay (told by the leaf) */
  remoteLive: boolean;
  upMs: number;
  upWallMs: number;
  heardMs: number;
  pingedMs: number;
  pings: number;
  /** we do not read it before */
  pausedUntilMs: number;
  /** what to call when frames leave the queue, by their numbers */
  readonly unflushed: Map<number, (link: Link) => void>;
  hasSentAuth: boolean;
  /** the session keys are derived */
  isAgreed: boolean;
  /** frames that came after `auth` and before it was verified */
  readonly early: Bytes[];
  earlyBytes: number;
}

/** What the link is for, seen from here. */
export type LinkKind = 'overlay' | 'home-live' | 'home-standby' | 'leaf';
