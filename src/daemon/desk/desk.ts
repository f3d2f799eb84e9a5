/**
 * The desk of an agent: what comes from the mesh for it lies here until its client has dealt with it. It joins the
 * owner's policy, the scanner that fills the inbox and the hand-over that empties it, and publishes answers.
 *
 * The answer to a message is published under keys made of the message's id and the number of the part. So however
 * often a model thinks about a message, nobody reads two answers to it.
 */

import type { Budget } from '../../core/contact/budget.ts';
import { handoverId } from '../../core/contact/inbox.ts';
import type { DeliveryState } from '../../core/contract.ts';
import { MeshError } from '../../core/errors.ts';
import { DAY, HOUR, LIMITS } from '../../core/limits.ts';
import type { RelationName } from '../../core/message/message.ts';
import type { InboxRow, InboxStore, NewInboxRow, Store } from '../../store/index.ts';
import type { Later } from '../committer.ts';
import type { MessageView } from '../message-view.ts';
import { isoTime, messageView } from '../views.ts';
import { HandOver, type Obstacle } from './hand-over.ts';
import { Policy } from './policy.ts';
import { Scanner } from './scanner.ts';
import type {
  AckRequest,
  AgentGate,
  AgentView,
  AnswerRequest,
  InboxEventView,
  InboxItemView,
  InboxRowView,
} from './views.ts';

