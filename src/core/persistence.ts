/**
 * What the core asks of a store, as data: operations that a transaction applies, queries, and their answers. SQLite and
 * the memory twin implement the same contract and pass the same acceptance suite.
 *
 * Facts that every implementation keeps:
 * 1. The operations of all `persist` effects are applied in the order in which they were emitted. Those of one effect
 *    are applied together or not at all.
 * 2. Arrival numbers are positive, grow by commit order and are never used twice, not even after a deletion.
 * 3. A message id is stored at most once; storing it again changes nothing and answers `inserted: false`.
 * 4. Sums always equal the sums over the known, unexpired messages, with content or without: they change in the same
 *    transaction. Bytes are counted per message as its signed bytes, its signature, its content while that is held, and
 *    {@link ROW_BYTES} for everything around them.
 * 5. Every text id (peer, identity, message) is canonical base64url; tags are base64url of 8 bytes (11 characters).
 * 6. Numbers are integers of at least 0, wall times too. An operation or query that breaks this or fact 5, or names a
 *    tag that is not its channel's, is a programmer error: RangeError, and nothing of the call is applied.
 * 7. Of a message whose content is put off, was dropped or was deleted only the signed header is kept: its id is known and counts in
 *    sums and positions, but no page, arrival, outbox or `messages` query shows it. Content that comes later is a new
 *    arrival, because readers have passed the old number.
 * 8. Of a message that a known delete counts for (`message/amend.ts`) only the header is kept, whichever of the two comes
 *    first, and whatever becomes of the delete: content that comes later is not taken. That happens in
 *    the transaction that stores the delete, or the message. An own one leaves the outbox with its content.
 * 9. Edits and deletes are no posts of their own: no page or arrival shows them, whether they count or not.
 * 10. Where the chain of an identity ends in a channel (`head`) is remembered when its messages are removed.
 * 11. Of two messages of one author in an open channel that name the same one before, both are stored, and one proof for
 *    each author and channel is kept as long as a message of the author is known there.
 * 12. Of a feed no superseded record is kept or known (`channel/feed.ts`): one that comes is not stored, and one that is here goes,
 *    own ones too, in the transaction that stores what supersedes it. It is removed like by `prune`, and moves no floor.
 */
import { type Bytes, compare } from './bytes.ts';
import type { Tombstone, VerifiedHeader } from './message/header.ts';
import { compareTime, type Time } from './message/time.ts';
import type { VerifiedMessage } from './message/verified.ts';

/** How far an own message got: durable here; taken by a link; said to be stored by a home or proven relay. */
export type DeliveryState = 'queued' | 'relayed' | 'stored';

/** What a stored message is counted with besides its own bytes: indexes, sums and page headers (measured). */
export const ROW_BYTES = 512;

/** How long and how much of a channel is kept; what is undefined follows the daemon's default. */
export interface RetentionPolicy {
  /** age of the oldest message, ms */
  readonly ageMs?: number;
  /** messages of others */
  readonly messages?: number;
  /** their bytes, as fact 4 counts them */
  readonly bytes?: number;
  /** pressure does not touch it */
  readonly pinned?: boolean;
}

