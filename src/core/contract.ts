/**
 * The contract between the core and the world: everything that can happen to a peer ({@link Event}) and everything that
 * it can want done ({@link Effect}), as closed unions. Exactly two interpreters execute effects: `daemon/runner.ts` with
 * sockets and SQLite, and `sim/network.ts` with a queue and memory.
 *
 * Rules for interpreters:
 * 1. Execute all effects of one `handle` call, in order, before the next event.
 * 2. Answer `verify`, `sign`, `agree`, `read` and `persist` with exactly one event that carries the same token.
 * 3. `persist` effects take effect each whole or not at all, bulks in their order and all others in theirs; one that removes
 *    messages (`isRemoval` in `persistence.ts`) comes after all that came before it. `persisted` only after the disk has it.
 * 4. An effect for a link that is gone is ignored.
 */
import type { Bytes } from './bytes.ts';
import type { ErrorCode } from './errors.ts';
import type { EphemeralContent } from './message/ephemeral.ts';
import type { Ref } from './message/message.ts';
import type { SignatureCheck, Verification, VerifiedMessage } from './message/verified.ts';
import type {
  DeliveryState,
  PersistOp,
  PersistResult,
  Query,
  QueryAnswer,
  RetentionPolicy,
} from './persistence.ts';

/** The clock as a parameter: monotonic for intervals, wall for dates. Milliseconds. */
export interface Now {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Number of a socket, given by the interpreter, never used twice in one run. */
export type LinkId = number;
/** Ties an answer to its question. */
export type Token = number;
/** Ties a client's command to its reply; chosen by the interpreter. */
export type RequestId = number;

/**
 * Whether a frame may be dropped: not at all; when the queue is full (`linkQueueBytesMax`), because catch-up or the outbox
 * repairs it; or `first`, when it has not left by itself (`ephemeralLinkQueueBytes`), because nobody misses it.
 */
export type Droppable = boolean | 'first';

/** How public an address is. A hint may name only what is at least as public as the place it came from. */
export type Scope = 'loopback' | 'private' | 'public';

/** Opaque to interpreters: handed back unchanged when due. */
export type Timer =
  | { readonly kind: 'second' }
  | { readonly kind: 'flush' }
  | { readonly kind: 'announce' }
  | { readonly kind: 'announced' }
  | { readonly kind: 'records' }
  | { readonly kind: 'heads' }
  | { readonly kind: 'echo' }
  | { readonly kind: 'ephemeral' }
  | { readonly kind: 'ephemeral-own' }
  | { readonly kind: 'heartbeat'; readonly link: LinkId };

/** What a daemon remembers over restarts and gives to the core once. */
export interface RestoredState {
  /** local identities that may publish (id texts) */
  readonly identities: readonly string[];
  readonly joined: readonly { readonly channel: string; readonly policy: RetentionPolicy }[];
  /** carried channels: tag (base64url), until when (wall ms), from which hour on */
  readonly carried: readonly {
    readonly tag: string;
    readonly untilMs: number;
    readonly sinceHour: number;
  }[];
  /** floors that pruning has set: tag, hours since 1970 */
  readonly floors: readonly { readonly tag: string; readonly floorHour: number }[];
  /** the hour since which leaves keep a channel, where that is earlier than we would */
  readonly leafFloors: readonly { readonly tag: string; readonly hour: number }[];
  readonly mailboxes: readonly {
    readonly peer: string;
    readonly tags: readonly string[];
    readonly untilMs: number;
    /** how long this peer has been linked in all, ms, and the address group that it asked from */
    readonly linkedMs: number;
    readonly group: string;
  }[];
  /** addresses that were proven by a dial */
  readonly addresses: readonly { readonly url: string; readonly peer: string; readonly provenMs: number }[];
  /** highest sequence number that an own record had */
  readonly recordSequence: number;
  /** wall time at which what has expired was removed last, else the time of the newest arrival, 0 if there is neither */
  readonly clockMs: number;
}

/**
 * What came of the agreement on a link's session keys. Not `ok`: an all-zero result (`unauthorized`), or a record in
 * `early` that is not what the other side sealed (`record_damaged`).
 */
export type Agreement =
  | {
      readonly ok: true;
      /** the frames of what came early, in order */
      readonly early: readonly Bytes[];
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/** A message to publish, as a client asks for it. Names are NFC and checked, payload is JSON text as bytes or empty. */
export interface PublishCommand {
  readonly identity: string;
  readonly channel: string;
  readonly body: string;
  readonly payload: Bytes;
  readonly refs: readonly Ref[];
  readonly expiresMs: number;
  /** '' for none; unique per identity */
  readonly idempotencyKey: string;
  /** of a record of the identity's own feed; left out: a post in an open channel, or what amends posts there */
  readonly kind?: number;
}

/** An ephemeral of a local identity, as a client asks for it. The channel is NFC and checked. */
export interface EphemeralCommand {
  readonly identity: string;
  readonly channel: string;
  /** what it belongs to, 32 bytes */
  readonly run: Bytes;
  /** besides the run: at most 7 */
  readonly refs: readonly Ref[];
  readonly content: EphemeralContent;
}

export type Event =
  | { readonly kind: 'started'; readonly state: RestoredState }
  | {
      readonly kind: 'link-opened';
      readonly link: LinkId;
      readonly role: 'dialler' | 'responder';
      /** the URL that we dialled; empty for a responder */
      readonly url: string;
      /** how public the other end's network address is */
      readonly scope: Scope;
      /** that address as the host of a URL (`203.0.113.5`, `[2001:db8::1]`), '' if it is not known */
      readonly host: string;
      /** 16 fresh random bytes */
      readonly nonce: Bytes;
      /** our fresh X25519 public key for this link, 32 bytes; the private half stays with the interpreter */
      readonly ephemeral: Bytes;
    }
  | { readonly kind: 'dial-failed'; readonly url: string; readonly reason: string }
  | { readonly kind: 'text-received'; readonly link: LinkId; readonly text: string }
  | { readonly kind: 'frame-received'; readonly link: LinkId; readonly bytes: Bytes }
  /** a `send` or `send-text` has left our queue; `notify` is the number that it carried. A frame that was dropped is not answered */
  | { readonly kind: 'link-flushed'; readonly link: LinkId; readonly notify: number }
  | { readonly kind: 'link-closed'; readonly link: LinkId; readonly reason: string }
  | { readonly kind: 'timer'; readonly timer: Timer }
  | {
      readonly kind: 'verified';
      readonly token: Token;
      readonly proofs: readonly (Verification | undefined)[];
    }
  | { readonly kind: 'signed'; readonly token: Token; readonly signatures: readonly Bytes[] }
  | { readonly kind: 'agreed'; readonly token: Token; readonly agreement: Agreement }
  | { readonly kind: 'read'; readonly token: Token; readonly answer: QueryAnswer | undefined }
  | { readonly kind: 'persisted'; readonly token: Token; readonly results: readonly PersistResult[] }
  | { readonly kind: 'persist-failed'; readonly token: Token; readonly code: ErrorCode }
  | {
      readonly kind: 'addresses';
      readonly source: string;
      readonly scope: Scope;
      /** expected peer id, or '' where it is not known */
      readonly addresses: readonly { readonly url: string; readonly peer: string }[];
      /** configured by the operator: always dialled */
      readonly fixed: boolean;
      /** named by somebody whom nobody vouches for, as on a local network: counts as what a peer names */
      readonly unproven?: boolean;
    }
  /** our port for peers is open to others (1 to 65535): neighbours are asked to prove that by dialling back */
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'join'; readonly request: RequestId; readonly channel: string }
  | { readonly kind: 'leave'; readonly request: RequestId; readonly channel: string }
  /** replaces the retention policy of a joined channel */
  | {
      readonly kind: 'retain';
      readonly request: RequestId;
      readonly channel: string;
      readonly policy: RetentionPolicy;
    }
  | { readonly kind: 'publish'; readonly request: RequestId; readonly command: PublishCommand }
  | { readonly kind: 'ephemeral'; readonly request: RequestId; readonly command: EphemeralCommand }
  /** stored messages were found damaged: they are `wanted` from now on */
  | { readonly kind: 'damaged' };

/** What a client learns of its command. `publish` is answered only when the message is durable. */
export type Reply =
  | { readonly kind: 'joined'; readonly channel: string; readonly isNew: boolean }
  /** `wasJoined` false: there was nothing to leave */
  | { readonly kind: 'left'; readonly channel: string; readonly wasJoined: boolean }
  | { readonly kind: 'retained'; readonly channel: string }
  | { readonly kind: 'published'; readonly id: string; readonly isNew: boolean }
  /** an ephemeral will leave, or a newer one of its run instead */
  | { readonly kind: 'taken' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string };

export type Effect =
  | { readonly kind: 'dial'; readonly url: string; readonly scope: Scope }
  /** `notify` as in `send` */
  | { readonly kind: 'send-text'; readonly link: LinkId; readonly text: string; readonly notify: number }
  /**
   * the link speaks mesh/1: it is up, its texts may have so many bytes, and since mesh/1 answers no pings, the interpreter
   * sees to it that a dead connection ends
   */
  | { readonly kind: 'mesh1'; readonly link: LinkId; readonly textBytesMax: number }
  | {
      readonly kind: 'send';
      readonly links: readonly LinkId[];
      readonly frame: Bytes;
      readonly droppable: Droppable;
      /** not 0: answer with `link-flushed` and this number for each link that took the frame */
      readonly notify: number;
    }
  | { readonly kind: 'close'; readonly link: LinkId; readonly code: ErrorCode; readonly detail: string }
  /** do not read the link for this long: it is over its budget */
  | { readonly kind: 'pause'; readonly link: LinkId; readonly delayMs: number }
  | { readonly kind: 'timer'; readonly timer: Timer; readonly delayMs: number }
  | {
      readonly kind: 'verify';
      readonly token: Token;
      readonly checks: readonly SignatureCheck[];
      /** of messages that are fetched by the hundred: whatever else comes goes first */
      readonly isBulk?: boolean;
    }
  /** `key` is `peer` or the id text of a local identity */
  | {
      readonly kind: 'sign';
      readonly token: Token;
      readonly items: readonly { readonly key: string; readonly data: Bytes }[];
    }
  /**
   * derive session keys from our ephemeral key of this link and theirs; `transcript` binds them to the handshake. With
   * `isSealed` everything that is sent and received from now on is sealed with them, frames that arrive too; `early` has
   * come before and is opened with the answer
   */
  | {
      readonly kind: 'agree';
      readonly token: Token;
      readonly link: LinkId;
      readonly publicKey: Bytes;
      readonly transcript: Bytes;
      readonly isSealed: boolean;
      readonly early: readonly Bytes[];
    }
  | { readonly kind: 'read'; readonly token: Token; readonly query: Query }
  | {
      readonly kind: 'persist';
      readonly token: Token;
      readonly ops: readonly PersistOp[];
      /** as for `verify`; the order of these and others matters to removals only */
      readonly isBulk?: boolean;
    }
  | { readonly kind: 'reply'; readonly request: RequestId; readonly reply: Reply }
  /** the durable state of an own message changed */
  | { readonly kind: 'delivery'; readonly id: string; readonly state: DeliveryState; readonly by: string }
  /** an ephemeral for local clients: of a channel that is joined, or of a local identity (`isOwn`) */
  | { readonly kind: 'ephemeral'; readonly message: VerifiedMessage; readonly isOwn: boolean }
  /** something a log or a status page wants to know; `phrase` is fixed text, details are in `data` */
  | {
      readonly kind: 'report';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly phrase: string;
      readonly code?: ErrorCode;
      readonly data: Readonly<Record<string, string | number | boolean>>;
    };

export type { DeliveryState, RetentionPolicy };
