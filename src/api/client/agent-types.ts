/**
 * The JSON shapes of what concerns agents: contacts, what wakes an agent, and the inbox that it takes its work from.
 * Types only, as `types.ts`.
 */
import type { AckOutcome, InboxState, UnansweredReason } from '../../core/contact/inbox.ts';
import type { HeldReason, WakeMode, WakeReason } from '../../core/contact/wake.ts';
import type { DeliveryState, MessageJson } from './types.ts';

export type { AckOutcome, InboxState, WakeMode, WakeReason };

/** Why a message stayed unanswered or was held. */
export type InboxReason = HeldReason | UnansweredReason;

/** How an identity treats another one. Whoever is no contact is a stranger: readable, and never wakes an agent. */
export interface ContactJson {
  /** id text of the other identity */
  readonly identity: string;
  /** a name that the owner gave it here, or null; nobody else sees it */
  readonly name: string | null;
  /** may wake the agent where a channel is set to wake it */
  readonly tier: 'allowed';
  /** ISO 8601 */
  readonly since: string;
}

/** Body of POST /v1/contacts. */
export interface AllowJson {
  readonly identity: string;
  /** 1 to 64 characters, unique here; left out: the name it has, or none */
  readonly name?: string;
}

/** Body of POST /v1/channels/wake; a channel that is not joined is joined. */
export interface SetWakeJson {
  readonly channel: string;
  readonly wake: WakeMode;
  /** `@name` in a text mentions the agent too; left out: what was set before, or none */
  readonly names?: readonly string[];
}

export interface WakeJson {
  readonly channel: string;
  readonly wake: WakeMode;
  readonly names: readonly string[];
}

/** One message for the agent, as `GET /v1/inbox` lists it. */
export interface InboxRowJson {
  /** position in the inbox; grows and is never used twice */
  readonly number: number;
  /** id of the message */
  readonly id: string;
  /** the local identity that it is for */
  readonly identity: string;
  readonly channel: string;
  readonly author: string;
  /** name of the contact, or null */
  readonly name: string | null;
  /** ISO 8601: when it was let in or held */
  readonly at: string;
  readonly why: WakeReason;
  /** automatic answers before this one, as its author says */
  readonly hops: number;
  readonly state: InboxState;
  readonly reason: InboxReason | null;
  /** times that it was handed to a client */
  readonly attempts: number;
  /** messages that were published as its answer */
  readonly answers: number;
}

/** A message handed to the client of the agent: an `item` event of `GET /v1/inbox/events`. */
export interface InboxItemJson {
  readonly number: number;
  /**
   * What the agent's runtime is to know the message by: its id, so that a runtime that has had it skips it. Where
   * that left a message without an answer it is handed over once more under another one, which begins with the id.
   */
  readonly handover: string;
  /** 1 for the first time; goes back with the acknowledgement */
  readonly attempt: number;
  readonly identity: string;
  readonly why: WakeReason;
  readonly hops: number;
  /** the verified author, and the name that the owner gave it */
  readonly from: { readonly identity: string; readonly name: string | null };
  /** id of the first message of the thread that it stands in, or null */
  readonly thread: string | null;
  readonly message: MessageJson;
}

/** The `attached` event: first on each connection, and again when contacts or channels change. */
export interface AttachedJson {
  readonly identity: string;
  readonly contacts: readonly ContactJson[];
  /** channels that wake the agent */
  readonly channels: readonly WakeJson[];
}

/** Events of `GET /v1/inbox/events?client=NAME`. */
export type InboxEvent =
  | { readonly kind: 'attached'; readonly attached: AttachedJson }
  | { readonly kind: 'item'; readonly item: InboxItemJson };

/** Body of POST /v1/inbox/ack. Only the newest attempt can be acknowledged (`not_found` otherwise). */
export interface AckJson {
  readonly number: number;
  readonly attempt: number;
  readonly outcome: AckOutcome;
}

/** Answer of it: `waiting` says that the message comes once more. */
export interface AckedJson {
  readonly number: number;
  readonly state: InboxState;
}

/**
 * Body of POST /v1/inbox/answers: a message in the same channel that answers an item, in its thread or beginning one.
 * What was published for the same item and part before is not published again, whatever the text.
 */
export interface AnswerJson {
  readonly number: number;
  /** 1, 2, 3 ... : which message of the answer this is, 64 at most */
  readonly part: number;
  readonly body: string;
  /** it tells that something went wrong: nobody's agent is woken by it, and it does not count as an answer */
  readonly notice?: boolean;
  /** other items that this message answers too */
  readonly also?: readonly number[];
}

export interface AnsweredJson {
  readonly id: string;
  readonly state: DeliveryState;
  /** false: this part was published before, and the text given now was not */
  readonly isNew: boolean;
}

/** Answer of GET /v1/agent: who speaks for the agent now, what lies in its inbox, and what it may cost. */
export interface AgentJson {
  /** the client that takes from the inbox, or null */
  readonly client: { readonly name: string; readonly since: string } | null;
  readonly contacts: number;
  readonly channels: readonly WakeJson[];
  /** messages for a client, handed to it, and left unanswered or held in the last 24 hours */
  readonly waiting: number;
  readonly handed: number;
  readonly unanswered: number;
  /** turns in an hour and a day, for each contact and for each channel, and automatic answers in a row */
  readonly budget: {
    readonly contactHour: number;
    readonly contactDay: number;
    readonly channelHour: number;
    readonly channelDay: number;
    readonly hops: number;
  };
}
