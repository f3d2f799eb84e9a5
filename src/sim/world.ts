/**
 * A simulated mesh to play scenarios in: peers that start, crash and come back with their store, clients that join and
 * publish, and the checkers, which watch from the first step.
 */
import { equal, toBase64url } from '../core/bytes.ts';
import { mayWrite } from '../core/channel/channel.ts';
import type { LinkId, RequestId, RetentionPolicy } from '../core/contract.ts';
import { DEFAULT_RATES, DEFAULT_RETENTION } from '../core/defaults.ts';
import type { EphemeralContent } from '../core/message/ephemeral.ts';
import type { Message } from '../core/message/message.ts';
import { type SignatureCheck, signatureCheck } from '../core/message/verified.ts';
import type { PeerConfig, PeerSnapshot } from '../core/peer-types.ts';
import { Random } from '../core/random.ts';
import { sha256 } from '../crypto/hash.ts';
import { createMemoryStore } from '../store/memory.ts';
import { type Checked, type Checker, ofHonest, type Queues } from './checker.ts';
import { createCheckers } from './checkers.ts';
import { Clients, type PublishOptions } from './clients.ts';
import { ConvergenceWatch, checkConvergence, type Difference, findDifferences } from './convergence.ts';
import { Counts } from './counts.ts';
import type { CommitCrash } from './disk.ts';
import { Feeds } from './feed.ts';
import { type CoreFactory, Host, type SimCore } from './host.ts';
import { mustKeep } from './keeping.ts';
import { derive, SimKey } from './keys.ts';
import { MaliciousPeer } from './malice/actor.ts';
import { Hand } from './malice/hand.ts';
import { MALICE } from './malice/index.ts';
import { Network, type NetworkOptions, SIM_NETWORK } from './network.ts';
import type { PeerOptions } from './peer-options.ts';
import { type Publication, Registry } from './registry.ts';
import { isSuperseded } from './superseded-checker.ts';
import { SimFailure } from './trace.ts';

export interface WorldOptions extends NetworkOptions {
  readonly createCore: CoreFactory;
  /** which checkers watch, all without it */
  readonly checkers?: (world: Checked) => Checker[];
}

export class World implements Checked {
  readonly network: Network;
  readonly registry = new Registry();
  readonly feeds: Feeds;
  /** what a scenario found out, for reports */
  readonly notes: string[] = [];
  /** what happened and how often, for reports and for tests that want it to have happened */
  readonly counts = new Counts();
  readonly #options: WorldOptions;
  readonly #hosts = new Map<string, Host>();
  /** hosts added so far: their addresses are made from it */
  #added = 0;
  readonly #clients: Clients;
  readonly #convergence = new ConvergenceWatch(this);
  readonly #checkers: readonly Checker[];

