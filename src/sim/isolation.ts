/** Who is cut off from the others, and since when. */
import type { Host } from './host.ts';
import { shapeOf } from './shape.ts';
import type { World } from './world.ts';

/** From one look to the next, virtual ms: every peer is asked for all that it shows. */
const LOOK_MS = 2000;

/** Looks while virtual time passes and remembers who was outside the largest component without a break. */
export class IsolationWatch {
  readonly #world: World;
  readonly #sinceMs = new Map<Host, number>();
  /** those in the largest component, with the number of their run */
  readonly #connected = new Map<Host, number>();
  #lookedMs = 0;
  #longestMs = 0;
  #longest = '';

  constructor(world: World) {
    this.#world = world;
  }

  /** Lets time pass. */
  run(durationMs: number): void {
    const endMs = this.#world.nowMs + durationMs;
    while (this.#world.nowMs < endMs) {
      this.#world.run(Math.min(LOOK_MS, endMs - this.#world.nowMs));
      this.#look();
    }
  }

  #look(): void {
    const { nowMs } = this.#world;
    const outside = new Set(shapeOf(this.#world).outside.map((name) => this.#world.host(name)));
    this.#connected.clear();
    for (const host of this.#world.up()) if (!outside.has(host)) this.#connected.set(host, host.run);
    for (const host of this.#sinceMs.keys()) if (!outside.has(host)) this.#sinceMs.delete(host);
    for (const host of outside) {
      // Whoever started since the last look was alone from then on.
      const sinceMs = this.#sinceMs.get(host) ?? Math.max(this.#lookedMs, host.startedMs);
      this.#sinceMs.set(host, sinceMs);
      if (nowMs - sinceMs <= this.#longestMs) continue;
      this.#longestMs = nowMs - sinceMs;
      this.#longest = `${host.name} from ${Math.round(sinceMs)} ms on`;
    }
    this.#lookedMs = nowMs;
  }

  /** Whether it was connected at the last look, and has run since then. */
  readonly isConnected = (host: Host): boolean => this.#connected.get(host) === host.run && host.isUp;

  /** How long anybody was cut off at a stretch, virtual ms, and who. */
  get longest(): { readonly ms: number; readonly words: string } {
    return { ms: this.#longestMs, words: this.#longest };
  }
}
