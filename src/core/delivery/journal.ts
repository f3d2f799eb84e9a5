/**
 * What happened to own messages on their way, as far as this run saw it: for people who ask why a message is not stored
 * yet. Nothing is decided by it; the truth about states is the table of the store.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Message } from '../message/message.ts';
import { Recent } from '../recent.ts';

/** Something that a peer did, and when (wall ms). */
export interface Deed {
  readonly peer: string;
  readonly atMs: number;
}

/**
 * Why a peer is asked to keep own messages. `home`: it is our home relay; `dialled`: a relay at an address that we proved by
 * dialling; `dialled-in`: a relay that dialled us, so that its address is not proven to us.
 */
export type KeeperStanding = 'home' | 'dialled' | 'dialled-in';

export interface Confirmation extends Deed {
  readonly standing: KeeperStanding;
}

export interface Journey {
  /** pushes to a keeper, the first and the newest, wall ms; 0 for none */
  readonly pushes: number;
  readonly firstPushMs: number;
  readonly lastPushMs: number;
  /** links that took it: the first {@link LIMITS.journeyTakersMax}, and how many more */
  readonly takers: readonly Deed[];
  readonly moreTakers: number;
  /** keepers that said `stored` */
  readonly stored: readonly Confirmation[];
}

interface Entry {
  pushes: number;
  firstPushMs: number;
  lastPushMs: number;
  readonly takers: Deed[];
  moreTakers: number;
  readonly stored: Confirmation[];
}

export class Journal {
  readonly #ctx: Context;
  readonly #entries = new Recent<Entry>(LIMITS.journeysMax);

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** It is an own message. What was not begun is not noted: links take messages of others too. */
  begin(id: string): Entry {
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      entry = { pushes: 0, firstPushMs: 0, lastPushMs: 0, takers: [], moreTakers: 0, stored: [] };
      this.#entries.set(id, entry);
    }
    return entry;
  }

  /** It was handed to the keeper. */
  pushed(id: string): void {
    const entry = this.begin(id);
    entry.pushes++;
    entry.lastPushMs = this.#ctx.now.wallMs;
    if (entry.pushes === 1) entry.firstPushMs = entry.lastPushMs;
  }

  /** A link took these, pushed or fetched. */
  taken(messages: readonly Message[], peer: string): void {
    for (const { idText } of messages) {
      const entry = this.#entries.get(idText);
      if (entry === undefined || entry.takers.some((deed) => deed.peer === peer)) continue;
      if (entry.takers.length < LIMITS.journeyTakersMax)
        entry.takers.push({ peer, atMs: this.#ctx.now.wallMs });
      else entry.moreTakers++;
    }
  }

  /** A keeper said that it has it on its disk. */
  stored(id: string, peer: string, standing: KeeperStanding): void {
    const { stored } = this.begin(id);
    if (stored.length >= LIMITS.journeyTakersMax) return;
    stored.push({ peer, standing, atMs: this.#ctx.now.wallMs });
  }

  of(id: string): Journey | undefined {
    return this.#entries.get(id);
  }

  get size(): number {
    return this.#entries.size;
  }
}
