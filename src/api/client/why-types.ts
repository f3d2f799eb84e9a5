/**
 * The JSON shapes of `GET /v1/messages/{id}/why`: where one message is and why, and the way that it goes. Times are ISO
 * 8601 in UTC with milliseconds.
 */

import type { PassReason } from '../../core/contact/wake.ts';
import type { DeliveryState } from '../../core/contract.ts';
import type { KeeperStanding } from '../../core/delivery/journal.ts';
import type { RefusalReason } from '../../core/gossip/origins.ts';
import type { InboxRowJson } from './agent-types.ts';

export interface DeedJson {
  readonly peer: string;
  readonly at: string;
}

/** Who is asked to keep own messages. */
export interface KeeperJson {
  readonly peer: string;
  readonly standing: KeeperStanding;
}

/** How far the way to the next link is. */
export interface NextLinkJson {
  /** addresses that are known and not linked */
  readonly addresses: number;
  /** the one that is dialled next or being dialled, null for none */
  readonly url: string | null;
  /** when it is dialled; null while that is under way, and where there is none */
  readonly at: string | null;
  /** why its last dial failed, null if none did */
  readonly lastError: string | null;
}

/** What is missing for the next state, and what would bring it. */
export type MissingJson =
  | { readonly kind: 'nothing' }
  /** it is over: nobody takes it any more */
  | { readonly kind: 'expired'; readonly at: string }
  | { readonly kind: 'no-link'; readonly next: NextLinkJson }
  /** linked peers are leaves, whose word does not count */
  | {
      readonly kind: 'no-relay';
      readonly leaves: readonly string[];
      readonly moreLeaves: number;
      readonly next: NextLinkJson;
    }
  /** the keeper has it and has not said that it is on its disk */
  | {
      readonly kind: 'confirmation';
      readonly keeper: KeeperJson;
      readonly pushed: string;
      readonly again: string;
    }
  /** others are with the keeper before it */
  | { readonly kind: 'turn'; readonly keeper: KeeperJson; readonly unconfirmed: number };

export interface DeliveryWhyJson {
  readonly state: DeliveryState;
  /** who said that it is on its disk; `at` null where an earlier run heard it */
  readonly storedBy: readonly {
    readonly peer: string;
    readonly at: string | null;
    readonly standing: KeeperStanding | null;
  }[];
  /** times that it was handed to a keeper in this run */
  readonly attempts: number;
  readonly firstAttempt: string | null;
  /** links that took it in this run */
  readonly takenBy: readonly DeedJson[];
  readonly moreTakers: number;
  readonly missing: MissingJson;
}

/** Where it is in this daemon. */
export type HereJson =
  /** with its content */
  | { readonly state: 'held'; readonly arrival: number }
  /** only its header: the content is over the rate of its author and is fetched later */
  | {
      readonly state: 'wanted';
      readonly arrival: number;
      readonly fetching: 'asked' | 'tried' | 'not-yet';
      /** when it is asked for again, at the earliest */
      readonly next: string | null;
      /** links that have the channel too */
      readonly links: number | null;
    }
  /** only its header: the channel was over its limit, and the content had to go */
  | { readonly state: 'dropped'; readonly arrival: number }
  /** only its header: its author deleted it */
  | { readonly state: 'deleted'; readonly arrival: number }
  /** its expiry has passed: it is shown to nobody and removed soon */
  | { readonly state: 'expired'; readonly arrival: number }
  /** passed on within the last minutes and not kept: the channel is not held, it is older than its floor, or there is no room */
  | { readonly state: 'passed'; readonly because: 'not-held' | 'below-floor' | 'no-room' | 'not-yet' }
  /** copies came and were not taken */
  | {
      readonly state: 'refused';
      readonly reason: RefusalReason;
      readonly peer: string;
      readonly at: string;
    };

export interface PathRelayJson {
  readonly peer: string;
  /** null for the root */
  readonly parent: string | null;
  readonly depth: number;
  readonly interested: boolean;
  /** this daemon */
  readonly own: boolean;
  /** linked with this daemon */
  readonly linked: boolean;
  readonly url: string | null;
}

/** The way of the channel's messages, as this peer knows it. */
export type PathJson =
  | {
      readonly kind: 'leaf';
      readonly home: readonly {
        readonly peer: string;
        readonly live: boolean;
        /** it heard from us that we want the channel, and says that it holds it */
        readonly told: boolean;
        readonly holds: boolean;
        readonly keepsMailbox: boolean;
      }[];
    }
  | {
      readonly kind: 'relay';
      readonly root: {
        readonly peer: string;
        /** it began here; it came along this tree; or that is not known, and this is the way from here */
        readonly basis: 'own' | 'came' | 'assumed';
        readonly known: boolean;
      };
      readonly relays: readonly PathRelayJson[];
      readonly moreRelays: number;
      readonly interested: number;
      readonly cut: readonly {
        readonly peer: string;
        readonly url: string | null;
        readonly why: 'no-record' | 'not-mutual' | 'apart' | 'alone';
      }[];
      readonly moreCut: number;
      readonly leaves: readonly { readonly peer: string; readonly live: boolean }[];
      readonly moreLeaves: number;
    };

/** What the desk of the agent decided about a message of somebody else. */
export type AgentWhyJson =
  /** it was for the agent: this became of it */
  | { readonly kind: 'inbox'; readonly row: InboxRowJson }
  /** it was not; `rules-changed`: by the rules as they are now it would have been */
  | { readonly kind: 'passed-over'; readonly because: PassReason | 'rules-changed' }
  | { readonly kind: 'not-looked-at' }
  /** nobody may wake an agent here, or nowhere */
  | { readonly kind: 'no-agent' };

/** A header that its author has signed, as base64url. */
export interface StatementJson {
  /** id of the message */
  readonly id: string;
  readonly bytes: string;
  readonly signature: string;
}

/** Two messages of one author that name the same one before: proof for anybody. */
export interface EquivocationJson {
  readonly first: StatementJson;
  readonly second: StatementJson;
}

export interface WhyJson {
  readonly id: string;
  /** when this was looked up */
  readonly now: string;
  /** this daemon as a peer */
  readonly peer: string;
  readonly role: 'relay' | 'leaf';
  /** null where only refused copies came */
  readonly message: {
    readonly channel: string;
    readonly author: string;
    readonly time: string;
    readonly expires: string | null;
  } | null;
  readonly own: boolean;
  readonly here: HereJson;
  /** how the channel is kept here */
  readonly channel: {
    readonly joined: boolean;
    readonly held: boolean;
    /** it is complete here from then on */
    readonly since: string | null;
  } | null;
  /** the first link that it came by, as far as that is remembered */
  readonly came: { readonly peer: string; readonly root: string | null; readonly at: string } | null;
  /** only for own messages */
  readonly delivery: DeliveryWhyJson | null;
  /** what the desk of the agent decided; null for own messages and those that are not held */
  readonly agent: AgentWhyJson | null;
  /** its author has signed two messages after the same one in this channel; null if not */
  readonly equivocation: EquivocationJson | null;
  readonly path: PathJson | null;
}
