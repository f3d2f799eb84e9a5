/**
 * The typed client of a local daemon's API: what the command line and bridges use.
 */
import http from 'node:http';
import type {
  AckedJson,
  AckJson,
  AgentJson,
  AllowJson,
  AnsweredJson,
  AnswerJson,
  ContactJson,
  InboxRowJson,
  SetWakeJson,
  WakeJson,
} from './agent-types.ts';
import type { PublishEphemeralJson, TakenJson } from './ephemeral-types.ts';
import { type FoundDaemon, findDaemon } from './find.ts';
import type { MapJson } from './map-types.ts';
import { type ApiRequest, sendRequest, toQuery } from './request.ts';
import type {
  AddressJson,
  ChannelJson,
  LegacyChannelsJson,
  LegacyMessagesJson,
  LinkJson,
  MessageJson,
  PublishedJson,
  PublishJson,
  ScrubJson,
  SetRetentionJson,
  StatusJson,
  StoppingJson,
  WaitState,
} from './types.ts';
import type { WhyJson } from './why-types.ts';

export interface PublishOptions {
  readonly idempotencyKey?: string | undefined;
  /** answer only when the message has this state; else as soon as it is durable here */
  readonly wait?: WaitState | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly signal?: AbortSignal;
}

export interface PageOptions {
  readonly channel: string;
  /** 1 to 1000; 50 if left out */
  readonly limit?: number;
  /** id: the newest messages before this one */
  readonly before?: string | undefined;
  /** id: the oldest messages after this one */
  readonly after?: string | undefined;
}

export interface LegacyPageOptions {
  /** exactly as mesh/1 wrote it */
  readonly channel: string;
  /** 1 to 1000; 50 if left out */
  readonly limit?: number;
  /** position: the newest messages before this one */
  readonly before?: string | undefined;
}

export class Client {
  readonly daemon: FoundDaemon;
  readonly #agent = new http.Agent({ keepAlive: true });

  constructor(daemon: FoundDaemon) {
    this.daemon = daemon;
  }

