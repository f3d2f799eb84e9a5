/**
 * Hands what waits in the inbox to the client of the agent, and keeps account of it. One client at a time: two would let
 * two models think about one message.
 *
 * Invariants:
 * 1. A row is marked as handed over, durably, before the client hears of it. So whatever breaks, an attempt that may
 *    have begun is counted.
 * 2. What a client did not acknowledge is handed over again when a client attaches, unless it was answered.
 * 3. At most {@link LIMITS.inboxHandedMax} messages are handed over and not acknowledged.
 * 4. In any hour and day there are no more hand-overs for a contact or channel than the budget says, repeated ones
 *    included, also after days in which messages gathered: what has no room waits, and others go before it.
 */
import { type Budget, spentOf } from '../../core/contact/budget.ts';
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
import type { MessageView } from '../message-view.ts';

/** Rows read at once, and rows put away in one transaction (guess: some milliseconds each). */
const LOOK_PAGE = 256;
const AWAY_MAX = 64;
/** How often a budget that has no room is looked at again, ms (guess). */
const BUDGET_LOOK_MS = MINUTE;

/** Why a row is not to be handed over any more. */
export type Obstacle =
  | { readonly state: 'held'; readonly reason: HeldReason }
  | { readonly state: 'unanswered'; readonly reason: UnansweredReason };

export interface HandOverParts {
  readonly identity: string;
  readonly inbox: InboxStore;
  readonly budget: Budget;
  readonly wallMs: () => number;
  readonly later: Later;
  /** the message of a row, or why it is not to be handed over any more */
  readonly read: (row: InboxRow) => { readonly message: MessageView } | { readonly obstacle: Obstacle };
  /** whether an answer was published, though the row does not say so: the daemon died in between */
  readonly isAnswered: (row: InboxRow) => boolean;
}

export interface AttachedClient {
  readonly name: string;
  readonly sinceMs: number;
}

interface Session extends AttachedClient {
  readonly ended: AbortController;
}

/** `again`: rows were put away, and there may be more; others have a turn first. `wait`: for {@link HandOver.wake}. */
export type Next =
  | { readonly kind: 'item'; readonly row: InboxRow; readonly message: MessageView }
  | { readonly kind: 'again' }
  | { readonly kind: 'wait' };

type RowChange = Parameters<InboxStore['change']>[0][number];

/** Contacts and channels that were found without room in one look. */
interface Spent {
  readonly contacts: Set<string>;
  readonly channels: Set<string>;
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
   * @throws MeshError `inbox_taken`, `stopping`, or a store code; then nothing is attached that was not before
   */
  attach(name: string): { readonly session: AttachedClient; readonly signal: AbortSignal } {
    if (this.#isClosed) throw new MeshError('stopping');
    const before = this.#session;
    if (before !== undefined && before.name !== name)
      throw new MeshError('inbox_taken', `The client ${JSON.stringify(before.name)} is attached.`);
    this.#requeue();
    before?.ended.abort();
    const session = { name, sinceMs: this.#parts.wallMs(), ended: new AbortController() };
    this.#session = session;
    return { session, signal: session.ended.signal };
  }

  /** The client is gone; a newer one of its name may have taken its place. */
  detach(session: AttachedClient): void {
    if (this.#session === session) this.#session = undefined;
  }

  /** The next message for this client, marked as handed over. */
  next(session: AttachedClient): Next {
    const { inbox, identity } = this.#parts;
    if (this.#session !== session) return { kind: 'wait' };
    if (inbox.countOpen(identity).handed >= LIMITS.inboxHandedMax) return { kind: 'wait' };
    const away: RowChange[] = [];
    const spent: Spent = { contacts: new Set(), channels: new Set() };
    for (const row of this.#waiting()) {
      if (away.length >= AWAY_MAX) {
        inbox.change(away);
        return { kind: 'again' };
      }
      if (row.answers > 0) away.push({ number: row.number, change: { state: 'answered' } });
      if (row.answers > 0 || this.#isSpent(row, spent)) continue;
      const found = this.#parts.read(row);
      if ('message' in found) return this.#hand(row, found.message, away);
      away.push({ number: row.number, change: found.obstacle });
    }
    if (away.length > 0) inbox.change(away);
    if (spent.contacts.size + spent.channels.size > 0) this.#lookLater();
    return { kind: 'wait' };
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
    const known = this.#withAnswer(row);
    const step = afterAck(known, outcome);
    inbox.change([changeTo(known, step)]);
    this.wake();
    return step.state;
  }

  /** Rows that wait, in order. */
  *#waiting(): Generator<InboxRow> {
    const { inbox, identity } = this.#parts;
    for (let after = 0; ; ) {
      const page = inbox.open(identity, after, LOOK_PAGE);
      yield* page.filter(({ state }) => state === 'waiting');
      const last = page.at(-1);
      if (last === undefined || page.length < LOOK_PAGE) return;
      after = last.number;
    }
  }

  /** Whether its contact or channel has no room now. Each is asked about once in a look. */
  #isSpent({ author, channel }: InboxRow, spent: Spent): boolean {
    if (spent.contacts.has(author) || spent.channels.has(channel)) return true;
    const { inbox, identity, budget, wallMs } = this.#parts;
    const of = spentOf(budget, wallMs(), (who, sinceMs) =>
      inbox.countTurns(identity, who === 'contact' ? { author } : { channel }, { sinceMs, handedOnly: true }),
    );
    if (of === 'contact') spent.contacts.add(author);
    if (of === 'channel') spent.channels.add(channel);
    return of !== undefined;
  }

  #hand(row: InboxRow, message: MessageView, away: readonly RowChange[]): Next {
    const { inbox, wallMs } = this.#parts;
    const attempts = row.attempts + 1;
    // Whatever the client's runtime makes of a repeated attempt, it may be a turn more.
    const turns = attempts === 1 ? row.turns : row.turns + 1;
    const change = { state: 'handed', attempts, turns, turnAtMs: wallMs() } as const;
    inbox.change([...away, { number: row.number, change }]);
    return { kind: 'item', row: { ...row, ...change }, message };
  }

  /** What was handed to a client that is gone. */
  #requeue(): void {
    const { inbox, identity } = this.#parts;
    const rows = inbox.handed(identity).map((row) => this.#withAnswer(row));
    inbox.change(rows.map((row) => changeTo(row, afterLoss(row))));
  }

  #withAnswer(row: InboxRow): InboxRow {
    return row.answers === 0 && this.#parts.isAnswered(row) ? { ...row, answers: 1 } : row;
  }

  #lookLater(): void {
    this.#cancelLook();
    this.#cancelLook = this.#parts.later.after(BUDGET_LOOK_MS, () => this.wake());
  }
}

function changeTo(row: InboxRow, { state, reason, retry }: Step): RowChange {
  const { number, answers } = row;
  return { number, change: { state, reason, answers, ...(retry && { retried: true }) } };
}
