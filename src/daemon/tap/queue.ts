/**
 * What one tap has caught and its client has not taken. Bounded in frames and bytes: what comes while it is full is lost
 * and counted, so that a client that reads slowly costs its own sight and nothing else.
 */
import type { Caught } from './decode.ts';

/** Frames, and their bytes, that wait for a client (guess: a second of a busy daemon; a full frame fits 32 times). */
const FRAMES_MAX = 2048;
const BYTES_MAX = 4 * 1024 * 1024;

export type Taken =
  | { readonly kind: 'caught'; readonly caught: Caught }
  /** frames that were lost behind what was taken before */
  | { readonly kind: 'lost'; readonly frames: number };

function sizeOf(caught: Caught): number {
  if (caught.kind === 'frame') return caught.bytes.length;
  return caught.kind === 'text' ? 2 * caught.text.length : 0;
}

/** A small frame must not keep the large chunk in memory that it came in. */
function alone(caught: Caught): Caught {
  if (caught.kind !== 'frame' || caught.bytes.buffer.byteLength <= 2 * caught.bytes.length) return caught;
  return { ...caught, bytes: caught.bytes.slice() };
}

export class TapQueue {
  #items: Taken[] = [];
  /** index of the oldest item that was not taken */
  #from = 0;
  #frames = 0;
  #bytes = 0;
  /** lost since the last item was put in */
  #lost = 0;
  #wake: () => void = () => undefined;

  put(caught: Caught): void {
    const size = sizeOf(caught);
    if (this.#frames >= FRAMES_MAX || this.#bytes + size > BYTES_MAX) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) this.#items.push({ kind: 'lost', frames: this.#lost });
    this.#lost = 0;
    this.#items.push({ kind: 'caught', caught: alone(caught) });
    this.#frames++;
    this.#bytes += size;
    this.wake();
  }

  take(): Taken | undefined {
    const item = this.#items[this.#from];
    if (item === undefined) {
      this.#items = [];
      this.#from = 0;
      const frames = this.#lost;
      this.#lost = 0;
      return frames > 0 ? { kind: 'lost', frames } : undefined;
    }
    this.#from++;
    if (item.kind === 'caught') {
      this.#frames--;
      this.#bytes -= sizeOf(item.caught);
    }
    if (this.#from >= FRAMES_MAX) {
      this.#items = this.#items.slice(this.#from);
      this.#from = 0;
    }
    return item;
  }

  /** Resolves when there may be something to take, or {@link wake} is called. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake();
  }
}
