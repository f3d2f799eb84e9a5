/**
 * The policy gate: the one way by which every door (HTTP API, later bridges and doors) reaches the daemon. No door
 * touches the store or the core. The types here are the daemon's half of the API; the JSON shapes of `/v1` are made
 * from them in `api/`.
 */
import type { DeliveryState } from '../core/contract.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Doing, RunState } from '../core/message/ephemeral.ts';
import type { RelationName } from '../core/message/message.ts';
import type { AgentGate } from './desk/views.ts';
import type { AddressView, MapView } from './explain/map-view.ts';
import type { WhyView } from './explain/why-view.ts';
import type { LegacyHistory } from './legacy/view.ts';
import type { EphemeralView, MessageView } from './message-view.ts';
import type { TapItem } from './tap/tap-view.ts';

export type { EphemeralView, MessageView };

export interface PublishRequest {
  readonly channel: string;
  readonly body: string;
  /** any JSON value; undefined for none */
  readonly payload?: unknown;
  /** instead of `payload`: JSON text that is carried as it stands */
  readonly payloadText?: string;
  readonly refs?: readonly { readonly relation: RelationName; readonly id: string }[];
  readonly expiresMs?: number;
  readonly idempotencyKey?: string;
  /** id text of a local identity; the first one if left out */
  readonly identity?: string;
  /** id texts of identities that it is for */
  readonly mentions?: readonly string[];
  /** an agent wrote it by itself */
  readonly automatic?: boolean;
}

export interface SourceView {
  /** URL or file of the bootstrap list */
  readonly source: string;
  readonly state: 'waiting' | 'ok' | 'failed';
  /** addresses it gave */
  readonly peers: number;
  readonly code: ErrorCode | null;
  readonly detail: string;
  /** ISO 8601 of the last attempt, or null */
  readonly at: string | null;
}

export interface LinkView {
  readonly protocol: 'mesh/2' | 'mesh/1';
  /** proven; of a mesh/1 peer what it calls itself */
  readonly peer: string;
  /** who dialled */
  readonly direction: 'out' | 'in';
  /** URL that we dialled, or '' */
  readonly url: string;
  /** what the link is for: overlay (relay to relay), home-live and home-standby (we are the leaf), leaf (it is), visit, mesh1 */
  readonly kind: 'overlay' | 'home-live' | 'home-standby' | 'leaf' | 'visit' | 'mesh1';
  /** what keeps others from reading it; `none` on loopback, and where a mesh/1 peer is not reached over TLS */
  readonly protection: 'sealed' | 'tls' | 'none';
  /** ISO 8601 */
  readonly since: string;
  readonly agent: string;
  /** messages of a mesh/1 peer that nobody can verify: they stay there */
  readonly unverified: number;
  /** whether it holds what is held here of the channels that both hold; `unknown` where the other side compares */
  readonly agreement: 'unknown' | 'equal' | 'differs';
  /** ISO 8601: since when; null for unknown */
  readonly agreementSince: string | null;
  /** messages that are being asked of it */
  readonly fetching: number;
  /** what comparisons with it have found to be missing here: `fetched` of `found` have come, from whomever; while `comparing`
   *  more may be found. Null where nothing is missing */
  readonly catchUp: { readonly fetched: number; readonly found: number; readonly comparing: boolean } | null;
}

export interface ChannelView {
  readonly channel: string;
  readonly joined: boolean;
  readonly messages: number;
  /** what the channel costs on disk */
  readonly bytes: number;
  /** ISO 8601: since when it is kept here, older messages are not; null for a channel that is not held any more */
  readonly since: string | null;
  /** what holds for the channel; null where it is not joined */
  readonly retention: RetentionView | null;
}

export interface RetentionView {
  /** days */
  readonly days: number;
  /** messages of others */
  readonly messages: number;
  /** bytes of others */
  readonly bytes: number;
  readonly pinned: boolean;
  /** false: the daemon's defaults */
  readonly isOwn: boolean;
}

/** What is kept where a channel has nothing of its own, and how much in all. Days and bytes. */
export interface RetentionDefaultsView {
  readonly joined: { readonly days: number; readonly messages: number; readonly bytes: number };
  /** channels that are not joined, each */
  readonly carried: { readonly days: number; readonly bytes: number };
  readonly carriedBytesAll: number;
  readonly bytesAll: number;
}

/** What a client wants kept of a channel; what is left out follows the daemon's defaults. */
export interface RetentionRequest {
  readonly channel: string;
  readonly days?: number;
  readonly messages?: number;
  readonly bytes?: number;
  readonly pinned?: boolean;
}

/** Whether peers on the local network are looked for, and what came of it. */
export interface LocalDiscoveryView {
  readonly mode: 'auto' | 'on' | 'off';
  /** `starting`: it has not looked yet; `failed`: it is meant to be on, and works nowhere */
  readonly state: 'starting' | 'on' | 'off' | 'failed';
  /** why it is off or failed, or what does not work while it is on; '' when there is nothing to say */
  readonly reason: string;
  /** addresses of this machine at which the daemon is announced */
  readonly addresses: readonly string[];
  /** other peers of the network that are announced now */
  readonly peers: number;
}

/** The check of stored messages, and what it found. */
export interface ScrubView {
  /** `waiting`: a few at a time; `running`: all at once, because somebody asked; `off`: only when somebody asks */
  readonly state: 'waiting' | 'running' | 'off';
  /** messages that were checked in this pass, and how many are stored */
  readonly checked: number;
  readonly messages: number;
  /** ISO 8601: when this pass began, and when the last whole one ended; null for never */
  readonly started: string | null;
  readonly ended: string | null;
  /** what was found damaged and has not come again, by channel */
  readonly damaged: readonly {
    readonly channel: string;
    readonly messages: number;
    /** own ones among them that nobody confirmed as stored */
    readonly unconfirmed: number;
  }[];
  /** what is wrong with the database itself, '' for nothing */
  readonly structure: string;
}

