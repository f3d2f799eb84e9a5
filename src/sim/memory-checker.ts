/**
 * Memory stays bounded: every map and queue of a core says how much it holds and how much it may hold, and what the
 * simulator keeps for the host (send queues, what it has not read, what waits for the disk) is bounded too.
 */
import { LIMITS } from '../core/limits.ts';
import type { Checked, Checker } from './checker.ts';
import type { Host } from './host.ts';

/** Events of a host between two looks: a leak grows on, so a look at every event would find nothing more. */
const EVENTS_PER_LOOK = 64;
/** A link is closed above its limit, and what its host says until the close is executed still comes on top. */
const SEND_BYTES_MAX = 2 * LIMITS.linkQueueBytesClose;

export class MemoryChecker implements Checker {
  readonly #world: Checked;
  readonly #events = new Map<Host, number>();

  constructor(world: Checked) {
    this.#world = world;
  }

  event(host: Host): void {
    const events = (this.#events.get(host) ?? 0) + 1;
    this.#events.set(host, events);
    if (events % EVENTS_PER_LOOK === 0) this.#look(host);
  }

  crashed(host: Host): void {
    this.#events.delete(host);
  }

  end(): void {
    for (const host of this.#world.honest()) this.#look(host);
  }

  #look(host: Host): void {
    for (const [what, { size, max }] of Object.entries(host.core?.footprint?.() ?? {}))
      this.#require(host, what, { size, max });
    const { sendBytes, unreadBytes, diskOps } = this.#world.queues(host);
    this.#require(host, 'bytes in a send queue', { size: sendBytes, max: SEND_BYTES_MAX });
    this.#require(host, 'bytes in front of a link', { size: unreadBytes, max: SEND_BYTES_MAX });
    this.#require(host, 'operations for the disk', { size: diskOps, max: LIMITS.commitQueueMax });
  }

  #require(host: Host, what: string, { size, max }: { size: number; max: number }): void {
    if (size <= max) return;
    throw this.#world.failure('memory', `${host.name} holds ${size} ${what}, at most ${max} are allowed`, [
      host.name,
    ]);
  }
}