export type PersistOp =
  /** a message of somebody else: stored, or its content filled in where only a wanted header is known */
  | {
      readonly kind: 'message';
      readonly message: VerifiedMessage;
      /** tag of its channel (base64url) */
      readonly tag: string;
    }
  /** keep only the verified header for now and remember that the content is wanted; nothing if the id is known */
  | { readonly kind: 'put-off'; readonly message: VerifiedMessage; readonly tag: string }
  /** the header of a deleted message: kept if its id is unknown, and its delete is known */
  | { readonly kind: 'tombstone'; readonly header: VerifiedHeader; readonly tag: string }
  /** like `message`, and a row of the outbox in state `queued`, under the identity's idempotency key if not '' */
  | {
      readonly kind: 'own-message';
      readonly message: VerifiedMessage;
      readonly tag: string;
      readonly idempotencyKey: string;
      /** SHA-256 over what the client asked for: tells a repeated request from a different one under the same key */
      readonly fingerprint: Bytes;
    }
  /** the delivery state of own messages; never goes back; `by` names a peer that says `stored` ('' otherwise). `alone`: one
   *  more keeper is to be found, which is remembered until somebody else says `stored` */
  | {
      readonly kind: 'delivery';
      readonly ids: readonly string[];
      readonly state: DeliveryState;
      readonly by: string;
      readonly alone?: boolean;
    }
  | { readonly kind: 'join'; readonly channel: string; readonly tag: string }
  /** no longer joined; its policy is forgotten, its messages stay until they are pruned */
  | { readonly kind: 'leave'; readonly channel: string; readonly tag: string }
  /** replaces the policy of a joined channel, and forgets the floor that pruning had set */
  | {
      readonly kind: 'retention';
      readonly channel: string;
      readonly tag: string;
      readonly policy: RetentionPolicy;
    }
  /** hold a channel's content until then without having joined it, from the hour `sinceHour` on (0: as long as usual); the later `untilMs`
   *  wins, `sinceHour` replaces what was there */
  | { readonly kind: 'carry'; readonly tag: string; readonly untilMs: number; readonly sinceHour: number }
  /**
   * Removes messages of a tag that are older than `beforeHour` (hours since 1970, exclusive), headers too: looks at no
   * more than {@link PRUNE_STEP} of them after the position `after`, in their order. Own messages go only before
   * `ownBeforeHour`, and never while nobody has confirmed them as stored. `floorHour` is remembered as the tag's floor
   * if it is higher than the one known; 0 changes nothing.
   */
  | {
      readonly kind: 'prune';
      readonly tag: string;
      readonly beforeHour: number;
      readonly ownBeforeHour: number;
      readonly floorHour: number;
      readonly after: Position;
    }
  /**
   * Drops content of one author in a tag, oldest first, and keeps the headers: of whoever holds most bytes of content
   * there, local identities apart, down to `keepBytes` of it or until `freeBytes` are freed; at most {@link PRUNE_STEP}
   * messages. Who has less than 4 KiB of content there is never the heaviest.
   */
  | { readonly kind: 'drop'; readonly tag: string; readonly keepBytes: number; readonly freeBytes: number }
  /** replaces the hour since which leaves keep a channel, hours since 1970; 0: none does any more */
  | { readonly kind: 'leaf-floor'; readonly tag: string; readonly hour: number }
  /** replaces what this peer asked us to keep; no tags: nothing */
  | {
      readonly kind: 'mailbox';
      readonly peer: string;
      readonly tags: readonly string[];
      readonly untilMs: number;
      /** how long this peer has been linked in all, ms, and the address group that it asked from */
      readonly linkedMs: number;
      readonly group: string;
    }
  | { readonly kind: 'address'; readonly url: string; readonly peer: string; readonly provenMs: number }
  | { readonly kind: 'record-sequence'; readonly sequence: number }
  /** remember `wallMs`; delete messages whose `expiresMs` is not 0 and at or before `wallMs` ({@link PRUNE_STEP} at a time), lapsed
   *  mailboxes and carried channels, minute sums that are no longer needed, idempotency keys older than
   *  {@link IDEMPOTENCY_MS} whose message is gone, and names and keys that nothing refers to any more (some at a time) */
  | { readonly kind: 'expire'; readonly wallMs: number };

/** What the chain of its author says of a message that was stored in an open channel. */
export interface Chained {
  /** the message that it names as the one before is not known here */
  readonly isGap?: true;
  /** it names the same one before as another message, and that is the first proof of it for its author and channel */
  readonly equivocates?: true;
}

/** One per operation, in order. Only message operations say more than that they were done. */
export type PersistResult =
  | ({ readonly kind: 'message'; readonly inserted: boolean; readonly arrival: number } & Chained)
  /** a known delete counts for the message: nothing of its content is kept */
  | { readonly kind: 'deleted' }
  /** of its kind in its feed a better record is here: nothing was stored */
  | { readonly kind: 'superseded' }
  /** the idempotency key belongs to the message `id` already: nothing was stored */
  | { readonly kind: 'repeated'; readonly id: string; readonly same: boolean }
  /** `next`: where to go on, undefined at the end */
  | { readonly kind: 'pruned'; readonly removed: number; readonly next: Position | undefined }
  /** bytes freed; `more`: the heaviest author is still above `keepBytes` */
  | { readonly kind: 'dropped'; readonly bytes: number; readonly more: boolean }
  /** messages removed; `more`: there are more expired ones */
  | { readonly kind: 'expired'; readonly removed: number; readonly more: boolean }
  | { readonly kind: 'done' };

