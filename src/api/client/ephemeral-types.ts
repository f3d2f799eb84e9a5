/** The JSON shapes of drafts and activities: what is passed on and never stored. */
import type { Doing, RunState } from '../../core/message/ephemeral.ts';
import type { RelationName } from '../../core/message/message.ts';

export type { Doing, RunState };

/** Body of POST /v1/ephemerals. */
export interface PublishEphemeralJson {
  readonly channel: string;
  readonly kind: 'draft' | 'activity';
  /** what it belongs to, 43 characters of base64url; a new one if left out */
  readonly run?: string;
  /** of a draft all of the text so far, of an activity what it is about; at most 15 KiB */
  readonly text?: string;
  /** `open` if left out */
  readonly state?: RunState;
  /** of an activity; `typing` if left out */
  readonly doing?: Doing;
  /** id of the message that this one answers; short for a ref */
  readonly reply?: string;
  /** id of the first message of the thread; short for a ref */
  readonly thread?: string;
  readonly refs?: readonly { readonly relation: RelationName; readonly id: string }[];
  /** a local identity; the grant's own, else the daemon's first */
  readonly identity?: string;
}

/** Answer to it. */
export interface TakenJson {
  readonly channel: string;
  /** for the next one of the same run, and for the final message as a ref */
  readonly run: string;
}

/** A draft or an activity as a stream brings it. Of one run the newest counts, by time and counter. */
export interface EphemeralJson {
  readonly kind: 'draft' | 'activity';
  readonly channel: string;
  readonly author: string;
  /** null where its author named nothing */
  readonly run: string | null;
  /** ISO 8601 UTC with milliseconds */
  readonly time: string;
  readonly counter: number;
  readonly state: RunState;
  /** null for a draft */
  readonly doing: Doing | null;
  readonly text: string;
  readonly refs: readonly { readonly relation: RelationName | number; readonly id: string }[];
  readonly expires: string;
  readonly own: boolean;
}
