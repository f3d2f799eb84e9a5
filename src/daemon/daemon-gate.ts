/**
 * The gate: what every door may do, checked here once. It turns requests into commands for the core and answers reads
 * from the store; it holds no state of its own besides who waits for what.
 */
import { toBase64url } from '../core/bytes.ts';
import { withMarks } from '../core/contact/marks.ts';
import type { DeliveryState, Event, RequestId } from '../core/contract.ts';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { PeerSnapshot } from '../core/peer-types.ts';
import type { Position } from '../core/persistence.ts';
import type { Store, StoredMessage } from '../store/store.ts';
import { checkAmending } from './amending.ts';
import { type Commands, hasReached, type Waits } from './commands.ts';
import { Desk, type DeskParts } from './desk/desk.ts';
import { type MapFacts, mapView } from './explain/map.ts';
import type { AddressView, MapView } from './explain/map-view.ts';
import type { WhyView } from './explain/why-view.ts';
import { FEED_PAGE, type FeedOptions, type Feeds } from './feed.ts';
import type {
  ChannelView,
  EphemeralRequest,
  FeedItem,
  Gate,
  MessageView,
  MetricFamily,
  PublishRequest,
  RetentionRequest,
  ScrubView,
  StatusView,
  TapRequest,
} from './gate.ts';
import type { LegacyHistory } from './legacy/view.ts';
import { type MetricFacts, readMetrics } from './metrics.ts';
import { checkedChannel, ephemeralCommand, markedRequest, publishCommand } from './publish.ts';
import { checkedPolicy } from './retention.ts';
import { nextTurn } from './system.ts';
import type { TapItem } from './tap/tap-view.ts';
import type { Taps } from './tap/taps.ts';
import { currentView, isoTime, isShown, messageView } from './views.ts';

export interface GateParts {
  readonly store: Store;
  readonly submit: (event: Event) => void;
  readonly commands: Commands;
  readonly waits: Waits;
  readonly feeds: Feeds;
  readonly identities: readonly [string, ...string[]];
  readonly wallMs: () => number;
  readonly snapshot: () => PeerSnapshot;
  readonly status: () => StatusView;
  readonly channels: () => readonly ChannelView[];
  readonly scrub: () => ScrubView;
  readonly stop: () => void;
  readonly numbers: () => Pick<MetricFacts, 'net' | 'process'>;
  readonly why: (id: string, agent: Desk) => WhyView;
  readonly map: (channel: string) => Pick<MapFacts, 'overview' | 'peer'>;
  readonly taps: Pick<Taps, 'open'>;
  readonly desk: Omit<DeskParts, 'identities' | 'store' | 'wallMs' | 'join' | 'publish'>;
}

type PageRequest = Parameters<Gate['messages']>[0];

function positionOf({ message }: StoredMessage): Position {
  return { time: message.message.time, id: message.message.id };
}

function notJoined(channel: string, cause?: MeshError): MeshError {
  return new MeshError('not_found', `The channel ${JSON.stringify(channel)} is not joined.`, { cause });
}

