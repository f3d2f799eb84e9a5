/**
 * Tells people when there is no room for more messages, and when there is again. The core knows both and says neither by
 * itself: it is asked from time to time, at each status, and a publish that it refuses tells at once.
 */
import type { Later } from './committer.ts';
import type { Problems } from './problems.ts';

/** How often the core is asked, ms (guess: a person at the screen waits no longer for good news). */
const LOOK_MS = 5_000;
const DETAIL = 'What is sent from here is refused, and what others send is fetched once there is room again.';

export interface RoomParts {
  readonly isFull: () => boolean;
  readonly problems: Problems;
  readonly later: Later;
  /** called once for each time that there is room again */
  readonly onRoom: () => void;
}

export class Room {
  readonly #parts: RoomParts;
  #cancel: () => void = () => undefined;
  #isStopped = false;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** Asks from now on until {@link stop}; after that nothing, for a daemon may end in the middle of its start. */
  start(): void {
    if (this.#isStopped) return;
    this.look();
    this.#cancel = this.#parts.later.after(LOOK_MS, () => this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  look(): void {
    const { isFull, problems, onRoom } = this.#parts;
    if (isFull()) this.refused();
    else if (problems.solve('store_full')) onRoom();
  }

  /** A publish was refused because there is no room. */
  refused(): void {
    this.#parts.problems.add('store_full', DETAIL);
  }
}