/** Wait after the store failed, ms (guess: as long as the committer's longest). */
const RETRY_MS = 5_000;

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
  /** a message was held because turns are spent */
  readonly onSpent: (row: NewInboxRow, name: string | null) => void;
  /** the store failed; the desk goes on by itself */
  readonly onTrouble: (error: MeshError) => void;
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
  #policyVersion = 0;
  #cancelRetry: () => void = () => undefined;
  #cancelPrune: () => void = () => undefined;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.identity = parts.identities[0];
    const { store, inbox, budget, ageMsMax, wallMs, later } = parts;
    const common = { identity: this.identity, inbox, budget, wallMs };
    this.#policy = new Policy({ ...common, onChange: () => this.#policyChanged() });
    this.#scanner = new Scanner({
      ...common,
      store,
      policy: this.#policy,
      ageMsMax,
      onAdded: (rows) => this.#added(rows),
    });
    this.#handOver = new HandOver({
      ...common,
      later,
      obstacle: (row) => this.#obstacle(row),
      isAnswered: (row) => this.#published(answerKey(row.id, 1, false)) !== undefined,
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
    if (!this.#isScanning) void this.#scan();
  }

  async #scan(): Promise<void> {
    this.#isScanning = true;
    try {
      while (this.#mustScan && !this.#isClosed) {
        this.#mustScan = false;
        await this.#scanner.run(() => this.#isClosed);
      }
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      this.#parts.onTrouble(error);
      this.#cancelRetry = this.#parts.later.after(RETRY_MS, () => this.look());
    } finally {
      this.#isScanning = false;
    }
  }

  #prune(): void {
    const { inbox, wallMs, later, onTrouble } = this.#parts;
    let more = false;
    try {
      more = inbox.prune(this.identity, wallMs() - LIMITS.inboxMs, LIMITS.inboxRowsMax) > 0;
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      onTrouble(error);
    }
    this.#cancelPrune = later.after(more ? RETRY_MS : HOUR, () => this.#prune());
  }

  #added(rows: readonly NewInboxRow[]): void {
    for (const row of rows)
      if (row.reason === 'budget-spent') this.#parts.onSpent(row, this.#policy.nameOf(row.author));
    this.#handOver.wake();
  }

  #policyChanged(): void {
    this.#policyVersion += 1;
    this.#handOver?.wake();
  }

  #message({ id }: InboxRow): MessageView | undefined {
    const stored = this.#parts.store.readMessage(id);
    if (stored === undefined) return undefined;
    const { expiresMs } = stored.message.message;
    return expiresMs !== 0 && expiresMs <= this.#parts.wallMs() ? undefined : messageView(stored);
  }

  /** The owner may have thought better of it while a message waited. */
  #obstacle(row: InboxRow): Obstacle | undefined {
    const isWanted = this.#policy.isAllowed(row.author) && this.#policy.channels.includes(row.channel);
    if (!isWanted) return { state: 'held', reason: 'not-allowed' };
    return this.#message(row) === undefined ? { state: 'unanswered', reason: 'gone' } : undefined;
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
    return this.#parts.inbox.page(this.identity, limit, before).map(
      (row): InboxRowView => ({
        number: row.number,
        id: row.id,
        identity: row.identity,
        channel: row.channel,
        author: row.author,
        name: this.#policy.nameOf(row.author),
        at: isoTime(row.atMs),
        why: row.why,
        hops: row.hops,
        state: row.state,
        reason: (row.reason === '' ? null : row.reason) as InboxRowView['reason'],
        attempts: row.attempts,
        answers: row.answers,
      }),
    );
  }

  attach(client: string, signal: AbortSignal): AsyncIterable<InboxEventView> {
    const attached = this.#handOver.attach(client);
    return this.#follow(attached.session, AbortSignal.any([signal, attached.signal]));
  }

  async *#follow(
    session: Parameters<HandOver['next']>[0],
    signal: AbortSignal,
  ): AsyncGenerator<InboxEventView> {
    let told = -1;
    try {
      while (!signal.aborted && !this.#isClosed) {
        if (told !== this.#policyVersion) {
          told = this.#policyVersion;
          const { contacts, wakes: channels } = this.#policy;
          yield { kind: 'attached', attached: { identity: this.identity, contacts, channels } };
          continue;
        }
        const row = this.#handOver.next(session);
        const message = row && this.#message(row);
        if (row !== undefined && message !== undefined)
          yield { kind: 'item', item: this.#item(row, message) };
        else if (row === undefined) await this.#handOver.sleep(signal);
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
    if (this.#published(key) !== undefined) return this.#known(key);
    const message = this.#message(row);
    const thread = (message && threadOf(message)) ?? row.id;
    const refs = [
      { relation: 'reply', id: row.id },
      { relation: 'thread', id: thread },
    ] as const;
    const { channel } = row;
    try {
      const sent = await publish({ channel, body, refs, hops: row.hops + 1, isNotice: notice, key });
      if (!notice && sent.isNew) this.#answered([number, ...also]);
      return sent;
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== 'idempotency_conflict') throw error;
      return this.#known(key, error); // another text for this part came in between
    }
  }

  #known(key: string, cause?: MeshError): Awaited<ReturnType<AgentGate['answer']>> {
    const id = this.#published(key);
    if (id === undefined) throw new MeshError('internal', `Nothing was published under ${key}.`, { cause });
    return { id, state: this.#parts.store.readMessage(id)?.delivery?.state ?? 'queued', isNew: false };
  }

  /** Counts an answer. One that came after its message was given up is an answer all the same. */
  #answered(numbers: readonly number[]): void {
    const { inbox } = this.#parts;
    const rows = [...new Set(numbers)].map((number) => inbox.row(number));
    inbox.change(
      rows.flatMap((row, index) => {
        if (row?.identity !== this.identity || (index > 0 && row.answers > 0)) return [];
        const isOver = row.state === 'silent' || row.state === 'unanswered';
        const change = {
          answers: row.answers + 1,
          ...(isOver && ({ state: 'answered', reason: '' } as const)),
        };
        return [{ number: row.number, change }];
      }),
    );
  }

  /** Automatic answers in a row that a message counts which the agent writes now, by itself or in a turn. */
  hopsNow(): number {
    return 1 + Math.max(0, ...this.#parts.inbox.handed(this.identity).map(({ hops }) => hops));
  }
}
