/**
 * The sending side of one WebSocket: frames out, and the truth about how full the socket is.
 */
import { WebSocket } from 'ws';
import type { ServerFrame } from '../client/types.ts';
import { API_LIMITS } from '../limits.ts';

export class StreamOutbox {
  readonly #socket: WebSocket;
  #waiting = new Set<() => void>();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.once('close', () => this.#release());
  }

  /** True while so much is unsent that the client gets no more answers until it reads. */
  get isStopped(): boolean {
    return this.#socket.bufferedAmount > API_LIMITS.sendBufferStopBytes;
  }

  /** Sends a frame, or forgets it if the socket is closed. A feed waits for `drained` before it pulls its next item. */
  send(frame: ServerFrame): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(frame), () => {
      if (this.#socket.bufferedAmount <= API_LIMITS.sendBufferBytes) this.#release();
    });
  }

  /** A promise for the moment when the buffer is small again or the socket is closed; undefined if it is small. */
  drained(): Promise<void> | undefined {
    const isOpen = this.#socket.readyState === WebSocket.OPEN;
    if (!isOpen || this.#socket.bufferedAmount <= API_LIMITS.sendBufferBytes) return undefined;
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Calls `tell` once at that moment. Asking twice with the same function is asking once. */
  whenDrained(tell: () => void): void {
    this.#waiting.add(tell);
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const tell of waiting) tell();
  }
}
