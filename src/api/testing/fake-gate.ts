/**
 * A gate in memory for tests of the API and the command line. It keeps the contract of `daemon/gate.ts` and lets a
 * test decide when a publish becomes durable and which state a message has.
 */
import { createHash } from 'node:crypto';
import { channelName } from '../../core/channel/channel.ts';
import type { DeliveryState } from '../../core/contract.ts';
import { MeshError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import {
  type ChangeView,
  type ChannelView,
  checkedPolicy,
  type EphemeralRequest,
  type EphemeralView,
  type FeedItem,
  type Gate,
  type MapView,
  type MessageView,
  type MetricFamily,
  type PublishRequest,
  type RetentionRequest,
  type ScrubView,
  type StatusView,
  type TapItem,
  type TapRequest,
  type WhyView,
} from '../../daemon/index.ts';
import { retentionDefaults, retentionView } from '../../daemon/retention.ts';
import { retentionLimits } from '../../daemon/retention-options.ts';
import { FakeAgent } from './fake-agent.ts';
import { DEV_MAP, MAP } from './fake-map.ts';

export const IDENTITY = `${'A'.repeat(42)}E`;
export const STRANGER = `${'B'.repeat(42)}E`;
export const RETENTION = retentionLimits({});
const RANK: Record<DeliveryState, number> = { queued: 0, relayed: 1, stored: 2 };

export function fakeId(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Messages get times one second apart, from this one on. */
const FIRST_TIME = Date.UTC(2026, 10, 20, 12, 0, 0);

export class FakeGate implements Gate {
  readonly agent = new FakeAgent(IDENTITY);
  readonly list: MessageView[] = [];
  readonly requests: PublishRequest[] = [];
  readonly ephemeralRequests: EphemeralRequest[] = [];
  /** what feeds that ask for them are given, and not stored anywhere */
  readonly ephemerals: EphemeralView[] = [];
  readonly changes: ChangeView[] = [];
  readonly joined = new Set<string>();
  /** what was set by `retain` */
  readonly policies = new Map<string, ReturnType<typeof checkedPolicy>>();
  /** publishes in progress that `release` lets become durable, oldest first */
  readonly held: (() => void)[] = [];
  isHolding = false;
  /** publishes beyond durable: in progress at once, and the most there ever were */
  inProgress = 0;
  inProgressMost = 0;
  /** items that feeds have given out */
  pulled = 0;
  /** true once a feed is live */
  isFollowed = false;
  /** thrown by the next call of `status` */
  failure: Error | undefined;
  overrides: Partial<StatusView> = {};
  readonly #keys = new Map<string, { request: string; id: string }>();
  #listeners = new Set<() => void>();

  /** Puts a message into the store as if it had come from the mesh (`own` false) or from here. */
  add(channel: string, body: string, fields: Partial<MessageView> = {}): MessageView {
    const arrival = this.list.length + 1;
    const view: MessageView = {
      id: fakeId(`${channel} ${arrival}`),
      arrival,
      channel,
      author: STRANGER,
      time: new Date(FIRST_TIME + arrival * 1000).toISOString(),
      counter: 0,
      body,
      payload: null,
      refs: [],
      expires: null,
      own: false,
      delivery: null,
      ...fields,
    };
    this.list.push(view);
    this.#wake();
    return view;
  }

  #wake(): void {
    const listeners = this.#listeners;
    this.#listeners = new Set();
    for (const listener of listeners) listener();
  }

  /** Resolves at the next change of anything. */
  changed(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#listeners.add(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Resolves when `condition` holds; looks at each change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.changed();
  }

  setState(id: string, state: DeliveryState): void {
    const at = this.list.findIndex((view) => view.id === id);
    const view = this.list[at];
    if (view)
      this.list[at] = { ...view, delivery: { state, storedBy: state === 'stored' ? [STRANGER] : [] } };
    this.#wake();
  }

  release(count = 1): void {
    for (const durable of this.held.splice(0, count)) durable();
  }

  /** what `metrics` gives */
  families: MetricFamily[] = [{ name: 'x', type: 'gauge', help: 'X', samples: [{ labels: {}, value: 1 }] }];

  /** what `why` gives, by id */
  readonly whys = new Map<string, WhyView>();

  why(id: string): WhyView {
    const view = this.whys.get(id);
    if (view === undefined) throw new MeshError('not_found', `This daemon knows no message ${id}.`);
    return view;
  }

  /** what `map` gives, by channel; '' for none */
  readonly maps = new Map<string, MapView>([
    ['', MAP],
    ['#dev', DEV_MAP],
  ]);

  map(channel = ''): MapView {
    const view = this.maps.get(channel);
    if (view === undefined) throw new MeshError('bad_channel', `${channel} is no channel.`);
    return view;
  }

  /** what a tap shows, and what was asked of it */
  tapped: readonly TapItem[] = [];
  readonly taps: TapRequest[] = [];

  async *tap(request: TapRequest): AsyncGenerator<TapItem> {
    this.taps.push(request);
    yield* this.tapped;
  }

  metrics(): readonly MetricFamily[] {
    return this.families;
  }

  /** called by `stop` */
  onStop: () => void = () => undefined;

  stop(): void {
    this.onStop();
  }

  scrubbed: ScrubView = {
    ...{ state: 'waiting', checked: 0, messages: 0, started: null, ended: null, damaged: [], structure: '' },
  };

  scrub(): ScrubView {
    this.scrubbed = { ...this.scrubbed, state: 'running' };
    return this.scrubbed;
  }

  status(): StatusView {
    if (this.failure) throw this.failure;
    return {
      version: '0.1.0',
      network: 'test',
      peer: fakeId('peer'),
      role: 'relay',
      identity: IDENTITY,
      identities: [IDENTITY],
      started: new Date(FIRST_TIME).toISOString(),
      dataFolder: 'data',
      listen: { peer: 'ws://127.0.0.1:5000', api: 'http://127.0.0.1:5001' },
      links: [],
      sources: [],
      localDiscovery: { mode: 'auto', state: 'off', reason: 'this is a test', addresses: [], peers: 0 },
      channels: this.#channels(),
      retention: retentionDefaults(RETENTION),
      relays: 1,
      outbox: 0,
      scrub: this.scrubbed,
      lastArrival: this.list.length,
      problems: [],
      ...this.overrides,
    };
  }

  #channels(): ChannelView[] {
    const known = new Set([...this.joined, ...this.list.map((view) => view.channel)]);
    return [...known].map((channel) => {
      const messages = this.list.filter((view) => view.channel === channel).length;
      const joined = this.joined.has(channel);
      const since = new Date(FIRST_TIME).toISOString();
      const retention = joined ? retentionView(this.policies.get(channel) ?? {}, RETENTION) : null;
      return { channel, joined, messages, bytes: messages * 1024, since, retention };
    });
  }

  async publish(request: PublishRequest): Promise<{ id: string; state: DeliveryState; isNew: boolean }> {
    if (channelName(request.channel) === undefined) throw new MeshError('bad_channel', 'It cannot be used.');
    if (Buffer.byteLength(request.body) > LIMITS.messageBytesMax - 300)
      throw new MeshError('message_too_large');
    this.requests.push(request);
    this.inProgress += 1;
    this.inProgressMost = Math.max(this.inProgressMost, this.inProgress);
    if (this.isHolding) {
      const durable = new Promise<void>((resolve) => this.held.push(resolve));
      this.#wake();
      await durable;
    }
    this.inProgress -= 1;
    const key = request.idempotencyKey;
    const known = key === undefined ? undefined : this.#keys.get(key);
    if (known) {
      if (known.request !== JSON.stringify(request)) throw new MeshError('idempotency_conflict');
      return { id: known.id, state: this.message(known.id)?.delivery?.state ?? 'queued', isNew: false };
    }
    const { id } = this.add(request.channel, request.body, {
      author: request.identity ?? IDENTITY,
      payload: request.payload ?? null,
      refs: request.refs ?? [],
      own: true,
      delivery: { state: 'queued', storedBy: [] },
    });
    if (key !== undefined) this.#keys.set(key, { request: JSON.stringify(request), id });
    return { id, state: 'queued', isNew: true };
  }

  async waitFor(
    id: string,
    state: DeliveryState,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<DeliveryState> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const ended = signal ? AbortSignal.any([signal, timeout]) : timeout;
    for (;;) {
      const now = this.message(id)?.delivery?.state;
      if (now === undefined) throw new MeshError('not_found');
      if (RANK[now] >= RANK[state]) return now;
      if (signal?.aborted) throw signal.reason;
      if (timeout.aborted) throw new MeshError('wait_timeout', `${id} is not ${state}.`);
      await this.changed(ended);
    }
  }

  async join(channel: string): Promise<{ channel: string; isNew: boolean }> {
    if (channelName(channel) === undefined) throw new MeshError('bad_channel', 'It cannot be used.');
    const isNew = !this.joined.has(channel);
    this.joined.add(channel);
    return { channel, isNew };
  }

  async leave(channel: string): Promise<{ channel: string; wasJoined: boolean }> {
    if (channelName(channel) === undefined) throw new MeshError('bad_channel', 'It cannot be used.');
    this.policies.delete(channel);
    return { channel, wasJoined: this.joined.delete(channel) };
  }

  async retain({ channel, ...rest }: RetentionRequest): Promise<ChannelView> {
    const policy = checkedPolicy(rest);
    if (!this.joined.has(channel)) throw new MeshError('not_found', 'The channel is not joined.');
    this.policies.set(channel, policy);
    return this.#channels().find((view) => view.channel === channel) as ChannelView;
  }

  async messages(page: {
    channel: string;
    limit: number;
    before?: string;
    after?: string;
  }): Promise<MessageView[]> {
    const all = this.list.filter((view) => view.channel === page.channel);
    const cursor = page.before ?? page.after;
    const at = cursor === undefined ? all.length : all.findIndex((view) => view.id === cursor);
    if (at < 0) throw new MeshError('not_found', 'No such message in this channel.');
    if (page.after !== undefined) return all.slice(at + 1, at + 1 + page.limit);
    return all.slice(Math.max(0, at - page.limit), at);
  }

  message(id: string): MessageView | undefined {
    return this.list.find((view) => view.id === id);
  }

  /** Gives a change to the feeds that ask for them. */
  change(fields: Partial<ChangeView> = {}): ChangeView {
    const arrival = this.list.length;
    const view: ChangeView = { arrival, channel: 'dev', deleted: [], edited: [], ...fields };
    this.changes.push(view);
    this.#wake();
    return view;
  }

  /** Gives an ephemeral to the feeds that ask for them. */
  tell(fields: Partial<EphemeralView> = {}): EphemeralView {
    const view: EphemeralView = {
      kind: 'draft',
      channel: 'dev',
      author: STRANGER,
      run: fakeId('run'),
      time: new Date(FIRST_TIME).toISOString(),
      counter: 0,
      state: 'open',
      doing: null,
      text: 'It is',
      refs: [],
      expires: new Date(FIRST_TIME + 60_000).toISOString(),
      own: false,
      ...fields,
    };
    this.ephemerals.push(view);
    this.#wake();
    return view;
  }

  async publishEphemeral(request: EphemeralRequest): Promise<{ channel: string; run: string }> {
    if (channelName(request.channel) === undefined) throw new MeshError('bad_channel', 'It cannot be used.');
    this.ephemeralRequests.push(request);
    return { channel: request.channel, run: request.run ?? fakeId('a new run') };
  }

  async *feed(options: {
    channels?: readonly string[];
    after?: number;
    changes?: boolean;
    ephemerals?: boolean;
    signal: AbortSignal;
  }): AsyncIterable<FeedItem> {
    const { channels, after, signal } = options;
    let cursor = after ?? this.list.length;
    let told = this.ephemerals.length;
    let changed = this.changes.length;
    if (cursor > this.list.length) throw new MeshError('bad_request', 'after is ahead.');
    for (let isLive = false; !signal.aborted; ) {
      const view = this.list[cursor];
      if (view) {
        cursor += 1;
        if (channels && !channels.includes(view.channel)) continue;
        this.pulled += 1;
        yield { kind: 'message', message: view };
      } else if (isLive && options.changes && changed < this.changes.length) {
        yield { kind: 'change', change: this.changes[changed++] as ChangeView };
      } else if (isLive && options.ephemerals && told < this.ephemerals.length) {
        yield { kind: 'ephemeral', ephemeral: this.ephemerals[told++] as EphemeralView };
      } else if (isLive) {
        await this.changed(signal);
      } else {
        isLive = true;
        this.isFollowed = true;
        this.#wake();
        yield { kind: 'caught-up', arrival: cursor };
      }
    }
  }

  addresses(): ReturnType<Gate['addresses']> {
    return [
      {
        ...{
          url: 'wss://relay.example/',
          peer: fakeId('relay'),
          source: 'list',
          state: 'waiting',
          next: null,
        },
        lastError: 'banned: come back in an hour',
      },
    ];
  }
}
