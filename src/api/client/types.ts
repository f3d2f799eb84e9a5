/**
 * The JSON shapes of the API under `/v1`, as both sides see them. Types only: the server checks what it receives with
 * the schemas of `api/schemas.ts` (which must fit these types), and the client trusts the daemon that owns its token.
 */
import type { DeliveryState } from '../../core/contract.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { RelationName } from '../../core/message/message.ts';
import type { EphemeralJson } from './ephemeral-types.ts';

export type { DeliveryState, ErrorCode, RelationName };

/** What a grant can allow; each route and stream operation needs one of them. */
export type Scope =
  | 'status'
  | 'messages:read'
  | 'messages:write'
  | 'channels:write'
  /** take from the inbox of the grant's identity, acknowledge, answer */
  | 'agent'
  /** say who may wake the agent, and where */
  | 'contacts:write'
  | 'daemon:stop'
  | 'daemon:scrub'
  /** see what goes over the links */
  | 'daemon:tap';

export interface RefJson {
  readonly relation: RelationName | number;
  readonly id: string;
}

export interface MessageJson {
  readonly id: string;
  /** number in the order in which this daemon got messages; a cursor for feeds */
  readonly arrival: number;
  readonly channel: string;
  readonly author: string;
  /** ISO 8601 UTC with milliseconds */
  readonly time: string;
  /** breaks ties within a millisecond */
  readonly counter: number;
  readonly body: string;
  readonly payload: unknown;
  /** when its author edited it last: body and payload are those of the edit; absent if never */
  readonly edited?: string;
  readonly refs: readonly RefJson[];
  readonly expires: string | null;
  readonly own: boolean;
  readonly delivery: { readonly state: DeliveryState; readonly storedBy: readonly string[] } | null;
  /** its author has signed two messages after the same one in this channel: others may have been shown another history;
   *  absent if not */
  readonly equivocates?: true;
}