  constructor(options: WorldOptions) {
    this.#options = options;
    this.network = new Network(options);
    this.#clients = new Clients(this.network, this.registry);
    this.#checkers = (options.checkers ?? createCheckers)(this);
    const { observers } = this.network;
    this.feeds = new Feeds({ observers, wallMs: (host) => this.wallMs(host) });
    observers.push(...this.#checkers.map(ofHonest), this.feeds, this.#clients);
  }

  get nowMs(): number {
    return this.network.schedule.nowMs;
  }

  get repeatsFrames(): boolean {
    return this.network.profile.repeatShare > 0;
  }

  wallMs(host: Host): number {
    return this.network.nowOf(host).wallMs;
  }

  hosts(): Host[] {
    return [...this.#hosts.values()];
  }

  honest(): Host[] {
    return this.hosts().filter(({ isHonest }) => isHonest);
  }

  otherEnd(link: LinkId): Host | undefined {
    return this.network.links.otherEnd(link);
  }

  isSigned(check: SignatureCheck): boolean {
    return this.network.isSigned(check);
  }

  isGenuine(message: Message): boolean {
    const published = this.registry.byId(message.idText)?.message;
    if (published !== undefined)
      return equal(published.wire, message.wire) && published.body === message.body;
    const author = toBase64url(message.author);
    if (this.honest().some((host) => host.isOwn(author))) return false;
    if (!mayWrite(message.channel, message.author)) return false;
    return this.isSigned(signatureCheck(this.network.messages, message));
  }

  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new RangeError(`no simulated peer is called ${name}`);
    return host;
  }

  failure(checker: string, detail: string, about: readonly string[] = []): SimFailure {
    return this.network.trace.failure(checker, detail, about);
  }

  interests(host: Host): Iterable<string> {
    return this.#clients.interests(host);
  }

  keeps(host: Host, publication: Publication): boolean {
    const { command, message } = publication;
    const { channel } = command;
    if (message && isSuperseded(this.registry, host, message)) return false;
    const wallMs = this.wallMs(host);
    const isJoined = this.#clients.wants(host, channel);
    return mustKeep(host, publication, { wallMs, isJoined, policy: this.#clients.policyOf(host, channel) });
  }

  queues(host: Host): Queues {
    const ends = this.network.links.endsOf(host);
    return {
      sendBytes: host.traffic.queuePeakBytes,
      unreadBytes: Math.max(0, ...ends.map(({ unreadBytes }) => unreadBytes)),
      diskOps: host.disk?.waitingOps ?? 0,
    };
  }

  /** A random source of its own for each purpose, so that one scenario's step does not shift another's. */
  random(label: string): Random {
    return new Random(derive(this.network.seed, label));
  }

  /** A computer with a store and keys, and no daemon running yet. */
  add(name: string, options: PeerOptions = {}): Host {
    const { seed } = this.network;
    const number = ++this.#added;
    const store = createMemoryStore({ network: SIM_NETWORK, sha256 });
    const host = new Host({
      name,
      url: `ws://127.${number >> 8}.${number & 255}.1:${5000 + number}/`,
      peerKey: new SimKey(derive(seed, `peer ${name}`)),
      identityKeys: Array.from({ length: options.identities ?? 1 }, (_, i) => {
        return new SimKey(derive(seed, `identity ${name}${i === 0 ? '' : ` ${i + 1}`}`));
      }),
      store: options.wrapStore?.(store) ?? store,
      memory: store,
      createCore: this.#coreOf(name, options),
      random: this.random(`host ${name}`),
      rates: { ...DEFAULT_RATES, ...options.rates },
      retention: { ...DEFAULT_RETENTION, ...options.retention },
      isReachable: options.isReachable ?? true,
      asksDialBack: options.asksDialBack ?? false,
      fixed: options.fixed ?? [],
      bootstrap: options.bootstrap ?? [],
      wallOffsetMs: options.wallOffsetMs ?? 0,
      malice: options.malice ?? '',
    });
    this.#hosts.set(name, host);
    this.network.dialler.register(host);
    this.#clients.add(host, options.joined ?? []);
    return host;
  }

  /** The core under test, with a malice in front of it where that is asked for. */
  #coreOf(
    name: string,
    { createCore = this.#options.createCore, malice, createMalice, joined }: PeerOptions,
  ) {
    if (malice === undefined) return createCore;
    const factory = createMalice ?? MALICE[malice];
    return (config: PeerConfig): SimCore => {
      const { options, deeds } = this.host(name);
      const hand = new Hand({
        seed: this.network.seed,
        name,
        messages: this.network.messages,
        random: options.random,
        peerKey: options.peerKey,
        identityKey: options.identityKeys[0] as SimKey,
        channels: joined?.length ? joined : ['lobby'],
        deeds,
      });
      // Its own core must not be the one that ends a link for the answers to what the malice asks.
      return new MaliciousPeer(createCore({ ...config, banThreshold: 0 }), hand, factory);
    };
  }

  /** Only these pairs reach each other from now on. */
  restrict(...pairs: readonly (readonly [string, string])[]): void {
    this.network.dialler.restrict(pairs.map(([a, b]) => [this.host(a), this.host(b)] as const));
  }

  /** Starts the daemon, with what its store kept. */
  start(name: string): void {
    const host = this.host(name);
    if (host.isUp) return;
    const { random, createCore, identityKeys } = host.options;
    const bytes = (length: number) => Uint8Array.from({ length }, () => random.below(256));
    host.run++;
    host.startedMs = this.nowMs - random.below(1000);
    this.network.trace.add(`${name} starts, run ${host.run}`);
    host.core = createCore({
      network: SIM_NETWORK,
      peerId: host.peerId,
      instance: bytes(8),
      seed: bytes(32),
      sha256,
      agent: `sim ${name}`,
      allowPrivate: false,
      banThreshold: 16,
      known: new Set(),
      rates: host.options.rates,
      retention: host.options.retention,
      publicUrl: '',
      mayRelay: true,
      mesh1: true,
      sealLoopback: false,
    });
    this.network.startDisk(host);
    this.network.dialler.resetStale(host);
    for (const observer of this.network.observers) observer.started?.(host);
    this.network.deliver(host, {
      kind: 'started',
      state: { identities: identityKeys.map(({ id }) => id), ...host.store.restore() },
    });
    if (host.options.asksDialBack) {
      const port = Number(new URL(host.options.url).port);
      this.network.deliver(host, { kind: 'listening', port });
    }
    this.#giveAddresses(host);
    this.#clients.return(host);
  }

  #giveAddresses(host: Host): void {
    const { fixed, bootstrap } = host.options;
    const addresses = (names: readonly string[], withId: boolean) =>
      names.flatMap((name) => {
        if (name.startsWith('ws://')) return { url: name, peer: '' };
        const host = this.#hosts.get(name);
        if (host === undefined) return []; // gone for good, and taken off the lists
        return { url: host.options.url, peer: withId ? host.peerId : '' };
      });
    const scope = 'loopback' as const;
    if (fixed.length > 0) {
      const event = { kind: 'addresses', source: 'MESH_PEERS', scope, fixed: true } as const;
      this.network.deliver(host, { ...event, addresses: addresses(fixed, false) });
    }
    if (bootstrap.length === 0) return;
    const fetch = () => {
      const event = {
        kind: 'addresses',
        source: 'http://127.0.0.1/bootstrap.json',
        scope,
        fixed: false,
      } as const;
      this.network.deliver(host, { ...event, addresses: addresses(bootstrap, true) });
      this.network.later(host, this.network.profile.bootstrapRefreshMs, fetch);
    };
    this.network.later(host, this.network.draw(this.network.profile.bootstrapMs), fetch);
  }

  crash(name: string, how: CommitCrash['how'] = 'killed'): void {
    this.network.crash(this.host(name), how);
  }

  /** The computer is gone for good, and its disk with it. */
  remove(name: string): void {
    const host = this.host(name);
    this.network.crash(host, 'power');
    this.network.dialler.unregister(host);
    this.#clients.remove(host);
    this.feeds.remove(host);
    this.#hosts.delete(name);
  }

  /** Crashes at the next commit of the host, or after two seconds if there is none. */
  crashAtCommit(name: string, crash: CommitCrash): void {
    const host = this.host(name);
    host.disk?.armCrash(crash);
    this.network.later(host, 2000, () => this.network.crash(host, crash.how));
  }

  /** Sets a host's wall clock: from now on it is this far ahead of true time. */
  setClock(name: string, wallOffsetMs: number): void {
    this.network.trace.add(`${name} sets its clock to ${wallOffsetMs} ms`);
    this.host(name).wallOffsetMs = wallOffsetMs;
  }

  /** A client joins a channel; after a restart the daemon knows it by itself. */
  join(name: string, channel: string): void {
    this.#clients.join(this.host(name), channel);
  }

  leave(name: string, channel: string): void {
    this.#clients.leave(this.host(name), channel);
  }

  /** A client says how much of a channel is kept. */
  retain(name: string, channel: string, policy: RetentionPolicy): void {
    this.#clients.retain(this.host(name), channel, policy);
  }

  publish(name: string, channel: string, body: string, options: PublishOptions = {}): RequestId {
    return this.#clients.publish(this.host(name), channel, body, options);
  }

  /** A client hands over a draft or an activity. @param run one byte that names the run */
  say(name: string, channel: string, content: EphemeralContent, run: number, identity = 0): void {
    this.#clients.say(this.host(name), { channel, content, run, identity });
  }

  /** Lets virtual time pass. */
  run(durationMs: number): void {
    try {
      this.network.schedule.runUntil(this.nowMs + durationMs);
    } catch (error) {
      if (error instanceof SimFailure) throw error;
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw this.network.trace.failure('exception', detail, [], error);
    }
  }

  /** All computers sleep for a while: when they wake, all that was due is late. */
  sleep(durationMs: number): void {
    this.network.trace.add(`everybody sleeps for ${durationMs} ms`);
    this.network.schedule.leap(durationMs);
  }

  /** Lets time pass until something holds, looked at four times a second. @returns whether it came to hold */
  runUntil(holds: () => boolean, maxMs: number): boolean {
    const endMs = this.nowMs + maxMs;
    while (!holds()) {
      if (this.nowMs >= endMs) return false;
      this.run(Math.min(250, endMs - this.nowMs));
    }
    return true;
  }

  /** Hosts that run, or all that are named. */
  up(names?: readonly string[]): Host[] {
    return names === undefined
      ? this.hosts().filter((host) => host.isUp)
      : names.map((name) => this.host(name));
  }

  differences(among: readonly Host[] = this.up()): Difference[] {
    return findDifferences(this, among);
  }

  /** Waits for convergence; fails if it does not come in time. */
  converge(maxMs: number, among: readonly Host[] = this.up()): void {
    this.runUntil(() => this.#convergence.isReached(among), maxMs);
    checkConvergence(this, among);
  }

  snapshot(name: string): PeerSnapshot | undefined {
    const host = this.host(name);
    return host.core?.snapshot?.(this.network.nowOf(host));
  }

  /** Every checker looks at everything once more. */
  end(): void {
    for (const checker of this.#checkers) checker.end();
  }
}