export class DaemonGate implements Gate {
  legacy?: LegacyHistory;
  readonly agent: Desk;
  readonly #parts: GateParts;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.agent = new Desk({
      ...parts,
      ...parts.desk,
      join: async (channel) => (await this.join(channel)).channel,
      publish: ({ hops, isNotice, key, ...message }) => {
        const { payload } = withMarks(undefined, { hops, isNotice, mentions: [] });
        return this.publish({ ...message, payload, idempotencyKey: key });
      },
    });
  }

  status(): StatusView {
    return this.#parts.status();
  }

  scrub(): ScrubView {
    return this.#parts.scrub();
  }

  stop(): void {
    this.#parts.stop();
  }

  metrics(): readonly MetricFamily[] {
    const { status, store, numbers } = this.#parts;
    return readMetrics({
      status: status(),
      agent: this.agent.status(),
      channels: store.channels(),
      ...numbers(),
    });
  }

  async publish(request: PublishRequest): Promise<{ id: string; state: DeliveryState; isNew: boolean }> {
    const { commands, submit, store, identities, wallMs } = this.#parts;
    const marked = markedRequest(request, () => this.agent.hopsNow());
    const command = publishCommand(marked, identities, wallMs());
    checkAmending(command, store, wallMs());
    const reply = await commands.ask((number: RequestId) =>
      submit({ kind: 'publish', request: number, command }),
    );
    if (reply.kind !== 'published')
      throw new MeshError('internal', `publish was answered with ${reply.kind}.`);
    const { id, isNew } = reply;
    const state = isNew ? 'queued' : (store.readMessage(id)?.delivery?.state ?? 'queued');
    return { id, state, isNew };
  }

  async publishEphemeral(request: EphemeralRequest): Promise<{ channel: string; run: string }> {
    const { commands, submit, identities } = this.#parts;
    const command = ephemeralCommand(request, identities);
    const reply = await commands.ask((number: RequestId) =>
      submit({ kind: 'ephemeral', request: number, command }),
    );
    if (reply.kind !== 'taken')
      throw new MeshError('internal', `an ephemeral was answered with ${reply.kind}.`);
    return { channel: command.channel, run: toBase64url(command.run) };
  }

  async waitFor(
    id: string,
    state: DeliveryState,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<DeliveryState> {
    const delivery = this.#parts.store.readMessage(id)?.delivery;
    if (delivery === undefined)
      throw new MeshError('not_found', 'No message with this id was sent from here.');
    if (hasReached(delivery.state, state)) return delivery.state;
    return this.#parts.waits.wait(id, state, timeoutMs, signal);
  }

  async join(channel: string): Promise<{ channel: string; isNew: boolean }> {
    const { commands, submit } = this.#parts;
    const name = checkedChannel(channel);
    const reply = await commands.ask((request: RequestId) =>
      submit({ kind: 'join', request, channel: name }),
    );
    if (reply.kind !== 'joined') throw new MeshError('internal', `join was answered with ${reply.kind}.`);
    return { channel: reply.channel, isNew: reply.isNew };
  }

  async leave(channel: string): Promise<{ channel: string; wasJoined: boolean }> {
    const { commands, submit } = this.#parts;
    const name = checkedChannel(channel);
    this.agent.left(name); // first: what is not joined must not wake anybody after a crash in between
    const reply = await commands.ask((request: RequestId) =>
      submit({ kind: 'leave', request, channel: name }),
    );
    if (reply.kind !== 'left') throw new MeshError('internal', `leave was answered with ${reply.kind}.`);
    return { channel: reply.channel, wasJoined: reply.wasJoined };
  }

  async retain({ channel, ...rest }: RetentionRequest): Promise<ChannelView> {
    const { commands, submit, channels } = this.#parts;
    const name = checkedChannel(channel);
    const policy = checkedPolicy(rest);
    const reply = await commands
      .ask((request: RequestId) => submit({ kind: 'retain', request, channel: name, policy }))
      .catch((error: unknown) => {
        if (error instanceof MeshError && error.code === 'not_found') throw notJoined(name, error);
        throw error;
      });
    if (reply.kind !== 'retained') throw new MeshError('internal', `retain was answered with ${reply.kind}.`);
    const view = channels().find((row) => row.channel === name && row.joined);
    if (view === undefined) throw notJoined(name); // left in the same moment
    return view;
  }

  async messages({ channel, limit, before, after }: PageRequest): Promise<MessageView[]> {
    const name = checkedChannel(channel);
    if (!Number.isInteger(limit) || limit < 1 || limit > LIMITS.apiPageMax)
      throw new MeshError('bad_request', `limit must be a whole number from 1 to ${LIMITS.apiPageMax}.`);
    if (before !== undefined && after !== undefined)
      throw new MeshError('bad_request', 'Give before or after, not both.');
    const shown: StoredMessage[] = [];
    let from = before === undefined ? undefined : this.#position(before, name);
    let since = after === undefined ? undefined : this.#position(after, name);
    // A page of a client may be long: it is read in short ones, and others have a turn between them.
    for (;;) {
      const wanted = Math.min(FEED_PAGE, limit - shown.length);
      const page = this.#readPage(name, wanted, from, since);
      if (since === undefined) shown.unshift(...page);
      else shown.push(...page);
      if (page.length < wanted || shown.length === limit) return shown.map(messageView);
      await nextTurn();
      if (since === undefined) from = positionOf(page[0] as StoredMessage);
      else since = positionOf(page.at(-1) as StoredMessage);
    }
  }

  message(id: string): MessageView | undefined {
    const stored = this.#parts.store.readMessage(id);
    if (stored === undefined || !isShown(stored)) return undefined;
    return currentView(stored, this.#parts.wallMs());
  }

  why(id: string): WhyView {
    return this.#parts.why(id, this.agent);
  }

  map(channel?: string): MapView {
    const name = channel === undefined ? '' : checkedChannel(channel);
    const { map, wallMs } = this.#parts;
    return mapView({ ...map(name), channel: name, wallMs: wallMs(), addresses: this.addresses() });
  }

  tap({ peer, types, signal }: TapRequest): AsyncIterable<TapItem> {
    return this.#parts.taps.open({ peer, types }, signal);
  }

  feed({ channels, after, changes, ephemerals, signal }: FeedOptions): AsyncIterable<FeedItem> {
    return this.#parts.feeds.open({
      signal,
      ...(changes === undefined ? {} : { changes }),
      ...(ephemerals === undefined ? {} : { ephemerals }),
      ...(after === undefined ? {} : { after }),
      ...(channels === undefined ? {} : { channels: channels.map(checkedChannel) }),
    });
  }

  addresses(): AddressView[] {
    return this.#parts.snapshot().addresses.map(({ url, peer, source, state, nextMs, lastError }) => ({
      url,
      peer,
      source,
      state,
      next: nextMs === 0 ? null : isoTime(nextMs),
      lastError: lastError === '' ? null : lastError,
    }));
  }

  #readPage(channel: string, limit: number, before?: Position, after?: Position): StoredMessage[] {
    const page = { channel, limit, wallMs: this.#parts.wallMs() };
    if (before !== undefined) return this.#parts.store.readPage({ ...page, before });
    return this.#parts.store.readPage(after === undefined ? page : { ...page, after });
  }

  #position(id: string, channel: string): Position {
    const stored = this.#parts.store.readMessage(id);
    if (stored !== undefined && stored.message.message.channel === channel) return positionOf(stored);
    throw new MeshError('not_found', `No message ${JSON.stringify(id.slice(0, 64))} in this channel.`);
  }
}
