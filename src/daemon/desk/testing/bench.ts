/** A desk over real stores, in memory if a test says nothing else, with a clock that a test moves and a client that it plays. */
import { idFromText, utf8 } from '../../../core/bytes.ts';
import type { Budget } from '../../../core/contact/budget.ts';
import { withMarks } from '../../../core/contact/marks.ts';
import { MeshError } from '../../../core/errors.ts';
import { LIMITS } from '../../../core/limits.ts';
import { RELATION } from '../../../core/message/message.ts';
import { sha256 } from '../../../crypto/index.ts';
import type { InboxStore, Store } from '../../../store/index.ts';
import { createMemoryStore } from '../../../store/memory.ts';
import { openInboxStore } from '../../../store/testing/inbox.ts';
import {
  type Author,
  createAuthor,
  type Draft,
  NETWORK,
  published,
  received,
  signedMessage,
  WALL_MS,
} from '../../../store/testing/messages.ts';
import { ManualLater } from '../../testing/later.ts';
import { type AnswerMessage, Desk } from '../desk.ts';
import type { InboxEventView, InboxItemView } from '../views.ts';

export const agent = createAuthor(1);
export const anna = createAuthor(2);
export const mallory = createAuthor(3);
export const BUDGET: Budget = {
  contactHour: 30,
  contactDay: 120,
  channelHour: 60,
  channelDay: 240,
  hops: 10,
};

/** What a test's client gets, and how it waits for it. */
export class TestClient {
  readonly events: InboxEventView[] = [];
  readonly stop = new AbortController();
  error: unknown;
  isOver = false;
  #listeners = new Set<() => void>();

  constructor(desk: Desk, name: string) {
    void this.#run(desk, name);
  }

  async #run(desk: Desk, name: string): Promise<void> {
    try {
      for await (const event of desk.attach(name, this.stop.signal)) {
        this.events.push(event);
        this.#tell();
      }
    } catch (error) {
      this.error = error;
    }
    this.isOver = true;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  get items(): InboxItemView[] {
    return this.events.flatMap((event) => (event.kind === 'item' ? [event.item] : []));
  }

  get last(): InboxItemView {
    return this.items.at(-1) as InboxItemView;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#listeners.add(resolve));
  }

  /** Resolves when this many items came, all in all. */
  async item(count: number): Promise<InboxItemView> {
    await this.until(() => this.items.length >= count);
    return this.items[count - 1] as InboxItemView;
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.until(() => this.isOver);
  }
}

export class DeskBench {
  readonly store: Store;
  readonly inbox: InboxStore;
  readonly later = new ManualLater();
  readonly spent: boolean[] = [];
  readonly trouble: (MeshError | undefined)[] = [];
  readonly sent: AnswerMessage[] = [];
  readonly budget: Budget;
  nowMs = WALL_MS;
  desk: Desk;
  #counter = 0;

  constructor(budget: Partial<Budget> = {}, store: Store = createMemoryStore({ network: NETWORK, sha256 })) {
    this.store = store;
    this.inbox = openInboxStore();
    this.budget = { ...BUDGET, ...budget };
    this.desk = this.#create();
  }

  #create(): Desk {
    const desk = new Desk({
      identities: [agent.id],
      store: this.store,
      inbox: this.inbox,
      budget: this.budget,
      ageMsMax: LIMITS.wakeAgeMs,
      wallMs: () => this.nowMs,
      later: this.later,
      join: async (channel) => channel,
      publish: async (message) => this.#publish(message),
      onSpent: (isSpent) => this.spent.push(isSpent),
      onTrouble: (error) => this.trouble.push(error),
    });
    desk.start();
    return desk;
  }

  /** As after a restart of the daemon: everything that is not in the stores is gone. */
  restart(): void {
    this.desk.close();
    this.desk = this.#create();
  }

  #sign(author: Author, draft: Draft): ReturnType<typeof signedMessage> {
    this.#counter += 1;
    return signedMessage(author, { time: { timeMs: this.nowMs, counter: this.#counter }, ...draft });
  }

  #publish(message: AnswerMessage): { id: string; state: 'queued'; isNew: boolean } {
    const { channel, body, refs, hops, isNotice, key } = message;
    const { payload } = withMarks(undefined, { hops, isNotice, mentions: [] });
    const signed = this.#sign(agent, {
      ...{ channel, body, payload: utf8(JSON.stringify(payload)) },
      refs: refs.map(({ relation, id }) => ({
        relation: RELATION[relation],
        id: idFromText(id) as Uint8Array,
      })),
    });
    const [[result] = []] = this.store.transact([[published(signed, key, body)]]);
    if (result?.kind === 'repeated') {
      if (!result.same) throw new MeshError('idempotency_conflict');
      return { id: result.id, state: 'queued', isNew: false };
    }
    this.sent.push(message);
    this.desk.look();
    return { id: signed.message.idText, state: 'queued', isNew: true };
  }

  /** A message arrives from the mesh. @returns its id */
  post(body: string, draft: Draft & { readonly author?: Author; readonly marks?: object } = {}): string {
    const { author = anna, marks, ...rest } = draft;
    const payload = marks === undefined ? {} : { payload: utf8(JSON.stringify({ mesh: marks })) };
    const signed = this.#sign(author, { channel: 'dev', body, ...payload, ...rest });
    this.store.transact([[received(signed)]]);
    this.desk.look();
    return signed.message.idText;
  }

  /** A mention of the agent arrives. */
  mention(text = 'hello', draft: Parameters<DeskBench['post']>[1] = {}): string {
    return this.post(`@${agent.id} ${text}`, draft);
  }

  attach(name = 'test'): TestClient {
    return new TestClient(this.desk, name);
  }

  rows() {
    return this.desk.inbox({ limit: 1000 });
  }

  /** Resolves when the desk has looked at everything: a page at a time, with a turn of the loop between them. */
  async settled(): Promise<void> {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when the inbox has rows as `condition` wants them; looks after each turn of the loop. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A desk whose agent is woken by anna's mentions in `dev`. */
export async function openBench(budget: Partial<Budget> = {}, store?: Store): Promise<DeskBench> {
  const bench = new DeskBench(budget, store);
  bench.desk.allow({ identity: anna.id, name: 'anna' });
  await bench.desk.setWake({ channel: 'dev', wake: 'mention', names: ['robo'] });
  return bench;
}
