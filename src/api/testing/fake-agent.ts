/** An agent's desk in memory for tests of the API and the command line: a test puts in what clients get. */
import { MeshError } from '../../core/errors.ts';
import type {
  AgentGate,
  AgentView,
  ContactView,
  InboxEventView,
  InboxItemView,
  InboxRowView,
  WakeView,
} from '../../daemon/index.ts';

type Ack = Parameters<AgentGate['acknowledge']>[0];
type Answer = Parameters<AgentGate['answer']>[0];

const SINCE = new Date(Date.UTC(2026, 10, 20, 12)).toISOString();

/** A row as a test needs it. */
export function inboxRow(fields: Partial<InboxRowView> = {}): InboxRowView {
  return {
    number: 1,
    id: 'M'.repeat(42) + 'E',
    identity: 'A'.repeat(42) + 'E',
    channel: 'dev',
    author: 'B'.repeat(42) + 'E',
    name: null,
    at: SINCE,
    why: 'mention',
    hops: 0,
    state: 'handed',
    reason: null,
    attempts: 1,
    answers: 0,
    ...fields,
  };
}

/** An item for the row above. */
export function inboxItem(fields: Partial<InboxItemView> = {}): InboxItemView {
  const { number, id, identity, author, channel, why, hops } = inboxRow();
  return {
    ...{ number, identity, why, hops },
    handover: id,
    attempt: 1,
    from: { identity: author, name: 'anna' },
    thread: null,
    message: {
      ...{ id, channel, author, arrival: 1, time: SINCE, counter: 0, body: 'hello', payload: null, refs: [] },
      ...{ expires: null, own: false, delivery: null },
    },
    ...fields,
  };
}

export class FakeAgent implements AgentGate {
  readonly identity: string;
  readonly people = new Map<string, ContactView>();
  readonly rules = new Map<string, WakeView>();
  rows: InboxRowView[] = [];
  /** what the next client that attaches is given; then its feed waits for the signal */
  events: InboxEventView[] = [];
  readonly acks: Ack[] = [];
  readonly answers: Answer[] = [];
  client: AgentView['client'] = null;

  constructor(identity: string) {
    this.identity = identity;
  }

  status(): AgentView {
    return {
      client: this.client,
      contacts: this.people.size,
      channels: [...this.rules.values()],
      waiting: this.rows.filter(({ state }) => state === 'waiting').length,
      handed: this.rows.filter(({ state }) => state === 'handed').length,
      unanswered: this.rows.filter(({ state }) => state === 'unanswered' || state === 'held').length,
      budget: { contactHour: 30, contactDay: 120, channelHour: 60, channelDay: 240, hops: 10 },
    };
  }

  contacts(): readonly ContactView[] {
    return [...this.people.values()];
  }

  allow({ identity, name }: { identity: string; name?: string }): ContactView & { isNew: boolean } {
    const before = this.people.get(identity);
    const contact: ContactView = {
      identity,
      name: name ?? before?.name ?? null,
      tier: 'allowed',
      since: before?.since ?? SINCE,
    };
    this.people.set(identity, contact);
    return { ...contact, isNew: before === undefined };
  }

  removeContact(identity: string): { identity: string; wasContact: boolean } {
    return { identity, wasContact: this.people.delete(identity) };
  }

  async setWake({ channel, wake, names = [] }: Parameters<AgentGate['setWake']>[0]): Promise<WakeView> {
    const view: WakeView = { channel, wake, names };
    if (wake === 'never') this.rules.delete(channel);
    else this.rules.set(channel, view);
    return view;
  }

  inbox({ limit, before = Number.MAX_SAFE_INTEGER }: { limit: number; before?: number }): InboxRowView[] {
    return this.rows.filter(({ number }) => number < before).slice(-limit);
  }

  attach(client: string, signal: AbortSignal): AsyncIterable<InboxEventView> {
    if (this.client !== null && this.client.name !== client) throw new MeshError('inbox_taken');
    this.client = { name: client, since: SINCE };
    return this.#follow(signal);
  }

  async *#follow(signal: AbortSignal): AsyncGenerator<InboxEventView> {
    yield* this.events;
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    this.client = null;
  }

  acknowledge(ack: Ack): ReturnType<AgentGate['acknowledge']> {
    if (!this.rows.some(({ number }) => number === ack.number)) throw new MeshError('not_found');
    this.acks.push(ack);
    return { number: ack.number, state: 'answered' };
  }

  async answer(answer: Answer): ReturnType<AgentGate['answer']> {
    const row = this.rows.find(({ number }) => number === answer.number);
    if (row === undefined) throw new MeshError('not_found');
    const isNew = !this.answers.some(({ number, part }) => number === answer.number && part === answer.part);
    if (isNew) this.answers.push(answer);
    return { id: row.id, state: 'queued', isNew };
  }
}
