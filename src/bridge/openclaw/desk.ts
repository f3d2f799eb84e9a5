/**
 * The daemon as the bridge uses it: found anew for each call, because a daemon that was restarted listens
 * elsewhere.
 */
import type {
  AckedJson,
  AckJson,
  AnsweredJson,
  AnswerJson,
  InboxRowJson,
} from '../../api/client/agent-types.ts';
import { Client, type PublishOptions } from '../../api/client/client.ts';
import type { PublishEphemeralJson, TakenJson } from '../../api/client/ephemeral-types.ts';
import { findDaemon } from '../../api/client/find.ts';
import { toProblem } from '../../api/client/problem.ts';
import {
  AGENT_TOKEN_FILE,
  type MessageJson,
  type PublishedJson,
  type PublishJson,
  type StatusJson,
} from '../../api/client/types.ts';

/** What may be asked of the daemon with the agent's token. */
export interface Desk {
  answer(answer: AnswerJson): Promise<AnsweredJson>;
  acknowledge(ack: AckJson): Promise<AckedJson>;
  inbox(page: { limit?: number; before?: number }): Promise<readonly InboxRowJson[]>;
  publish(message: PublishJson, options?: PublishOptions): Promise<PublishedJson>;
  messages(page: { channel: string; limit: number }): Promise<readonly MessageJson[]>;
  /** shows a draft or an activity, which nobody keeps */
  show(ephemeral: PublishEphemeralJson): Promise<TakenJson>;
  status(): Promise<StatusJson>;
}

/**
 * One client for each place that the daemon is found at. Throws `no_daemon` where the files say that none
 * runs.
 */
export class DataFolderDesk implements Desk {
  readonly #dataFolder: string;
  #client: Client | undefined;

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
  }

  #open(): Client {
    const found = findDaemon(this.#dataFolder, AGENT_TOKEN_FILE);
    const old = this.#client;
    if (old !== undefined && old.daemon.url === found.url && old.daemon.token === found.token) return old;
    old?.close();
    this.#client = new Client(found);
    return this.#client;
  }

  async answer(answer: AnswerJson): Promise<AnsweredJson> {
    return this.#open().answer(answer);
  }

  async acknowledge(ack: AckJson): Promise<AckedJson> {
    return this.#open().acknowledge(ack);
  }

  async inbox(page: { limit?: number; before?: number }): Promise<readonly InboxRowJson[]> {
    return this.#open().inbox(page);
  }

  async publish(message: PublishJson, options?: PublishOptions): Promise<PublishedJson> {
    return this.#open().publish(message, options);
  }

  async messages(page: { channel: string; limit: number }): Promise<readonly MessageJson[]> {
    return this.#open().messages(page);
  }

  async show(ephemeral: PublishEphemeralJson): Promise<TakenJson> {
    return this.#open().publishEphemeral(ephemeral);
  }

  async status(): Promise<StatusJson> {
    return this.#open().status();
  }

  /** Lets the connections go; a later call opens new ones. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

/** What a person is told about a failure: what happened, why, and what to do. Never a token. */
export function explain(error: unknown): string {
  const { code, title, detail, do: advice } = toProblem(error);
  if (code !== 'internal') return [title, detail, advice].filter((text) => text !== '').join(' ');
  return error instanceof Error ? error.message : String(error);
}

/** True where nobody answers for the data folder: it may be different in a moment. */
export function isAway(error: unknown): boolean {
  return toProblem(error).code === 'no_daemon';
}

/** True where asking again soon may help: the daemon is away, stops, has too much to do, or its disk has trouble. */
export function isTransient(error: unknown): boolean {
  return ['no_daemon', 'stopping', 'too_many_requests', 'store_failed'].includes(toProblem(error).code);
}

/** True if the request provably never left: the daemon's files name none, or nothing listens at its port. */
export function neverLeft(error: unknown): boolean {
  if (!isAway(error) || !(error instanceof Error)) return false;
  const { cause } = error;
  if (cause === undefined) return true;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === 'ENOENT' || code === 'EACCES' || code === 'ECONNREFUSED';
}

/** True if the daemon took the request and said no: nothing was published, and asking again will not help. */
export function isRefusal(error: unknown): boolean {
  const { code } = toProblem(error);
  return code !== 'no_daemon' && code !== 'internal';
}
