/** What doors see of the desk: the daemon's half of the API for agents. The words are explained in `core/contact`. */

import type { AckOutcome, InboxState, UnansweredReason } from '../../core/contact/inbox.ts';
import type { HeldReason, PassReason, WakeMode, WakeReason } from '../../core/contact/wake.ts';
import type { DeliveryState } from '../../core/contract.ts';
import type { MessageView } from '../message-view.ts';

export interface ContactView {
  readonly identity: string;
  readonly name: string | null;
  readonly tier: 'allowed';
  readonly since: string;
}

export interface WakeView {
  readonly channel: string;
  readonly wake: WakeMode;
  readonly names: readonly string[];
}

export interface WakeRequest {
  readonly channel: string;
  readonly wake: WakeMode;
  readonly names?: readonly string[];
}

export interface InboxRowView {
  readonly number: number;
  readonly id: string;
  readonly identity: string;
  readonly channel: string;
  readonly author: string;
  readonly name: string | null;
  readonly at: string;
  readonly why: WakeReason;
  readonly hops: number;
  readonly state: InboxState;
  readonly reason: HeldReason | UnansweredReason | null;
  readonly attempts: number;
  readonly answers: number;
}

/** What the desk decided about a message of somebody else. */
export type AgentWhyView =
  /** it was for the agent: this became of it */
  | { readonly kind: 'inbox'; readonly row: InboxRowView }
  /** it was not; `rules-changed`: by the rules as they are now it would have been */
  | { readonly kind: 'passed-over'; readonly because: PassReason | 'rules-changed' }
  | { readonly kind: 'not-looked-at' }
  /** nobody may wake an agent here, or nowhere */
  | { readonly kind: 'no-agent' };

export interface InboxItemView {
  readonly number: number;
  readonly handover: string;
  readonly attempt: number;
  readonly identity: string;
  readonly why: WakeReason;
  readonly hops: number;
  readonly from: { readonly identity: string; readonly name: string | null };
  readonly thread: string | null;
  readonly message: MessageView;
}

export interface AttachedView {
  readonly identity: string;
  readonly contacts: readonly ContactView[];
  readonly channels: readonly WakeView[];
}

export type InboxEventView =
  | { readonly kind: 'attached'; readonly attached: AttachedView }
  | { readonly kind: 'item'; readonly item: InboxItemView };

export interface AckRequest {
  readonly number: number;
  readonly attempt: number;
  readonly outcome: AckOutcome;
}

export interface AnswerRequest {
  readonly number: number;
  readonly part: number;
  readonly body: string;
  readonly notice?: boolean;
  readonly also?: readonly number[];
}

export interface AgentView {
  readonly client: { readonly name: string; readonly since: string } | null;
  readonly contacts: number;
  readonly channels: readonly WakeView[];
  readonly waiting: number;
  readonly handed: number;
  readonly unanswered: number;
  readonly budget: {
    readonly contactHour: number;
    readonly contactDay: number;
    readonly channelHour: number;
    readonly channelDay: number;
    readonly hops: number;
  };
}

/** What doors can do for the agent of the daemon's first identity, and for its owner. All reject with `MeshError`. */
export interface AgentGate {
  /** id text of the agent's identity */
  readonly identity: string;
  status(): AgentView;
  contacts(): readonly ContactView[];
  /** `bad_request` for an own identity, a name that is taken, or one contact too many */
  allow(request: { identity: string; name?: string }): ContactView & { readonly isNew: boolean };
  removeContact(identity: string): { readonly identity: string; readonly wasContact: boolean };
  /** joins the channel if it must */
  setWake(request: WakeRequest): Promise<WakeView>;
  /** the newest `limit` rows below the number `before`, ascending */
  inbox(page: { limit: number; before?: number }): readonly InboxRowView[];
  /**
   * Attaches a client: what concerns it, then each message for the agent once it is its turn. Ends with the signal, or
   * when a client of the same name attaches. `inbox_taken` while one of another name is attached.
   */
  attach(client: string, signal: AbortSignal): AsyncIterable<InboxEventView>;
  /** `not_found` for what is not handed over, or not in this attempt */
  acknowledge(request: AckRequest): { readonly number: number; readonly state: InboxState };
  /** `not_found` for a number that is not in the inbox */
  answer(request: AnswerRequest): Promise<{ id: string; state: DeliveryState; isNew: boolean }>;
}
