/** A message, and an ephemeral, as doors see them. */
import type { DeliveryState } from '../core/contract.ts';
import type { Doing, RunState } from '../core/message/ephemeral.ts';
import type { RelationName } from '../core/message/message.ts';

export interface MessageView {
  readonly id: string;
  readonly arrival: number;
  readonly channel: string;
  /** identity that signed it, id text */
  readonly author: string;
  /** ISO 8601 UTC with milliseconds */
  readonly time: string;
  /** breaks ties within a millisecond */
  readonly counter: number;
  readonly body: string;
  /** parsed JSON, or null if there is none or it is not JSON */
  readonly payload: unknown;
  /** when its author edited it last, ISO 8601: body and payload are those of the edit; absent if never */
  readonly edited?: string;
  readonly refs: readonly { readonly relation: RelationName | number; readonly id: string }[];
  /** ISO 8601, or null for never */
  readonly expires: string | null;
  /** true if a local identity wrote it */
  readonly own: boolean;
  /** only for own messages */
  readonly delivery: { readonly state: DeliveryState; readonly storedBy: readonly string[] } | null;
  /** its author has signed two messages after the same one in this channel: others may have been shown another history;
   *  absent if not */
  readonly equivocates?: true;
}

/** A draft or an activity as doors see it. Nobody keeps it. */
export interface EphemeralView {
  readonly kind: 'draft' | 'activity';
  readonly channel: string;
  /** identity that signed it, id text */
  readonly author: string;
  /** what it belongs to, 43 characters; null where its author named nothing */
  readonly run: string | null;
  /** ISO 8601 UTC with milliseconds; of one run the newest counts */
  readonly time: string;
  /** breaks ties within a millisecond */
  readonly counter: number;
  /** the run goes on, is complete, or was broken off */
  readonly state: RunState;
  /** null for a draft */
  readonly doing: Doing | null;
  /** of a draft all of the text so far, of an activity what it is about */
  readonly text: string;
  /** the run is not among them */
  readonly refs: readonly { readonly relation: RelationName | number; readonly id: string }[];
  /** ISO 8601 */
  readonly expires: string;
  readonly own: boolean;
}
