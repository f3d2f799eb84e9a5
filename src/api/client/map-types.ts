/** The JSON shapes of `GET /v1/map`: the mesh as one daemon knows it. Times are ISO 8601 in UTC with milliseconds. */
import type { AddressJson } from './types.ts';

/** A relay as its records tell of it. */
export interface MapRelayJson {
  readonly peer: string;
  /** from its record: whoever holds its key wrote them */
  readonly urls: readonly string[];
  /** hops from this peer over links that both ends confirm; null for a relay that no such links lead to */
  readonly hops: number | null;
  /** who comes before it on the shortest way from this peer; null for this peer and where `hops` is */
  readonly parent: string | null;
  /** relays that it is linked with, confirmed by both records */
  readonly links: readonly string[];
  /** relays that it names as linked and that do not name it */
  readonly claims: readonly string[];
  /** channels in its interest record */
  readonly channels: number;
  /** the channel that was asked about is one of them */
  readonly wants: boolean;
  /** messages of that channel that begin here pass it or end at it */
  readonly onPath: boolean;
}

/** A link of this daemon. */
export interface MapLinkJson {
  readonly peer: string;
  readonly kind: 'overlay' | 'home-live' | 'home-standby' | 'leaf' | 'visit';
  /** URL that we dialled, or null */
  readonly url: string | null;
  /** from the last ping to its answer, ms with one decimal; null before the first */
  readonly roundTripMs: number | null;
  /** a leaf of ours that wants the channel that was asked about */
  readonly wants: boolean;
}

export interface MapJson {
  /** when this was looked up */
  readonly now: string;
  /** this daemon as a peer */
  readonly peer: string;
  readonly role: 'relay' | 'leaf';
  /** the channel that was asked about, or null */
  readonly channel: string | null;
  readonly links: readonly MapLinkJson[];
  /** of a leaf that was asked about a channel: its home relays, what they were told and what they hold */
  readonly home: readonly {
    readonly peer: string;
    readonly live: boolean;
    readonly told: boolean;
    readonly holds: boolean;
    readonly keepsMailbox: boolean;
  }[];
  /** of a leaf, which has no map: addresses that it knows, and what became of them */
  readonly addresses: readonly AddressJson[];
  /** of a relay: those that count, from this peer outwards, then the others */
  readonly relays: readonly MapRelayJson[];
}
