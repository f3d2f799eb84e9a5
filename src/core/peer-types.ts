/** What a peer is made with and what it shows of itself. */
import type { Bytes } from './bytes.ts';
import type { Sha256 } from './message/message.ts';

export interface PeerConfig {
  readonly network: string;
  /** own peer id, 43 characters */
  readonly peerId: string;
  /** random number of this start, 8 bytes: tells two running daemons with one key apart */
  readonly instance: Bytes;
  /** at least 16 bytes for the core's random choices */
  readonly seed: Bytes;
  readonly sha256: Sha256;
  /** software name and version, told to neighbours */
  readonly agent: string;
  /** dial internal addresses whoever names them */
  readonly allowPrivate: boolean;
  /** offences until a ban; 0 never bans (for fuzzing) */
  readonly banThreshold: number;
  /** unasked messages per second that a link may push, by what is at its other end; 0 for no limit */
  readonly rates: { readonly leafPerSecond: number; readonly relayPerSecond: number };
}

export interface LinkSnapshot {
  readonly peer: string;
  readonly direction: 'out' | 'in';
  readonly url: string;
  readonly kind: 'overlay' | 'home-live' | 'home-standby' | 'leaf';
  readonly sinceWallMs: number;
  readonly agent: string;
}

export interface AddressSnapshot {
  readonly url: string;
  readonly peer: string;
  readonly source: string;
  readonly state: 'linked' | 'dialling' | 'waiting' | 'self';
  /** wall ms of the next dial, 0 for none */
  readonly nextMs: number;
}

export interface PeerSnapshot {
  readonly role: 'relay' | 'leaf';
  readonly links: readonly LinkSnapshot[];
  readonly addresses: readonly AddressSnapshot[];
  readonly relays: number;
  readonly joined: readonly string[];
  /** relays with an address proven by their record or our dial, for `/bootstrap.json`; own entry without its URL */
  readonly provenRelays: readonly { readonly peer: string; readonly urls: readonly string[] }[];
  /** own addresses that a proven peer dialled */
  readonly ownUrls: readonly string[];
}
