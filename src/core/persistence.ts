/**
 * What the core asks of a store, as data: operations that a transaction applies, queries, and their answers. SQLite and
 * the memory twin implement the same contract and pass the same acceptance suite.
 *
 * Facts that every implementation keeps:
 * 1. The operations of all `persist` effects are applied in the order in which they were emitted. Those of one effect
 *    are applied together or not at all.
 * 2. Arrival numbers are positive, grow by commit order and are never used twice, not even after a deletion.
 * 3. A message id is stored at most once; storing it again changes nothing and answers `inserted: false`.
 * 4. Sums always equal the sums over the stored, unexpired messages: they change in the same transaction.
 * 5. Every text id (peer, identity, message) is canonical base64url; tags are base64url of 8 bytes (11 characters).
 * 6. Numbers are integers of at least 0, wall times too. An operation or query that breaks this or fact 5, or names a
 *    tag that is not its channel's, is a programmer error: RangeError, and nothing of the call is applied.
 */
import type { Bytes } from './bytes.ts';
import type { Time } from './message/time.ts';
import type { VerifiedMessage } from './message/verified.ts';

/** How far an own message got: durable here; taken by a link; said to be stored by a home or proven relay. */
export type DeliveryState = 'queued' | 'relayed' | 'stored';

export type PersistOp =
  | {
      readonly kind: 'message';
      readonly message: VerifiedMessage;
      /** tag of its channel (base64url) */
      readonly tag: string;
      /** id text of the peer that it came from; '' for own messages */
      readonly from: string;
    }
  /** like `message`, and a row of the outbox in state `queued`, under the identity's idempotency key if not '' */
  | {
      readonly kind: 'own-message';
      readonly message: VerifiedMessage;
      readonly tag: string;
      readonly idempotencyKey: string;
      /** SHA-256 over what the client asked for: tells a repeated request from a different one under the same key */
      readonly fingerprint: Bytes;
    }
  /** the delivery state of own messages; never goes back; `by` names a peer that says `stored` ('' otherwise) */
  | {
      readonly kind: 'delivery';
      readonly ids: readonly string[];
      readonly state: DeliveryState;
      readonly by: string;
    }
  | { readonly kind: 'join'; readonly channel: string; readonly tag: string }
  /** hold a channel's content until then without having joined it; the later `untilMs` wins */
  | { readonly kind: 'carry'; readonly tag: string; readonly untilMs: number }
  /** replaces what this peer asked us to keep; no tags: nothing */
  | {
      readonly kind: 'mailbox';
      readonly peer: string;
      readonly tags: readonly string[];
      readonly untilMs: number;
    }
  | { readonly kind: 'address'; readonly url: string; readonly peer: string; readonly provenMs: number }
  | { readonly kind: 'record-sequence'; readonly sequence: number }
  /** delete messages whose `expiresMs` is not 0 and at or before `wallMs`, lapsed mailboxes and carried channels,
   *  and minute sums that are no longer needed */
  | { readonly kind: 'expire'; readonly wallMs: number };

/** One per operation, in order. Only message operations say more than that they were done. */
export type PersistResult =
  | { readonly kind: 'message'; readonly inserted: boolean; readonly arrival: number }
  /** the idempotency key belongs to the message `id` already: nothing was stored */
  | { readonly kind: 'repeated'; readonly id: string; readonly same: boolean }
  | { readonly kind: 'done' };

/** Half-open range of whole minutes since 1970, [fromMinute, untilMinute). */
export interface Window {
  readonly tag: string;
  /** a multiple of 60 */
  readonly fromMinute: number;
  /** any minute of the newest two hours, or {@link MINUTE_END} for everything; others are right too, but slower */
  readonly untilMinute: number;
}

/** After every minute that a message time can fall into. */
export const MINUTE_END = 2 ** 42;

export interface Sum {
  readonly count: number;
  /** ids added modulo 2^256, little-endian, 32 bytes */
  readonly sum: Bytes;
}

export interface Bucket extends Sum {
  readonly startMinute: number;
  /** 60, or 1 for the newest two hours */
  readonly minutes: number;
}

/** Place of a message in the order of display and catch-up. */
export interface Position {
  readonly time: Time;
  readonly id: Bytes;
}

export type Query =
  | { readonly kind: 'has'; readonly ids: readonly Bytes[] }
  /** stored messages by id, undefined where there is none */
  | { readonly kind: 'messages'; readonly ids: readonly Bytes[] }
  | { readonly kind: 'sums'; readonly windows: readonly Window[] }
  /** non-empty buckets in ascending order; minute buckets from the hour of `minutesFromMinute` on, hour buckets before
   *  it; a last hour that the window cuts is told by minutes wherever it lies */
  | { readonly kind: 'buckets'; readonly window: Window; readonly minutesFromMinute: number }
  /** positions after `after` (exclusive) and before `untilMinute`, ascending by (time, id) */
  | {
      readonly kind: 'positions';
      readonly tag: string;
      readonly after: Position;
      readonly untilMinute: number;
      readonly limit: number;
    }
  /** own messages that nobody confirmed as stored, after an arrival number, ascending */
  | { readonly kind: 'outbox'; readonly afterArrival: number; readonly limit: number }
  | { readonly kind: 'idempotency'; readonly identity: string; readonly key: string }
  /** where the publishing clock of an identity in a channel stands; `seen` ignores times after `horizonMs` */
  | {
      readonly kind: 'head';
      readonly identity: string;
      readonly channel: string;
      readonly horizonMs: number;
    };

export type QueryAnswer =
  | { readonly kind: 'has'; readonly present: readonly boolean[] }
  | { readonly kind: 'messages'; readonly messages: readonly (VerifiedMessage | undefined)[] }
  | { readonly kind: 'sums'; readonly sums: readonly Sum[] }
  | { readonly kind: 'buckets'; readonly buckets: readonly Bucket[] }
  | { readonly kind: 'positions'; readonly positions: readonly Position[] }
  | {
      readonly kind: 'outbox';
      readonly rows: readonly {
        readonly arrival: number;
        readonly state: DeliveryState;
        readonly message: VerifiedMessage;
      }[];
    }
  | {
      readonly kind: 'idempotency';
      readonly found: { readonly id: string; readonly fingerprint: Bytes } | undefined;
    }
  | {
      readonly kind: 'head';
      /** where the identity's chain there ends: the message that was published here last (by arrival number, not by time:
       *  the clock may have been set back since), or the newest by (time, id) of its messages that came from others after
       *  that one and are later (a restored backup gets back what it does not have); undefined if there is none */
      readonly own: { readonly time: Time; readonly id: Bytes } | undefined;
      readonly seen: Time;
    };
