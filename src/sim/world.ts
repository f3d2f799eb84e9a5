/**
 * A simulated mesh to play scenarios in: peers that start, crash and come back with their store, clients that join and
 * publish, and the checkers, which watch from the first step.
 */
import { utf8 } from '../core/bytes.ts';
import type { Effect, RequestId } from '../core/contract.ts';
import type { PeerSnapshot } from '../core/peer-types.ts';
import { Random } from '../core/random.ts';
import { sha256 } from '../crypto/hash.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import {
  type Checker,
  checkConvergence,
  createCheckers,
  type Difference,
  findDifferences,
} from './checkers.ts';
import { Feeds } from './feed.ts';
import { type CoreFactory, Host } from './host.ts';
import { derive, SimKey } from './keys.ts';
import { Network, type NetworkOptions, SIM_NETWORK } from './network.ts';
import type { Observer } from './observer.ts';
import { Registry } from './registry.ts';
import { SimFailure } from './trace.ts';

export interface WorldOptions extends NetworkOptions {
  readonly createCore: CoreFactory;
}

export interface PeerOptions {
  /** names of peers on its bootstrap list */
  readonly bootstrap?: readonly string[];
  /** names or `ws://` addresses of peers that it always dials */
  readonly fixed?: readonly string[];
  readonly joined?: readonly string[];
  /** own wall clock minus true time, ms */
  readonly wallOffsetMs?: number;
  /** instead of the world's, for broken peers */
  readonly createCore?: CoreFactory;
  /** instead of the memory store, for broken ones */
  readonly wrapStore?: (store: Store) => Store;
}

export class World implements Observer {
  readonly network: Network;
  readonly registry = new Registry();
  readonly feeds: Feeds;
  readonly #options: WorldOptions;
  readonly #hosts = new Map<string, Host>();
  readonly #interests = new Map<Host, Set<string>>();
  /** asked for and not yet answered: asked again after a crash */
  readonly #joining = new Map<Host, Set<string>>();
  readonly #checkers: readonly Checker[];
  #requests = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.network = new Network(options);
    this.#checkers = createCheckers(this);
    const { observers } = this.network;
    this.feeds = new Feeds({ observers, wallMs: (host) => this.network.nowOf(host).wallMs });
    observers.push(...this.#checkers, this.feeds, this);
  }

  get nowMs(): number {
    return this.network.schedule.nowMs;
  }

  hosts(): Host[] {
    return [...this.#hosts.values()];
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
    return this.#interests.get(host) ?? [];
  }

  /** A random source of its own for each purpose, so that one scenario's step does not shift another's. */
  random(label: string): Random {
    return new Random(derive(this.network.seed, label));
  }

  /** A computer with a store and keys, and no daemon running yet. */
  add(name: string, options: PeerOptions = {}): Host {
    const { seed } = this.network;
    const number = this.#hosts.size + 1;
    const store = createMemoryStore({ network: SIM_NETWORK, sha256 });
    const host = new Host({
      name,
      url: `ws://127.${number >> 8}.${number & 255}.1:${5000 + number}/`,
      peerKey: new SimKey(derive(seed, `peer ${name}`)),
      identityKey: new SimKey(derive(seed, `identity ${name}`)),
      store: options.wrapStore?.(store) ?? store,
      createCore: options.createCore ?? this.#options.createCore,
      random: this.random(`host ${name}`),
      fixed: options.fixed ?? [],
      bootstrap: options.bootstrap ?? [],
      wallOffsetMs: options.wallOffsetMs ?? 0,
    });
    this.#hosts.set(name, host);
    this.network.dialler.register(host);
    this.#interests.set(host, new Set(options.joined ?? []));
    this.#joining.set(host, new Set(options.joined ?? []));
    return host;
  }

  /** Only these pairs reach each other from now on. */
  restrict(...pairs: readonly (readonly [string, string])[]): void {
    this.network.dialler.restrict(pairs.map(([a, b]) => [this.host(a), this.host(b)] as const));
  }

  /** Starts the daemon, with what its store kept. */
  start(name: string): void {
    const host = this.host(name);
    if (host.isUp) return;
    const { random, createCore, identityKey } = host.options;
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
      rates: { leafPerSecond: 0, relayPerSecond: 0 },
    });
    this.network.startDisk(host);
    this.network.dialler.resetStale(host);
    for (const observer of this.network.observers) observer.started?.(host);
    this.network.deliver(host, {
      kind: 'started',
      state: { identities: [identityKey.id], ...host.store.restore() },
    });
    this.#giveAddresses(host);
    for (const channel of this.#joining.get(host) ?? []) this.join(name, channel);
  }

  #giveAddresses(host: Host): void {
    const { fixed, bootstrap } = host.options;
    const addresses = (names: readonly string[], withId: boolean) =>
      names.map((name) => {
        if (name.startsWith('ws://')) return { url: name, peer: '' };
        const { options, peerId } = this.host(name);
        return { url: options.url, peer: withId ? peerId : '' };
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

  /** `killed` and `power` as the network knows them; the commit sides crash at the next commit, at once without one. */
  crash(name: string, how: 'killed' | 'power' | 'before-commit' | 'after-commit' = 'killed'): void {
    const host = this.host(name);
    if (how === 'killed' || how === 'power') {
      this.network.crash(host, how);
      return;
    }
    host.disk?.armCrash(how);
    this.network.later(host, 2000, () => this.network.crash(host, 'killed'));
  }

  /** A client joins a channel; after a restart the daemon knows it by itself. */
  join(name: string, channel: string): void {
    const host = this.host(name);
    this.#interests.get(host)?.add(channel);
    this.#joining.get(host)?.add(channel);
    this.network.deliver(host, { kind: 'join', request: ++this.#requests, channel });
  }

  publish(name: string, channel: string, body: string): RequestId {
    const host = this.host(name);
    const request = ++this.#requests;
    const command = {
      identity: host.identity,
      channel,
      body,
      payload: utf8(''),
      refs: [],
      expiresMs: 0,
      idempotencyKey: '',
    };
    const askedMs = this.nowMs;
    this.registry.asked({
      host,
      request,
      command,
      askedMs,
      message: undefined,
      ackedMs: undefined,
      refused: '',
    });
    this.network.deliver(host, { kind: 'publish', request, command });
    return request;
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind !== 'reply') return;
    if (effect.reply.kind === 'joined') this.#joining.get(host)?.delete(effect.reply.channel);
    const publication = this.registry.byRequest(effect.request);
    if (publication === undefined) return;
    if (effect.reply.kind === 'published') publication.ackedMs = this.nowMs;
    else if (effect.reply.kind === 'failed') publication.refused = effect.reply.code;
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
    this.runUntil(() => this.differences(among).length === 0, maxMs);
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
