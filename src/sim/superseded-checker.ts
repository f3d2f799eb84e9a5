/**
 * What is superseded in a feed is gone for good: no host keeps or shows a record beside one that supersedes it, or takes it
 * after one that it had. A host that retention made forget both may begin anew.
 *
 * The truth is what clients published.
 */
import { isFeed } from '../core/channel/channel.ts';
import { supersededOf } from '../core/channel/feed.ts';
import type { Message } from '../core/message/message.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import type { StoredMessage } from '../store/store.ts';
import type { Checked, Checker } from './checker.ts';
import type { PersistRequest } from './disk.ts';
import type { Host } from './host.ts';
import type { Registry } from './registry.ts';

function knows(host: Host, { id }: Message): boolean {
  const answer = host.store.read({ kind: 'has', ids: [id] });
  return answer.kind === 'has' && answer.holdings[0] !== 'unknown';
}

/** Whether a host knows records that supersede this message. */
export function isSuperseded(registry: Registry, host: Host, message: Message): boolean {
  if (!isFeed(message.channel)) return false;
  const others = registry
    .committedIn(message.channel)
    .flatMap(({ message: one }) => (one && one.idText !== message.idText ? [one] : []))
    .filter((one) => one.kind === message.kind && knows(host, one));
  return supersededOf(message.kind, [...others, message]).includes(message);
}

export class SupersededChecker implements Checker {
  readonly #world: Checked;
  /** what survives of all that a host had, by tag and kind */
  readonly #best = new Map<Host, Map<string, readonly Message[]>>();

  constructor(world: Checked) {
    this.#world = world;
  }

  committed(
    host: Host,
    requests: readonly PersistRequest[],
    results: readonly (readonly PersistResult[])[],
  ): void {
    for (const [i, { ops }] of requests.entries())
      for (const [j, op] of ops.entries()) this.#see(host, op, results[i]?.[j]);
  }

  #of(host: Host): Map<string, readonly Message[]> {
    const known = this.#best.get(host) ?? new Map<string, readonly Message[]>();
    this.#best.set(host, known);
    return known;
  }

  #see(host: Host, op: PersistOp, result: PersistResult | undefined): void {
    if (op.kind === 'prune') return this.#forget(host, op.tag);
    if (op.kind !== 'message' && op.kind !== 'own-message') return;
    const { message } = op.message;
    if (!isFeed(message.channel) || result?.kind !== 'message' || !result.inserted) return;
    const place = `${op.tag} ${message.kind}`;
    const all = [...(this.#of(host).get(place) ?? []), message];
    const gone = supersededOf(message.kind, all);
    if (gone.includes(message)) this.#fail(host, message, 'stores');
    for (const one of gone) if (knows(host, one)) this.#fail(host, one, 'keeps');
    this.#of(host).set(
      place,
      all.filter((one) => !gone.includes(one)),
    );
  }

  /** What retention removed supersedes nothing any more. */
  #forget(host: Host, tag: string): void {
    for (const [place, records] of this.#of(host))
      if (place.startsWith(`${tag} `))
        this.#of(host).set(
          place,
          records.filter((one) => knows(host, one)),
        );
  }

  shown(host: Host, _channel: string, { message: { message } }: StoredMessage): void {
    if (isSuperseded(this.#world.registry, host, message)) this.#fail(host, message, 'shows');
  }

  #fail(host: Host, { idText, channel }: Message, what: string): never {
    const detail = `${host.name} ${what} ${idText} of ${channel}, which is superseded`;
    throw this.#world.failure('superseded', detail, [host.name]);
  }

  end(): void {
    const { registry } = this.#world;
    for (const host of this.#world.honest())
      for (const { message } of registry.publications)
        if (message && knows(host, message) && isSuperseded(registry, host, message))
          this.#fail(host, message, 'holds');
  }
}
