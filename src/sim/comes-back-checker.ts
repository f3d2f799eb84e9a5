/**
 * What is gone stays gone: a message that retention removed from a joined channel is not stored there again, and one that
 * has expired is stored nowhere. A channel that is joined anew or gets another policy may fetch what it allows again.
 */
import type { Message } from '../core/message/message.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import type { Checked, Checker } from './checker.ts';
import type { PersistRequest } from './disk.ts';
import type { Host } from './host.ts';

/** From the look at the expiry to the commit: signatures and a slow disk lie between. */
const LATE_MS = 5000;

export class ComesBackChecker implements Checker {
  readonly #world: Checked;
  /** ids that a host's store took for a channel that it wants */
  readonly #taken = new Map<Host, Map<string, Set<string>>>();

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

  #see(host: Host, op: PersistOp, result: PersistResult | undefined): void {
    if (op.kind === 'leave' || op.kind === 'retention') this.#of(host).delete(op.channel);
    if (op.kind !== 'message' && op.kind !== 'own-message') return;
    if (result?.kind === 'message' && result.inserted) this.#take(host, op.message.message);
  }

  #of(host: Host): Map<string, Set<string>> {
    const known = this.#taken.get(host) ?? new Map<string, Set<string>>();
    this.#taken.set(host, known);
    return known;
  }

  #take(host: Host, message: Message): void {
    const { channel, idText, expiresMs } = message;
    if (expiresMs !== 0 && expiresMs <= this.#world.wallMs(host) - LATE_MS)
      this.#fail(host, message, 'it had expired');
    if (![...this.#world.interests(host)].includes(channel)) return;
    const ids = this.#of(host).get(channel) ?? new Set<string>();
    this.#of(host).set(channel, ids);
    if (ids.has(idText)) this.#fail(host, message, 'it had been there and was removed');
    ids.add(idText);
  }

  #fail(host: Host, { idText, channel }: Message, why: string): never {
    const detail = `${host.name} stores ${idText} of ${channel}: ${why}`;
    throw this.#world.failure('comes-back', detail, [host.name]);
  }

  end(): void {
    // Only moments are checked.
  }
}
