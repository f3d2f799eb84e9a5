/**
 * What the daemon remembers for the agent of an identity: contacts, channels that wake it, and its inbox. Beside the
 * store of messages, in the same file, and written by the daemon itself: the mesh knows nothing of it.
 *
 * Every call is one durable transaction or a read. Failures are `MeshError` with a store code; ids that are no ids are
 * a RangeError, as in `store.ts`.
 */

import type { InboxState } from '../core/contact/inbox.ts';
import type { WakeMode, WakeReason } from '../core/contact/wake.ts';

export interface ContactRow {
  /** id text of the other identity */
  readonly other: string;
  readonly tier: 'allowed';
  /** '' for none; unique per identity */
  readonly name: string;
  /** ms since 1970 */
  readonly sinceMs: number;
}

export interface WakeRow {
  readonly channel: string;
  readonly mode: Exclude<WakeMode, 'never'>;
  readonly names: readonly string[];
  /** messages with a higher arrival number wake... */
  readonly after: number;
  /** ...that were not written before this time, ms since 1970 */
  readonly sinceMs: number;
}

/** A message that is for the agent. Words are those of the API. */
export interface NewInboxRow {
  /** id text of the message */
  readonly id: string;
  readonly channel: string;
  readonly author: string;
  /** ms since 1970: when this was decided */
  readonly atMs: number;
  readonly why: WakeReason;
  readonly hops: number;
  readonly state: 'waiting' | 'held';
  /** '' where the state needs no reason */
  readonly reason: string;
}

export interface InboxRow extends Omit<NewInboxRow, 'state'> {
  readonly number: number;
  readonly identity: string;
  readonly state: InboxState;
  /** times that it was handed over */
  readonly attempts: number;
  /** handed over once more under another id */
  readonly retried: boolean;
  /** what it counts in the budget, and when: ms since 1970, at first when it was let in, then when it was handed over */
  readonly turns: number;
  readonly turnAtMs: number;
  /** messages that were published as its answer */
  readonly answers: number;
  /** idempotency key under which an answer to another message is published that answers this one too; '' for none */
  readonly answeredKey: string;
}

/** What may change of a row. */
export type InboxChange = Partial<
  Pick<
    InboxRow,
    'state' | 'reason' | 'attempts' | 'retried' | 'turns' | 'turnAtMs' | 'answers' | 'answeredKey'
  >
>;

export interface InboxStore {
  contacts(identity: string): ContactRow[];
  /** adds or replaces; a name that another contact has is a RangeError */
  setContact(identity: string, contact: ContactRow): void;
  /** false if there was none */
  removeContact(identity: string, other: string): boolean;

  wakes(identity: string): WakeRow[];
  setWake(identity: string, wake: WakeRow): void;
  removeWake(identity: string, channel: string): void;

  /** arrival number up to which messages were looked at, undefined if none ever was */
  cursor(identity: string): number | undefined;
  /** rows and the cursor behind them, in one transaction; a message that is in the inbox already changes nothing */
  add(identity: string, rows: readonly NewInboxRow[], cursor: number): void;
  row(number: number): InboxRow | undefined;
  rowOf(identity: string, id: string): InboxRow | undefined;
  change(changes: readonly { readonly number: number; readonly change: InboxChange }[]): void;
  /** rows in the state `waiting` or `handed`, by number, after `after` */
  open(identity: string, after: number, limit: number): InboxRow[];
  /** rows in the state `handed`, by number */
  handed(identity: string): InboxRow[];
  /** rows in these states */
  countOpen(identity: string): { readonly waiting: number; readonly handed: number };
  /** rows in the state `waiting` by one author */
  countWaitingOf(identity: string, author: string): number;
  /** rows decided after `sinceMs` with this reason */
  countReason(identity: string, reason: string, sinceMs: number): number;
  /** rows decided after `sinceMs` that stayed unanswered or were held */
  countUnanswered(identity: string, sinceMs: number): number;
  /** turns after `sinceMs` (exclusive) of one author or in one channel; `handedOnly`: without those that still wait */
  countTurns(
    identity: string,
    of: { readonly author: string } | { readonly channel: string },
    window: { readonly sinceMs: number; readonly handedOnly: boolean },
  ): number;
  /** the newest `limit` rows below the number `before`, ascending */
  page(identity: string, limit: number, before: number): InboxRow[];
  /** removes rows that are done and were decided before `untilMs`, oldest first, and those beyond `most`, but none with
   *  turns after `turnsSinceMs`; at most 256 in one call. @returns how many */
  prune(
    identity: string,
    limits: { readonly untilMs: number; readonly most: number; readonly turnsSinceMs: number },
  ): number;
  /** brings times after `nowMs` back to it: the clock was set back since */
  clampTimes(identity: string, nowMs: number): void;
}
