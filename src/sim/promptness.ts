/**
 * How soon messages are shown where they are due. A message is due, from the moment at which its author asked for it, at
 * every honest peer that has joined its channel, runs and is connected then. Whoever stops within the next minute is not
 * counted, and no message of an author who does.
 */
import type { StoredMessage } from '../store/store.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';
import type { Publication } from './registry.ts';
import type { World } from './world.ts';

/** The times that shares are told for, virtual ms. */
export const WITHIN_MS = [1000, 5000, 15_000, 60_000] as const;
const LAST_MS = 60_000;

export interface PromptnessFigures {
  /** deliveries that were due */
  readonly due: number;
  /** share of them made within the times of `WITHIN_MS`, cut to 5 digits: 1 is all of them */
  readonly shares: readonly number[];
  readonly words: string;
  /** those not made within the last of these times, as `message at peer` */
  readonly missing: readonly string[];
}

interface Passage {
  readonly publication: Publication;
  readonly channel: string;
  /** peers that it is due at and that have not shown it, with the number of their run */
  readonly due: Map<Host, number>;
  readonly authorRun: number;
  readonly delaysMs: number[];
}

export class Promptness implements Observer {
  readonly #world: World;
  /** in the order in which they were asked for */
  readonly #open = new Map<Publication, Passage>();
  readonly #within = WITHIN_MS.map(() => 0);
  #due = 0;
  readonly #missing: string[] = [];

  constructor(world: World) {
    this.#world = world;
    world.network.observers.push(this);
  }

  /** @param isConnected who counts as connected now */
  publish(name: string, channel: string, body: string, isConnected: (host: Host) => boolean): void {
    const world = this.#world;
    this.#settle();
    const members = world
      .up()
      .filter((host) => host.isHonest && host.name !== name && [...world.interests(host)].includes(channel));
    world.publish(name, channel, body);
    const publication = world.registry.publications.at(-1);
    if (publication === undefined) throw new Error(`nothing was published at ${name}`);
    const due = new Map(members.filter(isConnected).map((host) => [host, host.run]));
    if (!isConnected(publication.host)) due.clear();
    const authorRun = publication.host.run;
    this.#open.set(publication, { publication, channel, due, authorRun, delaysMs: [] });
  }

  shown(host: Host, channel: string, row: StoredMessage): void {
    if (channel === '') return;
    const publication = this.#world.registry.byId(row.message.message.idText);
    const passage = publication && this.#open.get(publication);
    if (passage === undefined || passage.due.get(host) !== host.run) return;
    const delayMs = this.#world.nowMs - passage.publication.askedMs;
    if (delayMs > LAST_MS) return;
    passage.due.delete(host);
    passage.delaysMs.push(delayMs);
  }

  crashed(host: Host): void {
    for (const passage of this.#open.values()) passage.due.delete(host);
  }

  #settle(): void {
    for (const [publication, passage] of this.#open) {
      if (this.#world.nowMs - publication.askedMs <= LAST_MS) return;
      this.#open.delete(publication);
      if (publication.host.run !== passage.authorRun || !publication.host.isUp) continue;
      this.#add(passage);
    }
  }

  #add({ publication, delaysMs, due }: Passage): void {
    this.#due += delaysMs.length + due.size;
    WITHIN_MS.forEach((ms, i) => {
      this.#within[i] = (this.#within[i] as number) + delaysMs.filter((delayMs) => delayMs <= ms).length;
    });
    const id = publication.message?.idText.slice(0, 8) ?? 'a message that was never stored';
    for (const host of due.keys()) this.#missing.push(`${id} of ${publication.host.name} at ${host.name}`);
  }

  /** Of all messages that are older than a minute. */
  figures(): PromptnessFigures {
    this.#settle();
    const shares = this.#within.map((count) => Math.floor((1e5 * count) / Math.max(1, this.#due)) / 1e5);
    const parts = WITHIN_MS.map(
      (ms, i) => `${(100 * (shares[i] as number)).toFixed(3)}% within ${ms / 1000} s`,
    );
    const words = `${this.#due} deliveries due: ${parts.join(', ')}`;
    return { due: this.#due, shares, words, missing: this.#missing };
  }
}
