/**
 * What is gone stays gone: a message that retention removed from a joined channel is not stored there again, and one that
 * has expired is stored nowhere. A channel that is joined anew or gets another policy may fetch what it allows again.
 */
import type { Effect, Token } from '../core/contract.ts';
import type { Message } from '../core/message/message.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import type { Checked, Checker } from './checker.ts';
import type { PersistRequest } from './disk.ts';
import type { Host } from './host.ts';

/** From the look at the expiry until the disk is asked: signatures lie between. */
const LATE_MS = 5000;

interface Asked {
  readonly op: PersistOp;
  /** when the core asked for it, by its host's clock */
  readonly wallMs: number;
}

export class ComesBackChecker implements Checker {
  readonly #world: Checked;
  /** ids that a host's store took for a channel that it wants */
  readonly #taken = new Map<Host, Map<string, Set<string>>>();
  /** what a host's clock showed when it asked for a commit: a disk may be slow, and a computer may sleep meanwhile */
  readonly #asked = new Map<Host, Map<Token, number>>();

  constructor(world: Checked) {
    this.#world = world;
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind !== 'persist') return;
    const asked = this.#asked.get(host) ?? new Map<Token, number>();
    this.#asked.set(host, asked.set(effect.token, this.#world.wallMs(host)));
  }

  crashed(host: Host): void {
    this.#asked.delete(host);
  }

  committed(
    host: Host,
    requests: readonly PersistRequest[],
    results: readonly (readonly PersistResult[])[],
  ): void {
    const asked = this.#asked.get(host);
    for (const [i, { token, ops }] of requests.entries()) {
      const wallMs = asked?.get(token) ?? this.#world.wallMs(host);
      asked?.delete(token);
      for (const [j, op] of ops.entries()) this.#see(host, { op, wallMs }, results[i]?.[j]);
    }
  }

  /** What was damaged is to come again. */
  damaged(host: Host, ids: readonly string[]): void {
    for (const taken of this.#of(host).values()) for (const id of ids) taken.delete(id);
  }

  #see(host: Host, { op, wallMs }: Asked, result: PersistResult | undefined): void {
    if (op.kind === 'leave' || op.kind === 'retention') this.#of(host).delete(op.channel);
    if (op.kind !== 'message' && op.kind !== 'own-message') return;
    if (result?.kind === 'message' && result.inserted) this.#take(host, op.message.message, wallMs);
  }

  #of(host: Host): Map<string, Set<string>> {
    const known = this.#taken.get(host) ?? new Map<string, Set<string>>();
    this.#taken.set(host, known);
    return known;
  }

  #take(host: Host, message: Message, wallMs: number): void {
    const { channel, idText, expiresMs } = message;
    if (expiresMs !== 0 && expiresMs <= wallMs - LATE_MS) this.#fail(host, message, 'it had expired');
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