/** Rows that one operation may look at or remove: a commit must not keep others waiting (measured: 10 to 25 ms with a million rows). */
export const PRUNE_STEP = 256;

/** Whether an operation removes messages: all that was handed over before it is stored before it, or a message that was looked
 *  at against the floor of then would come to lie below that of now. */
export function isRemoval({ kind }: PersistOp): boolean {
  return kind === 'prune' || kind === 'drop' || kind === 'expire';
}
/** A request that is repeated within this time is recognised, though its message is gone (guess: the retention). */
export const IDEMPOTENCY_MS = 90 * 24 * 60 * 60 * 1000;

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

/** The sum of a window. */
export interface WindowSum extends Sum {
  /** no message is known from the window's end up to this minute, exclusive: the sum up to it is the same. Up to
   *  {@link MINUTE_END} if none is known there at all; stores may say less than is true */
  readonly sameUntil: number;
}

/** Place of a message in the order of display and catch-up. */
export interface Position {
  readonly time: Time;
  readonly id: Bytes;
}

/** Order of display and catch-up: time, then id. */
export function comparePosition(a: Position, b: Position): number {
  return compareTime(a.time, b.time) || compare(a.id, b.id);
}

/** Half-open range of (time, id), [from, until). A bound's id may be a prefix, whose missing bytes count as zero; 33 bytes
 *  FF come after every id. */
export interface PositionRange {
  readonly from: Position;
  readonly until: Position;
}

/** A range that is to be cut into pieces of about `size` messages, 1 or more. */
export interface SplitRange extends PositionRange {
  readonly size: number;
}

/** What lies between the end of the piece before it, or the start of the range, and `end` (exclusive). */
export interface Piece extends Sum {
  readonly end: Position;
}

/** Messages that one query walks over one by one, where no sums help: then its answer ends early (measured: 7 ms). */
export const SCAN_STEP = 8192;
/** An hour with so many times the size of a piece is cut (guess: fewer would be walked over too often). */
export const HOUR_SIZES = 4;

/** Whether an id is known here, and of which only the header: `wanted` is to be fetched, `dropped` had to go, `deleted` was
 *  deleted by its author. `named` is not known, but a delete names it: that of its author, or of somebody else. */
export type Holding = 'unknown' | 'named' | 'wanted' | 'dropped' | 'deleted' | 'held';

/** What a tag costs. */
export interface TagUse {
  readonly tag: string;
  /** messages of others, with content or without, and their bytes */
  readonly messages: number;
  readonly bytes: number;
  /** bytes of own messages */
  readonly ownBytes: number;
  /** the floor that pruning has set, hours since 1970, 0 for none */
  readonly floorHour: number;
}

