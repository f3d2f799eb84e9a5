/**
 * Pings of the WebSocket protocol (RFC 6455 section 5.5.2), which every implementation answers: for links on which the
 * protocol above has none. A connection that shows no life for two periods is over.
 */
import { LIMITS } from '../core/limits.ts';

/** What it needs of a WebSocket of `ws`. */
export interface Pulse {
  on(event: 'pong' | 'message', listener: () => void): unknown;
  ping(): void;
  readonly isPaused: boolean;
}

export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  #isAlive = true;
  #misses = 0;

  /** @param periodMs between two pings */
  constructor(ws: Pulse, onDead: () => void, periodMs: number = LIMITS.pingSlowMs) {
    const alive = (): void => {
      this.#isAlive = true;
    };
    ws.on('pong', alive);
    ws.on('message', alive);
    this.#timer = setInterval(() => {
      // A link that we do not read cannot show life.
      this.#misses = this.#isAlive || ws.isPaused ? 0 : this.#misses + 1;
      this.#isAlive = false;
      if (this.#misses >= 2) onDead();
      else ws.ping();
    }, periodMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
