/** A message as doors see it. */
import type { DeliveryState } from '../core/contract.ts';
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
  readonly refs: readonly { readonly relation: RelationName | number; readonly id: string }[];
  /** ISO 8601, or null for never */
  readonly expires: string | null;
  /** true if a local identity wrote it */
  readonly own: boolean;
  /** only for own messages */
  readonly delivery: { readonly state: DeliveryState; readonly storedBy: readonly string[] } | null;
}