export type Query =
  | { readonly kind: 'has'; readonly ids: readonly Bytes[] }
  /** headers whose content is wanted, after an arrival number, ascending */
  | { readonly kind: 'wanted'; readonly afterArrival: number; readonly limit: number }
  /** what everything costs */
  | { readonly kind: 'usage' }
  /** what others wrote in a tag by hour, ascending from `fromHour` on */
  | { readonly kind: 'hours'; readonly tag: string; readonly fromHour: number; readonly limit: number }
  /** stored messages by id, undefined where there is none */
  | { readonly kind: 'messages'; readonly ids: readonly Bytes[] }
  /** what is left of deleted messages by id, undefined where it is not deleted, or its delete is gone */
  | { readonly kind: 'tombstones'; readonly ids: readonly Bytes[] }
  /** `since`: a version that an earlier answer of this open store told, 0 for none; what has changed since is told too */
  | { readonly kind: 'sums'; readonly windows: readonly Window[]; readonly since?: number }
  /**
   * Ascending ranges of known messages of a tag, each as the pieces that it falls into. Whole hours stay whole as long as
   * they have at most {@link HOUR_SIZES} times `size` messages, and a piece ends with an hour as soon as it has three
   * quarters of `size`; but a range with more than `size` messages is never one piece. What else there is, longer hours and those that the range cuts, falls into pieces of exactly `size`
   * messages, each up to the shortest bound before the next one. Only the last piece of a range may have fewer, and only
   * that of an empty range has none. A `size` that no range reaches asks for sums.
   *
   * Whole hours, and whole minutes of the newest hours, come from the sums. What else is walked over ends the answer after
   * {@link SCAN_STEP} messages: then it has the first ranges only, and of the last of them perhaps only the first pieces;
   * never nothing.
   */
  | { readonly kind: 'split'; readonly tag: string; readonly ranges: readonly SplitRange[] }
  /** positions in ascending ranges of a tag, at most `limit` (1 or more) together */
  | {
      readonly kind: 'ids';
      readonly tag: string;
      readonly ranges: readonly PositionRange[];
      readonly limit: number;
    }
  /** posts of a channel as they are shown, ascending by (time, id), unexpired at `wallMs`: the `limit` oldest after
   *  `after`, or the `limit` newest without it; in both cases before `before` where that is given */
  | {
      readonly kind: 'page';
      readonly channel: string;
      readonly limit: number;
      readonly wallMs: number;
      readonly after?: Position;
      readonly before?: Position;
    }
  /** own messages that nobody confirmed as stored, or (`alone`) those for which one more keeper is to be found, after an
   *  arrival number, ascending */
  | {
      readonly kind: 'outbox';
      readonly afterArrival: number;
      readonly limit: number;
      readonly alone?: boolean;
    }
  | { readonly kind: 'idempotency'; readonly identity: string; readonly key: string }
  /** where the publishing clock of an identity in a channel stands; `seen` ignores times after `horizonMs` */
  | {
      readonly kind: 'head';
      readonly identity: string;
      readonly channel: string;
      readonly horizonMs: number;
    };

export type QueryAnswer =
  | { readonly kind: 'has'; readonly holdings: readonly Holding[] }
  | {
      readonly kind: 'wanted';
      readonly rows: readonly {
        readonly arrival: number;
        readonly id: Bytes;
        readonly tag: string;
        /** 32 bytes */
        readonly author: Bytes;
      }[];
    }
  | {
      readonly kind: 'usage';
      /** every tag of which a message is known, in no order */
      readonly tags: readonly TagUse[];
      /** bytes that the disk has room for; Number.MAX_SAFE_INTEGER where that is not known */
      readonly freeBytes: number;
    }
  | {
      readonly kind: 'hours';
      readonly hours: readonly { readonly hour: number; readonly messages: number; readonly bytes: number }[];
    }
  | { readonly kind: 'messages'; readonly messages: readonly (VerifiedMessage | undefined)[] }
  | { readonly kind: 'tombstones'; readonly tombstones: readonly (Tombstone | undefined)[] }
  | {
      readonly kind: 'sums';
      /** all of one moment, that of `version` */
      readonly sums: readonly WindowSum[];
      /** of what is known; it grows when that changes, and is no number that lasts: another opening counts anew */
      readonly version: number;
      /** windows in which all lies that has become known, or is no longer, after the version asked about; perhaps more than
       *  that. `undefined`: that may be anywhere, or was not asked */
      readonly changed: readonly Window[] | undefined;
    }
  | {
      readonly kind: 'split';
      readonly pieces: readonly (readonly Piece[])[];
      /** messages that were walked over one by one; stores differ in it */
      readonly walked: number;
    }
  | {
      readonly kind: 'ids';
      /** of each range, or of the first ones */
      readonly positions: readonly (readonly Position[])[];
      /** the first one that is left out; it lies in the last range that was answered */
      readonly next: Position | undefined;
    }
  | { readonly kind: 'page'; readonly messages: readonly VerifiedMessage[] }
  | {
      readonly kind: 'outbox';
      readonly rows: readonly {
        readonly arrival: number;
        readonly state: DeliveryState;
        /** who said that it is stored */
        readonly storedBy: readonly string[];
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