export interface LinkJson {
  readonly protocol: 'mesh/2' | 'mesh/1';
  /** proven; of a mesh/1 peer what it calls itself */
  readonly peer: string;
  readonly direction: 'out' | 'in';
  readonly url: string;
  readonly kind: 'overlay' | 'home-live' | 'home-standby' | 'leaf' | 'visit' | 'mesh1';
  /** what keeps others from reading it; `none` on loopback, and where a mesh/1 peer is not reached over TLS */
  readonly protection: 'sealed' | 'tls' | 'none';
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

export interface SourceJson {
  readonly source: string;
  readonly state: 'waiting' | 'ok' | 'failed';
  readonly peers: number;
  readonly code: ErrorCode | null;
  readonly detail: string;
  readonly at: string | null;
}

/** Whether peers on the local network are looked for, and what came of it. */
export interface LocalDiscoveryJson {
  readonly mode: 'auto' | 'on' | 'off';
  readonly state: 'starting' | 'on' | 'off' | 'failed';
  readonly reason: string;
  readonly addresses: readonly string[];
  readonly peers: number;
}

export interface ChannelJson {
  readonly channel: string;
  readonly joined: boolean;
  readonly messages: number;
  /** what the channel costs on disk */
  readonly bytes: number;
  /** ISO 8601: since when it is kept here; null for a channel that is not held any more */
  readonly since: string | null;
  /** what holds for it; null where it is not joined */
  readonly retention: RetentionJson | null;
}

export interface RetentionJson {
  readonly days: number;
  /** messages of others, and their bytes */
  readonly messages: number;
  readonly bytes: number;
  /** pressure does not touch it */
  readonly pinned: boolean;
  /** false: the daemon's defaults */
  readonly isOwn: boolean;
}

/** Body of POST /v1/channels/retention; what is left out follows the daemon's defaults. */
export interface SetRetentionJson {
  readonly channel: string;
  /** 1 to 36500 */
  readonly days?: number;
  /** of others: 0 to 1,000,000,000, and their bytes: 1 MiB to 1 PiB */
  readonly messages?: number;
  readonly bytes?: number;
  readonly pinned?: boolean;
}

/** What is kept where a channel has nothing of its own, and how much in all. Days and bytes. */
export interface RetentionDefaultsJson {
  readonly joined: { readonly days: number; readonly messages: number; readonly bytes: number };
  readonly carried: { readonly days: number; readonly bytes: number };
  readonly carriedBytesAll: number;
  readonly bytesAll: number;
}

/** The process that is ending. */
export interface StoppingJson {
  readonly pid: number;
}

export interface AddressJson {
  readonly url: string;
  readonly peer: string;
  readonly source: string;
  readonly state: string;
  readonly next: string | null;
  /** why the last try failed */
  readonly lastError: string | null;
}

/** The check of stored messages. */
export interface ScrubJson {
  readonly state: 'waiting' | 'running' | 'off';
  readonly checked: number;
  readonly messages: number;
  readonly started: string | null;
  readonly ended: string | null;
  readonly damaged: readonly {
    readonly channel: string;
    readonly messages: number;
    readonly unconfirmed: number;
  }[];
  readonly structure: string;
}

export interface StatusJson {
  readonly version: string;
  readonly network: string;
  readonly peer: string;
  readonly role: 'relay' | 'leaf';
  readonly identity: string;
  readonly identities: readonly string[];
  readonly started: string;
  readonly dataFolder: string;
  readonly listen: { readonly peer: string; readonly api: string };
  readonly links: readonly LinkJson[];
  readonly sources: readonly SourceJson[];
  readonly localDiscovery: LocalDiscoveryJson;
  /** joined ones first, then the others, each by name */
  readonly channels: readonly ChannelJson[];
  readonly retention: RetentionDefaultsJson;
  readonly relays: number;
  readonly outbox: number;
  readonly scrub: ScrubJson;
  readonly lastArrival: number;
  readonly problems: readonly { readonly code: ErrorCode; readonly detail: string; readonly at: string }[];
}

/** A message of the unverified history that a mesh/1 daemon left; nobody can vouch for any of it. */
export interface LegacyMessageJson {
  readonly verified: false;
  /** where it lies in the history: what `before` takes */
  readonly position: string;
  /** message id of mesh/1 */
  readonly id: string;
  readonly channel: string;
  /** who is said to have written it */
  readonly sender: string;
  /** as its sender wrote it: ISO 8601 as a rule */
  readonly time: string;
  readonly body: string;
  readonly payload: unknown;
  /** of mesh/1, which kept none; `valid`: the key that the sender's id names signed this text */
  readonly signature: 'valid' | 'wrong' | 'none';
  /** the text was cut or the payload left out because of its length */
  readonly shortened: boolean;
}

/** Answer of GET /v1/legacy/messages: oldest first. An empty page is the end. */
export interface LegacyMessagesJson {
  /** path of the database of mesh/1 */
  readonly file: string;
  readonly messages: readonly LegacyMessageJson[];
}

/** Answer of GET /v1/legacy/channels. */
export interface LegacyChannelsJson {
  readonly file: string;
  /** by name, at most 1000; messages are counted up to 10 000 where the old database has an index */
  readonly channels: readonly { readonly channel: string; readonly messages: number }[];
}

/** Body of POST /v1/messages; the `publish` frame of a stream has the same fields. */
export interface PublishJson {
  readonly channel: string;
  readonly body: string;
  /** any JSON value; left out for none */
  readonly payload?: unknown;
  /** instead of `payload`: JSON text that is signed as it stands, for numbers that a double cannot hold */
  readonly payloadText?: string;
  /** id of the message that this one answers; short for a ref */
  readonly reply?: string;
  /** id of the first message of the thread; short for a ref */
  readonly thread?: string;
  readonly refs?: readonly { readonly relation: RelationName; readonly id: string }[];
  /** ISO 8601 with a zone */
  readonly expires?: string;
  /** a local identity; the grant's own, else the daemon's first */
  readonly identity?: string;
  /** ids of identities that the message is for; carried in the payload, which must be an object then or left out */
  readonly mentions?: readonly string[];
  /** an agent wrote it, not a person: the daemon marks it, so that agents do not answer one another for ever */
  readonly automatic?: boolean;
}

export interface PublishedJson {
  readonly id: string;
  readonly state: DeliveryState;
}

export type WaitState = Exclude<DeliveryState, 'queued'>;

/** A problem document (RFC 9457): `application/problem+json`. */
export interface ProblemJson {
  /** relative reference into the error reference, such as `errors#bad_channel` */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** what happened in this case */
  readonly detail: string;
  readonly code: string;
  /** what to do about it */
  readonly do: string;
  /** only where a message was published all the same: it did not reach the state in time */
  readonly id?: string;
  readonly state?: DeliveryState;
}

/** What an edit or a delete changed of messages that came before it. */
export interface ChangeJson {
  /** arrival number of the edit or delete */
  readonly arrival: number;
  readonly channel: string;
  /** ids of messages that are deleted */
  readonly deleted: readonly string[];
  /** messages as they are now */
  readonly edited: readonly MessageJson[];
}

/** Frames from a client on GET /v1/stream. `ref` is chosen by the client and comes back with each answer. */
export type ClientFrame =
  | {
      readonly op: 'subscribe';
      readonly ref: string;
      /** all channels if left out */
      readonly channels?: readonly string[];
      /** arrival number after which to begin; live only if left out */
      readonly after?: number;
      /** what edits and deletes change of messages that came before them, too */
      readonly changes?: boolean;
      /** drafts and activities too, once the feed is live */
      readonly ephemerals?: boolean;
    }
  | { readonly op: 'unsubscribe'; readonly ref: string }
  | (PublishJson & {
      readonly op: 'publish';
      readonly ref: string;
      readonly idempotencyKey?: string;
      readonly wait?: WaitState;
      /** seconds to wait at most */
      readonly timeout?: number;
    });

/** Frames from the daemon. */
export type ServerFrame =
  | { readonly op: 'message'; readonly ref: string; readonly message: MessageJson }
  | { readonly op: 'change'; readonly ref: string; readonly change: ChangeJson }
  | { readonly op: 'ephemeral'; readonly ref: string; readonly ephemeral: EphemeralJson }
  | { readonly op: 'caught-up'; readonly ref: string; readonly arrival: number }
  | { readonly op: 'unsubscribed'; readonly ref: string }
  | { readonly op: 'published'; readonly ref: string; readonly id: string; readonly state: DeliveryState }
  | { readonly op: 'state'; readonly ref: string; readonly id: string; readonly state: DeliveryState }
  /** `ref` is null where the frame could not be read far enough to tell */
  | { readonly op: 'error'; readonly ref: string | null; readonly problem: ProblemJson };

/** Content of `api.json` in the data folder: where the API of its daemon listens. */
export interface ApiFile {
  /** such as `http://127.0.0.1:5001` */
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  /** ISO 8601 */
  readonly started: string;
}

export const API_FILE = 'api.json';
/** The owner's token: everything. */
export const TOKEN_FILE = 'token';
/** The token for the program that an agent runs in: it reads, writes and takes from the inbox, and changes no policy. */
export const AGENT_TOKEN_FILE = 'agent-token';