export interface StatusView {
  readonly version: string;
  readonly network: string;
  /** id of this daemon as a peer */
  readonly peer: string;
  readonly role: 'relay' | 'leaf';
  /** first local identity: the address of the agent or person */
  readonly identity: string;
  readonly identities: readonly string[];
  readonly started: string;
  readonly dataFolder: string;
  readonly listen: { readonly peer: string; readonly api: string };
  readonly links: readonly LinkView[];
  readonly sources: readonly SourceView[];
  readonly localDiscovery: LocalDiscoveryView;
  /** joined ones first, then the others, each by name */
  readonly channels: readonly ChannelView[];
  readonly retention: RetentionDefaultsView;
  /** relays on the map, this one included if it is one */
  readonly relays: number;
  /** own messages that nobody confirmed as stored yet */
  readonly outbox: number;
  readonly scrub: ScrubView;
  readonly lastArrival: number;
  /** things a person should act on, newest last, at most 20 */
  readonly problems: readonly { readonly code: ErrorCode; readonly detail: string; readonly at: string }[];
}

/** A draft or an activity that a client hands over. */
export interface EphemeralRequest {
  readonly channel: string;
  readonly kind: 'draft' | 'activity';
  /** 43 characters; a new one if left out */
  readonly run?: string;
  /** of a draft all of the text so far, of an activity what it is about; at most 15 KiB */
  readonly text?: string;
  /** `open` if left out */
  readonly state?: RunState;
  /** of an activity; `typing` if left out */
  readonly doing?: Doing;
  readonly refs?: readonly { readonly relation: RelationName; readonly id: string }[];
  readonly identity?: string;
}

/** What an edit or a delete changed of messages that came before it. */
export interface ChangeView {
  /** of the edit or delete: a place in the order of the feed */
  readonly arrival: number;
  readonly channel: string;
  /** ids of messages that are deleted */
  readonly deleted: readonly string[];
  /** messages as they are now: with another text, or again with one of before where an edit was deleted */
  readonly edited: readonly MessageView[];
}

/** One item of a feed: messages in arrival order, and once the mark that the backfill is over and live has begun. Who asks
 * for them gets changes in that order too, and from the mark on ephemerals, between messages. */
export type FeedItem =
  | { readonly kind: 'change'; readonly change: ChangeView }
  | { readonly kind: 'ephemeral'; readonly ephemeral: EphemeralView }
  | { readonly kind: 'message'; readonly message: MessageView }
  | { readonly kind: 'caught-up'; readonly arrival: number };

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  /** a counter only grows while the daemon runs */
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface TapRequest {
  /** id of a peer, or the beginning of one; left out for all links */
  readonly peer?: string | undefined;
  /** names of `TAP_TYPES`; left out for all */
  readonly types?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

export interface Gate {
  status(): StatusView;
  /** resolves when the message is durable; rejects with `MeshError` */
  publish(request: PublishRequest): Promise<{ id: string; state: DeliveryState; isNew: boolean }>;
  /** resolves when it will leave, or a newer one of its run instead; rejects with `MeshError` */
  publishEphemeral(request: EphemeralRequest): Promise<{ channel: string; run: string }>;
  /** resolves with the state reached; rejects `wait_timeout` after `timeoutMs`, `not_found` for unknown ids */
  waitFor(id: string, state: DeliveryState, timeoutMs: number, signal?: AbortSignal): Promise<DeliveryState>;
  join(channel: string): Promise<{ channel: string; isNew: boolean }>;
  leave(channel: string): Promise<{ channel: string; wasJoined: boolean }>;
  /** replaces what is set for a joined channel (`not_found` if it is not joined) */
  retain(request: RetentionRequest): Promise<ChannelView>;
  /** a page in (time, id) order, ascending; `before` and `after` are message ids (`not_found` if unknown) */
  messages(page: { channel: string; limit: number; before?: string; after?: string }): Promise<MessageView[]>;
  message(id: string): MessageView | undefined;
  /** where a message is and why; `not_found` for an unknown id, `bad_request` for what stands for several or none */
  why(id: string): WhyView;
  /** the map as this peer knows it. @param channel whose way is marked; left out for none. Throws `bad_channel` */
  map(channel?: string): MapView;
  /** what passes over the links from now on, until the signal; `too_many_requests` at the first step if there are too many */
  tap(request: TapRequest): AsyncIterable<TapItem>;
  /** backfill from the arrival number `after`, cutover, live; `after` undefined means live only; ends with the signal */
  feed(options: {
    channels?: readonly string[];
    after?: number;
    changes?: boolean;
    ephemerals?: boolean;
    signal: AbortSignal;
  }): AsyncIterable<FeedItem>;
  /** the unverified history of a mesh/1 daemon; left out where there was none. Set once, by the start. */
  legacy?: LegacyHistory;
  /** begins to check all stored messages, from the first on, as fast as the daemon's other work allows; `status` tells how far it is */
  scrub(): ScrubView;
  /** begins the orderly end of the daemon, as SIGTERM does; returns at once */
  stop(): void;
  /** numbers for those who watch the daemon */
  metrics(): readonly MetricFamily[];
  /** addresses known and what became of them */
  addresses(): AddressView[];
  /** the agent of the first identity, and who may wake it */
  readonly agent: AgentGate;
}
