/** What a checker is, and what it needs of the world. */
import type { StoredMessage } from '../store/store.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';
import type { Publication, Registry } from './registry.ts';
import type { SimFailure } from './trace.ts';

export interface Checked {
  readonly registry: Registry;
  /** a middle box repeats frames */
  readonly repeatsFrames: boolean;
  hosts(): readonly Host[];
  /** what a host's clock shows */
  wallMs(host: Host): number;
  /** channels that clients of this host asked to join */
  interests(host: Host): Iterable<string>;
  /** whether the host's retention still covers a message, so that it may not be missing there */
  keeps(host: Host, publication: Publication): boolean;
  /** what waits in front of and behind a host outside its core */
  queues(host: Host): Queues;
  failure(checker: string, detail: string, about?: readonly string[]): SimFailure;
}

export interface Queues {
  /** the most bytes that ever waited in a send queue of it */
  readonly sendBytes: number;
  /** bytes that came by one link and were not read yet */
  readonly unreadBytes: number;
  /** operations that wait for a commit */
  readonly diskOps: number;
}

export interface Checker extends Observer {
  /** everything once more */
  end(): void;
}

/** Every message that a store holds. */
export function* storedMessages(host: Host): Generator<StoredMessage> {
  for (const { channel } of host.store.channels()) {
    for (let after = 0; ; ) {
      const page = host.store.readArrivals({ after, limit: 500, wallMs: 0, channels: [channel] });
      yield* page;
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.arrival;
    }
  }
}
