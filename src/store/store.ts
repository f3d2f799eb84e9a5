/**
 * What the daemon and the simulator hold of a store. SQLite (`sqlite.ts`) and the memory twin (`memory.ts`) implement
 * it and pass one acceptance suite. All calls are synchronous; failures are `MeshError` with a store code.
 */

import type { Bytes } from '../core/bytes.ts';
import type { DeliveryState, RestoredState, RetentionPolicy } from '../core/contract.ts';
import type { Time } from '../core/message/time.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import type { Holding, PersistOp, PersistResult, Position, Query, QueryAnswer } from '../core/persistence.ts';

/** A message as local clients see it. */
export interface StoredMessage {
  readonly arrival: number;
  readonly message: VerifiedMessage;
  /** for own messages: state and who says `stored` */
  readonly delivery: { readonly state: DeliveryState; readonly storedBy: readonly string[] } | undefined;
  /** its author has named one message as the one before in two others, in this channel: see {@link Equivocation} */
  readonly equivocates: boolean;
  /** the newest edit that counts for it and is held, of the {@link EDITS_MAX} newest; absent if there is none */
  readonly edit?: VerifiedMessage;
}

/** What an edit or a delete has changed of posts that came before it. */
export interface Change {
  /** of the edit or delete */
  readonly arrival: number;
  readonly channel: string;
  /** id texts of posts that it deleted */
  readonly deleted: readonly string[];
  /** posts that it gave another text, or by deleting an edit one of before, as they are now */
  readonly edited: readonly StoredMessage[];
}

export interface ChangePage {
  readonly changes: readonly Change[];
  /** the arrival number to go on behind, undefined at the end */
  readonly next: number | undefined;
}

/** A header that its author has signed: provable without its content. */
export interface Statement {
  /** id text of the message */
  readonly id: string;
  /** the signed bytes */
  readonly bytes: Bytes;
  /** 64 bytes */
  readonly signature: Bytes;
}

/** Two messages of one author in one channel that name the same one before. `first` came first here. */
export interface Equivocation {
  readonly first: Statement;
  readonly second: Statement;
}

/** Edits of one message that are looked at: newer ones may be dropped, deleted or expired (guess: none is, mostly). */
export const EDITS_MAX = 16;

export interface ChannelRow {
  readonly channel: string;
  readonly tag: string;
  readonly joined: boolean;
  /** of a joined channel; empty where nothing was set */
  readonly policy: RetentionPolicy;
  readonly messages: number;
  /** of the whole tag, own messages included, as `persistence.ts` counts them */
  readonly bytes: number;
  /** arrival number of the newest message that clients are shown, 0 if there is none */
  readonly lastArrival: number;
}

/** Ids from `from` to `until`, both among them; 32 bytes each. */
export interface IdRange {
  readonly from: Bytes;
  readonly until: Bytes;
}

/** What is known of a message beside its content, whether that is held or not. */
export interface KnownMessage {
  /** id text */
  readonly id: string;
  readonly arrival: number;
  readonly kind: number;
  readonly holding: Exclude<Holding, 'unknown' | 'named'>;
  readonly channel: string;
  /** id text */
  readonly author: string;
  readonly time: Time;
  /** ms, 0 for never */
  readonly expiresMs: number;
  readonly delivery: StoredMessage['delivery'];
}

export interface Store {
  /**
   * Applies the operations of several persist effects in one durable transaction (fsync done when it returns).
   * Throws `MeshError('store_failed')` and then nothing of the whole call was applied.
   */
  transact(effects: readonly (readonly PersistOp[])[]): PersistResult[][];
  read(query: Query): QueryAnswer;
  /** what survived, without the identities (those are key files) */
  restore(): Omit<RestoredState, 'identities'>;
  /** a page of one channel in (time, id) order, always returned ascending: the `limit` newest before `before`, or the
   *  `limit` oldest after `after` (and before `before`, if both are given), or the newest `limit` with neither. Expired
   *  messages at `wallMs` are left out, and the page is shorter than `limit` only at the end. Pages and arrivals hold
   *  posts only: other kinds are kept for the mesh, and however many there are, a page costs the same. */
  readPage(page: {
    readonly channel: string;
    readonly limit: number;
    readonly wallMs: number;
    readonly before?: Position;
    readonly after?: Position;
  }): StoredMessage[];
  /** posts with an arrival number above `after`, ascending: those in joined channels and all own ones, or only those
   *  in `channels`. Shorter than `limit` only at the end. */
  readArrivals(page: {
    readonly after: number;
    readonly limit: number;
    readonly wallMs: number;
    readonly channels?: readonly string[];
  }): StoredMessage[];
  /** what edits and deletes with an arrival number above `after` have changed, ascending by it, in the channels of
   *  {@link Store.readArrivals}; edits, deletes and the posts that they lead to count towards `limit`, and a page ends
   *  early where those posts are long: see `change-page.ts`. A post is told once in a page, with its last change there. Each
   *  says how a post is now, so what is told twice, or late, does no harm. */
  readChanges(page: {
    readonly after: number;
    readonly limit: number;
    readonly wallMs: number;
    readonly channels?: readonly string[];
  }): ChangePage;
  readMessage(id: string): StoredMessage | undefined;
  /** messages whose id lies in the range, ascending by id, at most `limit` */
  known(range: IdRange, limit: number): KnownMessage[];
  /** the proof that is kept of an author, id text, in a channel; undefined where there is none */
  equivocation(channel: string, author: string): Equivocation | undefined;
  channels(): ChannelRow[];
  /** highest arrival number given so far, 0 at the start */
  lastArrival(): number;
  /** own messages that nobody confirmed as stored, counted up to `most` */
  outboxSize(most: number): number;
  /** releases the lock; idempotent */
  close(): void;
}
