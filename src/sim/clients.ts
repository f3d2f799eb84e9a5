/**
 * What local clients ask of their daemons: they join channels, leave them, say how much is kept and publish, and
 * remember what they were answered. A join that a crash left unanswered is asked for again, as a client would.
 */
import { utf8 } from '../core/bytes.ts';
import type { Effect, RequestId, RetentionPolicy } from '../core/contract.ts';
import type { EphemeralContent } from '../core/message/ephemeral.ts';
import type { Ref } from '../core/message/message.ts';
import type { Host } from './host.ts';
import type { Network } from './network.ts';
import type { Observer } from './observer.ts';
import type { Registry } from './registry.ts';

/** What may be said about a publication besides its text. */
export interface PublishOptions {
  /** which of the host's identities, the first one without it */
  readonly identity?: number;
  /** wall ms, 0 for never */
  readonly expiresMs?: number;
  readonly refs?: readonly Ref[];
  /** of a record of the identity's own feed */
  readonly kind?: number;
}

/** An ephemeral, as a client of a simulated host hands it over. */
export interface Saying {
  readonly channel: string;
  readonly content: EphemeralContent;
  /** one byte that names the run */
  readonly run: number;
  readonly identity: number;
}

export class Clients implements Observer {
  readonly #network: Network;
  readonly #registry: Registry;
  readonly #interests = new Map<Host, Set<string>>();
  /** asked for and not yet answered: asked again after a crash */
  readonly #joining = new Map<Host, Set<string>>();
  /** what clients want kept, by channel */
  readonly #policies = new Map<Host, Map<string, RetentionPolicy>>();
  #requests = 0;

  constructor(network: Network, registry: Registry) {
    this.#network = network;
    this.#registry = registry;
  }

  /** A new host, whose clients will join these once it runs. */
  add(host: Host, channels: readonly string[]): void {
    this.#interests.set(host, new Set(channels));
    this.#joining.set(host, new Set(channels));
  }

  remove(host: Host): void {
    this.#interests.delete(host);
    this.#joining.delete(host);
    this.#policies.delete(host);
  }

  /** Channels that clients of this host want. */
  interests(host: Host): Iterable<string> {
    return this.#interests.get(host) ?? [];
  }

  wants(host: Host, channel: string): boolean {
    return this.#interests.get(host)?.has(channel) ?? false;
  }

  /** The daemon is up again. */
  return(host: Host): void {
    for (const channel of this.#joining.get(host) ?? []) this.join(host, channel);
  }

  join(host: Host, channel: string): void {
    this.#interests.get(host)?.add(channel);
    this.#joining.get(host)?.add(channel);
    this.#network.deliver(host, { kind: 'join', request: ++this.#requests, channel });
  }

  leave(host: Host, channel: string): void {
    this.#interests.get(host)?.delete(channel);
    this.#joining.get(host)?.delete(channel);
    this.#policies.get(host)?.delete(channel);
    this.#network.deliver(host, { kind: 'leave', request: ++this.#requests, channel });
  }

  retain(host: Host, channel: string, policy: RetentionPolicy): void {
    const policies = this.#policies.get(host) ?? new Map<string, RetentionPolicy>();
    this.#policies.set(host, policies.set(channel, policy));
    this.#network.deliver(host, { kind: 'retain', request: ++this.#requests, channel, policy });
  }

  policyOf(host: Host, channel: string): RetentionPolicy {
    return this.#policies.get(host)?.get(channel) ?? {};
  }

  publish(host: Host, channel: string, body: string, options: PublishOptions = {}): RequestId {
    const request = ++this.#requests;
    const command = {
      identity: host.identityAt(options.identity ?? 0),
      channel,
      body,
      payload: utf8(''),
      refs: options.refs ?? [],
      expiresMs: options.expiresMs ?? 0,
      idempotencyKey: '',
      ...(options.kind !== undefined && { kind: options.kind }),
    };
    this.#registry.asked({
      host,
      request,
      command,
      askedMs: this.#network.schedule.nowMs,
      message: undefined,
      ackedMs: undefined,
      refused: '',
    });
    this.#network.deliver(host, { kind: 'publish', request, command });
    return request;
  }

  /** Hands over an ephemeral of the host's identity with this index. */
  say(host: Host, { channel, content, run, identity }: Saying): void {
    const command = {
      identity: host.identityAt(identity),
      channel,
      run: new Uint8Array(32).fill(run),
      refs: [],
      content,
    };
    this.#network.deliver(host, { kind: 'ephemeral', request: ++this.#requests, command });
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind !== 'reply') return;
    if (effect.reply.kind === 'joined') this.#joining.get(host)?.delete(effect.reply.channel);
    const publication = this.#registry.byRequest(effect.request);
    if (publication === undefined) return;
    if (effect.reply.kind === 'published') publication.ackedMs = this.#network.schedule.nowMs;
    else if (effect.reply.kind === 'failed') publication.refused = effect.reply.code;
  }
}
