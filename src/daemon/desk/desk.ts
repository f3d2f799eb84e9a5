/**
 * The desk of an agent: what comes from the mesh for it lies here until its client has dealt with it. It joins the
 * owner's policy, the scanner that fills the inbox and the hand-over that empties it, and publishes answers.
 *
 * The answer to a message is published under keys made of the message's id and the number of the part. So however
 * often a model thinks about a message, nobody reads two answers to it.
 */

import { idFromText } from '../../core/bytes.ts';
import type { Budget } from '../../core/contact/budget.ts';
import { handoverId } from '../../core/contact/inbox.ts';
import type { DeliveryState } from '../../core/contract.ts';
import { MeshError } from '../../core/errors.ts';
import { DAY, HOUR, LIMITS } from '../../core/limits.ts';
import type { RelationName } from '../../core/message/message.ts';
import type { InboxRow, InboxStore, NewInboxRow, Store, StoredMessage } from '../../store/index.ts';
import type { Later } from '../committer.ts';
import type { MessageView } from '../message-view.ts';
import { nextTurn } from '../system.ts';
import { currentView, isoTime } from '../views.ts';
import { type AttachedClient, HandOver, type HandOverParts } from './hand-over.ts';
import { Policy } from './policy.ts';
import { Scanner } from './scanner.ts';
import type {
  AckRequest,
  AgentGate,
  AgentView,
  AgentWhyView,
  AnswerRequest,
  InboxEventView,
  InboxItemView,
  InboxRowView,
} from './views.ts';
import { agentWhy, inboxRowView } from './why.ts';

/** Wait after the store failed, ms (guess: as long as the committer's longest). */
const RETRY_MS = 5_000;
/** Wait between two steps of cleaning, and rows after which one is due before its time (guess). */
const PRUNE_STEP_MS = 100;
const PRUNE_ROWS = 1000;

/** A message of the agent, as the gate publishes it. */
export interface AnswerMessage {
  readonly channel: string;
  readonly body: string;
  readonly refs: readonly { readonly relation: RelationName; readonly id: string }[];
  readonly hops: number;
  readonly isNotice: boolean;
  readonly key: string;
}

export interface DeskParts {
  /** id texts of the local identities; the first one is the agent's */
  readonly identities: readonly [string, ...string[]];
  readonly store: Pick<Store, 'readArrivals' | 'lastArrival' | 'readMessage' | 'read'>;
  readonly inbox: InboxStore;
  readonly budget: Budget;
  readonly ageMsMax: number;
  readonly wallMs: () => number;
  readonly later: Later;
  /** joins a channel; the name in its one spelling */
  readonly join: (channel: string) => Promise<string>;
  readonly publish: (
    message: AnswerMessage,
  ) => Promise<{ readonly id: string; readonly state: DeliveryState; readonly isNew: boolean }>;
  /** a message was held because turns are spent; false: none was for an hour */
  readonly onSpent: (isSpent: boolean) => void;
  /** the store failed and the desk tries again by itself, or `undefined`: it works again */
  readonly onTrouble: (error: MeshError | undefined) => void;
}

/** A key that no client can choose: theirs have no spaces. */
const answerKey = (id: string, part: number, isNotice: boolean): string =>
  `${isNotice ? 'notice' : 'answer'} ${id} ${part}`;

const threadOf = ({ refs }: MessageView): string | null =>
  refs.find(({ relation }) => relation === 'thread')?.id ?? null;

