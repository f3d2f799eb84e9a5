/**
 * Hands what waits in the inbox to the client of the agent, and keeps account of it. One client at a time: two would let
 * two models think about one message.
 *
 * Invariants:
 * 1. A row is marked as handed over, durably, before the client hears of it. So whatever breaks, an attempt that may
 *    have begun is counted.
 * 2. What a client did not acknowledge is handed over again when a client attaches, unless it was answered.
 * 3. At most {@link LIMITS.inboxHandedMax} messages are handed over and not acknowledged.
 * 4. In any hour and day there are no more hand-overs for a contact or channel than the budget says, also after days in
 *    which messages gathered: what has no room waits, and others go before it.
 */
import { type Budget, hasRoom } from '../../core/contact/budget.ts';
import {
  type AckOutcome,
  afterAck,
  afterLoss,
  type InboxState,
  type Step,
  type UnansweredReason,
} from '../../core/contact/inbox.ts';
import type { HeldReason } from '../../core/contact/wake.ts';
import { MeshError } from '../../core/errors.ts';
import { LIMITS, MINUTE } from '../../core/limits.ts';
import type { InboxRow, InboxStore } from '../../store/index.ts';
import type { Later } from '../committer.ts';

/** Rows looked at in one step while a place is free (guess: more conversations than are ever full at once). */
const LOOK_MAX = 256;
/** How often a budget that has no room is looked at again, ms (guess). */
const BUDGET_LOOK_MS = MINUTE;

export interface HandOverParts {
  readonly identity: string;
  readonly inbox: InboxStore;
  readonly budget: Budget;
  readonly wallMs: () => number;
  readonly later: Later;
  /** why a row is not to be handed over any more, or undefined */
  readonly obstacle: (row: InboxRow) => Obstacle | undefined;
  /** whether a part of the answer was published, though the row does not say so: the daemon died in between */
  readonly isAnswered: (row: InboxRow) => boolean;
}

export type Obstacle =
  | { readonly state: 'held'; readonly reason: HeldReason }
  | { readonly state: 'unanswered'; readonly reason: UnansweredReason };

export interface AttachedClient {
  readonly name: string;
  readonly sinceMs: number;
}

interface Session extends AttachedClient {
  readonly ended: AbortController;
}

export class HandOver {
  readonly #parts: HandOverParts;
  #session: Session | undefined;
  #sleepers = new Set<() => void>();
  #cancelLook: () => void = () => undefined;
  #isClosed = false;

  constructor(parts: HandOverParts) {
    this.#parts = parts;
  }

  get client(): AttachedClient | undefined {
    return this.#session;
  }

  /** Something may be ready for a client. */
  wake(): void {
    const sleepers = this.#sleepers;
    this.#sleepers = new Set();
    for (const wake of sleepers) wake();
  }

  /** Ends the client's connection and takes no other one. */
  close(): void {
    this.#isClosed = true;
    this.#cancelLook();
    this.#session?.ended.abort();
    this.wake();
  }

  /**
   * Attaches a client: from now on what was handed to an earlier one waits again.
   * @throws MeshError `inbox_taken`, `stopping`
   */
  attach(name: string): { readonly session: AttachedClient; readonly signal: AbortSignal } {
    if (this.#isClosed) throw new MeshError('stopping');
    const before = this.#session;
    if (before !== undefined && before.name !== name)
      throw new MeshError('inbox_taken', `The client ${JSON.stringify(before.name)} is attached.`);
    before?.ended.abort();
    const session = { name, sinceMs: this.#parts.wallMs(), ended: new AbortController() };
    this.#session = session;
    this.#requeue();
    return { session, signal: session.ended.signal };
  }

  /** The client is gone; a newer one of its name may have taken its place. */
  detach(session: AttachedClient): void {
    if (this.#session === session) this.#session = undefined;
  }

  /** The next message for this client, marked as handed over; `undefined` if it has to wait for {@link wake}. */
  next(session: AttachedClient): InboxRow | undefined {
    const { inbox, identity, wallMs } = this.#parts;
    if (this.#session !== session) return undefined;
    if (inbox.countOpen(identity).handed >= LIMITS.inboxHandedMax) return undefined;
    for (const row of inbox.open(identity, 0, LOOK_MAX)) {
      if (row.state !== 'waiting' || !this.#isReady(row)) continue;
      const change = { state: 'handed', attempts: row.attempts + 1, turnAtMs: wallMs() } as const;
      inbox.change([{ number: row.number, change }]);
      return { ...row, ...change };
    }
    return undefined;
  }

  /** Resolves when there may be more, at the latest with the signal. */
  sleep(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  /** @throws MeshError `not_found` for what is not handed over in this attempt */
  acknowledge(number: number, attempt: number, outcome: AckOutcome): InboxState {
    const { inbox, identity } = this.#parts;
    const row = inbox.row(number);
    if (row?.identity !== identity || row.state !== 'handed' || row.attempts !== attempt) {
      const is =
        row?.identity === identity ? `is ${row.state}, at attempt ${row.attempts}` : 'does not exist';
      throw new MeshError('not_found', `Number ${number} ${is}: there is nothing to acknowledge.`);
    }
    const step = afterAck(row, outcome);
    this.#take(row, step);
    this.wake();
    return step.state;
  }

  /** What was handed to a client that is gone. */
  #requeue(): void {
    const { inbox, identity, isAnswered } = this.#parts;
    for (const row of inbox.handed(identity)) {
      const answers = row.answers === 0 && isAnswered(row) ? 1 : row.answers;
      this.#take({ ...row, answers }, afterLoss({ ...row, answers }));
    }
  }

  #take(row: InboxRow, { state, reason, retry }: Step): void {
    const change = { state, reason, answers: row.answers };
    const again = { retried: true, turns: row.turns + 1 };
    this.#parts.inbox.change([{ number: row.number, change: retry ? { ...change, ...again } : change }]);
  }

  /** Whether there is room for it now; what cannot be handed over any more is put away. */
  #isReady(row: InboxRow): boolean {
    const { inbox, identity, budget, wallMs, obstacle } = this.#parts;
    const change = obstacle(row);
    if (change !== undefined) {
      inbox.change([{ number: row.number, change }]);
      return false;
    }
    // A repeated attempt was paid for when it was decided.
    if (row.attempts > 0) return true;
    const { author, channel } = row;
    const isFree = hasRoom(budget, wallMs(), (of, sinceMs) =>
      inbox.countTurns(identity, of === 'contact' ? { author } : { channel }, { sinceMs, handedOnly: true }),
    );
    if (!isFree) this.#lookLater();
    return isFree;
  }

  #lookLater(): void {
    this.#cancelLook();
    this.#cancelLook = this.#parts.later.after(BUDGET_LOOK_MS, () => this.wake());
  }
}
