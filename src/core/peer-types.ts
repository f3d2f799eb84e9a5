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
  readonly rates: Rates;
  readonly retention: RetentionLimits;
  /** the URL under which others reach us, '' if it is not configured: then what diallers name is believed */
  readonly publicUrl: string;
  /** peers that are no newcomers from their first link on, because the operator says so */
  readonly known: ReadonlySet<string>;
  /** become a relay once somebody has dialled us; else a leaf for good */
  readonly mayRelay: boolean;
  /** link with mesh/1 peers too */
  readonly mesh1: boolean;
  /** seal links over loopback too: they may lead into a tunnel */
  readonly sealLoopback: boolean;
}

/** Messages per second; 0 for no limit. */
export interface Rates {
  /** what a link may send unasked, by what is at its other end */
  readonly leafPerSecond: number;
  readonly relayPerSecond: number;
  /** content of one unknown author in open channels, and how much of it at once */
  readonly authorPerSecond: number;
  readonly authorBurst: number;
  /** content of unknown authors above that, all together */
  readonly commonPerSecond: number;
  readonly commonBurst: number;
}

/** What is kept, where a channel has no policy of its own. Bytes as `persistence.ts` counts them. */
export interface RetentionLimits {
  readonly joined: { readonly ageMs: number; readonly messages: number; readonly bytes: number };
  readonly carried: { readonly ageMs: number; readonly bytes: number };
  readonly carriedBytesAll: number;
  /** what is kept for nobody but newcomers of one address group */
  readonly newcomerBytes: number;
  readonly bytesAll: number;
}

/** How much a part remembers, and the most that it may: entries or bytes, as the name says. */
export type Footprint = Readonly<Record<string, { readonly size: number; readonly max: number }>>;

/** What fingerprints show of a neighbour: whether it holds what is held here. */
export type AgreementState = 'unknown' | 'equal' | 'differs';

/** How far catch-up over a link has come. */
export interface CatchUpSnapshot {
  /** messages that were found to be missing here */
  readonly found: number;
  /** those of them that have come, from whomever, or are of no use here */
  readonly fetched: number;
  /** the comparison goes on: more may be found */
  readonly isComparing: boolean;
}

export interface LinkSnapshot {
  readonly protocol: 'mesh/2' | 'mesh/1';
  /** its proven id; of a mesh/1 peer what it calls itself, which proves nothing */
  readonly peer: string;
  readonly direction: 'out' | 'in';
  readonly url: string;
  readonly kind: 'overlay' | 'home-live' | 'home-standby' | 'leaf' | 'visit' | 'mesh1';
  /** what keeps others from reading it: sealed records, TLS as far as the dialler goes, or nothing (loopback) */
  readonly protection: 'sealed' | 'tls' | 'none';
  readonly sinceWallMs: number;
  readonly agent: string;
  /** messages of a mesh/1 peer that nobody can verify: they stay there */
  readonly unverified: number;
  /** whether it was found to hold what is held here of the channels that both hold, and since when, wall ms; 'unknown' where
   *  the other side compares, and with mesh/1 peers */
  readonly agreement: AgreementState;
  readonly agreementWallMs: number;
  /** messages that are being asked of it */
  readonly fetching: number;
  /** what comparisons with it have found to be missing here, while something is; see {@link CatchUpSnapshot} */
  readonly catchUp: CatchUpSnapshot | undefined;
}

export interface AddressSnapshot {
  readonly url: string;
  readonly peer: string;
  readonly source: string;
  readonly state: 'linked' | 'dialling' | 'waiting' | 'self';
  /** wall ms of the next dial, 0 for none */
  readonly nextMs: number;
  /** why the last dial failed or its link ended, in short; '' for none, and while it is linked */
  readonly lastError: string;
}

export interface PeerSnapshot {
  readonly role: 'relay' | 'leaf';
  readonly links: readonly LinkSnapshot[];
  readonly addresses: readonly AddressSnapshot[];
  readonly relays: number;
  readonly joined: readonly string[];
  /** since when each held channel is complete here, as it is told to others: tag, hours since 1970 */
  readonly floors: ReadonlyMap<string, number>;
  /** nothing more can be stored: publishing is refused */
  readonly isFull: boolean;
  /** relays with an address proven by their record or our dial, for `/bootstrap.json`; own entry without its URL */
  readonly provenRelays: readonly { readonly peer: string; readonly urls: readonly string[] }[];
  /** own addresses that a proven peer dialled */
  readonly ownUrls: readonly string[];
}