  /** The answer's shape is the daemon's word: it is ours, it had the token's file. */
  async #send<T>(request: ApiRequest): Promise<T> {
    return (await sendRequest(this.daemon, this.#agent, request)) as T;
  }

  status(): Promise<StatusJson> {
    return this.#send({ method: 'GET', path: '/v1/status' });
  }

  /** Resolves when the message is durable or in the state waited for. Throws `wait_timeout` as `PublishedError`. */
  publish(message: PublishJson, options: PublishOptions = {}): Promise<PublishedJson> {
    const path = `/v1/messages${toQuery({ wait: options.wait, timeout: options.timeoutSeconds })}`;
    const key = options.idempotencyKey;
    return this.#send({
      method: 'POST',
      path,
      body: message,
      ...(key !== undefined && { headers: { 'idempotency-key': key } }),
      ...(options.signal && { signal: options.signal }),
    });
  }

  /** Hands over a draft or an activity. Resolves when it will leave, or a newer one of its run instead. */
  publishEphemeral(ephemeral: PublishEphemeralJson): Promise<TakenJson> {
    return this.#send({ method: 'POST', path: '/v1/ephemerals', body: ephemeral });
  }

  /** A page in order of time, oldest first; without `before` and `after` the newest messages. */
  async messages(page: PageOptions): Promise<readonly MessageJson[]> {
    const { channel, limit, before, after } = page;
    const path = `/v1/messages${toQuery({ channel, limit, before, after })}`;
    return (await this.#send<{ messages: readonly MessageJson[] }>({ method: 'GET', path })).messages;
  }

  message(id: string): Promise<MessageJson> {
    return this.#send({ method: 'GET', path: `/v1/messages/${encodeURIComponent(id)}` });
  }

  async channels(): Promise<readonly ChannelJson[]> {
    return (await this.#send<{ channels: readonly ChannelJson[] }>({ method: 'GET', path: '/v1/channels' }))
      .channels;
  }

  /** Joins an open channel: its messages are kept from now on. */
  join(channel: string): Promise<{ readonly channel: string; readonly isNew: boolean }> {
    return this.#send({ method: 'POST', path: '/v1/channels', body: { channel } });
  }

  /** Leaves a channel: what is stored of it is carried for a while and then removed. */
  leave(channel: string): Promise<{ readonly channel: string; readonly wasJoined: boolean }> {
    return this.#send({ method: 'POST', path: '/v1/channels/leave', body: { channel } });
  }

  /** Replaces what is kept of a joined channel; what is left out follows the daemon's defaults. Throws `not_found`. */
  setRetention(retention: SetRetentionJson): Promise<ChannelJson> {
    return this.#send({ method: 'POST', path: '/v1/channels/retention', body: retention });
  }

  /** Where a message is and why. @param id of a message, or at least 6 characters of its beginning */
  why(id: string): Promise<WhyJson> {
    return this.#send({ method: 'GET', path: `/v1/messages/${encodeURIComponent(id)}/why` });
  }

  /** The mesh as the daemon knows it. @param channel whose way is marked; left out for none */
  map(channel?: string): Promise<MapJson> {
    return this.#send({ method: 'GET', path: `/v1/map${toQuery({ channel })}` });
  }

  /** Asks the daemon to check all stored messages; `status` tells how far that is. */
  scrub(): Promise<ScrubJson> {
    return this.#send({ method: 'POST', path: '/v1/scrub' });
  }

  /** Asks the daemon to end in order; it goes on for up to some seconds after the answer. */
  stop(): Promise<StoppingJson> {
    return this.#send({ method: 'POST', path: '/v1/stop' });
  }

  /** Who speaks for the agent, what lies in its inbox, what it may cost. */
  agent(): Promise<AgentJson> {
    return this.#send({ method: 'GET', path: '/v1/agent' });
  }

  /** Who may wake the agent. */
  async contacts(): Promise<readonly ContactJson[]> {
    return (await this.#send<{ contacts: readonly ContactJson[] }>({ method: 'GET', path: '/v1/contacts' }))
      .contacts;
  }

  /** Lets an identity wake the agent, or gives it another name. */
  allow(contact: AllowJson): Promise<ContactJson & { readonly isNew: boolean }> {
    return this.#send({ method: 'POST', path: '/v1/contacts', body: contact });
  }

  /** Makes a contact a stranger again. */
  removeContact(identity: string): Promise<{ readonly identity: string; readonly wasContact: boolean }> {
    return this.#send({ method: 'POST', path: '/v1/contacts/remove', body: { identity } });
  }

  /** Says what of a channel wakes the agent; joins the channel if it is not joined. */
  setWake(wake: SetWakeJson): Promise<WakeJson> {
    return this.#send({ method: 'POST', path: '/v1/channels/wake', body: wake });
  }

  /** Messages for the agent, oldest first; the newest without `before` (a number of an item). */
  async inbox(page: { limit?: number; before?: number } = {}): Promise<readonly InboxRowJson[]> {
    const path = `/v1/inbox${toQuery({ limit: page.limit, before: page.before })}`;
    return (await this.#send<{ items: readonly InboxRowJson[] }>({ method: 'GET', path })).items;
  }

  /** Says how handing over an item ended. Throws `not_found` where a newer attempt is under way. */
  acknowledge(ack: AckJson): Promise<AckedJson> {
    return this.#send({ method: 'POST', path: '/v1/inbox/ack', body: ack });
  }

  /** Publishes a part of the answer to an item, once. Resolves when it is durable. */
  answer(answer: AnswerJson): Promise<AnsweredJson> {
    return this.#send({ method: 'POST', path: '/v1/inbox/answers', body: answer });
  }

  /** A page of the unverified history of mesh/1, oldest first; the newest without `before`. An empty one is the end. */
  legacyMessages({ channel, limit, before }: LegacyPageOptions): Promise<LegacyMessagesJson> {
    return this.#send({
      method: 'GET',
      path: `/v1/legacy/messages${toQuery({ channel, limit, before })}`,
    });
  }

  /** The channels of that history. */
  legacyChannels(): Promise<LegacyChannelsJson> {
    return this.#send({ method: 'GET', path: '/v1/legacy/channels' });
  }

  peers(): Promise<{ readonly links: readonly LinkJson[]; readonly addresses: readonly AddressJson[] }> {
    return this.#send({ method: 'GET', path: '/v1/peers' });
  }

  /** Lets idle connections go, so that the process can end. */
  close(): void {
    this.#agent.destroy();
  }
}

/** The client for the daemon of a data folder. Throws `no_daemon`, which names the folder. */
export async function connectDaemon(dataFolder: string): Promise<Client> {
  return new Client(findDaemon(dataFolder));
}