export class Desk implements AgentGate {
  readonly #parts: DeskParts;
  readonly identity: string;
  readonly #policy: Policy;
  readonly #scanner: Scanner;
  readonly #handOver: HandOver;
  #isScanning = false;
  #mustScan = false;
  #isClosed = false;
  /** waits to try again */
  #isFailing = false;
  #isTroubled = false;
  /** rows since the last cleaning */
  #added = 0;
  #policyVersion = 0;
  #cancelRetry: () => void = () => undefined;
  #cancelPrune: () => void = () => undefined;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.identity = parts.identities[0];
    const { store, inbox, budget, ageMsMax, wallMs, later } = parts;
    const common = { identity: this.identity, inbox, budget, wallMs };
    this.#policy = new Policy({
      ...common,
      beforeChange: () => this.#scanner.save(),
      onChange: () => this.#policyChanged(),
    });
    this.#scanner = new Scanner({
      ...common,
      store,
      policy: this.#policy,
      ageMsMax,
      onAdded: (rows) => this.#onAdded(rows),
    });
    this.#handOver = new HandOver({
      ...common,
      later,
      read: (row) => this.#read(row),
      isAnswered: (row) => this.#isAnswered(row),
    });
  }

  /** Looks at what came while the daemon was away, and cleans up from time to time. */
  start(): void {
    this.look();
    this.#prune();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry();
    this.#cancelPrune();
    this.#handOver.close();
  }

  /** After each commit: there may be messages for the agent. */
  look(): void {
    this.#mustScan = true;
    if (!this.#isScanning && !this.#isFailing) void this.#scan();
  }

  async #scan(): Promise<void> {
    this.#isScanning = true;
    try {
      while (this.#mustScan && !this.#isClosed) {
        this.#mustScan = false;
        await this.#scanner.run(() => this.#isClosed);
        if (this.#isTroubled) this.#parts.onTrouble(undefined);
        this.#isTroubled = false;
      }
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      this.#failed(error);
    } finally {
      this.#isScanning = false;
    }
  }

  /** Until the wait is over, commits do not make it look again: each would fail as this one did. */
  #failed(error: MeshError): void {
    const { later, onTrouble } = this.#parts;
    onTrouble(error);
    this.#isTroubled = true;
    this.#isFailing = true;
    this.#cancelRetry();
    this.#cancelRetry = later.after(RETRY_MS, () => {
      this.#isFailing = false;
      this.look();
    });
  }

  /** What is old or too much goes, and times that lie ahead come back to now. */
  #prune(): void {
    const { inbox, wallMs, later, onTrouble, onSpent } = this.#parts;
    const nowMs = wallMs();
    let more = false;
    try {
      inbox.clampTimes(this.identity, nowMs);
      const limits = {
        untilMs: nowMs - LIMITS.inboxMs,
        most: LIMITS.inboxRowsMax,
        turnsSinceMs: nowMs - DAY,
      };
      more = inbox.prune(this.identity, limits) > 0;
      if (inbox.countReason(this.identity, 'budget-spent', nowMs - HOUR) === 0) onSpent(false);
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      onTrouble(error);
    }
    this.#added = 0;
    this.#cancelPrune();
    this.#cancelPrune = later.after(more ? PRUNE_STEP_MS : HOUR, () => this.#prune());
  }

  #onAdded(rows: readonly NewInboxRow[]): void {
    if (rows.some(({ reason }) => reason === 'budget-spent')) this.#parts.onSpent(true);
    this.#added += rows.length;
    if (this.#added > PRUNE_ROWS) this.#prune();
    this.#handOver.wake();
  }

  #policyChanged(): void {
    this.#policyVersion += 1;
    this.#handOver.wake();
  }

  #message({ id }: InboxRow): MessageView | undefined {
    const stored = this.#parts.store.readMessage(id);
    return stored && currentView(stored, this.#parts.wallMs());
  }

  /** The message of a row, with its newest text, unless it is gone or the owner has thought better of it while it waited. */
  #read(row: InboxRow): ReturnType<HandOverParts['read']> {
    if (!this.#policy.isWanted(row)) return { obstacle: { state: 'held', reason: 'not-allowed' } };
    const message = this.#message(row);
    if (message !== undefined) return { message };
    return { obstacle: { state: 'unanswered', reason: this.#isDeleted(row) ? 'deleted' : 'gone' } };
  }

  #isDeleted({ id }: InboxRow): boolean {
    const bytes = idFromText(id);
    const answer = bytes && this.#parts.store.read({ kind: 'has', ids: [bytes] });
    return answer?.kind === 'has' && answer.holdings[0] === 'deleted';
  }

  /** Whether its own answer was published, or one to another message that answers it too. */
  #isAnswered({ id, answeredKey }: InboxRow): boolean {
    if (this.#published(answerKey(id, 1, false)) !== undefined) return true;
    return answeredKey !== '' && this.#published(answeredKey) !== undefined;
  }

  /** Id of what was published under a key. */
  #published(key: string): string | undefined {
    const answer = this.#parts.store.read({ kind: 'idempotency', identity: this.identity, key });
    return answer.kind === 'idempotency' ? answer.found?.id : undefined;
  }

  status(): AgentView {
    const { inbox, wallMs, budget } = this.#parts;
    const client = this.#handOver.client;
    return {
      client: client === undefined ? null : { name: client.name, since: isoTime(client.sinceMs) },
      contacts: this.#policy.contacts.length,
      channels: this.#policy.wakes,
      ...inbox.countOpen(this.identity),
      unanswered: inbox.countUnanswered(this.identity, wallMs() - DAY),
      budget: { ...budget },
    };
  }

  contacts(): ReturnType<AgentGate['contacts']> {
    return this.#policy.contacts;
  }

  allow(request: Parameters<AgentGate['allow']>[0]): ReturnType<AgentGate['allow']> {
    return this.#policy.allow(request, this.#parts.identities);
  }

  removeContact(identity: string): ReturnType<AgentGate['removeContact']> {
    return this.#policy.remove(identity);
  }

  async setWake(request: Parameters<AgentGate['setWake']>[0]): ReturnType<AgentGate['setWake']> {
    if (request.wake === 'never') return this.#policy.setWake(request.channel, request, 0);
    const channel = await this.#parts.join(request.channel);
    return this.#policy.setWake(channel, request, this.#parts.store.lastArrival());
  }

  /** The channel was left: it wakes nobody any more. */
  left(channel: string): void {
    this.#policy.forget(channel);
  }

  inbox({ limit, before = Number.MAX_SAFE_INTEGER }: Parameters<AgentGate['inbox']>[0]): InboxRowView[] {
    const rows = this.#parts.inbox.page(this.identity, limit, before);
    return rows.map((row) => inboxRowView(row, this.#policy.nameOf(row.author)));
  }

  why(stored: StoredMessage): AgentWhyView {
    const { inbox } = this.#parts;
    return agentWhy(stored, { inbox, identity: this.identity, policy: this.#policy, scanner: this.#scanner });
  }

  attach(client: string, signal: AbortSignal): AsyncIterable<InboxEventView> {
    const attached = this.#handOver.attach(client);
    return this.#follow(attached.session, AbortSignal.any([signal, attached.signal]));
  }

  async *#follow(session: AttachedClient, signal: AbortSignal): AsyncGenerator<InboxEventView> {
    let told = -1;
    try {
      while (!signal.aborted && !this.#isClosed) {
        if (told !== this.#policyVersion) {
          told = this.#policyVersion;
          const { contacts, wakes: channels } = this.#policy;
          yield { kind: 'attached', attached: { identity: this.identity, contacts, channels } };
          continue;
        }
        const next = this.#handOver.next(session);
        if (next.kind === 'item') yield { kind: 'item', item: this.#item(next.row, next.message) };
        else if (next.kind === 'again') await nextTurn();
        else await this.#handOver.sleep(signal);
      }
    } finally {
      this.#handOver.detach(session);
    }
  }

  #item(row: InboxRow, message: MessageView): InboxItemView {
    return {
      number: row.number,
      handover: handoverId(row.id, row),
      attempt: row.attempts,
      identity: row.identity,
      why: row.why,
      hops: row.hops,
      from: { identity: row.author, name: this.#policy.nameOf(row.author) },
      thread: threadOf(message),
      message,
    };
  }

  acknowledge({ number, attempt, outcome }: AckRequest): ReturnType<AgentGate['acknowledge']> {
    return { number, state: this.#handOver.acknowledge(number, attempt, outcome) };
  }

  async answer(request: AnswerRequest): ReturnType<AgentGate['answer']> {
    const { inbox, publish } = this.#parts;
    const { number, part, body, notice = false, also = [] } = request;
    const row = inbox.row(number);
    if (row?.identity !== this.identity)
      throw new MeshError('not_found', `There is no number ${number} in the inbox.`);
    const key = answerKey(row.id, part, notice);
    const others = notice ? [] : this.#others(number, also);
    if (this.#published(key) !== undefined) return this.#repeated(key, notice ? [] : [row, ...others]);
    // Before the answer is out: whoever comes back after a crash must find that it is theirs too.
    if (others.length > 0)
      inbox.change(others.map((other) => ({ number: other.number, change: { answeredKey: key } })));
    const { channel } = row;
    const refs = this.#refs(row);
    try {
      const sent = await publish({ channel, body, refs, hops: row.hops + 1, isNotice: notice, key });
      if (!notice) this.#count([row, ...others], sent.isNew);
      return sent;
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== 'idempotency_conflict') throw error;
      return this.#repeated(key, notice ? [] : [row, ...others]); // another text for this part came in between
    }
  }

  /** The rows that an answer answers besides its own: those that a client has in hand. */
  #others(number: number, also: readonly number[]): InboxRow[] {
    return [...new Set(also)].flatMap((one) => {
      const row = one === number ? undefined : this.#parts.inbox.row(one);
      return row?.identity === this.identity && row.state === 'handed' ? [row] : [];
    });
  }

  /** It replies to the message, in its thread or as the first answer of a new one. */
  #refs(row: InboxRow): AnswerMessage['refs'] {
    const message = this.#message(row);
    return [
      { relation: 'reply', id: row.id },
      { relation: 'thread', id: (message && threadOf(message)) ?? row.id },
    ];
  }

  /** This part was published before, and perhaps not counted: the store failed, or the daemon died. */
  #repeated(key: string, rows: readonly InboxRow[]): Awaited<ReturnType<AgentGate['answer']>> {
    const id = this.#published(key);
    if (id === undefined) throw new MeshError('internal', `Nothing was published under ${key}.`);
    this.#count(rows, false);
    return { id, state: this.#parts.store.readMessage(id)?.delivery?.state ?? 'queued', isNew: false };
  }

  /**
   * Counts a part of the first row's answer, and that the others have one. An answer that came after its message was given
   * up is an answer all the same.
   */
  #count(rows: readonly InboxRow[], isNew: boolean): void {
    const { inbox } = this.#parts;
    const changes = rows.flatMap(({ number }, index) => {
      const row = inbox.row(number); // it may have changed since: publishing takes a while
      if (row === undefined) return [];
      const answers = isNew && index === 0 ? row.answers + 1 : Math.max(1, row.answers);
      const isOver = row.state === 'silent' || row.state === 'unanswered';
      if (answers === row.answers && !isOver) return [];
      return [{ number, change: { answers, ...(isOver && ({ state: 'answered', reason: '' } as const)) } }];
    });
    if (changes.length > 0) inbox.change(changes);
  }

  /** Automatic answers in a row that a message counts which the agent writes now, by itself or in a turn. */
  hopsNow(): number {
    return 1 + Math.max(0, ...this.#parts.inbox.handed(this.identity).map(({ hops }) => hops));
  }
}
